// Waiting for transactions, for as long as somebody reads what is printed of them.

import type { Transport } from "../netlink/transport.ts";
import { NetlinkSocket } from "../netlink/transport.ts";
import { NETLINK } from "../netlink/uapi.ts";
import { Monitor, type Transaction } from "../nftables/monitor.ts";
import { NFNLGRP_NFTABLES } from "../nftables/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { POLL, poll } from "../sys/poll.ts";

/** Transactions as they are committed. */
export interface EventSource {
  /**
   * Waits for the next one: "lost" where the kernel had no room to keep some, undefined once nobody reads any more.
   * Throws SyscallError.
   */
  next(): Transaction | "lost" | undefined;
  close(): void;
}

/** What the kernel keeps for us while we write: some 50,000 elements. */
const RECEIVE_BUFFER = 16 << 20;

/**
 * Listens to nf_tables in this network namespace from now on, until nobody reads the pipe or terminal `output` any more.
 * Throws SyscallError.
 */
export function openEvents(output: number, receiveBuffer: number = RECEIVE_BUFFER): EventSource {
  const socket = new NetlinkSocket(NETLINK.NETFILTER, { groups: [NFNLGRP_NFTABLES], receiveBuffer });
  const lossy = new LossNoting(socket);
  const monitor = new Monitor(lossy);
  let ready: Transaction | undefined;
  return {
    next() {
      for (;;) {
        ready ??= monitor.next(false);
        if (lossy.takeLoss()) return "lost";
        if (ready !== undefined) {
          const next = ready;
          ready = undefined;
          return next;
        }
        if (!waitForInput(socket.fd, output)) return undefined;
      }
    },
    close: () => monitor.close(),
  };
}

/** Waits until there is something to receive. False when nobody reads the output any more. */
function waitForInput(input: number, output: number): boolean {
  // A pipe whose reader has gone is ready with an error, although nothing is asked of it.
  const fds = [
    { fd: input, events: POLL.IN },
    { fd: output, events: 0 },
  ];
  const [, state = 0] = poll(fds, -1);
  return (state & (POLL.ERR | POLL.HUP)) === 0;
}

/**
 * Notes a loss when it is known: the monitor by itself tells of it with the next transaction, which may be long in coming.
 */
class LossNoting implements Transport {
  readonly #socket: Transport;
  #isLoss = false;

  constructor(socket: Transport) {
    this.#socket = socket;
  }

  takeLoss(): boolean {
    const isLoss = this.#isLoss;
    this.#isLoss = false;
    return isLoss;
  }

  send(datagram: Uint8Array): void {
    this.#socket.send(datagram);
  }

  receive(wait: boolean): Uint8Array | undefined {
    for (;;) {
      try {
        return this.#socket.receive(wait);
      } catch (error) {
        if (!hasCode(error, "ENOBUFS")) throw error;
        this.#isLoss = true;
      }
    }
  }

  close(): void {
    this.#socket.close();
  }
}
