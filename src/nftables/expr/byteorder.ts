// byteorder: between network and host order (NFTA_BYTEORDER_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { nameText } from "./text.ts";

export const NFT_BYTEORDER = { NTOH: 0, HTON: 1 } as const;

export const byteorder = attrs({
  sreg: attr(1, u32be), // NFTA_BYTEORDER_SREG
  dreg: attr(2, u32be), // NFTA_BYTEORDER_DREG
  op: attr(3, u32be), // NFTA_BYTEORDER_OP: of NFT_BYTEORDER
  len: attr(4, u32be), // NFTA_BYTEORDER_LEN: of all, in bytes
  size: attr(5, u32be), // NFTA_BYTEORDER_SIZE: of one number, in bytes
});

/** `byteorder reg 1 = hton(reg 1, 4, 4)` */
export function byteorderText(e: Infer<typeof byteorder>): string {
  return `byteorder reg ${e.dreg} = ${nameText(["ntoh", "hton"], e.op)}(reg ${e.sreg}, ${e.size}, ${e.len})`;
}
