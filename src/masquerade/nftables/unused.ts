// The parts of our tables that no address needs any more, and how they are deleted.

import { deleteChain, getChain, listChains } from "../../nftables/chain.ts";
import { listElements } from "../../nftables/element.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { dumpRules, listRules } from "../../nftables/rule.ts";
import { deleteEmptySet, deleteSet, getSet, listSets } from "../../nftables/set.ts";
import { nfproto } from "../../nftables/uapi.ts";
import { untilCommitted } from "../../owned/commit.ts";
import type { PrivateTable } from "../../owned/table.ts";
import type { Family } from "../../wire/ip.ts";
import type { OwnedAddress } from "./elements.ts";
import { deleteNetworkTo } from "./networks.ts";
import { policyFor } from "./policy.ts";
import { baseOf, goesByNetwork } from "./policy-name.ts";
import { FORWARD, POSTROUTING, STRICT, TABLE } from "./table-names.ts";
import { SET_NAMES, TABLES } from "./tables.ts";

/**
 * The commands that delete a policy's chain and its network, if only this many of the verdicts that lead there are left, and
 * they are about to go; undefined where the chain is still needed, or not there. The commands fail with EBUSY if another
 * address comes in between, and with ENOENT, unless `isExact`, if another program has altered the network.
 */
export function policyRemoval(
  nft: Nftables,
  family: Family,
  chain: string,
  going: number,
  isExact = false,
): Command[] | undefined {
  const name = { family: nfproto(family), table: TABLE, name: chain };
  const found = getChain(nft.connection, name);
  // A chain's use counts its rules and whatever leads to it.
  if (found === undefined || found.use > going + RULES_MAX) return undefined;
  const rules = dumpRules(nft.connection, { family: name.family, table: TABLE, chain }).length;
  const others = found.use - rules - going;
  if (others === 0) return [deleteChain(name)];
  const network = others === 1 ? deleteNetworkTo(nft, family, chain, isExact) : undefined;
  return network === undefined ? undefined : [...network, deleteChain(name)];
}

/** More rules than any policy has: with a higher count there is no need to ask how many they are. */
const RULES_MAX = 64;

/** How many verdicts that lead to each chain go. */
type Tally = ReadonlyMap<string, number>;

/** The same for addresses that go, by what they are known to hold. */
export function tally(family: Family, owned: readonly OwnedAddress[]): Tally {
  const counts = new Map<string, number>();
  for (const { chain } of owned) {
    const going = goesByNetwork(family, chain) ? 1 : 2; // of `policies`, and of `exceptions`
    counts.set(chain, (counts.get(chain) ?? 0) + going);
  }
  return counts;
}

/** Deletes the chains that nothing leads to once so many verdicts have gone, and the table if it holds nothing else. */
export function unusedAfter(
  nft: Nftables,
  family: Family,
  going: Tally,
  deleteTable: ((table: PrivateTable) => Command[]) | undefined,
  isExact = false,
): Command[] {
  const removals = [...going].flatMap(([chain, count]) => {
    const removal = policyRemoval(nft, family, chain, count, isExact);
    return removal === undefined ? [] : [removal];
  });
  const commands = removals.flat();
  if (removals.length > 0 && deleteTable !== undefined && TABLES[family].isEmptyBut(nft.connection, removals.length))
    commands.push(...deleteTable(TABLES[family]));
  return commands;
}

/** Whether the address has a policy of its own making, which may have sets besides its chain. */
export function hasOptions(address: OwnedAddress): boolean {
  return baseOf(address.chain) !== policyFor(address).chain;
}

/**
 * Removes what only options need and no policy uses any more: sets, the chain of "dropInvalid", and with the last policy
 * the table. It reads the rules of our table, so it is for when a policy with options has gone.
 */
export function tidy(nft: Nftables, family: Family): void {
  untilCommitted(nft, (generation) => {
    const genid = generation();
    if (TABLES[family].exists(nft.connection)) nft.commit(unusedParts(nft, family), { genid });
  });
}

function unusedParts(nft: Nftables, family: Family): Command[] {
  const where = { family: nfproto(family), table: TABLE };
  const chains = listChains(nft.connection, where);
  const policies = chains.filter(({ name }) => name !== POSTROUTING && name !== FORWARD);
  const namesOf = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);
  if (policies.length === 0) {
    // An address has a policy, so that none can have come in.
    return TABLES[family].removeEmpty(namesOf(chains), namesOf(listSets(nft.connection, where)));
  }
  const commands: Command[] = [];
  const strict = { ...where, name: STRICT };
  const isThere = getSet(nft.connection, strict) !== undefined;
  const isLax = isThere && listElements(nft.connection, { ...where, set: STRICT }).length === 0;
  if (isLax) commands.push(deleteChain({ ...where, name: FORWARD }), deleteEmptySet(strict));
  const used = new Set([...SET_NAMES, STRICT]);
  for (const { name } of policies) {
    for (const rule of listRules(nft.connection, { ...where, chain: name })) {
      for (const one of rule.expressions) if (one.kind === "lookup" && one.set !== undefined) used.add(one.set);
    }
  }
  const sets = listSets(nft.connection, where).filter(({ name }) => !used.has(name));
  return [...commands, ...sets.map((set) => deleteSet(set))];
}
