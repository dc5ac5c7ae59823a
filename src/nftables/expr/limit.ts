// limit: goes on only while packets or bytes come no faster than the rate, or only when they do (NFTA_LIMIT_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be, u64be } from "../../wire/codec.ts";
import { nameText } from "./text.ts";

export const NFT_LIMIT = { PKTS: 0, PKT_BYTES: 1 } as const;
export const NFT_LIMIT_F = { INV: 0x1 } as const;

const NFTA_LIMIT = { RATE: 1, UNIT: 2, BURST: 3, TYPE: 4, FLAGS: 5 } as const;

export const limit = attrs({
  rate: attr(NFTA_LIMIT.RATE, u64be), // packets or bytes a unit
  unit: attr(NFTA_LIMIT.UNIT, u64be), // in seconds
  burst: attr(NFTA_LIMIT.BURST, u32be), // how many may come at once
  type: attr(NFTA_LIMIT.TYPE, u32be), // of NFT_LIMIT
  flags: attr(NFTA_LIMIT.FLAGS, u32be), // of NFT_LIMIT_F
});

const UNITS: Readonly<Record<string, string>> = {
  1: "second",
  60: "minute",
  3600: "hour",
  86400: "day",
  604800: "week",
};

/** `limit rate 10/second burst 5 type packets flags 0x0` */
export function limitText(e: Infer<typeof limit>): string {
  const rate = `${e.rate}/${UNITS[String(e.unit)] ?? "unknown"}`;
  const type = nameText(["packets", "bytes"], e.type);
  return `limit rate ${rate} burst ${e.burst} type ${type} flags 0x${(e.flags ?? 0).toString(16)}`;
}
