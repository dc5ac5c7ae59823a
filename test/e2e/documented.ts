// Runs the examples of upstream's documentation on a node that has no plugins but ours, as bauta install puts them there.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DOCUMENTED_EXAMPLES, type DocumentedExample } from "../support/documented-examples.ts";
import { makeNetns, run, type TestNetns } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { stateOf } from "../support/whole-node.ts";
import { cni, listFile, succeeded } from "./attach.ts";
import { becomeNode, cleanNode, PLUGINS } from "./masquerade/node.ts";

let container: TestNetns;
beforeAll(() => void becomeNode());
beforeEach(() => {
  container = makeNetns("container");
});
afterEach(() => {
  container.remove();
  cleanNode(["/run/my-orchestrator"]);
});

function runs({ list, capabilityArgs = {}, node = [], container: inside = [] }: DocumentedExample): void {
  const directory = temporaryDirectory();
  execFileSync(join(PLUGINS, "../bauta"), ["install", "--bin-dir", directory]);
  for (const line of node) run("ip", ...line.split(" "));
  for (const line of inside) container.ip(line);
  const file = listFile(list);
  const at = ["--netns", container.path, "--container-id", "c1", "--cap-args", JSON.stringify(capabilityArgs)];
  const must = (action: string): string => succeeded(action, cni([action, file, ...at], directory));
  // What attachments share is there from the first on.
  must("add");
  must("del");
  const before = stateOf(["container"]);
  const result = JSON.parse(must("add"));
  expect(result.interfaces.some(({ sandbox }: { sandbox?: string }) => sandbox === container.path)).toBe(true);
  expect(stateOf(["container"])).not.toEqual(before);
  if (list["cniVersion"] !== "0.3.1") must("check");
  must("del");
  const after = stateOf(["container"]);
  expect(after).toEqual({ ...before, prepared: after.prepared });
}

/** The examples that take a module which not every kernel has, or the others. */
export function describeDocumentedExamples(takeModules: boolean): void {
  const chosen = DOCUMENTED_EXAMPLES.filter(({ module }) => (module !== undefined) === takeModules);
  describe("an example of upstream's documentation", () => {
    it.each(chosen.map((one) => [one.title, one] as const))("%s: ADD, CHECK, and a DEL that leaves nothing", (_, one) =>
      runs(one),
    );
  });
}
