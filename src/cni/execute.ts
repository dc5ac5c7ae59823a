// Executing a plugin (CNI specification, sections 2 and 5): variables and configuration in, result or error out.

import { engine, type SpawnResult } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { poll } from "../sys/poll.ts";
import { spawn } from "../sys/spawn.ts";
import { type CallVariables, type Command, formatEnvironment } from "./environment.ts";
import { CNI_CODE, CniError } from "./error.ts";
import { excerpt, isJsonObject, type JsonObject, parseJson } from "./json.ts";
import { integer, object, optional, string } from "./schema.ts";

/** A call of another plugin. */
export interface PluginCall {
  /** The plugin's `type`, for errors. */
  readonly type: string;
  readonly call: CallVariables;
  /** The configuration. */
  readonly stdin: Uint8Array;
}

/**
 * Executes a plugin in the environment of this process, with the variables of the call, and returns what it printed. Throws
 * the error that the plugin printed: a CniError with the plugin's own code; CniError 11 where it does not end.
 */
export function executePlugin(file: string, { type, call, stdin }: PluginCall): Uint8Array {
  const result = run(file, environmentOf(call), stdin, { type, command: call.command });
  if (result.status === 0 && result.signal === 0) return result.stdout;
  throw pluginError(result, type);
}

function environmentOf(call: CallVariables): string[] {
  const variables = formatEnvironment(call);
  const inherited = engine.environ().filter((variable) => !variables.has(variable.slice(0, variable.indexOf("="))));
  return [...inherited, ...Array.from(variables, ([name, value]) => `${name}=${value}`)];
}

/**
 * How long a plugin may take. A kubelet gives up an ADD after four minutes and a DEL after two; the slowest plugin that
 * there is, the dhcp plugin, gives up by itself after 208 seconds (its resendtimeout). Neither has an error that names the
 * plugin to blame.
 */
const TIMEOUT_MS = { ADD: 220_000, others: 100_000 };

const BUSY_ATTEMPTS = 10;
const BUSY_PAUSE_MS = 200;

/** A file that is just being written can't be executed: that passes. */
function run(
  path: string,
  environment: readonly string[],
  stdin: Uint8Array,
  { type, command }: { readonly type: string; readonly command: Command },
): SpawnResult {
  const timeoutMs = command === "ADD" ? TIMEOUT_MS.ADD : TIMEOUT_MS.others;
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

/** The result that a plugin printed, as JSON. Throws CniError 6 where it is not an object. */
export function parsePluginOutput(output: Uint8Array, type: string): JsonObject {
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
export function pluginError({ status, signal, stdout }: Omit<SpawnResult, "stderr">, type: string): CniError {
  const plugin = `plugin ${excerpt(type)}`;
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
