// dynset: adds what is in the register to a set, or refreshes or deletes it there (NFTA_DYNSET_…).

import { attr, attrs } from "../../wire/attrs.ts";
import { cstring, type Infer, u32be, u64be } from "../../wire/codec.ts";
import { stateful, statefuls, statefulsFromWire, statefulText } from "../stateful.ts";
import { optionalText } from "./text.ts";

/**
 * What `op` says.
 * @public
 */
export const NFT_DYNSET_OP = { ADD: 0, UPDATE: 1, DELETE: 2 } as const;
/**
 * Bits of `flags`.
 * @public
 */
export const NFT_DYNSET_F = { INV: 0x1, EXPR: 0x2 } as const;

const NFTA_DYNSET = {
  SET_NAME: 1,
  SET_ID: 2,
  OP: 3,
  SREG_KEY: 4,
  SREG_DATA: 5,
  TIMEOUT: 6,
  EXPR: 7,
  FLAGS: 9,
  EXPRESSIONS: 10,
} as const;

export const dynset = attrs({
  set: attr(NFTA_DYNSET.SET_NAME, cstring),
  setId: attr(NFTA_DYNSET.SET_ID, u32be),
  op: attr(NFTA_DYNSET.OP, u32be), // of NFT_DYNSET_OP
  sregKey: attr(NFTA_DYNSET.SREG_KEY, u32be),
  sregData: attr(NFTA_DYNSET.SREG_DATA, u32be),
  timeout: attr(NFTA_DYNSET.TIMEOUT, u64be), // in milliseconds
  expression: attr(NFTA_DYNSET.EXPR, stateful),
  flags: attr(NFTA_DYNSET.FLAGS, u32be), // of NFT_DYNSET_F
  expressions: attr(NFTA_DYNSET.EXPRESSIONS, statefuls),
});

/** `dynset update reg_key 1 set seen timeout 10000ms expr [ counter pkts 0 bytes 0 ]` */
export function dynsetText(e: Infer<typeof dynset>): string {
  const operation = ["add", "update", "delete"][e.op ?? -1] ?? "unknown";
  const timeout = e.timeout === undefined || e.timeout === 0n ? [] : [`timeout ${e.timeout}ms`];
  const data = optionalText("sreg_data", e.sregData);
  const expressions = (statefulsFromWire(e) ?? []).map((one) => `expr [ ${statefulText(one)} ]`);
  return [`dynset ${operation} reg_key ${e.sregKey} set ${e.set}`, ...data, ...timeout, ...expressions].join(" ");
}
