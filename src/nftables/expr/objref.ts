// objref: does what a named object does: a counter, by its name or by a map's answer (NFTA_OBJREF_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { cstring, type Infer, u32be } from "../../wire/codec.ts";

export const objref = attrs({
  type: attr(1, u32be), // NFTA_OBJREF_IMM_TYPE: of NFT_OBJECT
  name: attr(2, cstring), // NFTA_OBJREF_IMM_NAME
  sreg: attr(3, u32be), // NFTA_OBJREF_SET_SREG: the register with the key
  set: attr(4, cstring), // NFTA_OBJREF_SET_NAME
  setId: attr(5, u32be), // NFTA_OBJREF_SET_ID
});

/** `objref type 1 name web`, `objref sreg 1 set counters` */
export function objrefText(e: Infer<typeof objref>): string {
  return e.sreg === undefined ? `objref type ${e.type} name ${e.name}` : `objref sreg ${e.sreg} set ${e.set}`;
}
