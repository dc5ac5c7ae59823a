// A plugin as a program: the real outside, and the end of the process.

import { type PluginIo, runPlugin } from "./cni/dispatch.ts";
import { ERRAND, type OwnPlugin } from "./cni/plugin.ts";
import { engine } from "./sys/engine.ts";
import { isOwnNetns } from "./sys/netns.ts";
import { exit, logLine, readStdin, writeStdout } from "./sys/process.ts";

/** Serves the call that this process was started for, and ends it. */
export function run(plugin: OwnPlugin): never {
  const [, first = "", ...words] = engine.args;
  if (first === ERRAND && plugin.errand !== undefined) exit(runErrand(plugin.errand, words[0] ?? ""));
  const { subcommands = {} } = plugin;
  // A name that every object has, such as "constructor", is none of these.
  const subcommand = Object.hasOwn(subcommands, first) ? subcommands[first] : undefined;
  if (subcommand !== undefined) exit(subcommand(words, logLine));
  const io: PluginIo = {
    getenv: (name) => engine.getenv(name),
    readStdin,
    write: writeStdout,
    log: logLine,
    isOwnNetns,
    mapStack: (stack) => engine.mapStack(stack),
  };
  exit(runPlugin(plugin, io));
}

/** The process that has executed this program reads the error on standard error. */
function runErrand(errand: (argument: string) => void, argument: string): number {
  try {
    errand(argument);
    return 0;
  } catch (error) {
    logLine(error instanceof Error ? error.message : String(error));
    return 1;
  }
}
