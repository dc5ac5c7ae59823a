// Delegation (CNI specification, section 4): running another plugin, an IPAM plugin say, on the same configuration.

import { engine, type SpawnResult } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { type Identity, identify, isSame } from "../sys/file.ts";
import { poll } from "../sys/poll.ts";
import { spawn } from "../sys/spawn.ts";
import type { Command } from "./environment.ts";
import { CNI_CODE, CniError } from "./error.ts";
import { excerpt, isJsonObject, type JsonObject, parseJson } from "./json.ts";
import type { Invocation } from "./plugin.ts";
import { parseResult, type Result } from "./result.ts";
import { integer, object, optional, string } from "./schema.ts";

/**
 * The executable of a plugin: the first directory of CNI_PATH that has it. Throws CniError 7 for a name that can't be one,
 * and 999, as the reference implementation does, where no directory has it.
 */
export function findPlugin(type: string, path: string): string {
  return locate(type, path).file;
}

/** Whether that is the executable that is running now, by whatever name: it can then be called in-process. */
export function isOwnPlugin(type: string, path: string): boolean {
  return isSame(locate(type, path).identity, identify("/proc/self/exe"));
}

function locate(type: string, path: string): { readonly file: string; readonly identity: Identity } {
  if (type === "" || type.includes("/") || type.includes("\0") || type === "." || type === "..") {
    throw new CniError(CNI_CODE.INVALID_CONFIG, `${excerpt(type)} is not the name of a plugin`);
  }
  // An empty entry would be the working directory, where nobody looks for plugins on purpose.
  const directories = path.split(":").filter((directory) => directory !== "");
  for (const directory of directories) {
    const file = `${directory}/${type}`;
    const identity = identifyFile(file);
    if (identity !== undefined) return { file, identity };
  }
  throw new CniError(
    CNI_CODE.INTERNAL,
    `failed to find plugin ${excerpt(type)} in path [${directories.join(" ")}]`,
    "the directories are those of CNI_PATH",
  );
}

/** Undefined where nothing is there but perhaps a directory. */
function identifyFile(path: string): Identity | undefined {
  try {
    const identity = identify(path);
    return identity.isDirectory ? undefined : identity;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG")) return undefined;
    throw error;
  }
}

/**
 * Runs another plugin's ADD and returns its result. When it fails it is given a DEL, as section 4 asks for, and its error
 * is thrown: a CniError with the delegate's own code.
 */
export function delegateAdd(type: string, invocation: Invocation): Result {
  const path = findPlugin(type, invocation.path);
  try {
    const output = execute(path, type, "ADD", invocation);
    const json = parseOutput(output, type);
    return parseResult(json, invocation.config.cniVersion, `the result of plugin ${excerpt(type)}`);
  } catch (error) {
    try {
      execute(path, type, "DEL", invocation);
    } catch (undoError) {
      invocation.log(`DEL after a failed ADD: ${undoError instanceof Error ? undoError.message : String(undoError)}`);
    }
    throw error;
  }
}

/** Runs one of another plugin's verbs that have no result. Throws a CniError with the delegate's own code. */
export function delegate(type: string, command: Exclude<Command, "ADD" | "VERSION">, invocation: Invocation): void {
  execute(findPlugin(type, invocation.path), type, command, invocation);
}

/** What the plugin printed; throws its error when it failed. */
function execute(path: string, type: string, command: Command, { config }: Invocation): Uint8Array {
  const environment = engine.environ().filter((variable) => !variable.startsWith("CNI_COMMAND="));
  const timeoutMs = command === "ADD" ? TIMEOUT_MS.ADD : TIMEOUT_MS.others;
  const result = run(path, [...environment, `CNI_COMMAND=${command}`], config.bytes, { type, command, timeoutMs });
  if (result.status === 0 && result.signal === 0) return result.stdout;
  throw errorOf(result, `plugin ${excerpt(type)}`);
}

/**
 * How long a delegate may take. A kubelet gives up an ADD after four minutes and a DEL after two; the slowest delegate that
 * there is, the dhcp plugin, gives up by itself after 208 seconds (its resendtimeout). Neither has an error that names the
 * delegate to blame.
 */
const TIMEOUT_MS = { ADD: 220_000, others: 100_000 };

const BUSY_ATTEMPTS = 10;
const BUSY_PAUSE_MS = 200;

interface Run {
  readonly type: string;
  readonly command: Command;
  readonly timeoutMs: number;
}

/** A file that is just being written can't be executed: that passes. */
function run(
  path: string,
  environment: readonly string[],
  stdin: Uint8Array,
  { type, command, timeoutMs }: Run,
): SpawnResult {
  for (let attempt = 1; ; attempt++) {
    try {
      return spawn(path, [path], environment, stdin, { timeoutMs });
    } catch (error) {
      if (hasCode(error, "ETIMEDOUT")) {
        const problem = `${command} of plugin ${excerpt(type)} did not end within ${timeoutMs / 1000} s`;
        throw CniError.because(error, CNI_CODE.TRY_AGAIN_LATER, problem, "it was killed with its children");
      }
      if (!hasCode(error, "ETXTBSY") || attempt === BUSY_ATTEMPTS) throw error;
      poll([], BUSY_PAUSE_MS);
    }
  }
}

function parseOutput(output: Uint8Array, type: string): JsonObject {
  const json = parseJson(output, `the result of plugin ${excerpt(type)}`);
  // A plugin that printed `null` had nothing to say.
  if (json === null) return {};
  if (isJsonObject(json)) return json;
  throw new CniError(
    CNI_CODE.DECODING_FAILURE,
    `the result of plugin ${excerpt(type)} is not an object: ${excerpt(json)}`,
  );
}

const errorSchema = object({
  code: optional(integer(0, 0xffffffff)),
  msg: optional(string()),
  details: optional(string()),
});

/** The error that a failed plugin printed, or what can be said where it printed none. */
function errorOf({ status, signal, stdout }: SpawnResult, plugin: string): CniError {
  const end = signal !== 0 ? `was killed by signal ${signal}` : `ended with status ${status}`;
  if (stdout.length === 0) return new CniError(CNI_CODE.INTERNAL, `${plugin} ${end} and printed no error`);
  try {
    const json = parseJson(stdout, "output");
    const { code, msg, details } = errorSchema.read(json, "");
    if (msg !== undefined || details !== undefined) {
      return new CniError(code || CNI_CODE.INTERNAL, msg ?? `${plugin} ${end}`, details);
    }
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
  }
  return new CniError(CNI_CODE.INTERNAL, `${plugin} ${end} and printed ${excerpt(engine.decode(stdout))}`);
}
