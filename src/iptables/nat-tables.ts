// The nat tables of a family: a node may have both forms of iptables, and rules in both.

import type { Nftables } from "../nftables/nftables.ts";
import type { Family } from "../wire/ip.ts";
import { legacyNatTable } from "./legacy-table.ts";
import type { NatTable, OwnChains } from "./nat-table.ts";
import { nftNatTable } from "./nft-table.ts";

/**
 * The family's nat tables, of either form, with these chains in view. `nft` is undefined where the kernel has no nfnetlink: there
 * is iptables-legacy alone. Throws NetlinkError or SyscallError.
 */
export function natTablesOf(nft: Nftables | undefined, family: Family, own: OwnChains): NatTable[] {
  const tables = [nft === undefined ? undefined : nftNatTable(nft, family, own), legacyNatTable(family, own)];
  return tables.filter((table) => table !== undefined);
}
