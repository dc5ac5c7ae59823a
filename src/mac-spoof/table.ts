// The private table that keeps containers from sending frames under other source addresses than their own:
//
//   table bridge bauta_macspoofchk {
//     map attachments { type ipv6_addr : ifname . ether_addr }   # attachment id -> its port and MAC
//     map ports { type ifname : verdict }                        # port -> goto guarded
//     set allowed { type ifname . ether_addr }                   # port and the MAC that it may send under
//     chain guarded {
//       iifname . ether saddr @allowed accept
//       counter drop
//     }
//     chain prerouting {
//       type filter hook prerouting priority dstnat; policy accept;
//       iifname vmap @ports
//     }
//   }
//
// Chains never change. `attachments` makes teardown independent of the container, its link and its name: everything hangs
// on the attachment's id. Always, in every transaction: attachments has A : P . M if and only if ports has P and allowed
// has P . M, and no two attachments have the same P.

import type { Connection } from "../netlink/connection.ts";
import { addChain, type ChainSpec, deleteChain, getChain } from "../nftables/chain.ts";
import { concatType, lengthOf, TYPE } from "../nftables/datatype.ts";
import type { Expression } from "../nftables/expression.ts";
import { accept, counter, drop, isIn, vmap } from "../nftables/match.ts";
import type { Command } from "../nftables/message.ts";
import { addRule, flushChain, listRules } from "../nftables/rule.ts";
import { etherSaddr, iifname } from "../nftables/selector.ts";
import { addSet, deleteSet, getSet, type SetSpec } from "../nftables/set.ts";
import { addTable, deleteEmptyTable, deleteTable, getTable } from "../nftables/table.ts";
import { NF, NF_BR_PRI, NF_INET, NFPROTO, NFT_DATA_VERDICT, NFT_TABLE_F } from "../nftables/uapi.ts";
import { hasRules, isHookedAs, isSetAsMade } from "../owned/compare.ts";

export const TABLE = { family: NFPROTO.BRIDGE, name: "bauta_macspoofchk" } as const;

const inTable = { family: TABLE.family, table: TABLE.name } as const;

export const ATTACHMENTS = { ...inTable, set: "attachments" } as const;
export const PORTS = { ...inTable, set: "ports" } as const;
export const ALLOWED = { ...inTable, set: "allowed" } as const;
export const GUARDED = "guarded";

const PORT_AND_MAC = [TYPE.IFNAME, TYPE.ETHERADDR] as const;

const portAndMac = (): { readonly type: number; readonly length: number } => ({
  type: concatType(...PORT_AND_MAC),
  length: lengthOf(...PORT_AND_MAC),
});

function sets(): readonly SetSpec[] {
  const { type, length } = portAndMac();
  return [
    { ...inTable, name: ATTACHMENTS.set, keyType: TYPE.IP6ADDR, keyLength: 16, dataType: type, dataLength: length },
    { ...inTable, name: PORTS.set, keyType: TYPE.IFNAME, keyLength: 16, dataType: NFT_DATA_VERDICT },
    { ...inTable, name: ALLOWED.set, keyType: type, keyLength: length },
  ];
}

interface ChainWithRules {
  readonly chain: ChainSpec;
  readonly rules: readonly (readonly Expression[])[];
}

function chains(): readonly ChainWithRules[] {
  const prerouting = {
    type: "filter",
    hook: NF_INET.PRE_ROUTING,
    priority: NF_BR_PRI.NAT_DST_BRIDGED,
    policy: NF.ACCEPT,
  };
  return [
    {
      chain: { ...inTable, name: GUARDED },
      rules: [
        [...isIn([iifname, etherSaddr], ALLOWED.set), ...accept()],
        [...counter(), ...drop()],
      ],
    },
    { chain: { ...inTable, name: "prerouting", ...prerouting }, rules: [vmap([iifname], PORTS.set)] },
  ];
}

/** Makes what is missing and mends what has been altered; elements stay. Any number of processes may do it at once. */
export function makeSkeleton(): Command[] {
  return [
    addTable({ ...TABLE, flags: 0, comment: "MAC addresses that containers may send under" }),
    ...sets().map(addSet),
    ...chains().map(({ chain }) => addChain(chain)),
    ...chains().flatMap(({ chain, rules }) => [
      flushChain({ ...inTable, chain: chain.name }),
      ...rules.map((expressions) => addRule({ ...inTable, chain: chain.name, expressions })),
    ]),
  ];
}

/** Removes the table with all that is in it: for the generation in which it was seen to guard nothing. */
export function removeSkeleton(): Command[] {
  return [deleteTable(TABLE)];
}

/** Removes the table; EBUSY, and nothing is done, where anything is guarded or the table has anything more. */
export function removeEmptySkeleton(): Command[] {
  return [
    // What goes to "guarded" are elements that "prerouting" looks up.
    ...chains()
      .toReversed()
      .map(({ chain }) => deleteChain(chain)),
    ...sets().map(deleteSet),
    deleteEmptyTable(TABLE),
  ];
}

/** What is missing or altered, each as a phrase; empty when all is well. */
export function skeletonFaults(connection: Connection): string[] {
  const text = `table bridge ${TABLE.name}`;
  const table = getTable(connection, TABLE);
  if (table === undefined) return [`${text} is missing`];
  const faults = (table.flags & NFT_TABLE_F.DORMANT) === 0 ? [] : [`${text} is dormant`];
  for (const set of sets()) {
    const found = getSet(connection, set);
    if (found === undefined) faults.push(`set ${set.name} of ${text} is missing`);
    else if (!isSetAsMade(found, set)) faults.push(`set ${set.name} of ${text} has been altered`);
  }
  for (const { chain, rules } of chains()) {
    const found = getChain(connection, chain);
    if (found === undefined) faults.push(`chain ${chain.name} of ${text} is missing`);
    else if (!isHookedAs(found, chain) || found.policy !== chain.policy) {
      faults.push(`chain ${chain.name} of ${text} is not the chain it should be`);
    } else if (!hasRules(listRules(connection, { ...inTable, chain: chain.name }), rules)) {
      faults.push(`chain ${chain.name} of ${text} has been altered`);
    }
  }
  return faults;
}

/** Whether the table is there at all. */
export function hasSkeleton(connection: Connection): boolean {
  return getTable(connection, TABLE) !== undefined;
}

/** How many attachments are guarded, by the kernel's own count: a chain's `use` counts its rules and what goes to it. */
export function countGuarded(connection: Connection): number {
  const [guarded] = chains();
  const found = getChain(connection, { ...inTable, name: GUARDED });
  return found === undefined ? 0 : found.use - (guarded?.rules.length ?? 0);
}
