// The JSON Schemas that `bauta schema` prints: from the definitions that also read the configurations, with what all
// plugins share and with the IPAM plugins in their place.

import { configSchema } from "../../cni/config.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../../cni/json.ts";
import { DIALECT, toJsonSchema } from "../../cni/json-schema.ts";
import { array, object, optional, type Schema, string, text } from "../../cni/schema.ts";
import { SUPPORTED_VERSIONS } from "../../cni/versions.ts";
import { hostLocalSchema } from "../../ipam/host-local-config.ts";
import { rangeSchema } from "../../ipam/range.ts";
import { staticSchema } from "../../ipam/static-config.ts";
import { optionsSchema } from "../../masquerade/options/options.ts";
import { bridgeSchema } from "../../plugins/bridge/config.ts";
import { ptpSchema } from "../../plugins/ptp/config.ts";
import { parseCidr, parseIp } from "../../wire/ip.ts";
import { NAME_LENGTH, NAME_PATTERN, patterns } from "./patterns.ts";

/** The IPAM plugins of ours, by their type: what stands beside `type` in the section "ipam". */
export const IPAM: Readonly<Record<string, Schema<unknown>>> = {
  "host-local": hostLocalSchema,
  static: staticSchema,
};

/** The plugins of ours that a list of plugins may have, by their type: the keys they know. */
export const KEYS: Readonly<Record<string, () => readonly Schema<unknown>[]>> = {
  bridge: () => [configSchema, bridgeSchema, attached()],
  loopback: () => [configSchema],
  ptp: () => [configSchema, ptpSchema, attached()],
};

/** The schema of a plugin's configuration, or undefined where it is none of ours; without a plugin, of a conflist. */
export function schemaDocument(plugin?: string): JsonObject | undefined {
  if (plugin === undefined) return document("CNI network configuration list", conflist());
  if (Object.hasOwn(IPAM, plugin)) return document(`CNI configuration of ${plugin}: the section "ipam"`, ipam(plugin));
  if (!Object.hasOwn(KEYS, plugin)) return undefined;
  return document(`CNI configuration of the plugin ${plugin}`, ofPlugin(plugin));
}

function document(title: string, schema: JsonObject): JsonObject {
  return { $schema: DIALECT, title, ...schema };
}

/** What the plugins that masquerade and call IPAM take besides their own keys. */
function attached(): Schema<unknown> {
  // static needs the prefix length, host-local passes over it.
  const address = text("an IP address, with a prefix length or without", (one) => parseCidr(one) ?? parseIp(one));
  const ips = optional(array(address, "addresses that the container is to have"));
  return object({
    ipMasqOptions: optional(optionsSchema),
    args: optional(object({ cni: optional(object({ ips, ipMasqOptions: optional(optionsSchema) })) })),
    runtimeConfig: optional(
      object({
        ips,
        ipRanges: optional(array(array(rangeSchema), "range sets of host-local, before those of ipam")),
        ipMasq: optional(optionsSchema),
      }),
    ),
  });
}

function ofPlugin(type: string): JsonObject {
  const keys = (KEYS[type]?.() ?? []).map((schema) => toJsonSchema(schema, patterns()));
  const fixed: JsonObject = {
    required: type === "ptp" ? ["type", "ipam"] : ["type"],
    properties: {
      type: { const: type },
      ...common(),
      ...(type === "loopback" ? {} : { ipam: anyIpam(type === "ptp") }),
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

function ipam(type: string): JsonObject {
  const schema = IPAM[type] ?? object({});
  return merge({ required: ["type"], properties: { type: { const: type } } }, toJsonSchema(schema, patterns()));
}

/** The section "ipam" of ours by type, or of somebody else's plugin, whose keys are not known here. */
function anyIpam(isNeeded: boolean): JsonObject {
  const others: JsonObject = {
    type: "object",
    properties: { type: { type: "string", not: { enum: Object.keys(IPAM) } } },
    ...(isNeeded ? { required: ["type"] } : {}),
  };
  return { oneOf: [...Object.keys(IPAM).map(ipam), others] };
}

/** The list that a runtime reads (CNI specification, section 1): the runtime's own keys, and each plugin by its type. */
function conflist(): JsonObject {
  const list = object({
    name: string("name of the network, which its plugins get as well"),
    cniVersion: string("version of the CNI specification"),
    cniVersions: optional(array(string(), "versions for the runtime to choose from")),
  });
  const others: JsonObject = {
    type: "object",
    required: ["type"],
    properties: { type: { type: "string", not: { enum: Object.keys(KEYS) } } },
  };
  const plugins: JsonObject = {
    type: "array",
    description: "the plugins, in the order in which they are called",
    minItems: 1,
    items: { oneOf: [...Object.keys(KEYS).map((type) => ({ $ref: `#/$defs/${type}` })), others] },
  };
  const flags = Object.fromEntries(["disableCheck", "disableGC"].map((key) => [key, { type: "boolean" }]));
  return {
    ...merge(toJsonSchema(list), { required: ["plugins"], properties: { ...common(), ...flags, plugins } }),
    $defs: Object.fromEntries(Object.keys(KEYS).map((type) => [type, ofPlugin(type)])),
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
