// `bauta VERB …`: finds the verb, and turns what it throws into words and an exit status.

import { CNI_CODE, CniError, formatError } from "../cni/error.ts";
import { CURRENT_VERSION } from "../cni/versions.ts";
import { PLUGIN_NAMES } from "../plugins/all.ts";
import { hasCode } from "../sys/error.ts";
import { suggestion, UsageError } from "./arguments.ts";
import { explain } from "./failure.ts";
import { type CliIo, type Output, outputOf } from "./io.ts";
import { helpText, VERBS } from "./verbs.ts";

/** Exit statuses: done; could not be done; asked for wrongly. */
const OK = 0;
const FAILED = 1;
const USAGE = 2;

/** Runs one command. Returns the exit status; never throws. */
export function runCli(io: CliIo): number {
  const output = outputOf(io);
  try {
    if (isCalledAsPlugin(io)) return refuseAsPlugin(io);
    return run(output);
  } catch (error) {
    return report(error, output);
  } finally {
    output.end();
  }
}

function run(io: Output): number {
  const [word, ...args] = io.args.slice(1);
  if (word === undefined) {
    for (const line of helpText().trimEnd().split("\n")) io.log(line);
    return USAGE;
  }
  const name = ALIASES.get(word) ?? word;
  const verb = VERBS.find((one) => one.name === name);
  if (verb === undefined) {
    const names = VERBS.map((one) => one.name);
    const what = word.startsWith("-") ? "unknown option" : "unknown command";
    throw new UsageError(`${what} ${JSON.stringify(word)}${suggestion(word, names)}`);
  }
  verb.run(args, io);
  return OK;
}

/** What other programs answer to as well. */
const ALIASES = new Map([
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
  ["-V", "version"],
]);

function report(error: unknown, io: Output): number {
  // The reader has seen enough: `bauta list | head -1`.
  if (hasCode(error, "EPIPE")) return OK;
  if (error instanceof UsageError) {
    io.log(`bauta: ${error.message}`);
    io.log("bauta help lists the commands; bauta help COMMAND tells what one takes.");
    return USAGE;
  }
  for (const line of explain(error, io.mapStack)) io.log(`bauta: ${line}`);
  return FAILED;
}

/** Container runtimes say by CNI_COMMAND what they want of a plugin, and give no arguments. */
function isCalledAsPlugin(io: CliIo): boolean {
  return io.args.length <= 1 && (io.getenv("CNI_COMMAND") ?? "") !== "";
}

/** Says it in the way that a runtime passes on: this is no plugin, for instance because of a link with a wrong name. */
function refuseAsPlugin(io: CliIo): number {
  const name = io.args[0]?.replace(/^.*\//, "") ?? "";
  const error = new CniError(
    CNI_CODE.INVALID_ENVIRONMENT,
    `called by the name ${JSON.stringify(name)}, this executable is the bauta command, not a plugin`,
    `as plugins it has the names ${PLUGIN_NAMES.join(", ")}: install or link it by one of these, or by a name that ends in one after a hyphen (called as ${io.args[0] ?? ""})`,
  );
  io.write(formatError(error, CURRENT_VERSION));
  return FAILED;
}
