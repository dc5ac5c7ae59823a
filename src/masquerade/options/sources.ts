// "to": the source addresses that packets are to leave with must be this node's, or no reply finds its way back.

import { withNode } from "../../links/namespaces.ts";
import { NetlinkError } from "../../netlink/error.ts";
import { getRouteType } from "../../rtnetlink/route.ts";
import { RTN } from "../../rtnetlink/uapi.ts";
import { compareIp, familyOf, formatIp, type Ip, offsetIp } from "../../wire/ip.ts";
import { type AddressRange, wrong } from "./options.ts";

/** More are not asked for one by one: only the first of a range and the last. */
const ASKED_MAX = 256;

/**
 * Throws CniError 7 where an address of the ranges is not local to this node: one of an interface, or of a local route
 * (`ip route add local 192.0.2.0/28 dev lo`).
 */
export function requireOwnAddresses(ranges: readonly AddressRange[]): void {
  if (ranges.length === 0) return;
  withNode((connection) => {
    for (const ip of ranges.flatMap(addressesIn)) {
      if (isLocal(() => getRouteType(connection, ip))) continue;
      const address = formatIp(ip);
      throw wrong(
        `ipMasqOptions.to.ipv${familyOf(ip)}`,
        address,
        `an address of this node (ip address add ${address} dev …)`,
      );
    }
  });
}

function isLocal(typeOfRoute: () => number): boolean {
  try {
    return typeOfRoute() === RTN.LOCAL;
  } catch (error) {
    if (error instanceof NetlinkError) return false; // there is no way there at all
    throw error;
  }
}

function addressesIn({ first, last }: AddressRange): Ip[] {
  const found: Ip[] = [];
  for (let ip: Ip | undefined = first; ip !== undefined && compareIp(ip, last) <= 0; ip = offsetIp(ip, 1)) {
    found.push(ip);
    if (found.length > ASKED_MAX) return [first, last];
  }
  return found;
}
