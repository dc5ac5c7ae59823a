// lookup: goes on only if a set has what is in the register; of a map it gets the data (NFTA_LOOKUP_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { cstring, type Infer, u32be } from "../../wire/codec.ts";
import { optionalText } from "./text.ts";

export const NFT_LOOKUP_F = { INV: 0x1 } as const;

export const lookup = attrs({
  set: attr(1, cstring), // NFTA_LOOKUP_SET
  sreg: attr(2, u32be), // NFTA_LOOKUP_SREG
  dreg: attr(3, u32be), // NFTA_LOOKUP_DREG: 0 takes the verdict
  setId: attr(4, u32be), // NFTA_LOOKUP_SET_ID: of an anonymous set of the same transaction
  flags: attr(5, u32be), // NFTA_LOOKUP_FLAGS: of NFT_LOOKUP_F
});

/** `lookup reg 1 set policies dreg 0` */
export function lookupText(e: Infer<typeof lookup>): string {
  const inverted = ((e.flags ?? 0) & NFT_LOOKUP_F.INV) !== 0 ? ["0x1"] : [];
  return [`lookup reg ${e.sreg} set ${e.set}`, ...optionalText("dreg", e.dreg), ...inverted].join(" ");
}
