// include/uapi/linux/netfilter.h, nfnetlink.h, nf_tables.h and nf_nat.h, in the kernel's spelling. The numbers of
// an expression's attributes stand in its own file under expr/.

export { NFPROTO, nfproto } from "../netlink/netfilter.ts";

export const NFNL_MSG = { BATCH_BEGIN: 0x10, BATCH_END: 0x11 } as const;
/** Multicast group of the events of nf_tables. */
export const NFNLGRP_NFTABLES = 7;
/** Multicast group of what packets with `meta nftrace set 1` go through. */
export const NFNLGRP_NFTRACE = 9;

export const NFT_MSG = {
  NEWTABLE: 0,
  GETTABLE: 1,
  DELTABLE: 2,
  NEWCHAIN: 3,
  GETCHAIN: 4,
  DELCHAIN: 5,
  NEWRULE: 6,
  GETRULE: 7,
  DELRULE: 8,
  NEWSET: 9,
  GETSET: 10,
  DELSET: 11,
  NEWSETELEM: 12,
  GETSETELEM: 13,
  DELSETELEM: 14,
  NEWGEN: 15,
  GETGEN: 16,
  TRACE: 17,
  NEWOBJ: 18,
  GETOBJ: 19,
  DELOBJ: 20,
  NEWFLOWTABLE: 22,
  DELFLOWTABLE: 24,
} as const;

/** Hooks of the families ip, ip6, inet and bridge. */
export const NF_INET = { PRE_ROUTING: 0, LOCAL_IN: 1, FORWARD: 2, LOCAL_OUT: 3, POST_ROUTING: 4, INGRESS: 5 } as const;
/** Hooks of the family netdev. */
export const NF_NETDEV = { INGRESS: 0, EGRESS: 1 } as const;

/** Priorities of the families ip, ip6 and inet: NF_IP_PRI_… of netfilter_ipv4.h. */
export const NF_IP_PRI = { RAW: -300, MANGLE: -150, NAT_DST: -100, FILTER: 0, SECURITY: 50, NAT_SRC: 100 } as const;
/** Priorities of the family bridge: NF_BR_PRI_… of netfilter_bridge.h. */
export const NF_BR_PRI = { NAT_DST_BRIDGED: -300, FILTER_BRIDGED: -200, NAT_DST_OTHER: 100, NAT_SRC: 300 } as const;

/** Verdicts that end the evaluation; also the policies of a base chain. */
export const NF = { DROP: 0, ACCEPT: 1 } as const;
/** Verdicts that only nf_tables knows. */
export const NFT_VERDICT = { CONTINUE: -1, BREAK: -2, JUMP: -3, GOTO: -4, RETURN: -5 } as const;

/** Registers of 16 bytes; NFT_REG32 begin at 8 and have 4. */
export const NFT_REG = { VERDICT: 0, 1: 1, 2: 2, 3: 3, 4: 4 } as const;
export const NFT_REG32_00 = 8;

export const NFT_TABLE_F = { DORMANT: 0x1, OWNER: 0x2 } as const;
export const NFT_CHAIN = { BASE: 0x1, HW_OFFLOAD: 0x2, BINDING: 0x4 } as const;

export const NFT_SET = {
  ANONYMOUS: 0x1,
  CONSTANT: 0x2,
  INTERVAL: 0x4,
  MAP: 0x8,
  TIMEOUT: 0x10,
  EVAL: 0x20,
  OBJECT: 0x40,
  CONCAT: 0x80,
  EXPR: 0x100,
} as const;
export const NFT_SET_POL = { PERFORMANCE: 0, MEMORY: 1 } as const;
export const NFT_SET_ELEM = { INTERVAL_END: 0x1, CATCHALL: 0x2 } as const;
/** The data type of a map to verdicts. */
export const NFT_DATA_VERDICT = 0xffffff00;

export const NFT_OBJECT = { COUNTER: 1, QUOTA: 2, CT_HELPER: 3, LIMIT: 4, CONNLIMIT: 5, CT_TIMEOUT: 7 } as const;

/** Flags of masquerade, snat, dnat and redirect: include/uapi/linux/netfilter/nf_nat.h. */
export const NF_NAT_RANGE = {
  MAP_IPS: 0x1,
  PROTO_SPECIFIED: 0x2,
  PROTO_RANDOM: 0x4,
  PERSISTENT: 0x8,
  PROTO_RANDOM_FULLY: 0x10,
  NETMAP: 0x40,
} as const;

// Attributes of each kind of message, and of the nests in them.

export const NFTA_CHAIN = {
  TABLE: 1,
  HANDLE: 2,
  NAME: 3,
  HOOK: 4,
  POLICY: 5,
  USE: 6,
  TYPE: 7,
  FLAGS: 10,
  USERDATA: 12,
} as const;
export const NFTA_HOOK = { HOOKNUM: 1, PRIORITY: 2, DEV: 3 } as const;
export const NFTA_VERDICT = { CODE: 1, CHAIN: 2 } as const;
export const NFTA_SET_ELEM = {
  KEY: 1,
  DATA: 2,
  FLAGS: 3,
  TIMEOUT: 4,
  EXPIRATION: 5,
  USERDATA: 6,
  EXPR: 7,
  OBJREF: 9,
  KEY_END: 10,
  EXPRESSIONS: 11,
} as const;
export const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3, SET_ID: 4 } as const;
export const NFTA_GEN = { ID: 1, PROC_PID: 2, PROC_NAME: 3 } as const;
export const NFTA_RULE = { TABLE: 1, CHAIN: 2, HANDLE: 3, EXPRESSIONS: 4, POSITION: 6, USERDATA: 7, ID: 9 } as const;
export const NFTA_SET = {
  TABLE: 1,
  NAME: 2,
  FLAGS: 3,
  KEY_TYPE: 4,
  KEY_LEN: 5,
  DATA_TYPE: 6,
  DATA_LEN: 7,
  POLICY: 8,
  DESC: 9,
  ID: 10,
  TIMEOUT: 11,
  GC_INTERVAL: 12,
  USERDATA: 13,
  OBJ_TYPE: 15,
  HANDLE: 16,
  EXPR: 17,
  EXPRESSIONS: 18,
} as const;
export const NFTA_SET_DESC = { SIZE: 1, CONCAT: 2 } as const;
export const NFTA_TABLE = { NAME: 1, FLAGS: 2, USE: 3, HANDLE: 4, USERDATA: 6, OWNER: 7 } as const;
export const NFTA_TRACE = {
  TABLE: 1,
  CHAIN: 2,
  RULE_HANDLE: 3,
  TYPE: 4,
  VERDICT: 5,
  ID: 6,
  NETWORK_HEADER: 8,
  POLICY: 16,
} as const;
/** nfnetlink_hook.h */
export const NFNL_MSG_HOOK = { GET: 0 } as const;
export const NFNLA_HOOK = { HOOKNUM: 1, PRIORITY: 2, FUNCTION_NAME: 4, MODULE_NAME: 5, CHAIN_INFO: 6 } as const;
export const NFNLA_HOOK_INFO = { DESC: 1, TYPE: 2 } as const;
export const NFNLA_CHAIN = { TABLE: 1, FAMILY: 2, NAME: 3 } as const;
export const NFTA_SET_FIELD = { LEN: 1 } as const;
export const NFTA_LIST = { ELEM: 1 } as const;
export const NFTA_DATA = { VALUE: 1, VERDICT: 2 } as const;
export const NFTA_EXPR = { NAME: 1, DATA: 2 } as const;
export const NFNL_BATCH = { GENID: 1 } as const;
