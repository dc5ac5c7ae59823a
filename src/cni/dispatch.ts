// One call of a plugin from beginning to end: environment, configuration, verb, result or error, exit status. All that
// touches the outside comes in through PluginIo, so that a test can run a whole plugin in its own process.

import { version as release } from "../../package.json";
import { hasCode } from "../sys/error.ts";
import { printableLine } from "../sys/printable.ts";
import { CONFIG_LIMIT, type NetworkConfig, parseConfig } from "./config.ts";
import { type Command, type Environment, readEnvironment } from "./environment.ts";
import { CNI_CODE, CniError, formatError } from "./error.ts";
import { toCniError } from "./error-code.ts";
import type { Invocation, Plugin } from "./plugin.ts";
import { parseResult, type Result } from "./result.ts";
import { formatResult } from "./result-json.ts";
import { CURRENT_VERSION, formatVersions, SUPPORTED_VERSIONS, type Version, versionsSince } from "./versions.ts";

/** The outside, as a plugin's call needs it; main.ts has the real one. */
export interface PluginIo {
  readonly getenv: (name: string) => string | undefined;
  /** All of standard input; throws past `limit` bytes. */
  readonly readStdin: (limit: number) => Uint8Array;
  /** Writes to standard output, all of it or an error. */
  readonly write: (text: string) => void;
  /** Writes a line to standard error; never fails. */
  readonly log: (line: string) => void;
  /** Whether a path is the network namespace of this process. */
  readonly isOwnNetns: (path: string) => boolean;
  /** Makes a stack trace name the lines of the source. */
  readonly mapStack: (stack: string) => string;
}

/** The release of containernetworking/plugins whose keys, results and state on disk these plugins have. */
const COMPATIBLE_WITH = "1.9.1";

/**
 * What a plugin introduces itself by: a semantic version, of which the part behind "+" does not count. nerdctl takes less than
 * 1.7.1 for a firewall that knows no `ingressPolicy: isolated`.
 */
const RELEASE = `v${COMPATIBLE_WITH}+bauta.${release}`;

/** Serves one call as the environment and standard input ask for it. Returns the exit status; never throws. */
export function runPlugin(plugin: Plugin, io: PluginIo): number {
  const call: Call = { plugin, io, command: "", version: CURRENT_VERSION };
  try {
    serve(call);
    return 0;
  } catch (thrown) {
    reportError(call, thrown);
    return 1;
  }
}

/** What is known of a call so far, for the report of an error. */
interface Call {
  readonly plugin: Plugin;
  readonly io: PluginIo;
  command: Command | "";
  version: Version;
}

function serve(call: Call): void {
  const { plugin, io } = call;
  const environment = readEnvironment(io.getenv);
  if (environment === undefined) {
    io.log(plugin.about ?? `CNI ${plugin.name} plugin ${RELEASE}`);
    io.log(
      `CNI protocol versions supported: ${versionsSince(plugin.oldestVersion ?? SUPPORTED_VERSIONS[0]).join(", ")}`,
    );
    return;
  }
  call.command = environment.command;
  // VERSION does not read standard input, which may stay open for ever.
  if (environment.command === "VERSION") io.write(formatVersions(plugin.oldestVersion));
  else serveNetwork(call, environment);
}

function serveNetwork(call: Call, environment: Environment): void {
  const { plugin, io } = call;
  const config = parseConfig(readConfig(io), environment.command, plugin.oldestVersion);
  call.version = config.cniVersion;
  const { command, containerId, netns, ifname, args, path } = environment;
  const log = (line: string): void => io.log(printableLine(`${plugin.name}: ${line}`));
  const prevResult = readPrevResult(config, command, log);
  const invocation = { command, containerId, netns, ifname, args, path, config, prevResult, log };
  const isOwn = usesOwnNetns(environment, io);
  if (command === "DEL") {
    // In our own namespace nothing is deleted; what the attachment left elsewhere is.
    plugin.del?.(isOwn ? { ...invocation, netns: "" } : invocation);
    if (isOwn) throw ownNetnsError(netns);
  } else if (command === "ADD") {
    if (isOwn) throw ownNetnsError(netns);
    if (plugin.add !== undefined) printResult(plugin, plugin.add(invocation), invocation, io);
  } else if (command === "CHECK") plugin.check?.(invocation);
  else if (command === "GC") plugin.gc?.(invocation);
  else plugin.status?.(invocation);
}

function readConfig(io: PluginIo): Uint8Array {
  try {
    return io.readStdin(CONFIG_LIMIT);
  } catch (error) {
    throw CniError.because(error, CNI_CODE.IO_FAILURE, "cannot read the network configuration from standard input");
  }
}

/** A DEL goes on without a prevResult that can't be read: it must not fail for what is missing. */
function readPrevResult(config: NetworkConfig, command: Command, log: Invocation["log"]): Result | undefined {
  if (config.prevResult === undefined) return undefined;
  try {
    return parseResult(config.prevResult, config.cniVersion, "prevResult");
  } catch (error) {
    if (command !== "DEL" || !(error instanceof CniError)) throw error;
    log(`prevResult is ignored: ${error.message}`);
    return undefined;
  }
}

function usesOwnNetns({ command, netns, netnsOverride }: Environment, io: PluginIo): boolean {
  if ((command !== "ADD" && command !== "DEL") || netns === "" || netnsOverride) return false;
  try {
    return io.isOwnNetns(netns);
  } catch (error) {
    // Whether the path must be a namespace is for the plugin to say: IPAM plugins never look at it.
    if (hasCode(error, "ENOENT", "ENOTDIR", "EACCES", "ELOOP", "ENAMETOOLONG")) return false;
    throw error;
  }
}

function ownNetnsError(netns: string): CniError {
  return new CniError(
    CNI_CODE.INVALID_NETNS,
    `CNI_NETNS ${JSON.stringify(netns)} is the network namespace that the plugin runs in, not a container's`,
    "set CNI_NETNS_OVERRIDE=1 where that is meant",
  );
}

/** Prints the result of ADD; one that nobody could read is undone, so that nothing is left of it. */
function printResult(plugin: Plugin, result: Result, invocation: Invocation, io: PluginIo): void {
  try {
    io.write(formatResult(result, invocation.config.cniVersion));
  } catch (error) {
    try {
      plugin.del?.({ ...invocation, command: "DEL", prevResult: result });
    } catch (undoError) {
      const { message } = toCniError(undoError, "DEL", io.mapStack);
      const problem = "cannot undo the attachment whose result could not be printed";
      io.log(printableLine(`${plugin.name}: ${problem}: ${message}`));
    }
    throw error;
  }
}

function reportError({ io, plugin, command, version }: Call, thrown: unknown): void {
  const error = toCniError(thrown, command, io.mapStack);
  try {
    io.write(formatError(error, version));
  } catch (writeError) {
    const { message } = toCniError(writeError, command, io.mapStack);
    for (const line of new Set([error.message, message])) io.log(printableLine(`${plugin.name}: ${line}`));
  }
}
