// The examples of docs/plugins/*.md, each attached, checked and detached: nothing is left.

import { beforeAll, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/cni/json.ts";
import { PLUGINS } from "../../src/plugins/all.ts";
import { type Example, examplesOf, readPages } from "../../tools/plugin-pages/pages.ts";
import { makeNetns, run, type TestNetns } from "../support/netns.ts";
import { stateOf } from "../support/whole-node.ts";
import { cni, listFile, succeeded } from "./attach.ts";
import { becomeNode } from "./masquerade/node.ts";

let container: TestNetns;
beforeAll(() => {
  becomeNode();
  run("ip", ..."link property add dev uplink altname eth1".split(" ")); // the master of examples
  container = makeNetns("container");
});

/** A plugin that is chained gets an interface from another. */
const FIRST = { type: "ptp", ipam: { type: "host-local", subnet: "10.29.0.0/24" } };

/** The example as a list: a plugin's configuration stands for a list with that plugin. */
function listOf(example: JsonObject): JsonObject {
  if (example["plugins"] !== undefined) return example;
  const { cniVersion = "1.0.0", name = "example", ...plugin } = example;
  const isChained = PLUGINS.some(({ name: one, kind }) => one === plugin["type"] && kind === "chained");
  return { cniVersion, name, plugins: isChained ? [FIRST, plugin] : [plugin] };
}

/** What there is of an attachment. Directories, locks and the hint at the last address stay. */
function state(): unknown {
  const { prepared: _, ...rest } = stateOf(["container"]);
  return rest;
}

const runnable = (example: Example): boolean => example.excuse === undefined;
const examples = readPages().flatMap((page) => examplesOf(page).filter(runnable));

describe("an example of the plugins' pages", () => {
  it.each(examples.map((example) => [example.at, example] as const))("works: %s", (at, { text }) => {
    const list = listFile(listOf(JSON.parse(text)));
    const call = (action: string): string =>
      succeeded(`${at}: ${action}`, cni([action, list, "--netns", container.path, "--container-id", "example"]));
    // What attachments share is there from the first on: a bridge, say.
    for (const action of ["add", "del"]) call(action);
    const before = state();
    expect(JSON.parse(call("add")).interfaces.length).toBeGreaterThan(0);
    for (const action of ["check", "del"]) call(action);
    expect(state()).toEqual(before);
  });
});
