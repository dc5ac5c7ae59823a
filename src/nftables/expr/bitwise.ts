// bitwise: dreg = (sreg & mask) ^ xor, or a shift (NFTA_BITWISE_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { data } from "../data.ts";
import { dataText } from "./text.ts";

export const NFT_BITWISE = { MASK_XOR: 0, LSHIFT: 1, RSHIFT: 2 } as const;

export const bitwise = attrs({
  sreg: attr(1, u32be), // NFTA_BITWISE_SREG
  dreg: attr(2, u32be), // NFTA_BITWISE_DREG
  len: attr(3, u32be), // NFTA_BITWISE_LEN, in bytes
  mask: attr(4, data), // NFTA_BITWISE_MASK
  xor: attr(5, data), // NFTA_BITWISE_XOR
  op: attr(6, u32be), // NFTA_BITWISE_OP: of NFT_BITWISE; MASK_XOR when absent
  data: attr(7, data), // NFTA_BITWISE_DATA: how far a shift shifts
});

/** `bitwise reg 1 = ( reg 1 & 0x0080ffff ) ^ 0x00000000` */
export function bitwiseText(e: Infer<typeof bitwise>): string {
  const to = `bitwise reg ${e.dreg} =`;
  if (e.op === NFT_BITWISE.LSHIFT) return `${to} ( reg ${e.sreg} << ${dataText(e.data)} )`;
  if (e.op === NFT_BITWISE.RSHIFT) return `${to} ( reg ${e.sreg} >> ${dataText(e.data)} )`;
  return `${to} ( reg ${e.sreg} & ${dataText(e.mask)} ) ^ ${dataText(e.xor)}`;
}
