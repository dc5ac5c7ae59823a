// Numbers of rtnetlink, with the kernel's spelling. Only what is used, and what a reader of a trace meets next to it.

// include/linux/socket.h
export const AF = { UNSPEC: 0, INET: 2, BRIDGE: 7, INET6: 10 } as const;

// include/uapi/linux/rtnetlink.h
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
  NEWQDISC: 36,
  DELQDISC: 37,
  GETQDISC: 38,
  NEWTFILTER: 44,
  DELTFILTER: 45,
  GETTFILTER: 46,
  NEWNDUSEROPT: 68,
  NEWNSID: 88,
  GETNSID: 90,
  NEWLINKPROP: 108,
  DELLINKPROP: 109,
} as const;

/** Multicast groups, by number, for the `groups` of a NetlinkSocket. */
export const RTNLGRP = {
  LINK: 1,
  NEIGH: 3,
  IPV4_IFADDR: 5,
  IPV4_ROUTE: 7,
  IPV6_IFADDR: 9,
  IPV6_ROUTE: 11,
  IPV6_IFINFO: 12,
  ND_USEROPT: 20,
} as const;

/** Bits of IFLA_EXT_MASK. */
export const RTEXT_FILTER = { VF: 1, BRVLAN: 2, BRVLAN_COMPRESSED: 4, SKIP_STATS: 8 } as const;

export const RTA = {
  DST: 1,
  SRC: 2,
  IIF: 3,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  PREFSRC: 7,
  METRICS: 8,
  MULTIPATH: 9,
  CACHEINFO: 12,
  TABLE: 15,
  PREF: 20,
} as const;

export const RTAX = { MTU: 2, ADVMSS: 8 } as const;

export const RT_TABLE = { UNSPEC: 0, COMPAT: 252, DEFAULT: 253, MAIN: 254, LOCAL: 255 } as const;

/** Who installed a route. */
export const RTPROT = { UNSPEC: 0, REDIRECT: 1, KERNEL: 2, BOOT: 3, STATIC: 4, RA: 9 } as const;

export const RT_SCOPE = { UNIVERSE: 0, SITE: 200, LINK: 253, HOST: 254, NOWHERE: 255 } as const;

export const RTN = {
  UNSPEC: 0,
  UNICAST: 1,
  LOCAL: 2,
  BROADCAST: 3,
  ANYCAST: 4,
  MULTICAST: 5,
  BLACKHOLE: 6,
  UNREACHABLE: 7,
  PROHIBIT: 8,
} as const;

/** Flags of a next hop. */
export const RTNH_F = { DEAD: 1, PERVASIVE: 2, ONLINK: 4, OFFLOAD: 8, LINKDOWN: 16 } as const;

export const RTM_F = { CLONED: 0x200, LOOKUP_TABLE: 0x1000, FIB_MATCH: 0x2000 } as const;

// include/uapi/linux/fib_rules.h
export const FRA = { SRC: 2, PRIORITY: 6, SUPPRESS_PREFIXLEN: 14, TABLE: 15, PROTOCOL: 21 } as const;

/** What a rule does with a packet. */
export const FR_ACT = { UNSPEC: 0, TO_TBL: 1 } as const;

/** Flags of a rule. */
export const FIB_RULE = { PERMANENT: 1, INVERT: 2 } as const;

// include/uapi/linux/if.h
export const IFF = {
  UP: 0x1,
  BROADCAST: 0x2,
  LOOPBACK: 0x8,
  POINTOPOINT: 0x10,
  RUNNING: 0x40,
  NOARP: 0x80,
  PROMISC: 0x100,
  ALLMULTI: 0x200,
  MULTICAST: 0x1000,
  LOWER_UP: 0x10000,
} as const;

/** RFC 2863 operational states. */
export const IF_OPER = {
  UNKNOWN: 0,
  NOTPRESENT: 1,
  DOWN: 2,
  LOWERLAYERDOWN: 3,
  TESTING: 4,
  DORMANT: 5,
  UP: 6,
} as const;

// include/uapi/linux/if_link.h
export const IFLA = {
  ADDRESS: 1,
  BROADCAST: 2,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  QDISC: 6,
  MASTER: 10,
  PROTINFO: 12,
  TXQLEN: 13,
  OPERSTATE: 16,
  LINKINFO: 18,
  IFALIAS: 20,
  AF_SPEC: 26,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  PROMISCUITY: 30,
  LINK_NETNSID: 37,
  NEW_NETNSID: 45,
  NEW_IFINDEX: 49,
  PROP_LIST: 52,
  ALT_IFNAME: 53,
  PERM_ADDRESS: 54,
  PARENT_DEV_NAME: 56,
  PARENT_DEV_BUS_NAME: 57,
} as const;

