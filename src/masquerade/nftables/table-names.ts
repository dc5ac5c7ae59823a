// The names in our tables. They have a file of their own because an ADD that finds everything there needs nothing of tables.ts.

import { nfproto } from "../../nftables/uapi.ts";
import type { Family } from "../../wire/ip.ts";

export const TABLE = "bauta_masquerade";
/** The books: the owner of each address, and its policy. No rule looks into them. */
export const OWNERS = "owners";
export const POLICIES = "policies";
/** The routes-in: the members, the networks that lead members to their policies, and the exceptions. */
export const MEMBERS = "members";
export const NETWORKS = "networks";
export const EXCEPTIONS = "exceptions";
export const POSTROUTING = "postrouting";
/** How many rules that chain has: nothing jumps to it, so the kernel counts as many uses. */
export const POSTROUTING_USE = 3;
/** The addresses whose invalid packets are dropped, and the chain that drops them; both are there only while needed. */
export const STRICT = "strict";
export const FORWARD = "forward";
/** The sets and maps, besides `owners`, that have an element for an address. */
export const ADDRESS_SETS: readonly string[] = [POLICIES, MEMBERS, EXCEPTIONS, STRICT];

/** What names a set or map of the family's table for its elements. */
export function setIn(family: Family, set: string): { family: number; table: string; set: string } {
  return { family: nfproto(family), table: TABLE, set };
}
