// include/uapi/linux/netfilter.h and netfilter/nf_conntrack_common.h, in the kernel's spelling: what nf_tables and connection
// tracking have in common.

/** Families of tables, of chains and of flows. */
export const NFPROTO = { UNSPEC: 0, INET: 1, IPV4: 2, ARP: 3, NETDEV: 5, BRIDGE: 7, IPV6: 10 } as const;

/** NFPROTO.IPV4 or NFPROTO.IPV6. */
export function nfproto(family: 4 | 6): number {
  return family === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6;
}

/** Bits of a flow's status: enum ip_conntrack_status. */
export const IPS = {
  EXPECTED: 0x1,
  SEEN_REPLY: 0x2,
  ASSURED: 0x4,
  CONFIRMED: 0x8,
  SRC_NAT: 0x10,
  DST_NAT: 0x20,
} as const;
