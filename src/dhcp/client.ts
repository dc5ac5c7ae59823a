// The client of one interface as a function: a state and what happened in, a state and what is to be done out (RFC 2131
// section 4.4). It makes no system call and keeps nothing, so that every course of events can be tried.

import { compareIp, type Ip } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import { type Lease, problemOf, serverOf, timesOf } from "./lease.ts";
import type { Reply } from "./message.ts";
import { type ClientSettings, decline, discover, type Outgoing, release, renew, select } from "./requests.ts";
import { MESSAGE, OPTION } from "./uapi.ts";

/** What is known of an exchange that has been begun. */
interface Exchange {
  readonly xid: number;
  /** When its first message was sent. */
  readonly since: number;
  /** How many messages have been sent, but for the first. */
  readonly attempt: number;
}

/** What an interface that has no lease remembers of its way to one. */
interface Search {
  /** How often a server has taken back what it offered, or somebody else had the address. */
  readonly setbacks: number;
}

interface Wakes {
  /** When the next event is the time, at the latest. */
  readonly wakeAt: number;
}

interface Waiting extends Wakes, Search {
  readonly phase: "waiting";
}

interface Selecting extends Wakes, Search, Exchange {
  readonly phase: "selecting";
}

interface Requesting extends Wakes, Search, Exchange {
  readonly phase: "requesting";
  readonly offer: Offer;
  /** Whether somebody has said that the address is theirs. */
  readonly isTaken: boolean;
}

interface Probing extends Wakes, Search {
  readonly phase: "probing";
  readonly lease: Lease;
}

interface Bound extends Wakes {
  readonly phase: "bound";
  readonly lease: Lease;
}

/** On the way to keep a lease. */
interface Keeping extends Wakes, Exchange {
  readonly phase: "renewing" | "rebinding";
  readonly lease: Lease;
}

interface Ended extends Wakes {
  readonly phase: "ended";
}

export type State = Waiting | Selecting | Requesting | Probing | Bound | Keeping | Ended;

interface Offer {
  readonly ip: Ip;
  readonly server: Ip;
  /** When its probe was sent. */
  readonly probedAt: number;
}

export type Event =
  | { readonly kind: "time" }
  /** A message of a server to this interface has come, from this address on the link. */
  | { readonly kind: "reply"; readonly reply: Reply; readonly mac: Mac }
  /** Somebody else says by ARP that an address is theirs. */
  | { readonly kind: "claim"; readonly ip: Ip }
  /** The lease is to be given back, or the search for one given up. */
  | { readonly kind: "release" };

export type Action =
  | ({ readonly kind: "send" } & Outgoing)
  /** Asks by ARP who has the address. */
  | { readonly kind: "probe"; readonly ip: Ip }
  /** There is a lease: the first, or one in the place of `before`. */
  | { readonly kind: "bound"; readonly lease: Lease; readonly before: Lease | undefined }
  /** The address must not be used any more; the search for another one has begun. */
  | { readonly kind: "lost"; readonly lease: Lease }
  /** The search is over, without a lease. */
  | { readonly kind: "failed"; readonly reason: string };

export type Step = readonly [State, readonly Action[]];

/** What a step may look at besides its state: the time in milliseconds, and a number from 0 up to 1. */
export interface Surroundings {
  readonly settings: ClientSettings;
  readonly now: number;
  readonly random: () => number;
}

/** How long after the probe an answer may come before the address is taken for free. It runs while the server answers. */
const PROBE_MS = 20;
/** The first DISCOVER on a link that just came up is often lost. */
const FIRST_RETRY_MS = 1000;
const SETBACK_MS = 10_000;
/** So many REQUESTs without an answer, and the search begins anew. */
const REQUESTS = 4;
const XIDS = 0x1_0000_0000;

const ENDED: State = { phase: "ended", wakeAt: Infinity };

/** Begins the search for a lease, which goes on until there is one, or until it is told to give up (`release`). */
export function begin(around: Surroundings): Step {
  return search({ setbacks: 0 }, around);
}

/** A client that has had the lease before, in another process perhaps. */
export function resume(lease: Lease): State {
  return { phase: "bound", lease, wakeAt: timesOf(lease).renewal };
}

