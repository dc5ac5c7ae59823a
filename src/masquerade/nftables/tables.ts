// Our two private tables, one a family: what stands in them whoever is attached.
//
//   table ip bauta_masquerade {
//     map owners     { type ipv4_addr : ipv6_addr }                  # address -> attachment id
//     map policies   { type ipv4_addr : verdict }                    # address -> goto its policy's chain
//     set members    { type ipv4_addr; counter }                     # the addresses that go by their network
//     map networks   { type ipv4_addr : verdict; flags interval }    # subnet -> goto its policy's chain
//     map exceptions { type ipv4_addr : verdict; counter }           # the others, each -> goto its policy's chain
//     chain postrouting {
//       type nat hook postrouting priority srcnat; policy accept;
//       ip daddr 224.0.0.0/4 return
//       ip saddr vmap @exceptions
//       ip saddr @members ip saddr vmap @networks
//     }
//   }
//
// Packets don't come to `policies`, because the kernel goes through all of a map that a rule looks into whenever a verdict
// is added to it. It is there for us: from it the kernel counts who still needs a chain.

import { prepared } from "../../netlink/message.ts";
import type { Nftables } from "../../nftables/batch.ts";
import { addChain, type ChainSpec } from "../../nftables/chain.ts";
import { TYPE } from "../../nftables/datatype.ts";
import { CT_STATE } from "../../nftables/expr/ct.ts";
import type { Expression } from "../../nftables/expression.ts";
import { counter, drop, hasAnyBit, ipDaddr, ipSaddrVmap, isIn, returnVerdict } from "../../nftables/match.ts";
import type { Command } from "../../nftables/message.ts";
import { ctState, saddr } from "../../nftables/selector.ts";
import { addSet, getSet, type SetSpec } from "../../nftables/set.ts";
import { addTable, createTable, getTable } from "../../nftables/table.ts";
import { NF, NF_INET, NF_IP_PRI, NFT_DATA_VERDICT, NFT_SET, NFT_TABLE_F } from "../../nftables/uapi.ts";
import { isSetAsMade } from "../../owned/compare.ts";
import type { Cidr, Family } from "../../wire/ip.ts";
import { addRules, chainFaults } from "./chains.ts";
import { type Fault, tableText } from "./faults.ts";
import {
  EXCEPTIONS,
  FORWARD,
  MEMBERS,
  NETWORKS,
  nfproto,
  OWNERS,
  POLICIES,
  POSTROUTING,
  STRICT,
  TABLE,
} from "./table-names.ts";

const MULTICAST: Record<Family, Cidr> = {
  4: { ip: Uint8Array.of(224, 0, 0, 0), prefixLength: 4 },
  6: { ip: Uint8Array.of(0xff, ...new Array<number>(15).fill(0)), prefixLength: 8 },
};

/** What our sets and maps of addresses have in common. */
function addressKey(family: Family): Omit<SetSpec, "name"> {
  const keyType = family === 4 ? TYPE.IPADDR : TYPE.IP6ADDR;
  return { family: nfproto(family), table: TABLE, keyType, keyLength: family === 4 ? 4 : 16 };
}

/** The sets and maps of a family. Addresses and ids are types that nft knows, so that it can list them. */
function sets(family: Family): readonly SetSpec[] {
  const base = addressKey(family);
  const verdict = { ...base, dataType: NFT_DATA_VERDICT };
  return [
    { ...base, name: OWNERS, dataType: TYPE.IP6ADDR, dataLength: 16, flags: NFT_SET.MAP },
    { ...verdict, name: POLICIES, flags: NFT_SET.MAP },
    { ...base, name: MEMBERS, expressions: counter(), flags: 0 },
    { ...verdict, name: NETWORKS, flags: NFT_SET.MAP | NFT_SET.INTERVAL },
    { ...verdict, name: EXCEPTIONS, expressions: counter(), flags: NFT_SET.MAP },
  ];
}

/** Their names: what a table has when no address is in it, besides its one chain. */
export const SET_NAMES: readonly string[] = sets(4).map(({ name }) => name);

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
  return [
    [...ipDaddr(MULTICAST[family]), ...returnVerdict()],
    ipSaddrVmap(family, EXCEPTIONS),
    [...isIn([saddr(family)], MEMBERS), ...ipSaddrVmap(family, NETWORKS)],
  ];
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

function skeleton(family: Family): Command[] {
  return [
    createTable({ family: nfproto(family), name: TABLE, comment: "IP masquerade of containers; see bauta list" }),
    ...sets(family).map(addSet),
    addChain(postrouting(family)),
    ...addRules(family, POSTROUTING, postroutingRules(family)),
  ].map(prepared);
}

const SKELETONS: Record<Family, readonly Command[]> = { 4: skeleton(4), 6: skeleton(6) };

/** Makes the table and what stands in it; EEXIST where there is one. */
export function createSkeleton(family: Family): readonly Command[] {
  return SKELETONS[family];
}

/** Compares the table, its sets and its base chain with what they should be. */
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
  for (const set of sets(family)) {
    const name = `${set.dataType === undefined ? "set" : "map"} ${set.name} of ${tableText(family)}`;
    const found = getSet(nft.connection, set);
    if (found === undefined) faults.push({ text: `${name} is missing`, repair: [addSet(set)] });
    // Other flags or a size would let elements expire, or be refused. A set that is in use can't be replaced: it goes with
    // the last of its elements.
    else if (!isSetAsMade(found, set)) faults.push({ text: `${name} has been altered`, repair: [] });
  }
  return [...faults, ...chainFaults(nft, family, postrouting(family), postroutingRules(family))];
}

/** Makes what "dropInvalid" needs, in a table that has nothing of it. */
export function createStrict(family: Family): Command[] {
  return [addSet(strictSet(family)), addChain(forward(family)), ...addRules(family, FORWARD, forwardRules(family))];
}

/** Compares what "dropInvalid" needs with what it should be. */
export function strictFaults(nft: Nftables, family: Family): Fault[] {
  const set = strictSet(family);
  const name = `set ${STRICT} of ${tableText(family)}`;
  const found = getSet(nft.connection, set);
  const ofSet: Fault[] = [];
  if (found === undefined) ofSet.push({ text: `${name} is missing`, repair: [addSet(set)] });
  else if (!isSetAsMade(found, set)) ofSet.push({ text: `${name} has been altered`, repair: [] });
  return [...ofSet, ...chainFaults(nft, family, forward(family), forwardRules(family))];
}

/** Whether the family's table is there, whatever stands in it. */
export function hasTable(nft: Nftables, family: Family): boolean {
  return getTable(nft.connection, { family: nfproto(family), name: TABLE }) !== undefined;
}
