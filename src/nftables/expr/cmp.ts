// cmp: goes on only if the register compares so with the data, as bytes from the first on (NFTA_CMP_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { compareBytes, type Infer, sameBytes, u32be } from "../../wire/codec.ts";
import { data } from "../data.ts";
import { dataText, nameText } from "./text.ts";

export const NFT_CMP = { EQ: 0, NEQ: 1, LT: 2, LTE: 3, GT: 4, GTE: 5 } as const;

export const NFTA_CMP = { SREG: 1, OP: 2, DATA: 3 } as const;

export const cmp = attrs({
  sreg: attr(NFTA_CMP.SREG, u32be),
  op: attr(NFTA_CMP.OP, u32be), // of NFT_CMP
  data: attr(NFTA_CMP.DATA, data),
});

/** Whether the bytes of a register compare so with the data; `op` is of NFT_CMP. */
export function compares(value: Uint8Array, op: number, data: Uint8Array): boolean {
  switch (op) {
    case NFT_CMP.EQ:
      return sameBytes(value, data);
    case NFT_CMP.NEQ:
      return !sameBytes(value, data);
    case NFT_CMP.LT:
      return compareBytes(value, data) < 0;
    case NFT_CMP.LTE:
      return compareBytes(value, data) <= 0;
    case NFT_CMP.GT:
      return compareBytes(value, data) > 0;
    default:
      return compareBytes(value, data) >= 0;
  }
}

const OPERATIONS = ["eq", "neq", "lt", "lte", "gt", "gte"];

/** `cmp eq reg 1 0x0000000a` */
export function cmpText(e: Infer<typeof cmp>): string {
  return `cmp ${nameText(OPERATIONS, e.op)} reg ${e.sreg} ${dataText(e.data)}`;
}