/** Whether the client listens to the link in this state. */
export function listens({ phase }: State): boolean {
  return phase !== "bound" && phase !== "waiting" && phase !== "ended";
}

/** The lease that the client has, and may use. */
export function leaseOf(state: State): Lease | undefined {
  return state.phase === "bound" || state.phase === "renewing" || state.phase === "rebinding" ? state.lease : undefined;
}

/** One step. An event that means nothing in the state changes nothing. */
export function step(state: State, event: Event, around: Surroundings): Step {
  if (event.kind === "time") return around.now < state.wakeAt ? [state, []] : onTime(state, around);
  if (event.kind === "reply") return onReply(state, event, around);
  if (event.kind === "claim") return onClaim(state, event, around);
  return onRelease(state, around);
}

function onTime(state: State, around: Surroundings): Step {
  switch (state.phase) {
    case "waiting":
      return search(state, around);
    case "selecting":
      return again(state, discover(around, state), around);
    case "requesting":
      if (state.attempt + 1 >= REQUESTS) return search(state, around);
      return again(state, select(around, state, state.offer), around);
    case "probing":
      return bound(state.lease, undefined, around);
    case "bound":
      return renewal(state.lease, "renewing", around);
    case "renewing":
    case "rebinding":
      return goOn(state, around);
    default:
      return [state, []];
  }
}

function onReply(
  state: State,
  { reply, mac }: { readonly reply: Reply; readonly mac: Mac },
  around: Surroundings,
): Step {
  const { settings, now } = around;
  if (!("xid" in state) || reply.xid !== state.xid) return [state, []];
  const server = serverOf(reply);
  if (state.phase === "selecting") {
    if (reply.type !== MESSAGE.OFFER || server === undefined || problemOf(reply) !== undefined) return [state, []];
    return request({ ip: reply.yiaddr, server, probedAt: now }, state, around);
  }
  // In the end any server may answer; before that only the one that was asked.
  const asked = state.phase === "requesting" ? state.offer.server : state.lease.server;
  const isAsked =
    state.phase === "rebinding" || (server === undefined ? reply.type !== MESSAGE.NAK : compareIp(server, asked) === 0);
  if (!isAsked) return [state, []];
  if (reply.type === MESSAGE.NAK) return refused(state, around);
  if (reply.type !== MESSAGE.ACK || problemOf(reply) !== undefined) return [state, []];
  const lease = {
    ip: reply.yiaddr,
    options: reply.options,
    server: server ?? asked,
    serverMac: mac,
    since: state.since,
  };
  if (state.phase !== "requesting")
    return reply.options.has(OPTION.SUBNET_MASK) ? bound(lease, state.lease, around) : [state, []];
  if (!reply.options.has(OPTION.SUBNET_MASK)) {
    const reason = "DHCP option Subnet Mask not found in DHCPACK";
    return [
      ENDED,
      [
        { kind: "send", ...release(around, lease) },
        { kind: "failed", reason },
      ],
    ];
  }
  if (state.isTaken) return conflict(lease, state, around);
  const free = state.offer.probedAt + (settings.probes ? PROBE_MS : 0);
  if (now >= free) return bound(lease, undefined, around);
  return [{ phase: "probing", lease, wakeAt: free, setbacks: state.setbacks }, []];
}

function onClaim(state: State, { ip }: { readonly ip: Ip }, around: Surroundings): Step {
  if (state.phase === "requesting" && compareIp(ip, state.offer.ip) === 0) return [{ ...state, isTaken: true }, []];
  if (state.phase === "probing" && compareIp(ip, state.lease.ip) === 0) return conflict(state.lease, state, around);
  return [state, []];
}

function onRelease(state: State, around: Surroundings): Step {
  const lease = state.phase === "probing" ? state.lease : leaseOf(state);
  return [ENDED, lease === undefined ? [] : [{ kind: "send", ...release(around, lease) }]];
}

/** INIT: the first DISCOVER. */
function search({ setbacks }: Search, around: Surroundings): Step {
  const exchange = { xid: xidOf(around), since: around.now, attempt: 0 };
  const wakeAt = around.now + patience(0, around);
  return [{ phase: "selecting", ...exchange, setbacks, wakeAt }, [{ kind: "send", ...discover(around, exchange) }]];
}

