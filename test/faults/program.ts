// Starts programs as often as the walks do: the engine's spawn is several times as fast as Node's, which forks a large process.

import { accessSync } from "node:fs";
import { join } from "node:path";
import { PATIENCE_MS, PATIENCE_S } from "../../engine/patience.mjs";
import { errno } from "../../src/sys/errno.ts";
import { inputOf, outcomeOf, type PluginCall, type PluginOutcome, runtimeEnvironment } from "../support/plugin.ts";
import type { Shell } from "../support/whole-node.ts";

const OUTPUT_LIMIT = 64 << 20;
const ERROR_LIMIT = 1 << 20;

/** Runs a program, whose path is the first argument, to its end. Throws where the program does not end, and is killed. */
export function runProgram(argv: readonly string[], env: NodeJS.ProcessEnv, input = ""): PluginOutcome {
  const { bautaEngine } = globalThis;
  const [path = ""] = argv;
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const stdin = bautaEngine.encode(input);
  const result = bautaEngine.spawn(path, argv, variables, stdin, OUTPUT_LIMIT, ERROR_LIMIT, PATIENCE_MS);
  if (result === -errno("ETIMEDOUT")) throw new Error(`it hangs: it has not ended within ${PATIENCE_S} s`);
  if (typeof result === "number") throw new Error(`cannot run ${path}: errno ${-result}`);
  const status = result.signal === 0 ? result.status : 128 + result.signal;
  return outcomeOf(status, bautaEngine.decode(result.stdout), bautaEngine.decode(result.stderr));
}

/** A call of a plugin, by its file; `through` is a command that executes the file in its turn. */
export function callProgram(path: string, call: PluginCall, through: readonly string[] = []): PluginOutcome {
  return runProgram([...through, path], runtimeEnvironment(path, call), inputOf(call));
}

/** The shell. Throws where the script ends with another status than 0. */
export const shell: Shell = (script) => {
  const { status, stdout, stderr } = runProgram([SH, "-c", script], process.env);
  if (status !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout;
};

const SH =
  (process.env["PATH"] ?? "")
    .split(":")
    .map((directory) => join(directory, "sh"))
    .find(isThere) ?? "/bin/sh";

function isThere(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
