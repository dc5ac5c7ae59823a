// cmp: goes on only if the register compares so with the data, as bytes from the first on (NFTA_CMP_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { data } from "../data.ts";
import { dataText, nameText } from "./text.ts";

export const NFT_CMP = { EQ: 0, NEQ: 1, LT: 2, LTE: 3, GT: 4, GTE: 5 } as const;

export const cmp = attrs({
  sreg: attr(1, u32be), // NFTA_CMP_SREG
  op: attr(2, u32be), // NFTA_CMP_OP: of NFT_CMP
  data: attr(3, data), // NFTA_CMP_DATA
});

const OPERATIONS = ["eq", "neq", "lt", "lte", "gt", "gte"];

/** `cmp eq reg 1 0x0000000a` */
export function cmpText(e: Infer<typeof cmp>): string {
  return `cmp ${nameText(OPERATIONS, e.op)} reg ${e.sreg} ${dataText(e.data)}`;
}
