// Our two private tables, one a family: what stands in them whoever is attached.
//
//   table ip bauta_masquerade {
//     map owners   { type ipv4_addr : ipv6_addr }          # address -> attachment id
//     map policies { type ipv4_addr : verdict; counter }   # address -> goto its policy's chain
//     chain postrouting {
//       type nat hook postrouting priority srcnat; policy accept;
//       ip daddr 224.0.0.0/4 return
//       ip saddr vmap @policies
//     }
//   }

import { prepared } from "../../netlink/message.ts";
import type { Nftables } from "../../nftables/batch.ts";
import { addChain, type ChainSpec, createChain, deleteChain, getChain } from "../../nftables/chain.ts";
import { TYPE } from "../../nftables/datatype.ts";
import { addElements, type Element, flushSet, listElements } from "../../nftables/element.ts";
import { CT_STATE } from "../../nftables/expr/ct.ts";
import type { Expression } from "../../nftables/expression.ts";
import { counter, drop, hasAnyBit, ipDaddr, ipSaddrVmap, isIn, returnVerdict } from "../../nftables/match.ts";
import type { Command } from "../../nftables/message.ts";
import { addRule, flushChain, listRules } from "../../nftables/rule.ts";
import { ctState, saddr } from "../../nftables/selector.ts";
import { addSet, createSet, getSet, type NftSet, type SetSpec } from "../../nftables/set.ts";
import { addTable, createTable, getTable } from "../../nftables/table.ts";
import { NF, NF_INET, NF_IP_PRI, NF_NAT_RANGE, NFT_DATA_VERDICT, NFT_SET, NFT_TABLE_F } from "../../nftables/uapi.ts";
import type { Cidr, Family } from "../../wire/ip.ts";
import { agrees } from "../rule-compare.ts";
import type { Policy, PolicySet } from "./policy.ts";
import { FORWARD, nfproto, OWNERS, POLICIES, POSTROUTING, STRICT, TABLE } from "./table-names.ts";

const MULTICAST: Record<Family, Cidr> = {
  4: { ip: Uint8Array.of(224, 0, 0, 0), prefixLength: 4 },
  6: { ip: Uint8Array.of(0xff, ...new Array<number>(15).fill(0)), prefixLength: 8 },
};

/** What our sets and maps of addresses have in common. */
function addressKey(family: Family): Omit<SetSpec, "name"> {
  const keyType = family === 4 ? TYPE.IPADDR : TYPE.IP6ADDR;
  return { family: nfproto(family), table: TABLE, keyType, keyLength: family === 4 ? 4 : 16 };
}

/** The maps of a family. Addresses and ids are types that nft knows, so that it can list them. */
function maps(family: Family): readonly SetSpec[] {
  const base = addressKey(family);
  return [
    { ...base, name: OWNERS, dataType: TYPE.IP6ADDR, dataLength: 16 },
    { ...base, name: POLICIES, dataType: NFT_DATA_VERDICT, expressions: [{ kind: "counter" }] },
  ];
}

function postrouting(family: Family): ChainSpec {
  return {
    family: nfproto(family),
    table: TABLE,
    name: POSTROUTING,
    type: "nat",
    hook: NF_INET.POST_ROUTING,
    priority: NF_IP_PRI.NAT_SRC,
    policy: NF.ACCEPT,
  };
}

function postroutingRules(family: Family): readonly (readonly Expression[])[] {
  return [[...ipDaddr(MULTICAST[family]), ...returnVerdict()], ipSaddrVmap(family, POLICIES)];
}

/** The set and the chain behind "dropInvalid". The nat hook never sees invalid packets, so this is a chain of its own. */
function strictSet(family: Family): SetSpec {
  return { ...addressKey(family), name: STRICT };
}

function forward(family: Family): ChainSpec {
  return { ...postrouting(family), name: FORWARD, type: "filter", hook: NF_INET.FORWARD, priority: NF_IP_PRI.FILTER };
}

