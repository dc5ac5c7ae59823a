// Numbers of DHCPv6 and of router advertisements, as the RFCs spell them, and what the kernel says of a link's routers.

import type { Ip } from "../../wire/ip.ts";

/** RFC 8415 section 7.3. */
export const MESSAGE6 = {
  SOLICIT: 1,
  ADVERTISE: 2,
  REQUEST: 3,
  RENEW: 5,
  REBIND: 6,
  REPLY: 7,
  RELEASE: 8,
  DECLINE: 9,
  INFORMATION_REQUEST: 11,
} as const;

/** RFC 8415 section 21; the last two RFC 3646. */
export const OPTION6 = {
  CLIENTID: 1,
  SERVERID: 2,
  IA_NA: 3,
  IAADDR: 5,
  ORO: 6,
  PREFERENCE: 7,
  ELAPSED_TIME: 8,
  STATUS_CODE: 13,
  RAPID_COMMIT: 14,
  DNS_SERVERS: 23,
  DOMAIN_LIST: 24,
} as const;

/** RFC 8415 section 21.13. */
export const STATUS = {
  SUCCESS: 0,
  UNSPEC_FAIL: 1,
  NO_ADDRS_AVAIL: 2,
  NO_BINDING: 3,
  NOT_ON_LINK: 4,
  USE_MULTICAST: 5,
} as const;

/** RFC 8415 section 7.2. */
export const PORT6 = { CLIENT: 546, SERVER: 547 } as const;

/** ff02::1:2, All_DHCP_Relay_Agents_and_Servers: RFC 8415 section 7.1. */
export const ALL_SERVERS: Ip = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2);

/** A preference that no other server can exceed (RFC 8415 section 18.2.1). */
export const PREFERENCE_MAX = 255;

/** A time of this many seconds has no end (RFC 8415 section 7.7). */
export const INFINITY = 0xffffffff;

/** RFC 8106: options of router advertisements. */
export const ND_OPT = { RDNSS: 25, DNSSL: 31 } as const;

/** include/net/if_inet6.h: what the router advertisements of a link have said. RA_RCVD only counts those that answer the kernel. */
export const IF = { RA_RCVD: 0x20, RA_MANAGED: 0x40, RA_OTHERCONF: 0x80 } as const;