export const IFLA_INFO = { KIND: 1, DATA: 2, XSTATS: 3, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const;

export const IFLA_INET6 = { FLAGS: 1, TOKEN: 7, ADDR_GEN_MODE: 8 } as const;

/** How a link makes its own IPv6 addresses; NONE: not at all, so it has no fe80:: address either. */
export const IN6_ADDR_GEN_MODE = { EUI64: 0, NONE: 1, STABLE_PRIVACY: 2, RANDOM: 3 } as const;

export const IFLA_BR = {
  FORWARD_DELAY: 1,
  HELLO_TIME: 2,
  MAX_AGE: 3,
  AGEING_TIME: 4,
  STP_STATE: 5,
  PRIORITY: 6,
  VLAN_FILTERING: 7,
  VLAN_PROTOCOL: 8,
  GROUP_FWD_MASK: 9,
  MCAST_SNOOPING: 23,
  NF_CALL_IPTABLES: 36,
  NF_CALL_IP6TABLES: 37,
  VLAN_DEFAULT_PVID: 39,
} as const;

export const IFLA_BRPORT = {
  STATE: 1,
  PRIORITY: 2,
  COST: 3,
  /** Hairpin. */
  MODE: 4,
  GUARD: 5,
  PROTECT: 6,
  FAST_LEAVE: 7,
  LEARNING: 8,
  UNICAST_FLOOD: 9,
  PROXYARP: 10,
  MCAST_FLOOD: 27,
  BCAST_FLOOD: 30,
  NEIGH_SUPPRESS: 32,
  ISOLATED: 33,
  LOCKED: 39,
} as const;

export const IFLA_TUN = {
  OWNER: 1,
  GROUP: 2,
  TYPE: 3,
  PI: 4,
  VNET_HDR: 5,
  PERSIST: 6,
  MULTI_QUEUE: 7,
  NUM_QUEUES: 8,
  NUM_DISABLED_QUEUES: 9,
} as const;

export const IFLA_VLAN = { ID: 1, PROTOCOL: 5 } as const;
export const IFLA_VRF = { TABLE: 1 } as const;

export const IFLA_MACVLAN = { MODE: 1, FLAGS: 2, BC_QUEUE_LEN: 7 } as const;

export const MACVLAN_MODE = { PRIVATE: 1, VEPA: 2, BRIDGE: 4, PASSTHRU: 8, SOURCE: 16 } as const;

export const IFLA_IPVLAN = { MODE: 1, FLAGS: 2 } as const;

export const IPVLAN_MODE = { L2: 0, L3: 1, L3S: 2 } as const;

export const IPVLAN_F = { PRIVATE: 1, VEPA: 2 } as const;

// include/uapi/linux/if_ether.h
export const ETH_P = { ALL: 0x3, IP: 0x800, "8021Q": 0x8100, IPV6: 0x86dd, "8021AD": 0x88a8 } as const;

// include/uapi/linux/veth.h
export const VETH_INFO = { PEER: 1 } as const;

// include/uapi/linux/if_bridge.h
export const BR_STATE = { DISABLED: 0, LISTENING: 1, LEARNING: 2, FORWARDING: 3, BLOCKING: 4 } as const;

export const IFLA_BRIDGE = { FLAGS: 0, MODE: 1, VLAN_INFO: 2 } as const;

export const BRIDGE_FLAGS = { MASTER: 1, SELF: 2 } as const;

export const BRIDGE_VLAN_INFO = {
  MASTER: 1,
  PVID: 2,
  UNTAGGED: 4,
  RANGE_BEGIN: 8,
  RANGE_END: 16,
  BRENTRY: 32,
} as const;

// include/uapi/linux/if_addr.h
export const IFA = {
  ADDRESS: 1,
  LOCAL: 2,
  LABEL: 3,
  BROADCAST: 4,
  CACHEINFO: 6,
  FLAGS: 8,
  RT_PRIORITY: 9,
  PROTO: 11,
} as const;

export const IFA_F = {
  SECONDARY: 0x1,
  NODAD: 0x2,
  OPTIMISTIC: 0x4,
  DADFAILED: 0x8,
  HOMEADDRESS: 0x10,
  DEPRECATED: 0x20,
  TENTATIVE: 0x40,
  PERMANENT: 0x80,
  MANAGETEMPADDR: 0x100,
  NOPREFIXROUTE: 0x200,
  MCAUTOJOIN: 0x400,
  STABLE_PRIVACY: 0x800,
} as const;

// include/uapi/linux/neighbour.h
export const NDA = { DST: 1, LLADDR: 2, CACHEINFO: 3, PROBES: 4, VLAN: 5, IFINDEX: 8, MASTER: 9 } as const;

export const NUD = {
  INCOMPLETE: 0x01,
  REACHABLE: 0x02,
  STALE: 0x04,
  DELAY: 0x08,
  PROBE: 0x10,
  FAILED: 0x20,
  NOARP: 0x40,
  PERMANENT: 0x80,
} as const;

export const NTF = { SELF: 0x02, MASTER: 0x04, PROXY: 0x08, ROUTER: 0x80 } as const;

// include/uapi/linux/net_namespace.h
export const NETNSA = { NSID: 1, PID: 2, FD: 3 } as const;

// include/uapi/linux/rtnetlink.h
export const TCA = { KIND: 1, OPTIONS: 2, STATS: 3, STATS2: 7, CHAIN: 11 } as const;

// include/uapi/linux/gen_stats.h
export const TCA_STATS = { BASIC: 1, QUEUE: 3, PKT64: 8 } as const;

// include/uapi/linux/pkt_sched.h
/** Handles of queueing disciplines that are places, not names. */
export const TC_H = { ROOT: 0xffffffff, CLSACT: 0xfffffff1, MIN_INGRESS: 0xfff2, MIN_EGRESS: 0xfff3 } as const;

export const TCA_TBF = { PARMS: 1, RATE64: 4, BURST: 6 } as const;

// include/uapi/linux/pkt_cls.h
export const TCA_U32 = { CLASSID: 1, SEL: 5, ACT: 7 } as const;

export const TC_U32 = { TERMINAL: 1 } as const;

export const TCA_ACT = { KIND: 1, OPTIONS: 2 } as const;

/** What becomes of a packet after an action. */
export const TC_ACT = { OK: 0, SHOT: 2, PIPE: 3, STOLEN: 4 } as const;

// include/uapi/linux/tc_act/tc_mirred.h
export const TCA_MIRRED = { TM: 1, PARMS: 2 } as const;

export const TCA_EGRESS = { REDIR: 1, MIRROR: 2 } as const;
