// ct: what connection tracking knows of the packet's flow (NFTA_CT_…). State, status and mark are in host order.

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u8, u32be } from "../../wire/codec.ts";
import { nameText } from "./text.ts";

export const NFT_CT = {
  STATE: 0,
  DIRECTION: 1,
  STATUS: 2, // bits of IPS, netlink/netfilter.ts
  MARK: 3,
  SRC: 8,
  DST: 9,
  PROTOCOL: 10,
  PROTO_SRC: 11,
  PROTO_DST: 12,
  SRC_IP: 19,
  DST_IP: 20,
  SRC_IP6: 21,
  DST_IP6: 22,
} as const;

/** Bits of NFT_CT.STATE: NF_CT_STATE_BIT of nf_conntrack_common.h. */
export const CT_STATE = { INVALID: 1, ESTABLISHED: 2, RELATED: 4, NEW: 8, UNTRACKED: 64 } as const;
/**
 * What `direction` says: IP_CT_DIR_….
 * @public
 */
export const IP_CT_DIR = { ORIGINAL: 0, REPLY: 1 } as const;

const NFTA_CT = { DREG: 1, KEY: 2, DIRECTION: 3, SREG: 4 } as const;

export const ct = attrs({
  dreg: attr(NFTA_CT.DREG, u32be), // absent when setting
  key: attr(NFTA_CT.KEY, u32be), // of NFT_CT
  direction: attr(NFTA_CT.DIRECTION, u8), // of IP_CT_DIR, for addresses and ports
  sreg: attr(NFTA_CT.SREG, u32be), // absent when loading
});

const KEYS =
  "state direction status mark secmark expiration helper l3protocol src dst protocol proto_src proto_dst label packets \
bytes avgpkt zone event src_ip dst_ip src_ip6 dst_ip6";

/** `ct load src_ip => reg 1 , dir original` */
export function ctText(e: Infer<typeof ct>): string {
  const key = nameText(KEYS.split(" "), e.key);
  const direction = e.direction === undefined ? "" : ` , dir ${nameText(["original", "reply"], e.direction)}`;
  return `${e.sreg === undefined ? `ct load ${key} => reg ${e.dreg}` : `ct set ${key} with reg ${e.sreg}`}${direction}`;
}
