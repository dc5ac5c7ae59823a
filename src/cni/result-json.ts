// A result as JSON, in the version that the configuration asks for: the keys, their order and what is left out when it is
// empty are those of the reference implementation (pkg/types 020, 040 and 100), so that a runtime sees no difference.

import { type Family, familyOf, formatCidr, formatIp } from "../wire/ip.ts";
import { CNI_CODE, CniError } from "./error.ts";
import type { JsonObject } from "./json.ts";
import type { Dns, Interface, IpConfig, Result, Route } from "./result.ts";
import { isAtLeast, type Version } from "./versions.ts";

/** The result as a plugin prints it. Throws CniError where the version can't express it: see resultToJson. */
export function formatResult(result: Result, version: Version): string {
  return `${JSON.stringify(resultToJson(result, version), undefined, 4)}\n`;
}

/**
 * The result in this version. Before 0.3.0 there is room for one address of each family, and there must be one: the first
 * counts, and a result without any is CniError 7.
 */
export function resultToJson(result: Result, version: Version): JsonObject {
  if (isAtLeast(version, "1.0.0")) return toCurrent(result, version);
  return isAtLeast(version, "0.3.0") ? to040(result, version) : to020(result, version);
}

/** 1.0.0 and later: every object's keys in alphabetical order, an empty `dns` left out. */
function toCurrent(result: Result, cniVersion: Version): JsonObject {
  const dns = dnsToJson(result.dns, SORTED_DNS_KEYS);
  return compact({
    cniVersion,
    dns: Object.keys(dns).length > 0 ? dns : undefined,
    interfaces: list(result.interfaces.map(interfaceToJson)),
    ips: list(result.ips.map((one) => ipToJson(one, SORTED_IP_KEYS))),
    routes: list(result.routes.map((route) => routeToJson(route, SORTED_ROUTE_KEYS))),
  });
}

/** 0.3.0 to 0.4.0: addresses say their version, interfaces have a name, a MAC and a sandbox, `dns` is always there. */
function to040(result: Result, cniVersion: Version): JsonObject {
  return compact({
    cniVersion,
    interfaces: list(
      result.interfaces.map(({ name, mac, sandbox }) =>
        compact({ name, mac: mac || undefined, sandbox: sandbox || undefined }),
      ),
    ),
    ips: list(result.ips.map((one) => ({ version: String(familyOf(one.ip)), ...ipToJson(one, IP_KEYS) }))),
    routes: list(result.routes.map((route) => routeToJson(route, ROUTE_KEYS))),
    dns: dnsToJson(result.dns, DNS_KEYS),
  });
}

/** 0.1.0 and 0.2.0: the first address of each family with its routes, of which only destination and next hop remain. */
function to020(result: Result, cniVersion: Version): JsonObject {
  const family = (wanted: Family): JsonObject | undefined => {
    const first = result.ips.find(({ ip }) => familyOf(ip) === wanted);
    if (first === undefined) return undefined;
    const routes = result.routes.filter((route) => familyOf(route.dst.ip) === wanted);
    return compact({
      ip: formatCidr(first),
      gateway: first.gateway && formatIp(first.gateway),
      routes: list(routes.map(({ dst, gw }) => routeToJson({ dst, gw }, ROUTE_KEYS))),
    });
  };
  const [ip4, ip6] = [family(4), family(6)];
  if (ip4 === undefined && ip6 === undefined) {
    throw new CniError(
      CNI_CODE.INVALID_CONFIG,
      `a result without an IP address cannot be expressed in CNI version ${cniVersion}`,
      "use cniVersion 0.3.0 or later",
    );
  }
  return compact({ cniVersion, ip4, ip6, dns: dnsToJson(result.dns, DNS_KEYS) });
}

/** In alphabetical order: it is written in this form only from 1.0.0 on. */
function interfaceToJson({ mac, mtu, name, pciID, sandbox, socketPath }: Interface): JsonObject {
  return compact({
    mac: mac || undefined,
    mtu: mtu || undefined,
    name,
    pciID: pciID || undefined,
    sandbox: sandbox || undefined,
    socketPath: socketPath || undefined,
  });
}

// The keys in the order of the versions before 1.0.0, and in that of those since.
const IP_KEYS = ["interface", "address", "gateway"] as const;
const SORTED_IP_KEYS = [...IP_KEYS].sort();
const ROUTE_KEYS = ["dst", "gw", "mtu", "advmss", "priority", "table", "scope"] as const;
const SORTED_ROUTE_KEYS = [...ROUTE_KEYS].sort();
const DNS_KEYS = ["nameservers", "domain", "search", "options"] as const;
const SORTED_DNS_KEYS = [...DNS_KEYS].sort();

function ipToJson(one: IpConfig, keys: readonly (typeof IP_KEYS)[number][]): JsonObject {
  return inOrder(keys, {
    interface: one.interface,
    address: formatCidr(one),
    gateway: one.gateway && formatIp(one.gateway),
  });
}

/** A table or scope of 0 is something that was said; a number of 0 elsewhere is not. */
function routeToJson(route: Route, keys: readonly (typeof ROUTE_KEYS)[number][]): JsonObject {
  return inOrder(keys, {
    dst: formatCidr(route.dst),
    gw: route.gw && formatIp(route.gw),
    mtu: route.mtu || undefined,
    advmss: route.advmss || undefined,
    priority: route.priority || undefined,
    table: route.table,
    scope: route.scope,
  });
}

function dnsToJson(dns: Dns, keys: readonly (typeof DNS_KEYS)[number][]): JsonObject {
  return inOrder(keys, {
    nameservers: list(dns.nameservers ?? []),
    domain: dns.domain || undefined,
    search: list(dns.search ?? []),
    options: list(dns.options ?? []),
  });
}

function list<T>(elements: readonly T[]): readonly T[] | undefined {
  return elements.length > 0 ? elements : undefined;
}

/** The object without the keys that hold nothing. */
function compact(values: { readonly [key: string]: JsonObject[string] | undefined }): JsonObject {
  return inOrder(Object.keys(values), values);
}

/** The same, its keys in this order. */
function inOrder<K extends string>(
  keys: readonly K[],
  values: { readonly [key in K]: JsonObject[string] | undefined },
): JsonObject {
  const json: Record<string, JsonObject[string]> = {};
  for (const key of keys) {
    const value = values[key];
    if (value !== undefined) json[key] = value;
  }
  return json;
}
