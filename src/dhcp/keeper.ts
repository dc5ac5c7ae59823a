// One interface's client at work: what the state machine asks for is done, and what happens is told to it.

import type { Attachment } from "../cni/attachment.ts";
import type { Result } from "../cni/result.ts";
import { EPOLL } from "../sys/epoll.ts";
import { errorText, hasCode } from "../sys/error.ts";
import { formatCidr, formatIp } from "../wire/ip.ts";
import { change, lowerMtu, takeOff } from "./apply.ts";
import {
  type Action,
  begin,
  type Event,
  leaseOf,
  listens,
  resume,
  type State,
  type Surroundings,
  step,
} from "./client.ts";
import { clientName } from "./client-id.ts";
import { GoneError, type Interface } from "./interface.ts";
import { type Lease, mtuOf } from "./lease.ts";
import type { Loop } from "./loop.ts";
import { PacketLink } from "./packet-link.ts";
import type { LeaseRecord } from "./records.ts";
import type { ClientSettings } from "./requests.ts";
import { resultOfLease } from "./result.ts";
import type { Timer } from "./timers.ts";

/** Gets the result, or why there is none. */
export type Waiter = (outcome: Result | Error) => void;

/** What keeps the addresses of one family that an interface has. */
export interface FamilyKeeper {
  /** What it has not got yet, for an error. */
  readonly awaited: string;
  /** Begins the search for an address. */
  readonly search: () => void;
  /** The family's part of the result of ADD; undefined while there is none. */
  readonly result: () => Result | undefined;
  /** Has the waiter called once, at once where there is a result. */
  readonly wait: (waiter: Waiter) => void;
  /** Gives back what it has, and ends. */
  readonly release: () => void;
  /** Ends without a word to the server: for a container that is gone, say. */
  readonly drop: (reason: string) => void;
}

/** What a keeper needs of the daemon. */
export interface Keeping {
  readonly loop: Loop;
  readonly random: () => number;
  /** For packets: what one of them held is used before the next is received. */
  readonly buffer: Uint8Array;
  readonly log: (line: string) => void;
  readonly write: (record: LeaseRecord) => void;
  /** The keeper has come to its end. */
  readonly ended: () => void;
}

/** What there is to know of a client. */
export interface Client {
  readonly attachment: Attachment;
  /** CNI_NETNS. */
  readonly netns: string;
  readonly where: Interface;
  readonly settings: ClientSettings;
  readonly priority: number;
  readonly interfaceMtu: boolean;
}

/** A peer that sends without a pause must not keep the daemon from all others. */
const PACKETS_A_TURN = 16;

/** A client, from its first message until its lease is given back or its container is gone. */
export class Keeper implements FamilyKeeper {
  readonly awaited: string = "no DHCP server has given an address";
  readonly client: Client;
  readonly #daemon: Keeping;
  readonly #waiters = new Set<Waiter>();
  #state: State = { phase: "ended", wakeAt: Infinity };
  #link: PacketLink | undefined;
  #timer: Timer | undefined;
  /** What the container's interface has been given. */
  #given: Lease | undefined;
  /** Whether an ADD has got an address from here: what changes later is changed in the container. */
  #isHandedOut = false;

  constructor(daemon: Keeping, client: Client) {
    this.#daemon = daemon;
    this.client = client;
  }

  /** Begins the search for an address, which goes on until there is one, or until it is told to give up (`release`). */
  search(): void {
    this.#take(begin(this.#around()));
  }

  /** Goes on with a lease that another process of the daemon has had. */
  resume(lease: Lease): void {
    this.#given = lease;
    this.#isHandedOut = true;
    this.#take([resume(lease), []]);
  }

  /** The result of ADD; undefined while there is no lease. */
  result(): Result | undefined {
    const lease = leaseOf(this.#state);
    return lease === undefined ? undefined : resultOfLease(lease, this.client.priority);
  }

  /** Has the waiter called once, at once where there is a lease. */
  wait(waiter: Waiter): void {
    const result = this.result();
    if (result !== undefined) waiter(result);
    else this.#waiters.add(waiter);
  }

  /** Gives the lease back. */
  release(): void {
    this.#tell({ kind: "release" });
  }

  /** Ends without a word to the server: for a daemon that stops, or a container that is gone. */
  drop(reason: string): void {
    this.#take([{ phase: "ended", wakeAt: Infinity }, [{ kind: "failed", reason }]]);
  }

  #around(): Surroundings {
    return { settings: this.client.settings, now: this.#daemon.loop.now(), random: this.#daemon.random };
  }

  #tell(event: Event): void {
    this.#take(step(this.#state, event, this.#around()));
  }

