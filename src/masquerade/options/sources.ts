// "to": the source addresses that packets are to leave with must be this node's, or no reply finds its way back.

import { withNode } from "../../links/namespaces.ts";
import type { Connection } from "../../netlink/connection.ts";
import { NetlinkError } from "../../netlink/error.ts";
import { getRouteType, listRoutes } from "../../rtnetlink/route.ts";
import { RT_TABLE, RTN } from "../../rtnetlink/uapi.ts";
import { compareIp, type Family, familyOf, formatCidr, formatIp, type Ip, offsetIp } from "../../wire/ip.ts";
import { intervalsOf, type PrefixEntry } from "./longest-prefix.ts";
import { type AddressRange, wrong } from "./options.ts";

/** The kernel is asked for each address of a range that has no more than these; for a longer one, for its local routes. */
const ASKED_MAX = 256;

/**
 * Throws CniError 7 where an address of the ranges is not local to this node: neither an interface's nor that of a local
 * route (`ip route add local 192.0.2.0/24 dev lo`).
 */
export function requireOwnAddresses(ranges: readonly AddressRange[]): void {
  if (ranges.length === 0) return;
  withNode((connection) => {
    for (const range of ranges) {
      const addresses = addressesIn(range);
      const foreign =
        addresses === undefined
          ? firstOutside(localIntervals(connection, familyOf(range.first)), range)
          : addresses.find((ip) => !isLocal(connection, ip));
      if (foreign !== undefined) throw notOurs(foreign);
    }
  });
}

function notOurs(ip: Ip): Error {
  const address = formatIp(ip);
  return wrong(
    `ipMasqOptions.to.ipv${familyOf(ip)}`,
    address,
    `an address of this node (ip address add ${address} dev …, or ip route add local ${address} dev lo)`,
  );
}

/** The addresses of a range one by one; undefined where there are more than are asked for. */
function addressesIn({ first, last }: AddressRange): Ip[] | undefined {
  const found: Ip[] = [];
  for (let ip: Ip | undefined = first; ip !== undefined && compareIp(ip, last) <= 0; ip = offsetIp(ip, 1)) {
    found.push(ip);
    if (found.length > ASKED_MAX) return undefined;
  }
  return found;
}

function isLocal(connection: Connection, ip: Ip): boolean {
  try {
    return getRouteType(connection, ip) === RTN.LOCAL;
  } catch (error) {
    if (error instanceof NetlinkError) return false; // no route leads to the address at all
    throw error;
  }
}

/**
 * The addresses that are this node's by the routing table `local`. Within a prefix of local addresses a longer prefix may be
 * something else: a broadcast address, for example. Of routes for one prefix the kernel takes the first, and lists it first.
 */
function localIntervals(connection: Connection, family: Family): AddressRange[] {
  const entries = new Map<string, PrefixEntry>();
  for (const { dst, type, table } of listRoutes(connection, { family, table: RT_TABLE.LOCAL })) {
    const name = formatCidr(dst);
    if (table === RT_TABLE.LOCAL && !entries.has(name)) entries.set(name, { prefix: dst, isIn: type === RTN.LOCAL });
  }
  return intervalsOf([...entries.values()], family, false);
}

/** The first address of the range that is in none of the intervals, which are in order; undefined where all are in one. */
function firstOutside(intervals: readonly AddressRange[], range: AddressRange): Ip | undefined {
  let ip: Ip | undefined = range.first;
  for (const { first, last } of intervals) {
    if (ip === undefined || compareIp(ip, range.last) > 0) return undefined;
    if (compareIp(last, ip) < 0) continue;
    if (compareIp(first, ip) > 0) return ip;
    ip = offsetIp(last, 1);
  }
  return ip !== undefined && compareIp(ip, range.last) <= 0 ? ip : undefined;
}
