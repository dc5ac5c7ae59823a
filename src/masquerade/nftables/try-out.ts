// STATUS: whether the kernel has all the parts of nf_tables that a masquerade takes.

import type { Nftables } from "../../nftables/nftables.ts";
import { type TryOut, tryOutParts } from "../../owned/tried-out.ts";
import { policyFor } from "./policy.ts";
import { createPolicy } from "./policy-chains.ts";
import { TABLES } from "./tables.ts";

/** Any address will do: this is one for documentation (RFC 5737). IPv6, which a node need not have, takes the same parts. */
const ADDRESS = { ip: Uint8Array.of(192, 0, 2, 1), prefixLength: 24 } as const;

/** Throws MissingPartError where the kernel lacks a part, or NetlinkError. */
export function tryOutMasquerade(nft: Nftables, tryOut: TryOut): void {
  if (TABLES[4].exists(nft.connection)) return;
  tryOutParts(tryOut, nft, "masquerade", [...TABLES[4].create(), ...createPolicy(4, policyFor(ADDRESS))]);
}
