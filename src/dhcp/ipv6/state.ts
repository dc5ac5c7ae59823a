// The states of a client of DHCPv6, what happens to it, and what it wants done.

import type { Dns } from "../../cni/result.ts";
import type { Lease6 } from "./lease.ts";
import type { Reply6, Request6 } from "./message.ts";
import type { Identity } from "./requests.ts";

interface Wakes {
  /** When the next event is the time, at the latest. */
  readonly wakeAt: number;
}

/** What is known of an exchange that has been begun. */
export interface Exchange extends Wakes {
  readonly xid: number;
  /** When its first message was sent. */
  readonly since: number;
  /** How many messages have been sent, but for the first. */
  readonly attempt: number;
  /** How long an answer to the last one is waited for: RT of section 15. */
  readonly timeout: number;
}

export interface Search {
  /** How often a server has taken back what it offered, or somebody else had the address. */
  readonly setbacks: number;
}

interface Waiting extends Wakes, Search {
  readonly phase: "waiting";
}

export interface Soliciting extends Exchange, Search {
  readonly phase: "soliciting";
  readonly offer: Offer | undefined;
}

export interface Requesting extends Exchange, Search {
  readonly phase: "requesting";
  readonly offer: Offer;
}

export interface Offer extends Pick<Lease6, "ip" | "server"> {
  readonly preference: number;
}

/** Duplicate address detection is at work. */
export interface Checking extends Wakes, Search {
  readonly phase: "checking";
  readonly lease: Lease6;
  readonly before: Lease6 | undefined;
}

interface Bound extends Wakes {
  readonly phase: "bound";
  readonly lease: Lease6;
}

/** On the way to keep a lease; "reclaiming": the server has forgotten it, and is asked for it anew. */
export interface Keeping extends Exchange {
  readonly phase: "renewing" | "rebinding" | "reclaiming";
  readonly lease: Lease6;
}

/** Asks for name servers, and for no address. */
interface Informing extends Exchange {
  readonly phase: "informing";
}

interface Ended extends Wakes {
  readonly phase: "ended";
}

export type State6 = Waiting | Soliciting | Requesting | Checking | Bound | Keeping | Informing | Ended;

export type Event6 =
  | { readonly kind: "time" }
  | { readonly kind: "reply"; readonly reply: Reply6 }
  /** The address that was assigned can be used. */
  | { readonly kind: "usable" }
  /** Another station has the address that was assigned. */
  | { readonly kind: "duplicate" }
  | { readonly kind: "release" };

export type Action6 =
  | { readonly kind: "send"; readonly message: Request6 }
  /** The interface is to get the address, and the client to be told whether it can be used. */
  | { readonly kind: "assign"; readonly lease: Lease6 }
  /** There is a lease: the first, one in the place of `before`, or the same for longer. */
  | { readonly kind: "bound"; readonly lease: Lease6; readonly before: Lease6 | undefined }
  /** The address must not be used any more. */
  | { readonly kind: "lost"; readonly lease: Lease6 }
  | { readonly kind: "informed"; readonly dns: Dns };

export type Step6 = readonly [State6, readonly Action6[]];

/** What a step may look at besides its state: the time in milliseconds, and a number from 0 up to 1. */
export interface Surroundings6 {
  readonly identity: Identity;
  readonly now: number;
  readonly random: () => number;
}
