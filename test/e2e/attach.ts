// Attaches containers by `bauta cni`, the executable, as an operator or a test of lists does.

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "../../src/cni/json.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
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
