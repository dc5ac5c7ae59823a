// bitwise: dreg = (sreg & mask) ^ xor, or a shift (NFTA_BITWISE_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { data } from "../data.ts";
import { dataText } from "./text.ts";

export const NFT_BITWISE = { MASK_XOR: 0, LSHIFT: 1, RSHIFT: 2 } as const;

export const NFTA_BITWISE = { SREG: 1, DREG: 2, LEN: 3, MASK: 4, XOR: 5, OP: 6, DATA: 7 } as const;

export const bitwise = attrs({
  sreg: attr(NFTA_BITWISE.SREG, u32be),
  dreg: attr(NFTA_BITWISE.DREG, u32be),
  len: attr(NFTA_BITWISE.LEN, u32be), // in bytes
  mask: attr(NFTA_BITWISE.MASK, data),
  xor: attr(NFTA_BITWISE.XOR, data),
  op: attr(NFTA_BITWISE.OP, u32be), // of NFT_BITWISE; MASK_XOR when absent
  data: attr(NFTA_BITWISE.DATA, data), // how far a shift shifts
});

/** `bitwise reg 1 = ( reg 1 & 0x0080ffff ) ^ 0x00000000` */
export function bitwiseText(e: Infer<typeof bitwise>): string {
  const to = `bitwise reg ${e.dreg} =`;
  if (e.op === NFT_BITWISE.LSHIFT) return `${to} ( reg ${e.sreg} << ${dataText(e.data)} )`;
  if (e.op === NFT_BITWISE.RSHIFT) return `${to} ( reg ${e.sreg} >> ${dataText(e.data)} )`;
  return `${to} ( reg ${e.sreg} & ${dataText(e.mask)} ) ^ ${dataText(e.xor)}`;
}
