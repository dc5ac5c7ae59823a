// hash: a number from registers or from the flow (NFTA_HASH_…); in host order.

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";

export const NFT_HASH = { JENKINS: 0, SYM: 1 } as const;

export const hash = attrs({
  sreg: attr(1, u32be), // NFTA_HASH_SREG
  dreg: attr(2, u32be), // NFTA_HASH_DREG
  len: attr(3, u32be), // NFTA_HASH_LEN, in bytes
  modulus: attr(4, u32be), // NFTA_HASH_MODULUS
  seed: attr(5, u32be), // NFTA_HASH_SEED: the kernel chooses one when absent
  offset: attr(6, u32be), // NFTA_HASH_OFFSET
  type: attr(7, u32be), // NFTA_HASH_TYPE: of NFT_HASH; JENKINS when absent
});

/** `hash reg 1 = jhash(reg 2, 4, 0xabcd) % mod 2` */
export function hashText(e: Infer<typeof hash>): string {
  const seed = `0x${(e.seed ?? 0).toString(16)}`;
  const value = e.type === NFT_HASH.SYM ? "symhash()" : `jhash(reg ${e.sreg}, ${e.len}, ${seed})`;
  const offset = e.offset === undefined || e.offset === 0 ? "" : ` offset ${e.offset}`;
  return `hash reg ${e.dreg} = ${value} % mod ${e.modulus}${offset}`;
}
