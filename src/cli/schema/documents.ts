// The JSON Schemas that `bauta schema` prints: from the definitions that also read the configurations, with what all
// plugins share and with the IPAM plugins in their place.

import { configSchema } from "../../cni/config.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../cni/json.ts";
import { DIALECT, toJsonSchema } from "../../cni/json-schema.ts";
import type { OwnPlugin } from "../../cni/plugin.ts";
import { object, optional, string } from "../../cni/schema.ts";
import { SUPPORTED_VERSIONS } from "../../cni/versions.ts";
import { PLUGINS } from "../../plugins/all.ts";
import { NAME_LENGTH, NAME_PATTERN, patterns } from "./patterns.ts";

const ofKind = (isWanted: (plugin: OwnPlugin) => boolean): ReadonlyMap<string, OwnPlugin> =>
  new Map(PLUGINS.filter(isWanted).map((plugin) => [plugin.name, plugin]));

/** Our IPAM plugins by their type: what stands in the section "ipam". */
export const IPAM: ReadonlyMap<string, OwnPlugin> = ofKind(({ kind }) => kind === "ipam");

/** Our plugins that a list of plugins may have, by their type. */
export const LISTED: ReadonlyMap<string, OwnPlugin> = ofKind(({ kind }) => kind !== "ipam");

/** The schema of a plugin's configuration, or undefined where it is none of ours; without a plugin, of a conflist. */
export function schemaDocument(plugin?: string): JsonObject | undefined {
  if (plugin === undefined) return document("CNI network configuration list", conflist());
  const allocator = IPAM.get(plugin);
  if (allocator !== undefined) return document(`CNI configuration of ${plugin}: the section "ipam"`, ipam(allocator));
  const listed = LISTED.get(plugin);
  return listed === undefined ? undefined : document(`CNI configuration of the plugin ${plugin}`, ofPlugin(listed));
}

function document(title: string, schema: JsonObject): JsonObject {
  return { $schema: DIALECT, title, ...schema };
}

function ofPlugin(plugin: OwnPlugin): JsonObject {
  const keys = [configSchema, ...plugin.keys].map((schema) => toJsonSchema(schema, patterns()));
  const isIpamNeeded = plugin.ipam === "required";
  const fixed: JsonObject = {
    required: isIpamNeeded ? ["type", "ipam"] : ["type"],
    properties: {
      type: { const: plugin.name },
      ...common(),
      ...(plugin.ipam === undefined ? {} : { ipam: anyIpam(isIpamNeeded) }),
    },
  };
  return [...keys, fixed].reduce(merge, {});
}

function common(): JsonObject {
  return {
    cniVersion: { enum: SUPPORTED_VERSIONS },
    name: { pattern: NAME_PATTERN, maxLength: NAME_LENGTH },
  };
}

function ipam({ name, keys }: OwnPlugin): JsonObject {
  const fixed: JsonObject = { required: ["type"], properties: { type: { const: name } } };
  return keys.map((schema) => toJsonSchema(schema, patterns())).reduce(merge, fixed);
}

/** The section "ipam" of ours by type, or of somebody else's plugin, whose keys are not known here. */
function anyIpam(isNeeded: boolean): JsonObject {
  const others: JsonObject = {
    type: "object",
    properties: { type: { type: "string", not: { enum: [...IPAM.keys()] } } },
    ...(isNeeded ? { required: ["type"] } : {}),
  };
  return { oneOf: [...[...IPAM.values()].map(ipam), others] };
}

/** What libcni reads as a version, released or not; "" stands for 0.1.0. */
const ANY_VERSION: JsonObject = { type: "string", pattern: "^(?:[0-9]+(?:\\.[0-9]+){0,2})?$" };

const TRUE = "[tT][rR][uU][eE]";

/** What libcni reads as true or false: text of any case, too. */
const FLAG: JsonObject = {
  anyOf: [{ type: "boolean" }, { type: "string", pattern: `^(?:${TRUE}|[fF][aA][lL][sS][eE])$` }],
};

/**
 * The list that a runtime reads (CNI specification, section 1): the runtime's own keys, and each plugin by its type. What
 * libcni loads (libcni/conf.go, NetworkConfFromBytes) is right here, if our plugins take it then.
 */
function conflist(): JsonObject {
  const list = object({
    name: string("name of the network, which its plugins get as well"),
    cniVersion: optional(string("version of the CNI specification; 0.1.0 where absent")),
  });
  const others: JsonObject = {
    type: "object",
    required: ["type"],
    properties: { type: { type: "string", minLength: 1, not: { enum: [...LISTED.keys()] } } },
  };
  const plugins: JsonObject = {
    type: "array",
    description: "the plugins, in the order in which they are called",
    minItems: 1,
    items: { oneOf: [...[...LISTED.keys()].map((type) => ({ $ref: `#/$defs/${type}` })), others] },
  };
  const flags = ["disableCheck", "disableGC", "loadOnlyInlinedPlugins"].map((key): [string, JsonObject] => [key, FLAG]);
  const cniVersions = {
    type: "array",
    description: "versions for the runtime to choose from: the newest that it knows",
    items: ANY_VERSION,
  };
  const properties: JsonObject = {
    ...common(),
    cniVersion: ANY_VERSION,
    cniVersions,
    ...Object.fromEntries(flags),
    plugins,
  };
  // Without a choice, the plugins get the version as it is.
  const onlyVersion: JsonObject = { properties: { cniVersion: { enum: ["", ...SUPPORTED_VERSIONS] } } };
  // The plugins may lie in files beside the list, unless it says that they do not.
  const isInlined: JsonObject = {
    required: ["loadOnlyInlinedPlugins"],
    properties: { loadOnlyInlinedPlugins: { anyOf: [{ const: true }, { type: "string", pattern: `^${TRUE}$` }] } },
  };
  return {
    ...merge(toJsonSchema(list), { properties }),
    allOf: [
      { anyOf: [{ required: ["cniVersions"] }, onlyVersion] },
      { anyOf: [{ not: isInlined }, { required: ["plugins"] }] },
    ],
    $defs: Object.fromEntries([...LISTED].map(([type, plugin]) => [type, ofPlugin(plugin)])),
  };
}

/** Both at once: objects key by key, lists one behind the other, and else what the second says. */
function merge(a: JsonObject, b: JsonObject): JsonObject {
  const merged: Record<string, JsonValue> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    const before = merged[key];
    if (isJsonObject(before) && isJsonObject(value)) merged[key] = merge(before, value);
    else if (Array.isArray(before) && Array.isArray(value)) merged[key] = [...new Set([...before, ...value])];
    else merged[key] = value;
  }
  return merged;
}
