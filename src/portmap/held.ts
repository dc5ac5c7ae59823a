// Ports of this node that are published by other means than our maps: by iptables, ours or upstream's, or by the rules of upstream's
// nftables back end. Both translate at the same hook as we do, so that of two with one port either may win. Where there are no
// such rules, it costs two short questions and a look into /proc for each family.

import type { Attachment } from "../cni/attachment.ts";
import type { NatTable } from "../iptables/nat-table.ts";
import { natTablesOf } from "../iptables/nat-tables.ts";
import { IptablesError } from "../iptables/program.ts";
import type { Nftables } from "../nftables/nftables.ts";
import type { Family } from "../wire/ip.ts";
import { partsOf } from "./elements.ts";
import { DNAT, DNAT_CHAINS, dnatChainOf } from "./iptables/names.ts";
import { holdersIn } from "./iptables/plan.ts";
import { hostKey, type Publication } from "./mapping.ts";
import type { Taken } from "./publish.ts";
import { holdersByUpstream } from "./upstream/rules.ts";

/**
 * The mappings whose ports somebody else's rules have; what those have for the attachment itself is a leftover. Throws NetlinkError
 * or SyscallError.
 */
export function heldByRules(nft: Nftables, attachment: Attachment, publication: Publication): Taken[] {
  return partsOf(publication).flatMap(({ family, entries }) => {
    const holders = new Map([
      ...holdersByUpstream(nft.connection, family, attachment.containerId),
      ...holdersByIptables(nft, family, dnatChainOf(attachment)),
    ]);
    if (holders.size === 0) return [];
    return entries.flatMap((entry): Taken[] => {
      const holder = holders.get(hostKey(entry.mapping));
      return holder === undefined ? [] : [{ entry, holder }];
    });
  });
}

/**
 * `own` is the chain of the container itself. Only where rules may lead to containers' chains a program of iptables' is executed, once
 * for a table.
 */
function holdersByIptables(nft: Nftables, family: Family, own: string): ReadonlyMap<string, string> {
  const tables = natTablesOf(nft, family, DNAT_CHAINS).filter((table) => table.hasChain(DNAT) && table.mayHaveJumps());
  return new Map(tables.flatMap((table) => [...holdersInTable(table, own)]));
}

function holdersInTable(table: NatTable, own: string): ReadonlyMap<string, string> {
  try {
    return holdersIn(table.list(), own);
  } catch (error) {
    if (error instanceof IptablesError) return new Map(); // no program of this form: nobody can tell
    throw error;
  }
}
