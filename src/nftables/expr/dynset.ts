// dynset: adds what is in the register to a set, or refreshes or deletes it there (NFTA_DYNSET_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { cstring, type Infer, u32be, u64be } from "../../wire/codec.ts";
import { stateful, statefuls, statefulsFromWire, statefulText } from "../stateful.ts";
import { optionalText } from "./text.ts";

export const NFT_DYNSET_OP = { ADD: 0, UPDATE: 1, DELETE: 2 } as const;
export const NFT_DYNSET_F = { INV: 0x1, EXPR: 0x2 } as const;

export const dynset = attrs({
  set: attr(1, cstring), // NFTA_DYNSET_SET_NAME
  setId: attr(2, u32be), // NFTA_DYNSET_SET_ID
  op: attr(3, u32be), // NFTA_DYNSET_OP: of NFT_DYNSET_OP
  sregKey: attr(4, u32be), // NFTA_DYNSET_SREG_KEY
  sregData: attr(5, u32be), // NFTA_DYNSET_SREG_DATA
  timeout: attr(6, u64be), // NFTA_DYNSET_TIMEOUT, in milliseconds
  expression: attr(7, stateful), // NFTA_DYNSET_EXPR
  flags: attr(9, u32be), // NFTA_DYNSET_FLAGS: of NFT_DYNSET_F
  expressions: attr(10, statefuls), // NFTA_DYNSET_EXPRESSIONS
});

/** `dynset update reg_key 1 set seen timeout 10000ms expr [ counter pkts 0 bytes 0 ]` */
export function dynsetText(e: Infer<typeof dynset>): string {
  const operation = ["add", "update", "delete"][e.op ?? -1] ?? "unknown";
  const timeout = e.timeout === undefined || e.timeout === 0n ? [] : [`timeout ${e.timeout}ms`];
  const data = optionalText("sreg_data", e.sregData);
  const expressions = (statefulsFromWire(e) ?? []).map((one) => `expr [ ${statefulText(one)} ]`);
  return [`dynset ${operation} reg_key ${e.sregKey} set ${e.set}`, ...data, ...timeout, ...expressions].join(" ");
}
