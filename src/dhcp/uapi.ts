// Numbers of DHCP and of what carries it, as the RFCs spell them.

/** RFC 951 section 3: op. */
export const BOOTP = { REQUEST: 1, REPLY: 2 } as const;

/** RFC 2131 section 3: the first four bytes of the options. */
export const MAGIC_COOKIE = 0x63825363;

/** RFC 2131 section 2: the flag that asks for replies by broadcast. */
export const FLAG_BROADCAST = 0x8000;

/** IANA, BOOTP vendor extensions and DHCP options; RFC 2132 unless another is named. */
export const OPTION = {
  PAD: 0,
  SUBNET_MASK: 1,
  ROUTERS: 3,
  DOMAIN_NAME_SERVERS: 6,
  HOST_NAME: 12,
  DOMAIN_NAME: 15,
  INTERFACE_MTU: 26,
  STATIC_ROUTES: 33,
  REQUESTED_ADDRESS: 50,
  LEASE_TIME: 51,
  OVERLOAD: 52,
  MESSAGE_TYPE: 53,
  SERVER_IDENTIFIER: 54,
  PARAMETER_REQUEST_LIST: 55,
  MAX_MESSAGE_SIZE: 57,
  RENEWAL_TIME: 58,
  REBINDING_TIME: 59,
  VENDOR_CLASS_IDENTIFIER: 60,
  CLIENT_IDENTIFIER: 61,
  USER_CLASS: 77, // RFC 3004
  DOMAIN_SEARCH: 119, // RFC 3397
  CLASSLESS_ROUTES: 121, // RFC 3442
  END: 255,
} as const;

/** RFC 2132 section 9.6. */
export const MESSAGE = {
  DISCOVER: 1,
  OFFER: 2,
  REQUEST: 3,
  DECLINE: 4,
  ACK: 5,
  NAK: 6,
  RELEASE: 7,
} as const;

/** RFC 2132 section 9.3: which fields of the header hold options, too; bits. */
export const OVERLOAD = { FILE: 1, SNAME: 2 } as const;

/** RFC 2131 section 4.1. */
export const PORT = { SERVER: 67, CLIENT: 68 } as const;

/** RFC 826; hardware type and operations. */
export const ARP = { ETHERNET: 1, REQUEST: 1, REPLY: 2 } as const;

/** A lease of this many seconds never ends (RFC 2131 section 3.3). */
export const INFINITE = 0xffffffff;

/** include/uapi/linux/in.h */
export const IPPROTO_UDP = 17;
