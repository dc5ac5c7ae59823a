// range: goes on only if the register is, or is not, from one value to another, both included (NFTA_RANGE_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { data } from "../data.ts";
import { dataText, nameText } from "./text.ts";

export const NFT_RANGE = { EQ: 0, NEQ: 1 } as const;

const NFTA_RANGE = { SREG: 1, OP: 2, FROM_DATA: 3, TO_DATA: 4 } as const;

export const range = attrs({
  sreg: attr(NFTA_RANGE.SREG, u32be),
  op: attr(NFTA_RANGE.OP, u32be), // of NFT_RANGE
  from: attr(NFTA_RANGE.FROM_DATA, data),
  to: attr(NFTA_RANGE.TO_DATA, data),
});

/** `range neq reg 1 0x0100000a 0x0900000a` */
export function rangeText(e: Infer<typeof range>): string {
  return `range ${nameText(["eq", "neq"], e.op)} reg ${e.sreg} ${dataText(e.from)} ${dataText(e.to)}`;
}
