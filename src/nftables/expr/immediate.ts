// immediate: data into a register, or a verdict into the verdict register (NFTA_IMMEDIATE_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { u32be } from "../../wire/codec.ts";
import { data } from "../data.ts";

export const immediate = attrs({
  dreg: attr(1, u32be), // NFTA_IMMEDIATE_DREG
  data: attr(2, data), // NFTA_IMMEDIATE_DATA
});
