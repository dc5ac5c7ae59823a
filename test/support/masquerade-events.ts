// What nf_tables would report of transactions on masquerade's IPv4 table, made up.

import type { Message } from "../../src/netlink/message.ts";
import { TYPE } from "../../src/nftables/datatype.ts";
import type { Element } from "../../src/nftables/element.ts";
import type { NftEvent, Transaction } from "../../src/nftables/monitor.ts";
import type { NftSet } from "../../src/nftables/set.ts";
import { NFPROTO, NFT_DATA_VERDICT, NFT_SET, NFT_VERDICT } from "../../src/nftables/uapi.ts";
import { attachmentId } from "../../src/owned/id.ts";
import { parseIp } from "../../src/wire/ip.ts";

export const TABLE = "bauta_masquerade";
export const inTable = { family: NFPROTO.IPV4, table: TABLE } as const;

/** A transaction that the program `bridge` commits. */
export const transaction = (generation: number, events: readonly NftEvent[]): Transaction => ({
  generation,
  processId: 4711,
  processName: "bridge",
  events,
  lost: false,
});

export const ip = (text: string): Uint8Array => parseIp(text) ?? new Uint8Array(4);

/** The identity of an attachment to the network `dual`. */
export const id = (containerId: string): Uint8Array => attachmentId({ network: "dual", containerId, ifname: "eth0" });
/** The element of `owners` for an attachment to the network `dual`. */
export const owner = (address: string, container: string): Element => ({
  key: ip(address),
  data: id(container),
  comment: `dual eth0 ${address}/24 ${container}`,
});
/** The element of `policies` that leads to the chain `outside`. */
export const policy = (address: string): Element => ({
  key: ip(address),
  data: { code: NFT_VERDICT.GOTO, chain: "outside" },
});

export const elements = (change: "new" | "delete", set: string, ...all: readonly Element[]): NftEvent => ({
  kind: "elements",
  change,
  elements: { ...inTable, set, elements: all },
});

export const map = (name: string, dataType: number): NftSet => ({
  ...inTable,
  name,
  keyType: TYPE.IPADDR,
  keyLength: 4,
  dataType,
  flags: NFT_SET.MAP,
  handle: 1n,
});

export const MAPS = [map("owners", TYPE.IP6ADDR), map("policies", NFT_DATA_VERDICT)];

/** The elements that an ADD of the container `web` adds. */
export const ADD = [
  elements("new", "owners", owner("10.0.0.5", "web")),
  elements("new", "policies", policy("10.0.0.5")),
];
/** The same elements as they are reported when they are deleted: without the comment. */
export const DELETE = [
  elements("delete", "owners", { ...owner("10.0.0.5", "web"), comment: undefined }),
  elements("delete", "policies", policy("10.0.0.5")),
];

/** A message of a kind that has no codec: struct nfgenmsg, then the names of table and object. */
export function objectMessage(type: number, table: string, name: string): Message {
  const attribute = (number: number, text: string): number[] => {
    const bytes = [...Buffer.from(`${text}\0`)];
    return [bytes.length + 4, 0, number, 0, ...bytes, ...new Array<number>(-bytes.length & 3).fill(0)];
  };
  const payload = Uint8Array.from([NFPROTO.IPV4, 0, 0, 0, ...attribute(1, table), ...attribute(2, name)]);
  return { type: 0xa00 | type, flags: 0, sequence: 0, portId: 0, payload };
}
