// A network configuration list (CNI specification, section 1), as libcni reads one (libcni/conf.go, NetworkConfFromBytes):
// keys of the list are found by their exact spelling, keys of a plugin whatever their case.

import { nameProblem } from "../cni/environment.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { excerpt, isJsonObject, type JsonObject, type JsonValue, parseJson } from "../cni/json.ts";
import { array, boolean, object, record, string, withDefault } from "../cni/schema.ts";
import { checkVersion, DEFAULT_VERSION, type Version } from "../cni/versions.ts";
import { negotiate } from "./negotiate.ts";

/** A plugin of a list. */
export interface ListedPlugin {
  /** Where its configuration stands, for errors: `plugins[1]`, or the path of a file. */
  readonly at: string;
  readonly type: string;
  /** The capabilities that are true: what of a runtime's arguments the plugin gets. */
  readonly capabilities: readonly string[];
  readonly config: JsonObject;
}

export interface NetworkList {
  readonly name: string;
  /** The one that the plugins get: see negotiate. */
  readonly cniVersion: Version;
  readonly disableCheck: boolean;
  readonly disableGC: boolean;
  /** Whether the plugins are those in the list, and none in files beside it. */
  readonly loadOnlyInlinedPlugins: boolean;
  /** Those that the list holds itself; it may hold none. */
  readonly plugins: readonly ListedPlugin[];
  /** The list as it was read, which is kept beside the result of an ADD. */
  readonly bytes: Uint8Array;
}

/**
 * Reads a list; `what` names it in errors. Throws CniError 6 where it is not JSON or has a wrong type, 7 for a wrong value, and 1
 * where bauta does not speak its version.
 */
export function parseList(bytes: Uint8Array, what: string): NetworkList {
  const list = parseObject(bytes, what);
  const plugins = Object.hasOwn(list, "plugins") ? pluginsOf(list, what) : [];
  const loadOnlyInlinedPlugins = flagOf(list, "loadOnlyInlinedPlugins", what);
  if (loadOnlyInlinedPlugins && plugins.length === 0) {
    throw invalid(`${what}: loadOnlyInlinedPlugins is true, and there is no key "plugins"`);
  }
  return {
    name: nameOf(list, what),
    cniVersion: checkVersion(versionOf(list, what) || DEFAULT_VERSION, "ADD"),
    disableCheck: flagOf(list, "disableCheck", what),
    disableGC: flagOf(list, "disableGC", what),
    loadOnlyInlinedPlugins,
    plugins,
    bytes,
  };
}

/** Reads the configuration of one plugin that is not in a list. Throws as parseList. */
export function parseListed(bytes: Uint8Array, at: string): ListedPlugin {
  return pluginOf(parseObject(bytes, at), at);
}

/** The text as a JSON object. Throws CniError 6. */
export function parseObject(bytes: Uint8Array, what: string): JsonObject {
  const json = parseJson(bytes, what);
  if (isJsonObject(json)) return json;
  throw new CniError(CNI_CODE.DECODING_FAILURE, `${what} is not an object: ${excerpt(json)}`);
}

/** The value of a key, which must be there, of this exact spelling. */
function own(list: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(list, key) ? list[key] : undefined;
}

function textOf(list: JsonObject, key: string, what: string): string | undefined {
  const value = own(list, key);
  return value === undefined ? undefined : string().read(value, `${what}: ${key}`);
}

function nameOf(list: JsonObject, what: string): string {
  const name = textOf(list, "name", what) ?? "";
  if (name === "") throw invalid(`${what}: name is missing: every network has one`);
  const problem = nameProblem(name);
  if (problem !== undefined) throw invalid(`${what}: name: ${excerpt(name)} is ${problem}`);
  return name;
}

function versionOf(list: JsonObject, what: string): string {
  const version = textOf(list, "cniVersion", what) ?? "";
  const choice = own(list, "cniVersions");
  if (choice === undefined) return version;
  const at = `${what}: cniVersions`;
  return negotiate(version, array(string()).read(choice, at), at);
}

/** libcni takes true and false as text of any case, too. */
function flagOf(list: JsonObject, key: string, what: string): boolean {
  const value = own(list, key);
  if (value === undefined) return false;
  if (typeof value === "string" && /^(true|false)$/i.test(value)) return value.toLowerCase() === "true";
  return boolean().read(value, `${what}: ${key}`);
}

function pluginsOf(list: JsonObject, what: string): ListedPlugin[] {
  const value = own(list, "plugins") ?? null;
  if (!Array.isArray(value)) {
    throw new CniError(CNI_CODE.DECODING_FAILURE, `${what}: plugins: ${excerpt(value)} is not an array`);
  }
  const plugins: readonly JsonValue[] = value;
  if (plugins.length === 0) throw invalid(`${what}: plugins is empty: a list has one plugin or more`);
  return plugins.map((plugin, i) => pluginOf(plugin, `${what}: plugins[${i}]`));
}

const pluginSchema = object({
  type: withDefault(string(), ""),
  capabilities: withDefault(record(boolean()), new Map<string, boolean>()),
});

function pluginOf(json: JsonValue, at: string): ListedPlugin {
  const { type, capabilities } = pluginSchema.read(json, at);
  if (type === "") throw invalid(`${at}.type is missing: it names the plugin's executable`);
  const declared = Array.from(capabilities).flatMap(([name, isDeclared]) => (isDeclared ? [name] : []));
  return { at, type, capabilities: declared, config: json as JsonObject }; // the schema has read an object
}

function invalid(message: string): CniError {
  return new CniError(CNI_CODE.INVALID_CONFIG, message);
}
