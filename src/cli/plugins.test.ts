import { expect, it } from "vitest";
import { BUNDLES } from "../../engine/bundles.mjs";
import { PLUGINS } from "./plugins.ts";

it("names the plugins that the build puts into the executable", () => {
  const names = BUNDLES.map(({ name }) => name).filter((name) => name !== "bauta");
  expect(PLUGINS).toEqual(names.sort());
});
