// The chains of our tables, and their rules.

import type { Nftables } from "../../nftables/batch.ts";
import { addChain, type ChainSpec, createChain, deleteChain, getChain } from "../../nftables/chain.ts";
import type { Expression } from "../../nftables/expression.ts";
import type { Command } from "../../nftables/message.ts";
import { addRule, flushChain, listRules } from "../../nftables/rule.ts";
import { hasRules, isHookedAs } from "../../owned/compare.ts";
import type { Family } from "../../wire/ip.ts";
import { type Fault, tableText } from "./faults.ts";
import { nfproto, TABLE } from "./table-names.ts";

/** Adds rules to a chain of the family's table. */
export function addRules(family: Family, chain: string, rules: readonly (readonly Expression[])[]): Command[] {
  return rules.map((expressions) => addRule({ family: nfproto(family), table: TABLE, chain, expressions }));
}

/** Compares a chain of the family's table, and its rules, with what they should be. */
export function chainFaults(
  nft: Nftables,
  family: Family,
  wanted: ChainSpec,
  rules: readonly (readonly Expression[])[],
): Fault[] {
  const name = `chain ${wanted.name} of ${tableText(family)}`;
  const found = getChain(nft.connection, wanted);
  const fill = addRules(family, wanted.name, rules);
  if (found === undefined) return [{ text: `${name} is missing`, repair: [createChain(wanted), ...fill] }];
  if (!isHookedAs(found, wanted))
    return [
      {
        text: `${name} is not the base chain it should be`,
        repair: [deleteChain(wanted), createChain(wanted), ...fill],
      },
    ];
  const there = listRules(nft.connection, { family: wanted.family, table: TABLE, chain: wanted.name });
  if (hasRules(there, rules) && found.policy === wanted.policy) return [];
  const flush = flushChain({ family: wanted.family, table: TABLE, chain: wanted.name });
  return [{ text: `${name} has been altered`, repair: [flush, addChain(wanted), ...fill] }];
}
