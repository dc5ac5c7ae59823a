// range: goes on only if the register is, or is not, from one value to another, both included (NFTA_RANGE_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { data } from "../data.ts";
import { dataText, nameText } from "./text.ts";

export const NFT_RANGE = { EQ: 0, NEQ: 1 } as const;

export const range = attrs({
  sreg: attr(1, u32be), // NFTA_RANGE_SREG
  op: attr(2, u32be), // NFTA_RANGE_OP: of NFT_RANGE
  from: attr(3, data), // NFTA_RANGE_FROM_DATA
  to: attr(4, data), // NFTA_RANGE_TO_DATA
});

/** `range neq reg 1 0x0100000a 0x0900000a` */
export function rangeText(e: Infer<typeof range>): string {
  return `range ${nameText(["eq", "neq"], e.op)} reg ${e.sreg} ${dataText(e.from)} ${dataText(e.to)}`;
}
