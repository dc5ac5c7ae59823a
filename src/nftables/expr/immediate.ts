// immediate: data into a register, or a verdict into the verdict register (NFTA_IMMEDIATE_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u32be } from "../../wire/codec.ts";
import { data } from "../data.ts";
import { dataText } from "./text.ts";

export const immediate = attrs({
  dreg: attr(1, u32be), // NFTA_IMMEDIATE_DREG
  data: attr(2, data), // NFTA_IMMEDIATE_DATA
});

/** `immediate reg 0 return` */
export function immediateText(e: Infer<typeof immediate>): string {
  return `immediate reg ${e.dreg} ${dataText(e.data)}`;
}
