// numgen: a number, the next or a random one (NFTA_NG_…); in host order.

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { nameText } from "./text.ts";

export const NFT_NG = { INCREMENTAL: 0, RANDOM: 1 } as const;

export const numgen = attrs({
  dreg: attr(1, u32be), // NFTA_NG_DREG
  modulus: attr(2, u32be), // NFTA_NG_MODULUS
  type: attr(3, u32be), // NFTA_NG_TYPE: of NFT_NG
  offset: attr(4, u32be), // NFTA_NG_OFFSET
});

/** `numgen reg 1 = inc mod 2 offset 3` */
export function numgenText(e: Infer<typeof numgen>): string {
  const offset = e.offset === undefined || e.offset === 0 ? "" : ` offset ${e.offset}`;
  return `numgen reg ${e.dreg} = ${nameText(["inc", "random"], e.type)} mod ${e.modulus}${offset}`;
}
