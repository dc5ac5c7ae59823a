// The result of ADD (CNI specification, section 5, "ADD Success") in the shape of 1.1.0, whatever version it came in.
// result-json.ts writes it in the version that a configuration asks for.

import type { Cidr, Ip } from "../wire/ip.ts";
import { CNI_CODE, CniError } from "./error.ts";
import { cidr, ip } from "./fields.ts";
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

/** An address of the container, with its gateway where it has one. In JSON the address and its prefix are one `address`. */
export interface IpConfig extends Cidr {
  readonly gateway?: Ip | undefined;
  /** Index into `interfaces`, as it was said: it may point past the end. An IPAM plugin leaves it out. */
  readonly interface?: number | undefined;
}

export interface Route {
  readonly dst: Cidr;
  readonly gw?: Ip | undefined;
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
 * The addresses of the container's interface of this name: all that are not known to be another interface's. As upstream,
 * also those of which the result does not say whose they are.
 */
export function addressesOf({ interfaces, ips }: Result, ifname: string): IpConfig[] {
  return ips.filter(({ interface: index }) => {
    const owner = index === undefined ? undefined : interfaces[index];
    return owner === undefined || (owner.name === ifname && (owner.sandbox ?? "") !== "");
  });
}

/**
 * Reads the result of a plugin, or a `prevResult`. One that doesn't say its version has that of the configuration. `at`
 * is the path it is found under, for errors: CniError 6 for a wrong type or version, 7 for a wrong value.
 */
export function parseResult(json: JsonObject, configVersion: Version, at: string): Result {
  const version = resultVersion(json, configVersion, at);
  return isAtLeast(version, "0.3.0") ? fromCurrent(json, at) : fromLegacy(json, at);
}

/** The version that a result is in. Throws CniError 6 for one that bauta does not speak. */
export function resultVersion(json: JsonObject, configVersion: Version, at: string): Version {
  const version = versionSchema.read(json, at).cniVersion || configVersion;
  if (isSupported(version)) return version;
  throw new CniError(CNI_CODE.DECODING_FAILURE, `${at} has the unknown cniVersion ${excerpt(version)}`);
}

const versionSchema = object({ cniVersion: optional(string()) });

const NUMBER_LIMIT = 0xffffffff;
const number = (about: string): Schema<number | undefined> => optional(integer(0, NUMBER_LIMIT, about));
const texts = (about: string): Schema<readonly string[] | undefined> =>
  optional(array(withDefault(string(), ""), about));

/** `dns`, in a result and in a configuration. */
export const dnsSchema: Schema<Dns> = object({
  nameservers: texts("addresses of name servers"),
  domain: optional(string("domain of the container")),
  search: texts("domains in which short names are looked for"),
  options: texts("options of resolv.conf"),
});

/** A route, in a result and in the configuration of an IPAM plugin. */
export const routeSchema: Schema<Route> = object({
  dst: cidr("the destination"),
  gw: optional(ip("the next hop; without one, the gateway of the address")),
  mtu: number("MTU along the route; 0: the interface's"),
  advmss: number("maximum segment size that is told to TCP peers; 0: the kernel's choice"),
  priority: number("metric: the route with the least is taken; 0: the kernel's choice"),
  table: number("number of the routing table; 0: main"),
  scope: optional(integer(0, 0xff, "0: beyond a gateway, 253: on the link, 254: on the host")),
});

// Others' results, read as libcni's types (pkg/types 020, 040 and 100) read them: an element of a list may be null, an
// address or a destination may be missing, and a number is an int of Go's. What says no address or destination says
// nothing to anybody, and is passed over.

/** An int of Go's, as far as JSON carries it exactly. */
const int = optional(integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER));
const name = optional(string());
const link = { mac: name, mtu: int, sandbox: name, socketPath: name, pciID: name };
const address = { address: optional(cidr()), gateway: optional(ip()), interface: int };
const said = { mtu: int, advmss: int, priority: int, table: int, scope: int };
const routes = withDefault(array(optional(object({ dst: optional(cidr()), gw: optional(ip()), ...said }))), []);

/** 0.3.0 and later. The `version` of an address (before 1.0.0) says what the address says itself. */
const currentSchema = object({
  // An index counts those that are null, too.
  interfaces: withDefault(array(optional(object({ name: withDefault(string(), ""), ...link }))), []),
  ips: withDefault(array(optional(object(address))), []),
  routes,
  dns: withDefault(dnsSchema, {}),
});

/** For those who ask which keys a result may have. */
export const resultSchema: Schema<unknown> = currentSchema;

const legacyAddress = optional(object({ ip: optional(cidr()), gateway: optional(ip()), routes }));
const legacySchema = object({ ip4: legacyAddress, ip6: legacyAddress, dns: withDefault(dnsSchema, {}) });

function fromCurrent(json: JsonObject, at: string): Result {
  const result = currentSchema.read(json, at);
  return {
    interfaces: result.interfaces.map((one) => one ?? { name: "" }),
    ips: result.ips.flatMap((one) => {
      return one?.address === undefined ? [] : [{ ...one.address, gateway: one.gateway, interface: one.interface }];
    }),
    routes: result.routes.flatMap(routeOf),
    dns: result.dns,
  };
}

/** 0.1.0 and 0.2.0: one address a family, each with its own routes. */
function fromLegacy(json: JsonObject, at: string): Result {
  const { ip4, ip6, dns } = legacySchema.read(json, at);
  const both = [ip4, ip6].filter((one) => one !== undefined);
  return {
    interfaces: [],
    ips: both.flatMap(({ ip: address, gateway }) => (address === undefined ? [] : [{ ...address, gateway }])),
    routes: both.flatMap((one) => one.routes.flatMap(routeOf)),
    dns,
  };
}

/** A route that has been read; none where it says no destination. */
function routeOf(route: (Omit<Route, "dst"> & { readonly dst: Cidr | undefined }) | undefined): Route[] {
  return route?.dst === undefined ? [] : [{ ...route, dst: route.dst }];
}
