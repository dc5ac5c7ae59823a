// One call of a plugin in this process: what a runtime would send, and what it would see.

import { runPlugin } from "../../src/cni/dispatch.ts";
import type { Plugin } from "../../src/cni/plugin.ts";
import { engine } from "../../src/sys/engine.ts";
import { isOwnNetns } from "../../src/sys/netns.ts";

export type Variables = Readonly<Record<string, string>>;

/** What the runtime sees. */
export interface Outcome {
  readonly status: number;
  /** Standard output as JSON, or undefined where nothing was printed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was printed
  readonly json: any;
  /** Lines on standard error. */
  readonly log: readonly string[];
}

/** Runs the plugin with these variables, `config` on standard input (text as it is, anything else as JSON). */
export function callPlugin(plugin: Plugin, env: Variables, config: unknown, closedStdout = false): Outcome {
  const log: string[] = [];
  let stdout = "";
  const status = runPlugin(plugin, {
    getenv: (name) => env[name],
    readStdin: () => engine.encode(typeof config === "string" ? config : JSON.stringify(config)),
    write: (text) => {
      if (closedStdout) throw new Error("standard output is closed");
      stdout += text;
    },
    log: (line) => void log.push(line),
    isOwnNetns,
    mapStack: (stack) => stack,
  });
  return { status, json: stdout === "" ? undefined : JSON.parse(stdout), log };
}
