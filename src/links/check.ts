// What CHECK compares: the interfaces, addresses and routes of a result with those that the kernel has.

import type { Invocation } from "../cni/plugin.ts";
import type { Interface, Result } from "../cni/result.ts";
import type { Connection } from "../netlink/connection.ts";
import { listAddresses } from "../rtnetlink/address.ts";
import { deviceText } from "../rtnetlink/device.ts";
import { getLink, type Link } from "../rtnetlink/link.ts";
import type { Route as KernelRoute } from "../rtnetlink/route.ts";
import { isSameNetns } from "../sys/netns.ts";
import { familyOf, formatCidr, formatIp, isSingleHost, networkOf, sameCidr } from "../wire/ip.ts";
import { formatMac } from "../wire/mac.ts";
import { nextHopOf } from "./configure.ts";
import { ContainerRoutes, goesBy, type RoutedLink } from "./container-routes.ts";

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
 * Throws CheckError where the container's interface lacks one of the result's addresses, or a route to the subnet of one, or one of
 * the result's routes, or a route goes by another gateway.
 */
export function checkAddressing(container: Connection, link: RoutedLink, result: Result): void {
  const routes = new ContainerRoutes(container, link, result.ips);
  checkAddresses(container, link, routes, result);
  checkRoutes(routes, result);
}

function checkAddresses(container: Connection, link: RoutedLink, routes: ContainerRoutes, { ips }: Result): void {
  if (ips.length === 0) return;
  const there = listAddresses(container, { device: link }).map(formatCidr);
  for (const address of ips) {
    const cidr = formatCidr(address);
    if (!there.includes(cidr)) {
      throw new CheckError(`address ${cidr} is not on interface ${deviceText(link)} in the container`);
    }
    const subnet = networkOf(address);
    if (isSingleHost(subnet)) continue; // nobody else is in the subnet of a single address
    if (!routes.some(familyOf(subnet.ip), undefined, ({ dst }) => sameCidr(dst, subnet))) {
      throw new CheckError(`route to ${formatCidr(subnet)} not found in the container`);
    }
  }
}

function checkRoutes(present: ContainerRoutes, { ips, routes }: Result): void {
  for (const route of routes) {
    const [dst, gateway] = [networkOf(route.dst), nextHopOf(route, ips)];
    const isThis = (one: KernelRoute): boolean => sameCidr(one.dst, dst) && goesBy(one, gateway);
    if (present.some(familyOf(dst.ip), route.table || undefined, isThis)) continue;
    const via = gateway === undefined ? "" : ` via ${formatIp(gateway)}`;
    const table = route.table ? ` in table ${route.table}` : "";
    throw new CheckError(`route to ${formatCidr(dst)}${via} not found in the container${table}`);
  }
}
