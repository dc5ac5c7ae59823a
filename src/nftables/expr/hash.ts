// hash: a number from registers or from the flow (NFTA_HASH_…); in host order.

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";

export const NFT_HASH = { JENKINS: 0, SYM: 1 } as const;

const NFTA_HASH = { SREG: 1, DREG: 2, LEN: 3, MODULUS: 4, SEED: 5, OFFSET: 6, TYPE: 7 } as const;

export const hash = attrs({
  sreg: attr(NFTA_HASH.SREG, u32be),
  dreg: attr(NFTA_HASH.DREG, u32be),
  len: attr(NFTA_HASH.LEN, u32be), // in bytes
  modulus: attr(NFTA_HASH.MODULUS, u32be),
  seed: attr(NFTA_HASH.SEED, u32be), // the kernel chooses one when absent
  offset: attr(NFTA_HASH.OFFSET, u32be),
  type: attr(NFTA_HASH.TYPE, u32be), // of NFT_HASH; JENKINS when absent
});

/** `hash reg 1 = jhash(reg 2, 4, 0xabcd) % mod 2` */
export function hashText(e: Infer<typeof hash>): string {
  const seed = `0x${(e.seed ?? 0).toString(16)}`;
  const value = e.type === NFT_HASH.SYM ? "symhash()" : `jhash(reg ${e.sreg}, ${e.len}, ${seed})`;
  const offset = e.offset === undefined || e.offset === 0 ? "" : ` offset ${e.offset}`;
  return `hash reg ${e.dreg} = ${value} % mod ${e.modulus}${offset}`;
}
