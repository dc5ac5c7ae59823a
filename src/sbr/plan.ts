// Which of the interface's routes go into the table of an address, and what becomes of them in the main table.

import type { IpConfig } from "../cni/result.ts";
import { type RouteThrough, RTPROT_BAUTA } from "../links/routing-tables.ts";
import type { Device } from "../rtnetlink/device.ts";
import type { NewRoute, Route } from "../rtnetlink/route.ts";
import { RT_SCOPE } from "../rtnetlink/uapi.ts";
import { type Cidr, contains, familyOf, type Ip, networkOf, sameCidr } from "../wire/ip.ts";
import { gatewayOf, type Wanted } from "./wanted.ts";

type Addressing = Pick<Wanted, "addresses" | "gateways">;

/**
 * The routes of the main table that go into the table of the address: those by way of its subnet or with a source in it, and
 * those that belong to the subnet of no address, of the address's family. Of a family with a gateway of the configuration's,
 * no default route.
 */
export function routesFor(address: IpConfig, routes: readonly Route[], { addresses, gateways }: Addressing): Route[] {
  const family = familyOf(address.ip);
  const hasGateway = gateways.some((one) => familyOf(one) === family);
  return routes.filter((route) => {
    if (familyOf(route.dst.ip) !== family || route.protocol === RTPROT_BAUTA) return false;
    if (hasGateway && isDefault(route)) return false;
    const anchors = anchorsOf(route).filter((ip) => addresses.some((one) => contains(one, ip)));
    return anchors.length === 0 || anchors.some((ip) => contains(address, ip));
  });
}

/** The addresses that a route hangs on. */
function anchorsOf({ gateway, source, nextHops = [] }: Route): Ip[] {
  return [gateway, source, ...nextHops.map((hop) => hop.gateway)].filter((ip) => ip !== undefined);
}

/**
 * The default route that is missing in the table of the address, which has these routes; undefined where the address has no
 * gateway, or the table has one of this metric.
 */
export function missingDefault(
  address: IpConfig,
  routes: readonly NewRoute[],
  device: Device,
  { addresses, gateways }: Addressing,
): NewRoute | undefined {
  const gateway = gatewayOf(address, gateways);
  const hasDefault = routes.some((route) => isDefault(route) && (route.priority ?? 0) === usualMetric(route));
  if (gateway === undefined || hasDefault) return undefined;
  const onlink = !contains(LINK_LOCAL_6, gateway) && !addresses.some((one) => contains(one, gateway));
  return { dst: anywhere(address.ip), gateway, device, protocol: RTPROT_BAUTA, onlink };
}

/** IP6_RT_PRIO_USER of include/uapi/linux/ipv6_route.h; IPv4's is 0. */
function usualMetric({ dst }: NewRoute): number {
  return familyOf(dst.ip) === 4 ? 0 : 1024;
}

/** The routes to subnets that the main table keeps where it is to have hints, with the source that they hint at. */
export function hintsOf({ addresses }: Addressing, routes: readonly Route[], device: Device): NewRoute[] {
  return addresses.map((address) => {
    const dst = networkOf(address);
    const there = routes.find((route) => sameCidr(route.dst, dst));
    const base = there ?? { dst, device, scope: RT_SCOPE.LINK };
    return { ...base, source: address.ip, protocol: RTPROT_BAUTA };
  });
}

/**
 * The routes that leave the main table: those that some table has got, but not to what is on every link alike, and with hints
 * not to what is on this link.
 */
export function leaving(
  through: readonly RouteThrough[],
  { addresses, gateways, addSourceHints }: Wanted,
): RouteThrough[] {
  const routes = through.map(({ own }) => own);
  const moved = new Set(addresses.flatMap((address) => routesFor(address, routes, { addresses, gateways })));
  const hinted = addSourceHints ? addresses.map(networkOf) : [];
  return through.filter(({ own }) => {
    if (own.protocol === RTPROT_BAUTA || isOnEveryLink(own.dst)) return false;
    if (hinted.some((dst) => sameCidr(dst, own.dst)) || (addSourceHints && own.scope === RT_SCOPE.LINK)) return false;
    return moved.has(own) || (isDefault(own) && gateways.some((one) => familyOf(one) === familyOf(own.dst.ip)));
  });
}

function isDefault({ dst }: NewRoute): boolean {
  return dst.prefixLength === 0;
}

/** Link-local and multicast destinations (RFC 3927, RFC 4291): each interface has them, and packets to them name theirs. */
const LINK_LOCAL_6: Cidr = { ip: Uint8Array.of(0xfe, 0x80, ...new Uint8Array(14)), prefixLength: 10 };
const EVERY_LINK: readonly Cidr[] = [
  { ip: Uint8Array.of(169, 254, 0, 0), prefixLength: 16 },
  { ip: Uint8Array.of(224, 0, 0, 0), prefixLength: 4 },
  LINK_LOCAL_6,
  { ip: Uint8Array.of(0xff, ...new Uint8Array(15)), prefixLength: 8 },
];

function isOnEveryLink({ ip, prefixLength }: Cidr): boolean {
  return EVERY_LINK.some((prefix) => prefixLength >= prefix.prefixLength && contains(prefix, ip));
}

function anywhere(ip: Ip): Cidr {
  return { ip: new Uint8Array(ip.length), prefixLength: 0 };
}
