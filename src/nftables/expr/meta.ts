// meta: what the kernel knows of a packet besides its bytes (NFTA_META_…). Marks and interface indexes are in host
// order; interface names are 16 bytes, padded with NULs.

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { nameText } from "./text.ts";

export const NFT_META = {
  LEN: 0,
  PROTOCOL: 1,
  PRIORITY: 2,
  MARK: 3,
  IIF: 4,
  OIF: 5,
  IIFNAME: 6,
  OIFNAME: 7,
  IIFTYPE: 8,
  OIFTYPE: 9,
  SKUID: 10,
  SKGID: 11,
  NFTRACE: 12,
  NFPROTO: 15,
  L4PROTO: 16,
  BRI_IIFNAME: 17,
  BRI_OIFNAME: 18,
  PKTTYPE: 19,
} as const;

const NFTA_META = { DREG: 1, KEY: 2, SREG: 3 } as const;

export const meta = attrs({
  dreg: attr(NFTA_META.DREG, u32be), // absent when setting
  key: attr(NFTA_META.KEY, u32be), // of NFT_META
  sreg: attr(NFTA_META.SREG, u32be), // absent when loading
});

const KEYS =
  "len protocol priority mark iif oif iifname oifname iiftype oiftype skuid skgid nftrace rtclassid secmark nfproto \
l4proto bri_iifname bri_oifname pkttype cpu iifgroup oifgroup cgroup prandom secpath iifkind oifkind bri_iifpvid \
bri_iifvproto time day hour sdif sdifname";

/** `meta load oifname => reg 1` */
export function metaText(e: Infer<typeof meta>): string {
  const key = nameText(KEYS.split(" "), e.key);
  return e.sreg === undefined ? `meta load ${key} => reg ${e.dreg}` : `meta set ${key} with reg ${e.sreg}`;
}
