// Attaches containers by `bauta cni`, the executable, as an operator or a test of lists does.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { JsonObject } from "../../src/cni/json.ts";
import { PLUGINS as LISTED } from "../../src/plugins/all.ts";
import { makeNetns, type TestNetns } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { stateOf } from "../support/whole-node.ts";
import { PLUGINS } from "./masquerade/node.ts";

const BAUTA = join(PLUGINS, "../bauta");

export interface CniOutcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `bauta cni` with these arguments. */
export function cni(args: readonly string[], path: string = PLUGINS): CniOutcome {
  const env = { PATH: process.env["PATH"] ?? "", CNI_PATH: path };
  return spawnSync(BAUTA, ["cni", ...args], { encoding: "utf8", env });
}

/** A file with this list, until the running test ends. */
export function listFile(list: JsonObject): string {
  const path = join(temporaryDirectory(), "10-test.conflist");
  writeFileSync(path, JSON.stringify(list));
  return path;
}

/** What a call that must have succeeded has printed. Throws with its output otherwise. */
export function succeeded(what: string, { status, stdout, stderr }: CniOutcome): string {
  if (status !== 0) throw new Error(`${what}: ${stdout}${stderr}`);
  return stdout;
}

/** A plugin that is chained gets an interface from another. */
const FIRST = { type: "ptp", ipam: { type: "host-local", subnet: "10.29.0.0/24" } };

/** An example of the documentation as a list: a plugin's configuration stands for a list with that plugin. */
function exampleList(example: JsonObject): JsonObject {
  if (example["plugins"] !== undefined) return example;
  const { cniVersion = "1.0.0", name = "example", ...plugin } = example;
  const isChained = LISTED.some(({ name: one, kind }) => one === plugin["type"] && kind === "chained");
  return { cniVersion, name, plugins: isChained ? [FIRST, plugin] : [plugin] };
}

/**
 * Attaches a container by an example of the documentation, checks and detaches it: nothing is left. Throws where that is not so.
 * @param at Where the example is.
 */
export function attachAndDetach(at: string, example: JsonObject): void {
  const container = makeNetns();
  try {
    attachTwice(at, exampleList(example), container);
  } finally {
    container.remove();
  }
}

function attachTwice(at: string, example: JsonObject, container: TestNetns): void {
  const list = listFile(example);
  const call = (action: string): string =>
    succeeded(`${at}: ${action}`, cni([action, list, "--netns", container.path, "--container-id", "example"]));
  // Directories, locks and the hint at the last address stay.
  const state = (): unknown => {
    const { prepared: _, ...rest } = stateOf([container.name]);
    return rest;
  };
  // What attachments share is there from the first on: a bridge, say.
  for (const action of ["add", "del"]) call(action);
  const before = state();
  expect(JSON.parse(call("add")).interfaces.length).toBeGreaterThan(0);
  for (const action of ["check", "del"]) call(action);
  expect(state()).toEqual(before);
}
