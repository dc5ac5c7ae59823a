// What each policy has in the family's table: its chain, the sets that its rules look into, and its network.

import { createChain } from "../../nftables/chain.ts";
import { addElements, type Element, flushSet, listElements } from "../../nftables/element.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { addSet, createSet, getSet, type SetSpec } from "../../nftables/set.ts";
import { nfproto } from "../../nftables/uapi.ts";
import { addRules, chainFaults, type Fault, setFaults, setText, tableText } from "../../owned/table.ts";
import { type Family, formatCidr } from "../../wire/ip.ts";
import { createNetwork, Networks, networkOfChain } from "./networks.ts";
import type { Policy, PolicySet } from "./policy.ts";
import { NETWORKS, TABLE } from "./table-names.ts";
import { TABLES } from "./tables.ts";

/**
 * Makes the policy's chain and what leads its network there, in a table that has none and no sets for it; EEXIST where
 * there is one, or where the network is another's.
 */
export function createPolicy(family: Family, policy: Policy): Command[] {
  const chain = { family: nfproto(family), table: TABLE, name: policy.chain };
  const contents = policy.contents();
  return [
    ...contents.sets.flatMap((set) => makeSet(family, set)),
    createChain(chain),
    ...addRules(chain, contents.rules),
    ...createNetwork(family, policy.chain),
  ];
}

/** The same for several policies, which may share sets. */
export function createPolicies(family: Family, policies: readonly Policy[]): Command[] {
  const made = new Set<string>();
  return policies.flatMap((policy) => {
    const contents = policy.contents();
    const isNew = ({ name }: PolicySet): boolean => !made.has(name);
    const own = { ...contents, sets: contents.sets.filter(isNew) };
    for (const { name } of own.sets) made.add(name);
    return createPolicy(family, { chain: policy.chain, contents: () => own });
  });
}

function specOf(family: Family, { elements: _, ...set }: PolicySet): SetSpec {
  return { ...set, family: nfproto(family), table: TABLE };
}

function makeSet(family: Family, set: PolicySet): Command[] {
  return [addSet(specOf(family, set)), ...fillSet(family, set)];
}

function fillSet(family: Family, { name, elements }: PolicySet): Command[] {
  return addElements({ family: nfproto(family), table: TABLE, set: name, elements });
}

/** Compares a policy's sets, its chain and its network with what they should be. */
export function policyFaults(
  nft: Nftables,
  family: Family,
  policy: Policy,
  networks: Networks = Networks.read(nft, family),
): Fault[] {
  const contents = policy.contents();
  const chain = { family: nfproto(family), table: TABLE, name: policy.chain };
  return [
    ...contents.sets.flatMap((set) => listFaults(nft, family, set)),
    ...chainFaults(nft.connection, { chain, rules: contents.rules }),
    ...networkFaults(family, policy.chain, networks),
  ];
}

function networkFaults(family: Family, chain: string, networks: Networks): Fault[] {
  const network = networkOfChain(family, chain);
  if (network === undefined || networks.has(chain)) return [];
  const text = `the element ${formatCidr(network)} of map ${NETWORKS} of ${tableText(TABLES[family].name)} is missing`;
  return [{ text, repair: createNetwork(family, chain) }];
}

/** Brings a set up to date where the family's table has it. */
export function refreshSet(nft: Nftables, family: Family, set: PolicySet): Command[] {
  if (getSet(nft.connection, specOf(family, set)) === undefined) return [];
  return listFaults(nft, family, set).flatMap(({ repair }) => repair);
}

function listFaults(nft: Nftables, family: Family, set: PolicySet): Fault[] {
  const spec = specOf(family, set);
  const faults = setFaults(nft.connection, spec, [createSet(spec), ...fillSet(family, set)]);
  if (faults.length > 0) return faults;
  const where = { family: spec.family, table: TABLE, set: set.name };
  const keys = (elements: readonly Element[]): string =>
    elements
      .filter((element) => !(element.intervalEnd === true && element.key.every((byte) => byte === 0)))
      .map(({ key, intervalEnd }) => `${key.join(".")}${intervalEnd === true ? "-" : ""}`)
      .sort()
      .join(" ");
  if (keys(listElements(nft.connection, where)) === keys(set.elements)) return [];
  return [{ text: `${setText(spec)} has been altered`, repair: [flushSet(where), ...fillSet(family, set)] }];
}
