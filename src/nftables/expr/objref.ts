// objref: does what a named object does: a counter, by its name or by a map's answer (NFTA_OBJREF_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { cstring, type Infer, u32be } from "../../wire/codec.ts";

const NFTA_OBJREF = { IMM_TYPE: 1, IMM_NAME: 2, SET_SREG: 3, SET_NAME: 4, SET_ID: 5 } as const;

export const objref = attrs({
  type: attr(NFTA_OBJREF.IMM_TYPE, u32be), // of NFT_OBJECT
  name: attr(NFTA_OBJREF.IMM_NAME, cstring),
  sreg: attr(NFTA_OBJREF.SET_SREG, u32be), // the register with the key
  set: attr(NFTA_OBJREF.SET_NAME, cstring),
  setId: attr(NFTA_OBJREF.SET_ID, u32be),
});

/** `objref type 1 name web`, `objref sreg 1 set counters` */
export function objrefText(e: Infer<typeof objref>): string {
  return e.sreg === undefined ? `objref type ${e.type} name ${e.name}` : `objref sreg ${e.sreg} set ${e.set}`;
}
