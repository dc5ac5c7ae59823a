// The names in our tables; in a file of their own because ADD, when all is there, needs nothing else of tables.ts.

import { NFPROTO } from "../../nftables/uapi.ts";
import type { Family } from "../../wire/ip.ts";

export const TABLE = "bauta_masquerade";
export const OWNERS = "owners";
export const POLICIES = "policies";
export const POSTROUTING = "postrouting";
/** How many rules that chain has: nothing jumps to it, so the kernel counts as many uses. */
export const POSTROUTING_USE = 2;
/** Addresses whose invalid packets are dropped, and the chain that does it; there only while someone asks for it. */
export const STRICT = "strict";
export const FORWARD = "forward";

/** NFPROTO.IPV4 or NFPROTO.IPV6. */
export function nfproto(family: Family): number {
  return family === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6;
}
