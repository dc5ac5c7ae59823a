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

import type { Nftables } from "../../nftables/batch.ts";
import { addChain, type ChainSpec, createChain, deleteChain, getChain } from "../../nftables/chain.ts";
import { TYPE } from "../../nftables/datatype.ts";
import type { Expression } from "../../nftables/expression.ts";
import { ipDaddr, ipSaddrVmap, returnVerdict } from "../../nftables/match.ts";
import type { Command } from "../../nftables/message.ts";
import { addRule, flushChain, listRules } from "../../nftables/rule.ts";
import { addSet, getSet, type NftSet, type SetSpec } from "../../nftables/set.ts";
import { addTable, createTable, deleteTable, getTable } from "../../nftables/table.ts";
import { NF, NF_INET, NF_IP_PRI, NFPROTO, NFT_DATA_VERDICT, NFT_SET, NFT_TABLE_F } from "../../nftables/uapi.ts";
import { sameBytes } from "../../wire/codec.ts";
import type { Cidr, Family } from "../../wire/ip.ts";
import type { Policy } from "./policy.ts";

export const TABLE = "bauta_masquerade";
export const OWNERS = "owners";
export const POLICIES = "policies";
export const POSTROUTING = "postrouting";

/** Chains and sets that a table has when no address is in it: postrouting, owners, policies. */
const EMPTY_USE = 3;

/** NFPROTO.IPV4 or NFPROTO.IPV6. */
export function nfproto(family: Family): number {
  return family === 4 ? NFPROTO.IPV4 : NFPROTO.IPV6;
}

const MULTICAST: Record<Family, Cidr> = {
  4: { ip: Uint8Array.of(224, 0, 0, 0), prefixLength: 4 },
  6: { ip: Uint8Array.of(0xff, ...new Array<number>(15).fill(0)), prefixLength: 8 },
};

/** The maps of a family. Addresses and ids are types that nft knows, so that it can list them. */
function maps(family: Family): readonly SetSpec[] {
  const base = {
    family: nfproto(family),
    table: TABLE,
    keyType: family === 4 ? TYPE.IPADDR : TYPE.IP6ADDR,
    keyLength: family === 4 ? 4 : 16,
  };
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

function addRules(family: Family, chain: string, rules: readonly (readonly Expression[])[]): Command[] {
  return rules.map((expressions) => addRule({ family: nfproto(family), table: TABLE, chain, expressions }));
}

/** Makes the table and what stands in it; EEXIST where there is one. */
export function createSkeleton(family: Family): Command[] {
  return [
    createTable({ family: nfproto(family), name: TABLE, comment: "IP masquerade of containers; see bauta list" }),
    ...maps(family).map(addSet),
    addChain(postrouting(family)),
    ...addRules(family, POSTROUTING, postroutingRules(family)),
  ];
}

/** Makes the policy's chain; EEXIST where there is one. */
export function createPolicy(family: Family, policy: Policy): Command[] {
  const chain = { family: nfproto(family), table: TABLE, name: policy.chain };
  return [createChain(chain), ...addRules(family, policy.chain, policy.rules)];
}

/** What is wrong with something of ours: what it is, and the commands that put it right. */
export interface Fault {
  /** `chain postrouting of table ip bauta_masquerade has been altered` */
  readonly text: string;
  readonly repair: readonly Command[];
  /** Whether there was no table at all, so that nothing in it can be in the way. */
  readonly isWhole?: boolean;
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

/** Compares a policy's chain with what it should be. */
export function policyFaults(nft: Nftables, family: Family, policy: Policy): Fault[] {
  return chainFaults(nft, family, { family: nfproto(family), table: TABLE, name: policy.chain }, policy.rules);
}

function chainFaults(
  nft: Nftables,
  family: Family,
  wanted: ChainSpec,
  rules: readonly (readonly Expression[])[],
): Fault[] {
  const name = `chain ${wanted.name} of ${tableText(family)}`;
  const found = getChain(nft.connection, wanted);
  const make = [addChain(wanted), ...addRules(family, wanted.name, rules)];
  if (found === undefined) return [{ text: `${name} is missing`, repair: make }];
  const isHooked = found.type === wanted.type && found.hook === wanted.hook && found.priority === wanted.priority;
  if (!isHooked)
    return [{ text: `${name} is not the base chain it should be`, repair: [deleteChain(wanted), ...make] }];
  const there = listRules(nft.connection, { family: wanted.family, table: TABLE, chain: wanted.name });
  const same = there.length === rules.length && rules.every((rule, i) => agrees(there[i]?.expressions, rule));
  if (same && found.policy === wanted.policy) return [];
  const flush = flushChain({ family: wanted.family, table: TABLE, chain: wanted.name });
  return [{ text: `${name} has been altered`, repair: [flush, ...make] }];
}

function tableText(family: Family): string {
  return `table ${family === 4 ? "ip" : "ip6"} ${TABLE}`;
}

/** Whether what the kernel tells has all that we said; it tells more (counts, defaults). */
function agrees(found: unknown, said: unknown): boolean {
  if (said instanceof Uint8Array) return found instanceof Uint8Array && sameBytes(found, said);
  if (typeof said !== "object" || said === null) return found === said;
  if (typeof found !== "object" || found === null) return false;
  if (Array.isArray(said) && (!Array.isArray(found) || found.length !== said.length)) return false;
  const values: Readonly<Record<string, unknown>> = { ...found };
  return Object.entries(said).every(([key, value]) => value === undefined || agrees(values[key], value));
}

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
  const rules = listRules(nft.connection, { family: name.family, table: TABLE, chain }).length;
  return found.use === rules + goingElements;
}

/** More rules than any policy has: with a higher count there is no need to ask how many they are. */
const RULES_MAX = 64;

/** Deletes the policy's chain; EBUSY while an element goes to it. */
export function deletePolicy(family: Family, chain: string): Command {
  return deleteChain({ family: nfproto(family), table: TABLE, name: chain });
}

/** Deletes the table. */
export function deleteSkeleton(family: Family): Command {
  return deleteTable({ family: nfproto(family), name: TABLE });
}
