// The names in portmap's tables.

import { nfproto } from "../nftables/uapi.ts";
import type { Family } from "../wire/ip.ts";

export const TABLE = "bauta_portmap";

/** The books: the container's address of each attachment, and a verdict for each that the kernel counts. No rule looks into them. */
export const OWNERS = "owners";
export const COUNTED = "counted";
/** The ways in: by address, protocol and port of the node, and by protocol and port. */
export const ADDRESSES = "addresses";
export const PORTS = "ports";
/** Which of those have conditions to meet. */
export const CONDITIONAL_ADDRESSES = "conditional_addresses";
export const CONDITIONAL_PORTS = "conditional_ports";
/** The protocols of which some ports are published at one address, or with conditions. */
export const EXCEPTIONS = "exceptions";
/** Whose source is translated: by the link it came from, by its address, and anyone's. */
export const RETURNING = "returning";
export const PAIRS = "pairs";
export const EVERYONE = "everyone";

/** All sets and maps, in the order in which an attachment's elements are made. */
export const SETS = [
  OWNERS,
  COUNTED,
  ADDRESSES,
  PORTS,
  CONDITIONAL_ADDRESSES,
  CONDITIONAL_PORTS,
  EXCEPTIONS,
  RETURNING,
  PAIRS,
  EVERYONE,
] as const;

export type SetName = (typeof SETS)[number];

/** Has no rules: what leads there is counted. */
export const ATTACHMENTS = "attachments";
export const PUBLISHED = "published";
export const WITH_EXCEPTIONS = "with_exceptions";
export const ANY_ADDRESS = "any_address";
export const TRANSLATED = "translated";

/** What names a set or map of the family's table for its elements. */
export function setIn(family: Family, set: SetName): { family: number; table: string; set: string } {
  return { family: nfproto(family), table: TABLE, set };
}

/** The same of a chain. */
export function chainIn(family: Family, name: string): { family: number; table: string; name: string } {
  return { family: nfproto(family), table: TABLE, name };
}
