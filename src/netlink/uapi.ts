// include/uapi/linux/netlink.h, include/uapi/linux/socket.h

export const NETLINK = { ROUTE: 0, NETFILTER: 12 } as const;

export const NLM_F = {
  REQUEST: 0x1,
  MULTI: 0x2,
  ACK: 0x4,
  ECHO: 0x8,
  DUMP_INTR: 0x10,
  /** Modifiers of GET requests. */
  ROOT: 0x100,
  MATCH: 0x200,
  DUMP: 0x300,
  /** Modifiers of NEW requests. */
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
  /** Modifier of DELETE requests: non-recursive. */
  NONREC: 0x100,
  /** Flags of an acknowledgement. */
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const;

export const NLMSG = { NOOP: 1, ERROR: 2, DONE: 3, OVERRUN: 4 } as const;

export const NLMSG_HDRLEN = 16;

export const NETLINK_OPTION = { ADD_MEMBERSHIP: 1, CAP_ACK: 10, EXT_ACK: 11, GET_STRICT_CHK: 12 } as const;

/** Attributes of an extended acknowledgement. */
export const NLMSGERR_ATTR = { MSG: 1, OFFS: 2, MISS_TYPE: 5 } as const;