function forwardRules(family: Family): readonly (readonly Expression[])[] {
  return [[...hasAnyBit(ctState, CT_STATE.INVALID), ...isIn([saddr(family)], STRICT), ...counter(), ...drop()]];
}

function addRules(family: Family, chain: string, rules: readonly (readonly Expression[])[]): Command[] {
  return rules.map((expressions) => addRule({ family: nfproto(family), table: TABLE, chain, expressions }));
}

function skeleton(family: Family): Command[] {
  return [
    createTable({ family: nfproto(family), name: TABLE, comment: "IP masquerade of containers; see bauta list" }),
    ...maps(family).map(addSet),
    addChain(postrouting(family)),
    ...addRules(family, POSTROUTING, postroutingRules(family)),
  ].map(prepared);
}

const SKELETONS: Record<Family, readonly Command[]> = { 4: skeleton(4), 6: skeleton(6) };

/** Makes the table and what stands in it; EEXIST where there is one. */
export function createSkeleton(family: Family): readonly Command[] {
  return SKELETONS[family];
}

/** Makes the policy's chain, in a table that has none and no sets for it; EEXIST where there is one. */
export function createPolicy(family: Family, policy: Policy): Command[] {
  const chain = { family: nfproto(family), table: TABLE, name: policy.chain };
  const { sets, rules } = policy.contents();
  return [...sets.flatMap((set) => makeSet(family, set)), createChain(chain), ...addRules(family, policy.chain, rules)];
}

