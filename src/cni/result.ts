// The result of ADD (CNI specification, section 5, "ADD Success") in the shape of 1.1.0, whatever version it came in.
// result-json.ts writes it in the version that a configuration asks for.

import { parseCidr } from "../wire/ip.ts";
import { CNI_CODE, CniError } from "./error.ts";
import { cidrText, ipText } from "./fields.ts";
import { excerpt, type JsonObject } from "./json.ts";
import { array, integer, object, optional, type Schema, string, withDefault } from "./schema.ts";
import { isAtLeast, isSupported, type Version } from "./versions.ts";

/** An interface that the attachment made, in the container (then `sandbox` says where) or on the host. */
export interface Interface {
  readonly name: string;
  readonly mac?: string | undefined;
  readonly mtu?: number | undefined;
  readonly sandbox?: string | undefined;
  readonly socketPath?: string | undefined;
  readonly pciID?: string | undefined;
}

export interface IpConfig {
  /** `10.22.0.5/16` */
  readonly address: string;
  readonly gateway?: string | undefined;
  /** Index into `interfaces`, as it was said: it may point past the end. An IPAM plugin leaves it out. */
  readonly interface?: number | undefined;
}

export interface Route {
  /** `0.0.0.0/0` */
  readonly dst: string;
  readonly gw?: string | undefined;
  readonly mtu?: number | undefined;
  readonly advmss?: number | undefined;
  readonly priority?: number | undefined;
  readonly table?: number | undefined;
  readonly scope?: number | undefined;
}

export interface Dns {
  readonly nameservers?: readonly string[] | undefined;
  readonly domain?: string | undefined;
  readonly search?: readonly string[] | undefined;
  readonly options?: readonly string[] | undefined;
}

export interface Result {
  readonly interfaces: readonly Interface[];
  readonly ips: readonly IpConfig[];
  readonly routes: readonly Route[];
  readonly dns: Dns;
}

/**
 * Reads the result of a plugin, or a `prevResult`. One that doesn't say its version has that of the configuration. `at`
 * is the path it is found under, for errors: CniError 6 for a wrong type or version, 7 for a wrong value.
 */
export function parseResult(json: JsonObject, configVersion: Version, at: string): Result {
  const version = versionSchema.read(json, at).cniVersion || configVersion;
  if (!isSupported(version)) {
    throw new CniError(CNI_CODE.DECODING_FAILURE, `${at} has the unknown cniVersion ${excerpt(version)}`);
  }
  return isAtLeast(version, "0.3.0") ? resultSchema.read(json, at) : fromLegacy(json, at);
}

const versionSchema = object({ cniVersion: optional(string()) });

const NUMBER_LIMIT = 0xffffffff;
const number = optional(integer(0, NUMBER_LIMIT));
const texts = optional(array(string()));

/** `dns`, in a result and in a configuration. */
export const dnsSchema: Schema<Dns> = object({
  nameservers: texts,
  domain: optional(string()),
  search: texts,
  options: texts,
});

/** A route, in a result and in the configuration of an IPAM plugin. */
export const routeSchema: Schema<Route> = object({
  dst: cidrText("the destination"),
  gw: optional(ipText("the next hop; without one, the gateway of the address")),
  mtu: number,
  advmss: number,
  priority: number,
  table: number,
  scope: number,
});

const name = optional(string());
const link = { mac: name, mtu: number, sandbox: name, socketPath: name, pciID: name };
const address = { address: cidrText(), gateway: optional(ipText()), interface: number };

/** 0.3.0 and later. The `version` of an address (before 1.0.0) says what the address says itself. */
export const resultSchema: Schema<Result> = object({
  interfaces: withDefault(array(object({ name: withDefault(string(), ""), ...link })), []),
  ips: withDefault(array(object(address)), []),
  routes: withDefault(array(routeSchema), []),
  dns: withDefault(dnsSchema, {}),
});

const legacyAddress = optional(
  object({ ip: cidrText(), gateway: optional(ipText()), routes: withDefault(array(routeSchema), []) }),
);
const legacySchema = object({ ip4: legacyAddress, ip6: legacyAddress, dns: withDefault(dnsSchema, {}) });

/** 0.1.0 and 0.2.0: one address a family, each with its own routes. */
function fromLegacy(json: JsonObject, at: string): Result {
  const { ip4, ip6, dns } = legacySchema.read(json, at);
  const both = [ip4, ip6].filter((one) => one !== undefined);
  return {
    interfaces: [],
    ips: both.map(({ ip, gateway }) => ({ address: ip, gateway })),
    routes: both.flatMap(({ routes }) => routes),
    dns,
  };
}

/** 4 or 6: the family of `10.22.0.5/16` and the like. */
export function familyOfCidr(text: string): 4 | 6 {
  return parseCidr(text)?.ip.length === 4 ? 4 : 6;
}
