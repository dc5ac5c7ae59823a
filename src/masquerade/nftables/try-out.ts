// STATUS: whether the kernel has all the parts of nf_tables that a masquerade takes.

import type { Nftables } from "../../nftables/batch.ts";
import { getTable } from "../../nftables/table.ts";
import { tryOutOnce } from "../../owned/tried-out.ts";
import { hasCode } from "../../sys/error.ts";
import { policyFor } from "./policy.ts";
import { createPolicy } from "./policy-chains.ts";
import { nfproto, TABLE } from "./table-names.ts";
import { createSkeleton } from "./tables.ts";

/** Any; an address for documentation (RFC 5737). The parts are the same for IPv6, which a node need not have. */
const ADDRESS = { ip: Uint8Array.of(192, 0, 2, 1), prefixLength: 24 } as const;

/** Throws MissingPartError where it hasn't, or NetlinkError. */
export function tryOutMasquerade(nft: Nftables): void {
  if (getTable(nft.connection, { family: nfproto(4), name: TABLE }) !== undefined) return;
  tryOutOnce("masquerade", () => {
    try {
      nft.tryOut([...createSkeleton(4), ...createPolicy(4, policyFor(ADDRESS))]);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error; // somebody has made it in the meantime
    }
  });
}
