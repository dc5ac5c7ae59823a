// Running a network configuration list as libcni does (libcni/api.go; CNI specification, section 3): which plugin is called
// when, and with which configuration.

import type { CallVariables, Command } from "../cni/environment.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { parsePluginOutput } from "../cni/execute.ts";
import { excerpt, type JsonObject, type JsonValue } from "../cni/json.ts";
import { parseResult, resultVersion } from "../cni/result.ts";
import { resultToJson } from "../cni/result-json.ts";
import { checkVersion, DEFAULT_VERSION, isAtLeast, type Version } from "../cni/versions.ts";
import { type CachedAttachment, type CniArg, cachedOf, readCached, removeCached, writeCached } from "./cache.ts";
import { callPlugin } from "./call.ts";
import type { ListedPlugin, NetworkList } from "./list.ts";

/** What a runtime says of an attachment (libcni's RuntimeConf). */
export interface Container {
  readonly containerId: string;
  /** Path of the network namespace. For DEL it may be "" or lead nowhere. */
  readonly netns: string;
  readonly ifname: string;
  readonly args: readonly CniArg[];
  /** Values for capabilities: each plugin gets those that it declares. */
  readonly capabilityArgs: JsonObject;
}

/** Where a list is run. */
export interface Runtime {
  /** CNI_PATH. */
  readonly path: string;
  /** libcni's cache directory. */
  readonly cache: string;
  /** Gets what plugins of ours have to say to people, a line each; those of others write to standard error themselves. */
  readonly log: (line: string) => void;
  /** Gets what begins, in a phrase: `ADD by bridge`. */
  readonly begin?: (phrase: string) => void;
}

/** What ADD, CHECK and DEL are called with for an attachment. */
interface Calling {
  readonly list: NetworkList;
  readonly container: Container;
  readonly runtime: Runtime;
}

/**
 * Attaches a container: the plugins' ADD in the list's order, each with the result of the one before. Keeps and returns the
 * last one's result. Throws PluginFailure at the first that fails: what those before it have made is there then, until delList.
 */
export function addList(list: NetworkList, container: Container, runtime: Runtime): JsonObject {
  const calling = { list, container, runtime };
  let result: JsonObject = {};
  for (const [i, plugin] of list.plugins.entries()) {
    const output = callFor(calling, plugin, "ADD", i === 0 ? undefined : result);
    result = toldResult(parsePluginOutput(output, plugin.type), list.cniVersion, plugin.type);
  }
  writeCached(runtime.cache, { network: list.name, ...container, result }, list.bytes);
  return result;
}

/**
 * Checks an attachment: the plugins' CHECK in the list's order, with the result that was kept. Returns false, with nothing
 * checked, where the list says `disableCheck`. Throws PluginFailure at the first that fails, CniError 1 before 0.4.0 and 7
 * where no result was kept.
 */
export function checkList(list: NetworkList, container: Container, runtime: Runtime): boolean {
  checkVersion(list.cniVersion, "CHECK");
  if (list.disableCheck) return false;
  const result = keptResult(list, container, runtime);
  if (result === undefined) {
    const { containerId, ifname } = container;
    const problem = `nothing is known of ${ifname} of container ${containerId} on network ${list.name}`;
    throw new CniError(CNI_CODE.INVALID_CONFIG, problem, `${runtime.cache}/results has no result of its ADD`);
  }
  for (const plugin of list.plugins) callFor({ list, container, runtime }, plugin, "CHECK", result);
  return true;
}

/**
 * Detaches a container: the plugins' DEL in reverse order, with the result that was kept, which is forgotten then. Throws
 * PluginFailure at the first that fails: those before it in the list are not called.
 */
export function delList(list: NetworkList, container: Container, runtime: Runtime): void {
  const result = resultForDel(list, container, runtime);
  for (const plugin of list.plugins.toReversed()) callFor({ list, container, runtime }, plugin, "DEL", result);
  removeCached(runtime.cache, { network: list.name, ...container });
}

/** An attachment as the plugins' GC gets it. */
export interface Valid {
  readonly containerId: string;
  readonly ifname: string;
}

/** What came of a garbage collection. */
export interface Collected {
  /** Attachments in the cache that are valid no more, and have been detached. */
  readonly removed: readonly CachedAttachment[];
  /** What failed; everything else was done all the same. */
  readonly errors: readonly unknown[];
}

/**
 * Removes what belongs to attachments that are not valid any more: by DEL those that the cache knows, and then by each plugin's
 * GC, which lists have since 1.1.0. With `disableGC` nothing is done.
 */
