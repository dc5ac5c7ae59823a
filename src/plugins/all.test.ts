import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { PLUGIN_NAMES as FOLDERS } from "../../engine/bundles.mjs";
import { CASES } from "../../test/conformance/cases.ts";
import { schemaDocument } from "../cli/schema/documents.ts";
import { PLUGIN_NAMES, PLUGINS } from "./all.ts";
import { addressKeys } from "./shared-keys.ts";

const text = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The plugins that a place has not heard of. */
const missing = (isThere: (name: string) => boolean): string[] => PLUGIN_NAMES.filter((name) => !isThere(name));

describe("a plugin", () => {
  it("has a folder in src/plugins and a row in all.ts, in alphabetical order", () => {
    expect(PLUGIN_NAMES).toEqual([...FOLDERS].sort());
  });

  it("has a case in test/conformance/cases.ts", () => {
    expect(missing((name) => Object.hasOwn(CASES, name))).toEqual([]);
  });

  it("has a row in the table of README.md", () => {
    expect(missing((name) => text("README.md").includes(`\n| [\`${name}\`](docs/plugins/${name}.md) |`))).toEqual([]);
  });

  it("has a JSON Schema", () => {
    expect(missing((name) => schemaDocument(name) !== undefined)).toEqual([]);
  });

  it("takes the addresses of args and runtimeConfig where it asks an IPAM plugin for addresses", () => {
    const asking = PLUGINS.filter(({ ipam }) => ipam !== undefined);
    expect(asking.filter(({ keys }) => !keys.includes(addressKeys)).map(({ name }) => name)).toEqual([]);
  });

  it("describes each of its keys", () => {
    const nameless = PLUGINS.flatMap(({ name, keys }) =>
      keys.flatMap(({ shape }) => (shape.kind === "object" ? [] : name)),
    );
    expect(nameless).toEqual([]);
  });
});
