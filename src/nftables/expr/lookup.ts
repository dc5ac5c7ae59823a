// lookup: goes on only if a set has what is in the register; of a map it gets the data (NFTA_LOOKUP_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { cstring, type Infer, u32be } from "../../wire/codec.ts";
import { optionalText } from "./text.ts";

export const NFT_LOOKUP_F = { INV: 0x1 } as const;

const NFTA_LOOKUP = { SET: 1, SREG: 2, DREG: 3, SET_ID: 4, FLAGS: 5 } as const;

export const lookup = attrs({
  set: attr(NFTA_LOOKUP.SET, cstring),
  sreg: attr(NFTA_LOOKUP.SREG, u32be),
  dreg: attr(NFTA_LOOKUP.DREG, u32be), // 0 takes the verdict
  setId: attr(NFTA_LOOKUP.SET_ID, u32be), // of an anonymous set of the same transaction
  flags: attr(NFTA_LOOKUP.FLAGS, u32be), // of NFT_LOOKUP_F
});

/** `lookup reg 1 set policies dreg 0` */
export function lookupText(e: Infer<typeof lookup>): string {
  const inverted = ((e.flags ?? 0) & NFT_LOOKUP_F.INV) !== 0 ? ["0x1"] : [];
  return [`lookup reg ${e.sreg} set ${e.set}`, ...optionalText("dreg", e.dreg), ...inverted].join(" ");
}
