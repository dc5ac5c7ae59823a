// The names in our tables; in a file of their own because ADD, when all is there, needs nothing else of tables.ts.

import { NFPROTO } from "../../nftables/uapi.ts";
import type { Family } from "../../wire/ip.ts";

export const TABLE = "bauta_masquerade";
/** The books: whose an address is, and which policy it has. Packets do not come by here. */
export const OWNERS = "owners";
export const POLICIES = "policies";
/** The way of the packets: addresses, the networks that lead to policies, and the addresses that don't go by their network. */
export const MEMBERS = "members";
export const NETWORKS = "networks";
export const EXCEPTIONS = "exceptions";
export const POSTROUTING = "postrouting";
/** How many rules that chain has: nothing jumps to it, so the kernel counts as many uses. */
export const POSTROUTING_USE = 3;
/** Addresses whose invalid packets are dropped, and the chain that does it; there only while someone asks for it. */
export const STRICT = "strict";
export const FORWARD = "forward";
/** Those that have an element for an address of an attachment, besides owners. */
export const ADDRESS_SETS: readonly string[] = [POLICIES, MEMBERS, EXCEPTIONS, STRICT];

/** What names a set or map of the family's table for its elements. */
export function setIn(family: Family, set: string): { family: number; table: string; set: string } {
  return { family: nfproto(family), table: TABLE, set };
}

/** NFPROTO.IPV4 or NFPROTO.IPV6. */
export function nfproto(family: Family): number {
  return family === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6;
}
