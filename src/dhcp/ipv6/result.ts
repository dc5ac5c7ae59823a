// What an interface has of IPv6, as the result of an IPAM plugin.

import type { Dns, Result } from "../../cni/result.ts";
import type { Cidr, Ip } from "../../wire/ip.ts";
import type { Lease6 } from "./lease.ts";
import { joinDns } from "./nd-dns.ts";

/** What routers have brought about. */
export interface Given6 {
  /** Whether a DHCPv6 server gives an address besides. */
  readonly isManaged: boolean;
  /** The addresses that the kernel has made. */
  readonly addresses: readonly Cidr[];
  /** The router that the default route leads to. */
  readonly gateway: Ip | undefined;
  readonly dns: Dns;
}

const ANY: Cidr = { ip: new Uint8Array(16), prefixLength: 0 };
/** An address of DHCPv6 says nothing about others on its link (RFC 5942). */
export const LEASE_PREFIX = 128;

/** `priority` is the metric of the default route, where it is not 0. Undefined where the address of DHCPv6 is missing. */
export function resultOf6(given: Given6, lease: Lease6 | undefined, priority: number): Result | undefined {
  const { isManaged, addresses, gateway, dns } = given;
  if (isManaged && lease === undefined) return undefined;
  const all = lease === undefined ? addresses : [...addresses, { ip: lease.ip, prefixLength: LEASE_PREFIX }];
  const metric = priority === 0 ? {} : { priority };
  return {
    interfaces: [],
    ips: all.map((address) => ({ ...address, gateway })),
    routes: gateway === undefined ? [] : [{ dst: ANY, gw: gateway, ...metric }],
    dns: joinDns(lease?.dns ?? {}, dns),
  };
}
