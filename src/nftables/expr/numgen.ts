// numgen: a number, the next or a random one (NFTA_NG_…); in host order.

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { nameText } from "./text.ts";

export const NFT_NG = { INCREMENTAL: 0, RANDOM: 1 } as const;

const NFTA_NG = { DREG: 1, MODULUS: 2, TYPE: 3, OFFSET: 4 } as const;

export const numgen = attrs({
  dreg: attr(NFTA_NG.DREG, u32be),
  modulus: attr(NFTA_NG.MODULUS, u32be),
  type: attr(NFTA_NG.TYPE, u32be), // of NFT_NG
  offset: attr(NFTA_NG.OFFSET, u32be),
});

/** `numgen reg 1 = inc mod 2 offset 3` */
export function numgenText(e: Infer<typeof numgen>): string {
  const offset = e.offset === undefined || e.offset === 0 ? "" : ` offset ${e.offset}`;
  return `numgen reg ${e.dreg} = ${nameText(["inc", "random"], e.type)} mod ${e.modulus}${offset}`;
}
