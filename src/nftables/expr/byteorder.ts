// byteorder: between network and host order (NFTA_BYTEORDER_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { nameText } from "./text.ts";

/**
 * What `op` says.
 * @public
 */
export const NFT_BYTEORDER = { NTOH: 0, HTON: 1 } as const;

const NFTA_BYTEORDER = { SREG: 1, DREG: 2, OP: 3, LEN: 4, SIZE: 5 } as const;

export const byteorder = attrs({
  sreg: attr(NFTA_BYTEORDER.SREG, u32be),
  dreg: attr(NFTA_BYTEORDER.DREG, u32be),
  op: attr(NFTA_BYTEORDER.OP, u32be), // of NFT_BYTEORDER
  len: attr(NFTA_BYTEORDER.LEN, u32be), // of all, in bytes
  size: attr(NFTA_BYTEORDER.SIZE, u32be), // of one number, in bytes
});

/** `byteorder reg 1 = hton(reg 1, 4, 4)` */
export function byteorderText(e: Infer<typeof byteorder>): string {
  return `byteorder reg ${e.dreg} = ${nameText(["ntoh", "hton"], e.op)}(reg ${e.sreg}, ${e.size}, ${e.len})`;
}
