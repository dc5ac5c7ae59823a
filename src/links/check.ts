// What CHECK compares: the interfaces, addresses and routes of a result with those that the kernel has.

import type { Invocation } from "../cni/plugin.ts";
import type { Interface, Result, Route } from "../cni/result.ts";
import type { Connection } from "../netlink/connection.ts";
import { listAddresses } from "../rtnetlink/address.ts";
import { type Device, deviceText } from "../rtnetlink/device.ts";
import { getLink, type Link } from "../rtnetlink/link.ts";
import { type Route as KernelRoute, listRoutes } from "../rtnetlink/route.ts";
import { RT_TABLE } from "../rtnetlink/uapi.ts";
import { isSameNetns } from "../sys/netns.ts";
import { compareIp, type Family, familyOf, formatCidr, formatIp, type Ip, networkOf, sameCidr } from "../wire/ip.ts";
import { formatMac } from "../wire/mac.ts";
import { nextHopOf } from "./configure.ts";

/** Something that ADD made is gone or altered. */
export class CheckError extends Error {
  override readonly name: string = "CheckError";
}

/** The container's interface in the result of ADD. Throws CheckError where it isn't there. */
export function containerInterface({ ifname, netns }: Invocation, { interfaces }: Result): Interface {
  const found = interfaces.find(({ name, sandbox }) => name === ifname && sandbox && isSameNetns(sandbox, netns));
  if (found !== undefined) return found;
  throw new CheckError(`prevResult does not have the interface ${ifname} in ${netns}`);
}

/**
 * The link of this name, of this kind (`veth`, undefined: any), with the address that the result has. Throws CheckError; `where` tells
 * people which namespace was looked at: "in the container".
 */
export function checkLink(connection: Connection, expected: Interface, kind: string | undefined, where: string): Link {
  const link = getLink(connection, expected.name);
  const what = `interface ${expected.name} ${where}`;
  if (link === undefined) throw new CheckError(`${what} not found`);
  if (kind !== undefined && link.kind !== kind)
    throw new CheckError(`${what} is not of type ${kind} but ${link.kind ?? "of none"}`);
  const mac = formatMac(link.mac);
  if (expected.mac && expected.mac.toLowerCase() !== mac) {
    throw new CheckError(`${what} has the address ${mac}, not ${expected.mac} as prevResult says`);
  }
  return link;
}

/** Whether the two links are the ends of one veth pair, each in its own namespace. */
export function arePeers(one: Link, other: Link): boolean {
  return one.linkIndex === other.index && other.linkIndex === one.index;
}

/**
 * Throws CheckError where the container's interface lacks one of the result's addresses, or the container a route to the
 * subnet of one. The route may be in any table: sbr and vrf move routes.
 */
export function checkAddresses(container: Connection, device: Device, { ips }: Result): void {
  if (ips.length === 0) return;
  const there = listAddresses(container, { device }).map(formatCidr);
  const tables = new RouteTables(container, device);
  for (const address of ips) {
    const cidr = formatCidr(address);
    if (!there.includes(cidr)) {
      throw new CheckError(`address ${cidr} is not on interface ${deviceText(device)} in the container`);
    }
    const subnet = networkOf(address);
    if (subnet.prefixLength === 32 && familyOf(subnet.ip) === 4) continue; // the kernel makes no route to a single address
    if (!tables.has({ dst: subnet }, (route) => sameCidr(route.dst, subnet))) {
      throw new CheckError(`route to ${formatCidr(subnet)} not found in the container`);
    }
  }
}

/**
 * Throws CheckError where the container lacks one of the result's routes: to the same destination, by the same next hop, in
 * whichever table.
 */
export function checkRoutes(container: Connection, device: Device, { routes, ips }: Result): void {
  const tables = new RouteTables(container, device);
  for (const route of routes) {
    const network = networkOf(route.dst);
    const gateway = nextHopOf(route, ips);
    const isIt = (one: KernelRoute): boolean =>
      sameCidr(one.dst, network) && (gateway === undefined || goesBy(one, gateway));
    if (tables.has(route, isIt)) continue;
    const via = gateway === undefined ? "" : ` via ${formatIp(gateway)}`;
    const table = route.table ? ` in table ${route.table}` : "";
    throw new CheckError(`route to ${formatCidr(route.dst)}${via} not found in the container${table}`);
  }
}

/** The routes of a namespace, asked for once a family and table. */
class RouteTables {
  readonly #connection: Connection;
  readonly #device: Device;
  readonly #read = new Map<string, readonly KernelRoute[]>();

  constructor(connection: Connection, device: Device) {
    this.#connection = connection;
    this.#device = device;
  }

  /** Whether there is such a route where ADD has put it, or through the device in any other table. */
  has({ dst, table }: Pick<Route, "dst" | "table">, isIt: (route: KernelRoute) => boolean): boolean {
    const family = familyOf(dst.ip);
    const expected = this.#of(family, table || RT_TABLE.MAIN, undefined);
    return expected.some(isIt) || this.#of(family, RT_TABLE.UNSPEC, this.#device).some(isIt);
  }

  /** UNSPEC: of all tables. */
  #of(family: Family, table: number, device: Device | undefined): readonly KernelRoute[] {
    const key = `${family} ${table}`;
    const routes = this.#read.get(key) ?? listRoutes(this.#connection, { family, table, ...(device && { device }) });
    this.#read.set(key, routes);
    return routes;
  }
}

/** A route of several next hops has none of its own; that one of them is the gateway is taken on trust. */
function goesBy(route: KernelRoute, gateway: Ip): boolean {
  if (route.gateway === undefined) return route.device === undefined;
  return compareIp(route.gateway, gateway) === 0;
}
