// include/uapi/linux/netfilter/nfnetlink_conntrack.h and nf_conntrack_common.h, in the kernel's spelling. Attribute
// numbers (CTA_…) stand in the tables of the files that use them.

export const IPCTNL_MSG_CT = { NEW: 0, GET: 1, DELETE: 2 } as const;

/** Families of addresses. */
export const NFPROTO = { UNSPEC: 0, IPV4: 2, IPV6: 10 } as const;

/** Bits of a flow's status. */
export const IPS = {
  EXPECTED: 0x1,
  SEEN_REPLY: 0x2,
  ASSURED: 0x4,
  CONFIRMED: 0x8,
  SRC_NAT: 0x10,
  DST_NAT: 0x20,
} as const;

/** What of a tuple a filter compares: CTA_FILTER_F_… of the kernel's own net/netfilter/nf_internals.h. */
export const CTA_FILTER_F = { CTA_IP_SRC: 0x1, CTA_IP_DST: 0x2 } as const;