/** The same for several policies, which may share sets. */
export function createPolicies(family: Family, policies: readonly Policy[]): Command[] {
  const sets = new Set<string>();
  return policies.flatMap((policy) => {
    const contents = policy.contents();
    const isNew = ({ name }: PolicySet): boolean => !sets.has(name);
    const own = { ...contents, sets: contents.sets.filter(isNew) };
    for (const { name } of own.sets) sets.add(name);
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

/**
 * What is wrong with something of ours: what it is, and the commands that put it right. They are EEXIST where somebody has
 * made in between what is missing.
 */
export interface Fault {
  /** `chain postrouting of table ip bauta_masquerade has been altered` */
  readonly text: string;
  readonly repair: readonly Command[];
  /** Whether there was no table at all, so that nothing in it can be in the way. */
  readonly isWhole?: boolean;
}

/** The commands that put things right. A set that policies share is found wrong more than once. */
export function repairsOf(faults: readonly Fault[]): Command[] {
  const byText = new Map(faults.map(({ text, repair }) => [text, repair]));
  return [...byText.values()].flat();
}

/** Compares the table, its maps and its base chain with what they should be. */
export function skeletonFaults(nft: Nftables, family: Family): Fault[] {
  const table = getTable(nft.connection, { family: nfproto(family), name: TABLE });
  if (table === undefined)
    return [{ text: `${tableText(family)} is missing`, repair: createSkeleton(family), isWhole: true }];
  const faults: Fault[] = [];
  if ((table.flags & NFT_TABLE_F.DORMANT) !== 0) {
    faults.push({
      text: `${tableText(family)} is dormant`,
      repair: [addTable({ family: nfproto(family), name: TABLE, flags: 0 })],
    });
  }
  for (const map of maps(family)) {
    const name = `map ${map.name} of ${tableText(family)}`;
    const found = getSet(nft.connection, map);
    if (found === undefined) faults.push({ text: `${name} is missing`, repair: [addSet(map)] });
    // A map that is in use can't be replaced: it goes with the last of its elements.
    else if (!isAsMade(found, map)) faults.push({ text: `${name} has been altered`, repair: [] });
  }
  return [...faults, ...chainFaults(nft, family, postrouting(family), postroutingRules(family))];
}

/** Other flags or a size would let elements expire, or be refused. */
function isAsMade(found: NftSet, map: SetSpec): boolean {
  return agrees(found, { ...map, flags: NFT_SET.MAP }) && found.size === undefined;
}

/** Makes what "dropInvalid" needs, in a table that has nothing of it. */
export function createStrict(family: Family): Command[] {
  return [addSet(strictSet(family)), addChain(forward(family)), ...addRules(family, FORWARD, forwardRules(family))];
}

/** Compares what "dropInvalid" needs with what it should be. */
export function strictFaults(nft: Nftables, family: Family): Fault[] {
  const set = strictSet(family);
  const name = `set ${STRICT} of ${tableText(family)}`;
  const missing =
    getSet(nft.connection, set) === undefined ? [{ text: `${name} is missing`, repair: [addSet(set)] }] : [];
  return [...missing, ...chainFaults(nft, family, forward(family), forwardRules(family))];
}

/** Compares a policy's sets and its chain with what they should be. */
export function policyFaults(nft: Nftables, family: Family, policy: Policy): Fault[] {
  const { sets, rules } = policy.contents();
  const chain = { family: nfproto(family), table: TABLE, name: policy.chain };
  return [...sets.flatMap((set) => setFaults(nft, family, set)), ...chainFaults(nft, family, chain, rules)];
}

/** Brings a set up to date where the family's table has it. */
export function refreshSet(nft: Nftables, family: Family, set: PolicySet): Command[] {
  if (getSet(nft.connection, specOf(family, set)) === undefined) return [];
  return setFaults(nft, family, set).flatMap(({ repair }) => repair);
}

function setFaults(nft: Nftables, family: Family, set: PolicySet): Fault[] {
  const name = `set ${set.name} of ${tableText(family)}`;
  const spec = specOf(family, set);
  if (getSet(nft.connection, spec) === undefined)
    return [{ text: `${name} is missing`, repair: [createSet(spec), ...fillSet(family, set)] }];
  const where = { family: spec.family, table: TABLE, set: set.name };
  const keys = (elements: readonly Element[]): string =>
    elements
      .filter((element) => !(element.intervalEnd === true && element.key.every((byte) => byte === 0)))
      .map(({ key, intervalEnd }) => `${key.join(".")}${intervalEnd === true ? "-" : ""}`)
      .sort()
      .join(" ");
  if (keys(listElements(nft.connection, where)) === keys(set.elements)) return [];
  return [{ text: `${name} has been altered`, repair: [flushSet(where), ...fillSet(family, set)] }];
}

function chainFaults(
  nft: Nftables,
  family: Family,
  wanted: ChainSpec,
  rules: readonly (readonly Expression[])[],
): Fault[] {
  const name = `chain ${wanted.name} of ${tableText(family)}`;
  const found = getChain(nft.connection, wanted);
  const fill = addRules(family, wanted.name, rules);
  if (found === undefined) return [{ text: `${name} is missing`, repair: [createChain(wanted), ...fill] }];
  const isHooked = found.type === wanted.type && found.hook === wanted.hook && found.priority === wanted.priority;
  if (!isHooked)
    return [
      {
        text: `${name} is not the base chain it should be`,
        repair: [deleteChain(wanted), createChain(wanted), ...fill],
      },
    ];
  const there = listRules(nft.connection, { family: wanted.family, table: TABLE, chain: wanted.name });
  const same =
    there.length === rules.length && rules.every((rule, i) => agrees(there[i]?.expressions, rule.map(asDumped)));
  if (same && found.policy === wanted.policy) return [];
  const flush = flushChain({ family: wanted.family, table: TABLE, chain: wanted.name });
  return [{ text: `${name} has been altered`, repair: [flush, addChain(wanted), ...fill] }];
}

function tableText(family: Family): string {
  return `table ${family === 4 ? "ip" : "ip6"} ${TABLE}`;
}

/** What the kernel makes of an expression where it tells another flag than it was told, or tells one that was left out. */
function asDumped(said: Expression): Expression {
  if (said.kind === "nat") return { ...said, flags: (said.flags ?? 0) | NF_NAT_RANGE.MAP_IPS };
  if (said.kind === "lookup") return { ...said, flags: said.flags ?? 0 };
  return said;
}

/** Whether the family's table is there, whatever stands in it. */
export function hasTable(nft: Nftables, family: Family): boolean {
  return getTable(nft.connection, { family: nfproto(family), name: TABLE }) !== undefined;
}