  #take([state, actions]: readonly [State, readonly Action[]]): void {
    const wasEnded = this.#state.phase === "ended";
    this.#state = state;
    try {
      for (const action of actions) this.#perform(action);
    } catch (error) {
      if (this.#failed(error)) return;
    }
    if (this.#state.phase === "ended") {
      if (!wasEnded || actions.length > 0) this.#end("the address was given back meanwhile");
      return;
    }
    if (!listens(this.#state)) this.#shut();
    if (this.#timer !== undefined) this.#daemon.loop.cancel(this.#timer);
    this.#timer = this.#daemon.loop.at(this.#state.wakeAt, () => this.#tell({ kind: "time" }));
  }

  /** Returns whether this is the end. A container that has its address keeps it, and the log is told what can't be done. */
  #failed(error: unknown): boolean {
    const reason = errorText(error);
    if (error instanceof GoneError) this.#end(reason);
    else if (this.#isHandedOut) this.#log(reason);
    else {
      this.#answer(new Error(reason));
      if (this.#state.phase === "ended") this.#end(reason);
      else this.release();
    }
    return error instanceof GoneError || !this.#isHandedOut;
  }

  #perform(action: Action): void {
    if (action.kind === "send") this.#attempt(() => this.#open().send(action));
    else if (action.kind === "probe") this.#attempt(() => this.#open().probe(action.ip));
    else if (action.kind === "bound") this.#bound(action.lease);
    else if (action.kind === "lost") this.#lost(action.lease);
    else this.#answer(new Error(action.reason));
  }

  /** What can't be sent now is lost, as packets are: the next attempt comes. */
  #attempt(send: () => void): void {
    try {
      send();
    } catch (error) {
      if (!hasCode(error, "ENETDOWN", "ENOBUFS", "EAGAIN", "EPERM")) throw error;
      this.#log(`${errorText(error)}; trying again`);
    }
  }

  #open(): PacketLink {
    if (this.#link !== undefined) return this.#link;
    const link = new PacketLink(this.client.where, this.#given?.ip);
    try {
      this.#daemon.loop.watch(link.fd, EPOLL.IN, () => this.#receive(link));
    } catch (error) {
      link.close();
      throw error;
    }
    this.#link = link;
    return link;
  }

  /** What is left makes the descriptor ready again: another one's turn comes before. */
  #receive(link: PacketLink): void {
    for (let count = 0; count < PACKETS_A_TURN && this.#link === link; count++) {
      const event = link.receive(this.#daemon.buffer);
      if (event === undefined) return;
      if (event !== "other") this.#tell(event);
    }
  }

  #shut(): void {
    if (this.#link === undefined) return;
    this.#daemon.loop.unwatch(this.#link.fd);
    this.#link.close();
    this.#link = undefined;
  }

  #bound(lease: Lease): void {
    const before = this.#given;
    const { client } = this;
    const result = resultOfLease(lease, client.priority);
    this.#daemon.write(recordOf(client, lease));
    this.#given = lease;
    const mtu = client.interfaceMtu ? mtuOf(lease) : undefined;
    if (mtu !== undefined) lowerMtu(this.client.where, mtu);
    const old = before === undefined ? undefined : resultOfLease(before, client.priority);
    if (this.#isHandedOut && !(old !== undefined && isSameResult(old, result))) {
      this.#log(`the address is ${addressText(result)} now, not ${old === undefined ? "none" : addressText(old)}`);
      change(this.client.where, old, result);
    }
    this.#answer(result);
    this.#isHandedOut = true;
  }

  #lost(lease: Lease): void {
    this.#shut(); // it holds the port at the address that goes
    this.#given = undefined;
    this.#log(`the lease of ${formatIp(lease.ip)} has ended; looking for another address`);
    takeOff(this.client.where, resultOfLease(lease, this.client.priority));
  }

  #answer(outcome: Result | Error): void {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    for (const waiter of waiters) waiter(outcome);
  }

  #end(reason: string): void {
    this.#state = { phase: "ended", wakeAt: Infinity };
    this.#shut();
    if (this.#timer !== undefined) this.#daemon.loop.cancel(this.#timer);
    this.#timer = undefined;
    this.#answer(new Error(reason));
    this.#daemon.ended();
  }

  #log(line: string): void {
    this.#daemon.log(`${clientName(this.client.attachment)}: ${line}`);
  }
}

function recordOf({ attachment, netns, where, settings, priority, interfaceMtu }: Client, lease: Lease): LeaseRecord {
  const { clientId, request, provide, broadcast, probes } = settings;
  const client = { clientId, request, provide, broadcast, probes };
  return { attachment, netns, netnsId: where.netnsId, ifindex: where.ifindex, client, priority, interfaceMtu, lease };
}

function isSameResult(one: Result, other: Result): boolean {
  const text = ({ ips, routes }: Result): string =>
    JSON.stringify([ips, routes], (_, value) => (value instanceof Uint8Array ? formatIp(value) : value));
  return text(one) === text(other);
}

function addressText({ ips }: Result): string {
  return ips.map(formatCidr).join(", ");
}
