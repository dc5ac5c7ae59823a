// Events: the kernel tells every change of the rule set to the multicast group NFNLGRP_NFTABLES, and at the end of each
// transaction its generation and who committed it. Like `nft monitor`.

import { type Message, readMessages } from "../netlink/message.ts";
import { NFNL_SUBSYS } from "../netlink/nfnetlink.ts";
import { NetlinkSocket, type SocketOptions, type Transport } from "../netlink/transport.ts";
import { NETLINK } from "../netlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { DecodeError } from "../wire/error.ts";
import { type Chain, readChain } from "./chain.ts";
import { readElements, type SetElements } from "./element.ts";
import { type GenerationInfo, readGeneration } from "./generation.ts";
import { type Rule, readRule } from "./rule.ts";
import { type NftSet, readSet } from "./set.ts";
import { readTable, type Table } from "./table.ts";
import { NFNLGRP_NFTABLES, NFT_MSG } from "./uapi.ts";

/** Of what is deleted, all but elements and rules, the kernel tells the names and the handle only. */
export type NftEvent =
  | { readonly kind: "table"; readonly change: Change; readonly table: Table }
  | { readonly kind: "chain"; readonly change: Change; readonly chain: Chain }
  | { readonly kind: "rule"; readonly change: Change; readonly rule: Rule }
  | { readonly kind: "set"; readonly change: Change; readonly set: NftSet }
  | { readonly kind: "elements"; readonly change: Change; readonly elements: SetElements }
  /** Objects, flowtables, and what newer kernels may have: the message as it came. */
  | { readonly kind: "other"; readonly message: Message };

export type Change = "new" | "delete";

/** What one transaction changed. */
export interface Transaction extends GenerationInfo {
  readonly events: readonly NftEvent[];
  /** Events were lost before or among these, because they were not read fast enough. */
  readonly lost: boolean;
}

const RECEIVE_BUFFER = 16 << 20;

/** Listens to the changes in one network namespace. */
export class Monitor {
  readonly #transport: Transport;
  /** Transactions that came in one datagram with an earlier one. */
  readonly #ready: Transaction[] = [];
  #events: NftEvent[] = [];
  #lost = false;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Opens a socket; what is committed from now on is told. Throws SyscallError. */
  static open(options: SocketOptions = {}): Monitor {
    const groups = [NFNLGRP_NFTABLES];
    return new Monitor(new NetlinkSocket(NETLINK.NETFILTER, { receiveBuffer: RECEIVE_BUFFER, ...options, groups }));
  }

  /** The next transaction. Undefined when `wait` is false and there is none yet. Throws SyscallError. */
  next(wait = true): Transaction | undefined {
    for (;;) {
      const transaction = this.#ready.shift();
      if (transaction !== undefined) return transaction;
      const datagram = this.#receive(wait);
      if (datagram === undefined) return undefined;
      for (const message of readMessages(datagram)) this.#take(message);
    }
  }

  #receive(wait: boolean): Uint8Array | undefined {
    for (;;) {
      try {
        return this.#transport.receive(wait);
      } catch (error) {
        if (!hasCode(error, "ENOBUFS")) throw error;
        this.#lost = true; // the kernel had no room for some
      }
    }
  }

  #take(message: Message): void {
    if (message.type >> 8 !== NFNL_SUBSYS.NFTABLES) return;
    if ((message.type & 0xff) !== NFT_MSG.NEWGEN) {
      this.#events.push(readEvent(message));
      return;
    }
    this.#ready.push({ ...readGeneration(message), events: this.#events, lost: this.#lost });
    this.#events = [];
    this.#lost = false;
  }

  close(): void {
    this.#transport.close();
  }
}

/** What an event says. One that cannot be read is passed on as it came: a newer kernel may tell more than we know. */
function readEvent(message: Message): NftEvent {
  try {
    const event = readKnown(message, message.type & 0xff);
    if (event !== undefined) return event;
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
  }
  return { kind: "other", message: { ...message, payload: message.payload.slice() } };
}

function readKnown(message: Message, type: number): NftEvent | undefined {
  switch (type) {
    case NFT_MSG.NEWTABLE:
    case NFT_MSG.DELTABLE:
      return { kind: "table", change: changeOf(type === NFT_MSG.NEWTABLE), table: readTable(message) };
    case NFT_MSG.NEWCHAIN:
    case NFT_MSG.DELCHAIN:
      return { kind: "chain", change: changeOf(type === NFT_MSG.NEWCHAIN), chain: readChain(message) };
    case NFT_MSG.NEWRULE:
    case NFT_MSG.DELRULE:
      return { kind: "rule", change: changeOf(type === NFT_MSG.NEWRULE), rule: readRule(message) };
    case NFT_MSG.NEWSET:
    case NFT_MSG.DELSET:
      return { kind: "set", change: changeOf(type === NFT_MSG.NEWSET), set: readSet(message) };
    case NFT_MSG.NEWSETELEM:
    case NFT_MSG.DELSETELEM:
      return { kind: "elements", change: changeOf(type === NFT_MSG.NEWSETELEM), elements: readElements(message) };
    default:
      return undefined;
  }
}

function changeOf(isNew: boolean): Change {
  return isNew ? "new" : "delete";
}
