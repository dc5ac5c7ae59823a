// immediate: data into a register, or a verdict into the verdict register (NFTA_IMMEDIATE_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { data } from "../data.ts";
import { dataText } from "./text.ts";

const NFTA_IMMEDIATE = { DREG: 1, DATA: 2 } as const;

export const immediate = attrs({
  dreg: attr(NFTA_IMMEDIATE.DREG, u32be),
  data: attr(NFTA_IMMEDIATE.DATA, data),
});

/** `immediate reg 0 return` */
export function immediateText(e: Infer<typeof immediate>): string {
  return `immediate reg ${e.dreg} ${dataText(e.data)}`;
}
