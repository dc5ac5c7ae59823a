// A wrong type, or a value that means nothing, in every key of every plugin.

import { describe, expect, it } from "vitest";
import { LISTED } from "../../../src/cli/schema/documents.ts";
import { configSchema } from "../../../src/cni/config.ts";
import { cidr, ip } from "../../../src/cni/fields.ts";
import { resultSchema } from "../../../src/cni/result.ts";
import { array, object, type Schema, string } from "../../../src/cni/schema.ts";
import { hostLocalSchema } from "../../../src/ipam/host-local-config.ts";
import { rangeSchema } from "../../../src/ipam/range.ts";
import { staticSchema } from "../../../src/ipam/static-config.ts";
import { containerOptionsSchema } from "../../../src/masquerade/options/options.ts";
import type { PluginOutcome } from "../../support/plugin.ts";
import { expectError, type Json, leavesNothing, networkOf, PLUGIN_NAMES, type PluginName, useNode } from "./node.ts";
import { type WrongKey, wrongKeys } from "./wrong-types.ts";

const { call } = useNode();

/** What is put in the place of what is already there, as deep as both are objects. */
function merge(base: Json, change: Json): Json {
  const isObject = (value: Json): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isObject(base) || !isObject(change)) return change;
  return { ...base, ...Object.fromEntries(Object.entries(change).map(([key, one]) => [key, merge(base[key], one)])) };
}

/** The keys that a schema has below `at` of a plugin's configuration. */
function keysAt(schema: Schema<unknown>, at = ""): WrongKey[] {
  return wrongKeys(schema, at, (value) => (at === "" ? value : { [at]: value })).filter((key) => key.at !== "");
}

const ipamType = wrongKeys(string(), "ipam.type", (value) => ({ ipam: { type: value } }));
const common = [...keysAt(configSchema), ...ipamType, ...keysAt(resultSchema, "prevResult")];
/** From the runtime, for IPAM: host-local passes over a prefix length, so it knows no wrong one. */
const requested = (address: Schema<unknown>): WrongKey[] =>
  keysAt(
    object({
      args: object({ cni: object({ ips: array(address) }) }),
      runtimeConfig: object({ ips: array(address) }),
    }),
  );
const hostLocal = [
  ...keysAt(hostLocalSchema, "ipam"),
  ...keysAt(object({ runtimeConfig: object({ ipRanges: array(array(rangeSchema)) }) })),
  ...requested(ip()),
];
const ofPlugin = (plugin: string): WrongKey[] => (LISTED.get(plugin)?.keys ?? []).flatMap((schema) => keysAt(schema));

const ALL: Readonly<Record<PluginName, readonly WrongKey[]>> = {
  bridge: [...common, ...ofPlugin("bridge"), ...hostLocal],
  macvlan: [...common, ...ofPlugin("macvlan"), ...hostLocal],
  ptp: [...common, ...ofPlugin("ptp"), ...hostLocal],
  "host-local": [...common, ...hostLocal],
  static: [...common, ...keysAt(staticSchema, "ipam"), ...requested(cidr())],
  loopback: common,
};

/** Every key of a plugin once. All that can be wrong with it is tried on the first plugin that has it, something on each. */
function casesOf(plugin: PluginName, tried: Set<string>): readonly WrongKey[] {
  return [...new Map(ALL[plugin].map((key) => [key.at, key])).values()].map((key) => {
    const most = tried.has(key.at) ? 1 : Number.POSITIVE_INFINITY;
    tried.add(key.at);
    return { ...key, wrongTypes: key.wrongTypes.slice(0, most), wrongValues: key.wrongValues.slice(0, most) };
  });
}

const tried = new Set<string>();
const cases = PLUGIN_NAMES.map((plugin) => [plugin, casesOf(plugin, tried)] as const);

/** What a container may choose, so that its choice is judged. */
const { shape } = containerOptionsSchema;
const allow = shape.kind === "object" ? Object.keys(shape.fields) : [];
const permissive = { ipMasqOptions: { allow }, capabilities: { ipMasq: true } };

/** STATUS of static asks for no addresses, so that it does not judge those of the runtime. */
const isJudgedByStatus = (plugin: PluginName, at: string): boolean =>
  plugin !== "static" || !/^(args|runtimeConfig)\b/.test(at);

describe.each(cases)("%s", (plugin, keys) => {
  const config = plugin === "bridge" || plugin === "ptp" ? networkOf(plugin, permissive) : networkOf(plugin);
  leavesNothing();

  it.each(keys)("$at", (key) => {
    const attempt = (value: Json, command = "ADD"): PluginOutcome =>
      call(plugin, { command, config: merge(config, key.put(value)) });
    for (const value of key.wrongTypes) expectError(attempt(value), 6, [sentence(key.at, value, key.type)]);
    for (const value of key.wrongValues) expectError(attempt(value), 7, [sentence(key.at, value, key.meaning)]);
    if (isJudgedByStatus(plugin, key.at)) expectError(attempt(key.wrongTypes[0], "STATUS"), 6, [key.at]);
  });
});

const sentence = (at: string, value: Json, wanted: string): string =>
  `${at}: ${JSON.stringify(value)} is not ${wanted}`;

it("knows the keys by which it found them", () => {
  const paths = Object.values(ALL).flatMap((keys) => keys.map(({ at }) => at));
  expect(paths).toEqual(
    expect.arrayContaining([
      ...["cniVersion", '["cni.dev/attachments"][0].ifname', "prevResult.ips[0].address", "vlanTrunk[0].minID"],
      ...["ipam.ranges[0][0].rangeStart", "runtimeConfig.ipRanges[0][0].subnet", "ipam.addresses[0].gateway"],
    ]),
  );
});
