// The examples of upstream's documentation that every kernel can run; test/guest has the others.

import { expect, it } from "vitest";
import { PLUGIN_NAMES } from "../../src/plugins/all.ts";
import { DOCUMENTED_EXAMPLES } from "../support/documented-examples.ts";
import { describeDocumentedExamples } from "./documented.ts";

describeDocumentedExamples(false);

it("is there for each plugin", () => {
  const types = DOCUMENTED_EXAMPLES.flatMap(({ list }) =>
    list.plugins.flatMap(({ type, ipam }) => [type, (ipam as { type?: string } | undefined)?.type]),
  );
  // Its documentation has none of the first two, and dhcp takes a server: test/e2e/dhcp.test.ts has one.
  const without = ["loopback", "dummy", "dhcp"];
  expect(PLUGIN_NAMES.filter((name) => !types.includes(name) && !without.includes(name))).toEqual([]);
});
