// include/uapi/linux/netfilter/nfnetlink_conntrack.h, in the kernel's spelling. Attribute
// numbers (CTA_…) stand in the tables of the files that use them.

export const IPCTNL_MSG_CT = { NEW: 0, GET: 1, DELETE: 2 } as const;

/** What of a tuple a filter compares: CTA_FILTER_F_… of the kernel's own net/netfilter/nf_internals.h. */
export const CTA_FILTER_F = { CTA_IP_SRC: 0x1, CTA_IP_DST: 0x2, CTA_PROTO_NUM: 0x8 } as const;

// Attributes of each kind of message, and of the nests in them.

export const CTA_FILTER = { ORIG_FLAGS: 1, REPLY_FLAGS: 2 } as const;
export const CTA = {
  TUPLE_ORIG: 1,
  TUPLE_REPLY: 2,
  STATUS: 3,
  TIMEOUT: 7,
  MARK: 8,
  ID: 12,
  ZONE: 18,
  FILTER: 25,
} as const;
export const CTA_PROTO = {
  NUM: 1,
  SRC_PORT: 2,
  DST_PORT: 3,
  ICMP_ID: 4,
  ICMP_TYPE: 5,
  ICMP_CODE: 6,
  ICMPV6_ID: 7,
  ICMPV6_TYPE: 8,
  ICMPV6_CODE: 9,
} as const;
export const CTA_TUPLE = { IP: 1, PROTO: 2, ZONE: 3 } as const;
export const CTA_IP = { V4_SRC: 1, V4_DST: 2, V6_SRC: 3, V6_DST: 4 } as const;
