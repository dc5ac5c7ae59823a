// The MTU that IPv6 needs (RFC 8200 section 5). The kernel takes IPv6 away from an interface whose MTU falls below it,
// addresses and all (addrconf_notify() in net/ipv6/addrconf.c).

import { CNI_CODE, CniError } from "../cni/error.ts";
import type { Connection } from "../netlink/connection.ts";
import { listAddresses } from "../rtnetlink/address.ts";
import type { BriefLink } from "../rtnetlink/brief-link.ts";
import { RT_SCOPE } from "../rtnetlink/uapi.ts";
import { type Cidr, familyOf, formatCidr } from "../wire/ip.ts";

const IPV6_MIN_MTU = 1280;

/** Throws CniError 7 where one of the addresses can't be on an interface with this MTU; undefined: the kernel's choice. */
export function requireMtuFor(addresses: readonly Cidr[], mtu: number | undefined): void {
  if (!mtu || mtu >= IPV6_MIN_MTU) return;
  const first = addresses.find(({ ip }) => familyOf(ip) === 6);
  if (first === undefined) return;
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `mtu: ${mtu} is too small for the IPv6 address ${formatCidr(first)}, which needs ${IPV6_MIN_MTU}`,
  );
}

/**
 * Throws CniError 7 where a port with this MTU would cost the bridge its IPv6 addresses, and with them all its containers
 * their gateway: a bridge takes the smallest MTU of its ports (br_mtu_auto_adjust() in net/bridge/br_if.c).
 */
export function requirePortMtu(connection: Connection, bridge: BriefLink, mtu: number | undefined): void {
  if (!mtu || mtu >= IPV6_MIN_MTU) return;
  const addresses = listAddresses(connection, { device: bridge, family: 6 });
  const first = addresses.find(({ scope }) => scope === RT_SCOPE.UNIVERSE);
  if (first === undefined) return;
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `mtu: with a port of ${mtu} the bridge ${JSON.stringify(bridge.name)} would lose its address ${formatCidr(first)}`,
    `IPv6 needs an MTU of ${IPV6_MIN_MTU}; a bridge of its own may have less`,
  );
}
