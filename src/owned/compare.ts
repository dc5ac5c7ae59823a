// Whether rules in the kernel are still those that were made.

import type { Expression } from "../nftables/expression.ts";
import type { Rule } from "../nftables/rule.ts";
import { sameBytes } from "../wire/codec.ts";

/** Whether the chain has these rules, in this order and no others. What the kernel adds (counts, defaults) is no difference. */
export function hasRules(found: readonly Rule[], wanted: readonly (readonly Expression[])[]): boolean {
  return found.length === wanted.length && wanted.every((rule, i) => agrees(found[i]?.expressions, rule, true));
}

/**
 * Whether what was found has all that was said; the kernel tells more (counts, defaults). With `countsGoOn` a 64-bit number
 * is a count, which goes on counting, and any will do.
 */
export function agrees(found: unknown, said: unknown, countsGoOn = false): boolean {
  if (said instanceof Uint8Array) return found instanceof Uint8Array && sameBytes(found, said);
  if (countsGoOn && typeof said === "bigint") return true;
  if (typeof said !== "object" || said === null) return found === said;
  if (typeof found !== "object" || found === null) return false;
  if (Array.isArray(said) && (!Array.isArray(found) || found.length !== said.length)) return false;
  const values: Readonly<Record<string, unknown>> = { ...found };
  return Object.entries(said).every(([key, value]) => value === undefined || agrees(values[key], value, countsGoOn));
}