export function gcList(list: NetworkList, valid: readonly Valid[], runtime: Runtime): Collected {
  const removed: CachedAttachment[] = [];
  const errors: unknown[] = [];
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      errors.push(error);
    }
  };
  if (list.disableGC) return { removed, errors };
  for (const cached of cachedOf(runtime.cache, list.name)) {
    if (valid.some(({ containerId, ifname }) => containerId === cached.containerId && ifname === cached.ifname))
      continue;
    attempt(() => {
      delList(list, cached, runtime);
      removed.push(cached);
    });
  }
  if (isAtLeast(list.cniVersion, "1.1.0")) {
    const attachments = valid.map(({ containerId, ifname }) => ({ containerID: containerId, ifname }));
    // The specification has had both names.
    const injected = { "cni.dev/valid-attachments": attachments, "cni.dev/attachments": attachments };
    for (const plugin of list.plugins) attempt(() => void callForNone(list, plugin, "GC", injected, runtime));
  }
  return { removed, errors };
}

/**
 * Asks whether an ADD could be served: the plugins' STATUS in the list's order. Returns false, with nobody asked, before 1.1.0.
 * Throws PluginFailure at the first that could not.
 */
export function statusOfList(list: NetworkList, runtime: Runtime): boolean {
  if (!isAtLeast(list.cniVersion, "1.1.0")) return false;
  for (const plugin of list.plugins) callForNone(list, plugin, "STATUS", {}, runtime);
  return true;
}

function callFor(
  { list, container, runtime }: Calling,
  plugin: ListedPlugin,
  command: Command,
  prevResult: JsonObject | undefined,
): Uint8Array {
  const { containerId, netns, ifname } = container;
  const args = container.args.map(([key, value]) => `${key}=${value}`).join(";");
  const call: CallVariables = { command, containerId, netns, ifname, args, path: runtime.path };
  const injected = prevResult === undefined ? {} : { prevResult };
  const config = configOf(list, plugin, { ...injected, ...runtimeConfigOf(plugin, container) });
  runtime.begin?.(`${command} by ${plugin.type}`);
  return callPlugin(plugin, call, config, runtime.log);
}

/** GC and STATUS are about no container. */
function callForNone(
  list: NetworkList,
  plugin: ListedPlugin,
  command: Command,
  injected: JsonObject,
  { path, log, begin }: Runtime,
): Uint8Array {
  begin?.(`${command} by ${plugin.type}`);
  const call: CallVariables = { command, containerId: "", netns: "", ifname: "", args: "", path };
  return callPlugin(plugin, call, configOf(list, plugin, injected), log);
}

/** What a plugin reads. Of keys that differ by case the last counts, so what is injected comes last. */
export function configOf({ name, cniVersion }: NetworkList, { config }: ListedPlugin, more: JsonObject): JsonObject {
  const injected: Record<string, JsonValue> = { name, cniVersion, ...more };
  const own = Object.entries(config).filter(([key]) => !Object.hasOwn(injected, key));
  return { ...Object.fromEntries(own), ...injected };
}

/** Of what the runtime says, what the plugin declares; without any, the configuration's own `runtimeConfig` stays. */
export function runtimeConfigOf({ capabilities }: ListedPlugin, { capabilityArgs }: Container): JsonObject {
  const told = capabilities.flatMap((name): [string, JsonValue][] => {
    const value = Object.hasOwn(capabilityArgs, name) ? capabilityArgs[name] : undefined;
    return value === undefined ? [] : [[name, value]];
  });
  return told.length === 0 ? {} : { runtimeConfig: Object.fromEntries(told) };
}

/** A plugin's result with the keys that the specification has, in the version that the plugin has chosen. */
function toldResult(json: JsonObject, configVersion: Version, type: string): JsonObject {
  const at = `the result of plugin ${excerpt(type)}`;
  const version = resultVersion(json, configVersion, at);
  const result = parseResult(json, version, at);
  // An empty result of the first versions could be read, but not written.
  return isAtLeast(version, "0.3.0") ? resultToJson(result, version) : { ...json, cniVersion: version };
}

/** The result that was kept at ADD, in the list's version; undefined where there is none. Throws CniError. */
function keptResult(list: NetworkList, container: Container, { cache }: Runtime): JsonObject | undefined {
  const { result } = readCached(cache, { network: list.name, ...container }) ?? {};
  if (result === undefined) return undefined;
  const at = `the result kept in ${cache}`;
  return resultToJson(parseResult(result, DEFAULT_VERSION, at), list.cniVersion);
}

/** For DEL, which lists have the result for since 0.4.0. One that can't be understood is none. */
function resultForDel(list: NetworkList, container: Container, runtime: Runtime): JsonObject | undefined {
  if (!isAtLeast(list.cniVersion, "0.4.0")) return undefined;
  try {
    return keptResult(list, container, runtime);
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    runtime.log(`DEL goes on without the result of the ADD: ${error.message}`);
    return undefined;
  }
}
