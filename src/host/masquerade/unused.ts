// What of our tables nothing needs any more, and how it goes.

import type { Nftables } from "../../nftables/batch.ts";
import { deleteChain, getChain, listChains } from "../../nftables/chain.ts";
import { listElements } from "../../nftables/element.ts";
import type { Command } from "../../nftables/message.ts";
import { dumpRules, listRules } from "../../nftables/rule.ts";
import { deleteEmptySet, deleteSet, getSet, listSets } from "../../nftables/set.ts";
import { deleteEmptyTable, deleteTable, getTable } from "../../nftables/table.ts";
import type { Family } from "../../wire/ip.ts";
import { untilCommitted } from "../transactions.ts";
import { FORWARD, nfproto, OWNERS, POLICIES, POSTROUTING, STRICT, TABLE } from "./table-names.ts";
import { hasTable } from "./tables.ts";

/** Chains and sets that a table has when no address is in it: postrouting, owners, policies. */
const EMPTY_USE = 3;

/** What hangs on our table, counted by the kernel. */
export function isTableEmptyBut(nft: Nftables, family: Family, goingChains: number): boolean {
  const table = getTable(nft.connection, { family: nfproto(family), name: TABLE });
  return table !== undefined && table.use === EMPTY_USE + goingChains;
}

/** Whether only these elements, and no others, still go to the policy's chain. */
export function isPolicyUnusedBut(nft: Nftables, family: Family, chain: string, goingElements: number): boolean {
  const name = { family: nfproto(family), table: TABLE, name: chain };
  const found = getChain(nft.connection, name);
  // A chain's use counts its rules and whatever goes to it.
  if (found === undefined || found.use > goingElements + RULES_MAX) return false;
  const rules = dumpRules(nft.connection, { family: name.family, table: TABLE, chain }).length;
  return found.use === rules + goingElements;
}

/** More rules than any policy has: with a higher count there is no need to ask how many they are. */
const RULES_MAX = 64;

/** Deletes the policy's chain; EBUSY while an element goes to it. */
export function deletePolicy(family: Family, chain: string): Command {
  return deleteChain({ family: nfproto(family), table: TABLE, name: chain });
}

/** Deletes the table, whatever is in it: for the generation in which it was seen to hold nothing. */
export function deleteSkeleton(family: Family): Command[] {
  return [deleteTable({ family: nfproto(family), name: TABLE })];
}

/**
 * Deletes the table with the chains and sets of these names, after its policies' chains; EBUSY where it has anything more.
 * An address has a policy, so that none can have come in.
 */
export function deleteEmptySkeleton(
  family: Family,
  chains: readonly string[] = [POSTROUTING],
  sets: readonly string[] = [OWNERS, POLICIES],
): Command[] {
  const where = { family: nfproto(family), table: TABLE };
  return [
    ...chains.map((name) => deleteChain({ ...where, name })),
    ...sets.map((name) => deleteSet({ ...where, name })),
    deleteEmptyTable({ family: where.family, name: TABLE }),
  ];
}

/**
 * Removes what only options need and no policy uses any more: sets, the chain of "dropInvalid", and with the last policy
 * the table. It reads the rules of our table, so it is for when a policy with options has gone.
 */
export function tidy(nft: Nftables, family: Family): void {
  untilCommitted(nft, (generation) => {
    const genid = generation();
    if (hasTable(nft, family)) nft.commit(unusedParts(nft, family), { genid });
  });
}

function unusedParts(nft: Nftables, family: Family): Command[] {
  const where = { family: nfproto(family), table: TABLE };
  const chains = listChains(nft.connection, where);
  const policies = chains.filter(({ name }) => name !== POSTROUTING && name !== FORWARD);
  const namesOf = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);
  if (policies.length === 0) {
    return deleteEmptySkeleton(family, namesOf(chains), namesOf(listSets(nft.connection, where)));
  }
  const commands: Command[] = [];
  const strict = { ...where, name: STRICT };
  const isThere = getSet(nft.connection, strict) !== undefined;
  const isLax = isThere && listElements(nft.connection, { ...where, set: STRICT }).length === 0;
  if (isLax) commands.push(deleteChain({ ...where, name: FORWARD }), deleteEmptySet(strict));
  const used = new Set([OWNERS, POLICIES, STRICT]);
  for (const { name } of policies) {
    for (const rule of listRules(nft.connection, { ...where, chain: name })) {
      for (const one of rule.expressions) if (one.kind === "lookup" && one.set !== undefined) used.add(one.set);
    }
  }
  const sets = listSets(nft.connection, where).filter(({ name }) => !used.has(name));
  return [...commands, ...sets.map((set) => deleteSet(set))];
}
