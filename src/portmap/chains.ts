// The chains of conditions in a family's table: made with the first attachment that has them, gone with the last.

import type { Connection } from "../netlink/connection.ts";
import { deleteChain, listChains } from "../nftables/chain.ts";
import type { Command } from "../nftables/message.ts";
import { nfproto } from "../nftables/uapi.ts";
import { chainFaults, type Fault } from "../owned/table.ts";
import type { Family } from "../wire/ip.ts";
import { conditionalChains, isConditionalChain } from "./conditions.ts";
import type { Elements, Part } from "./elements.ts";
import { CONDITIONAL_ADDRESSES, CONDITIONAL_PORTS, chainIn, TABLE } from "./table-names.ts";

/** Compares the chains of a part's conditions with what they should be. Throws NetlinkError, or CniError for the words. */
export function conditionFaults(connection: Connection, { family, conditions }: Part): Fault[] {
  if (conditions.length === 0) return [];
  return conditionalChains(family, conditions).flatMap((chain) => chainFaults(connection, chain));
}

/** The names of all chains of conditions in the family's table. Throws NetlinkError. */
export function listConditionalChains(connection: Connection, family: Family): string[] {
  return listChains(connection, { family: nfproto(family), table: TABLE })
    .map(({ name }) => name)
    .filter(isConditionalChain);
}

/** Deletes those of the chains that no element leads to. */
export function deleteUnused(family: Family, chains: readonly string[], left: Elements): Command[] {
  const used = new Set(
    ([CONDITIONAL_ADDRESSES, CONDITIONAL_PORTS] as const)
      .flatMap((set) => left.get(set) ?? [])
      .flatMap(({ data }) => (data === undefined || data instanceof Uint8Array ? [] : [data.chain])),
  );
  return chains.filter((name) => !used.has(name)).map((name) => deleteChain(chainIn(family, name)));
}
