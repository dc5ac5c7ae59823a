// Probes for features of nf_tables.

import { addChain, type ChainSpec, getChain } from "../../../src/nftables/chain.ts";
import { concatKey, concatType, lengthOf, TYPE } from "../../../src/nftables/datatype.ts";
import { addElements, type Element, getElement } from "../../../src/nftables/element.ts";
import { NFT_LIMIT } from "../../../src/nftables/expr/limit.ts";
import type { Expression } from "../../../src/nftables/expression.ts";
import { ifnameKey, iifnameIs } from "../../../src/nftables/match.ts";
import type { Command } from "../../../src/nftables/message.ts";
import { Nftables } from "../../../src/nftables/nftables.ts";
import { addRule } from "../../../src/nftables/rule.ts";
import { addSet, type SetSpec } from "../../../src/nftables/set.ts";
import { accept, masquerade } from "../../../src/nftables/statement.ts";
import { addTable, deleteTable, getTable } from "../../../src/nftables/table.ts";
import {
  NF_INET,
  NF_IP_PRI,
  NFPROTO,
  NFT_DATA_VERDICT,
  NFT_SET,
  NFT_TABLE_F,
  NFT_VERDICT,
} from "../../../src/nftables/uapi.ts";
import { hasCode } from "../../../src/sys/error.ts";
import type { Probe } from "./probe.ts";

const TABLE = { family: NFPROTO.IPV4, name: "features" } as const;
const IN_TABLE = { family: TABLE.family, table: TABLE.name } as const;

/** Makes a table with the given content, looks at it, and removes the table. */
function inTable(commands: readonly Command[], look: (nft: Nftables) => boolean = () => true): boolean {
  const nft = Nftables.open();
  nft.commit([addTable(TABLE), ...commands]);
  try {
    return look(nft);
  } finally {
    nft.commit([deleteTable(TABLE)]);
    nft.close();
  }
}

/** Adds a rule, in a chain of its own, to a table of this family. */
function hasRule(family: number, expressions: readonly Expression[], hook: Partial<ChainSpec> = {}): boolean {
  const nft = Nftables.open();
  const table = { family, name: TABLE.name };
  const chain = { family, table: table.name, chain: "c" };
  nft.commit([
    addTable(table),
    addChain({ ...chain, name: chain.chain, ...hook }),
    addRule({ ...chain, expressions }),
    deleteTable(table),
  ]);
  nft.close();
  return true;
}

const AFTER_ROUTING = { type: "nat", hook: NF_INET.POST_ROUTING, priority: NF_IP_PRI.NAT_SRC } as const;

const SET = "s";
const FIRST = Uint8Array.of(192, 0, 2, 1);
const LAST = Uint8Array.of(192, 0, 2, 9);
const ADDRESSES = { keyType: TYPE.IPADDR, keyLength: 4 } as const;
const PORT_AND_MAC = concatKey(ifnameKey("eth0"), Uint8Array.of(2, 0, 0, 0, 0, 1));
const portAndMac = (): readonly [number, number] => [
  concatType(TYPE.IFNAME, TYPE.ETHERADDR),
  lengthOf(TYPE.IFNAME, TYPE.ETHERADDR),
];

function withElement(set: Omit<SetSpec, "family" | "table" | "name">, element: Element): Command[] {
  return [addSet({ ...IN_TABLE, name: SET, ...set }), ...addElements({ ...IN_TABLE, set: SET, elements: [element] })];
}

const found = (nft: Nftables): Element | undefined => getElement(nft.connection, { ...IN_TABLE, set: SET }, FIRST);

const counter = { kind: "counter", packets: undefined, bytes: undefined } as const;

/** `nft destroy table`, which no other code of ours sends. */
const NFT_MSG_DESTROYTABLE = 26;

export const NFTABLES_PROBES = {
  masquerade: () => hasRule(NFPROTO.IPV6, masquerade({ fullyRandom: true }), AFTER_ROUTING),
  bridgeMeta: () => hasRule(NFPROTO.BRIDGE, [...iifnameIs("eth0"), ...accept()]),
  counters: () => {
    const policies = { ...ADDRESSES, dataType: NFT_DATA_VERDICT, expressions: [counter] };
    const element = { key: FIRST, data: { code: NFT_VERDICT.RETURN, chain: undefined } };
    return inTable(withElement(policies, element), (nft) => found(nft)?.expressions?.[0]?.kind === "counter");
  },
  elementComment: () =>
    inTable(withElement(ADDRESSES, { key: FIRST, comment: "c" }), (nft) => found(nft)?.comment === "c"),
  generation: () =>
    inTable([], (nft) => {
      const genid = nft.generation();
      nft.commit([addChain({ ...IN_TABLE, name: "c" })]);
      try {
        nft.commit([addChain({ ...IN_TABLE, name: "d" })], { genid });
        return false;
      } catch (error) {
        return hasCode(error, "ERESTART");
      }
    }),
  intervals: () => {
    const hosts = { ...ADDRESSES, flags: NFT_SET.INTERVAL };
    const networks = { ...hosts, dataType: NFT_DATA_VERDICT };
    const data = { code: NFT_VERDICT.RETURN, chain: undefined };
    return inTable(withElement(hosts, { key: FIRST })) && inTable(withElement(networks, { key: FIRST, data }));
  },
  concatenatedKey: () => {
    const [keyType, keyLength] = portAndMac();
    return inTable(withElement({ keyType, keyLength }, { key: PORT_AND_MAC }));
  },
  concatenatedData: () => {
    const [dataType, dataLength] = portAndMac();
    return inTable(withElement({ ...ADDRESSES, dataType, dataLength }, { key: FIRST, data: PORT_AND_MAC }));
  },
  tableComment: () => {
    const nft = Nftables.open();
    nft.commit([addTable({ ...TABLE, comment: "c" })]);
    return inTable([], () => getTable(nft.connection, TABLE)?.comment === "c");
  },
  chainComment: () => {
    const chain = { ...IN_TABLE, name: "c", comment: "c" };
    return inTable([addChain(chain)], (nft) => getChain(nft.connection, chain)?.comment === "c");
  },
  concatenatedIntervals: () => {
    const pairs = { keyType: concatType(TYPE.IPADDR, TYPE.IPADDR), keyLength: 8, flags: NFT_SET.INTERVAL };
    return inTable(withElement(pairs, { key: concatKey(FIRST, FIRST), keyEnd: concatKey(LAST, LAST) }));
  },
  twoExpressions: () => {
    const limit = { kind: "limit", rate: 10n, unit: 1n, burst: 5, type: NFT_LIMIT.PKTS, flags: undefined } as const;
    return inTable(withElement({ ...ADDRESSES, expressions: [counter, limit] }, { key: FIRST }));
  },
  catchAll: () => inTable(withElement(ADDRESSES, { key: new Uint8Array(0), catchAll: true })),
  destroy: () => {
    const nft = Nftables.open();
    const command = deleteTable(TABLE);
    nft.commit([{ ...command, type: (command.type & 0xff00) | NFT_MSG_DESTROYTABLE }]);
    return true;
  },
  tableOwner: () => {
    const owner = Nftables.open();
    owner.commit([addTable({ ...TABLE, flags: NFT_TABLE_F.OWNER })]);
    owner.close();
    const nft = Nftables.open();
    const isGone = getTable(nft.connection, TABLE) === undefined;
    if (!isGone) nft.commit([deleteTable(TABLE)]);
    return isGone;
  },
} satisfies Record<string, Probe>;