/** The server's offer is asked for, and at the same time whether anybody has the address. */
function request(offer: Offer, { xid, setbacks }: Search & Exchange, around: Surroundings): Step {
  const exchange = { xid, since: around.now, attempt: 0 };
  const wakeAt = around.now + patience(0, around);
  return [
    { phase: "requesting", ...exchange, offer, isTaken: false, setbacks, wakeAt },
    [
      ...(around.settings.probes ? [{ kind: "probe", ip: offer.ip } as const] : []),
      { kind: "send", ...select(around, exchange, offer) },
    ],
  ];
}

function again(state: Selecting | Requesting, message: Outgoing, around: Surroundings): Step {
  const attempt = state.attempt + 1;
  const wakeAt = around.now + patience(attempt, around);
  return [{ ...state, attempt, wakeAt }, [{ kind: "send", ...message }]];
}

/** NAK: back to INIT, at once the first time. A server that says so for ever is asked less and less often. */
function refused(state: Requesting | Keeping, around: Surroundings): Step {
  if (state.phase === "requesting") return setBack(state, [], around);
  return lost(state.lease, around);
}

function conflict(lease: Lease, state: Search, around: Surroundings): Step {
  return setBack(state, [{ kind: "send", ...decline(around, lease) }], around);
}

function setBack({ setbacks }: Search, actions: readonly Action[], around: Surroundings): Step {
  const next = { setbacks: setbacks + 1 };
  if (setbacks === 0) {
    const [state, more] = search(next, around);
    return [state, [...actions, ...more]];
  }
  const wait = jittered(Math.min(SETBACK_MS * 2 ** (setbacks - 1), around.settings.resendMaxMs), around);
  return [{ phase: "waiting", ...next, wakeAt: around.now + wait }, actions];
}

function lost(lease: Lease, around: Surroundings): Step {
  const [state, actions] = begin(around);
  return [state, [{ kind: "lost", lease }, ...actions]];
}

/** A lease counts from the request on: one that was given long ago may be over when the answer comes, or is read. */
function bound(lease: Lease, before: Lease | undefined, around: Surroundings): Step {
  if (around.now >= timesOf(lease).expiry) return before === undefined ? begin(around) : lost(before, around);
  return [resume(lease), [{ kind: "bound", lease, before }]];
}

function renewal(lease: Lease, phase: "renewing" | "rebinding", around: Surroundings): Step {
  return goOn({ phase, lease, xid: xidOf(around), since: around.now, attempt: -1, wakeAt: around.now }, around);
}

/** The next message on the way to keep the lease. What is due is due, whatever becomes of the messages. */
function goOn(state: Keeping, around: Surroundings): Step {
  const { lease } = state;
  const { rebinding, expiry } = timesOf(lease);
  const { now } = around;
  if (now >= expiry) return lost(lease, around);
  if (state.phase === "renewing" && now >= rebinding) return renewal(lease, "rebinding", around);
  const attempt = state.attempt + 1;
  const due = state.phase === "renewing" ? rebinding : expiry;
  // Half of the time that is left, down to a minute (RFC 2131 section 4.4.5), or less where the whole lease is short.
  const least = Math.min(60_000, (expiry - lease.since) / 20);
  const wakeAt = Math.min(due, now + Math.max((due - now) / 2, least));
  const by = state.phase === "renewing" ? (attempt % 2 === 0 ? "server" : "link") : "everybody";
  return [{ ...state, attempt, wakeAt }, [{ kind: "send", ...renew(around, state, lease, by) }]];
}

/** How long an answer to the message of this number is waited for. */
function patience(attempt: number, around: Surroundings): number {
  const { firstMs, resendMaxMs } = around.settings;
  const wait = attempt === 0 ? Math.min(FIRST_RETRY_MS, firstMs) : firstMs * 2 ** (attempt - 1);
  return jittered(Math.min(wait, resendMaxMs), around);
}

/** A tenth more or less, so that many clients that began together do not go on together. */
function jittered(ms: number, { random }: Surroundings): number {
  return ms * (0.9 + random() * 0.2);
}

function xidOf({ random }: Surroundings): number {
  return Math.floor(random() * XIDS);
}
