// The client of DHCPv6 of one interface as a function: a state and what happened in, a state and what is to be done out
// (RFC 8415 section 18.2). As that of IPv4 it makes no system call and keeps nothing.

import { sameBytes } from "../../wire/codec.ts";
import { compareIp, type Ip } from "../../wire/ip.ts";
import { associationOf, dnsIn, type Lease6, leaseIn, timesOf } from "./lease.ts";
import type { Reply6 } from "./message.ts";
import { message } from "./requests.ts";
import type {
  Action6,
  Checking,
  Event6,
  Exchange,
  Keeping,
  Offer,
  Requesting,
  Search,
  Soliciting,
  State6,
  Step6,
  Surroundings6,
} from "./state.ts";
import { MESSAGE6, PREFERENCE_MAX, STATUS } from "./uapi.ts";

/** How long answers are waited for at first and at most, in milliseconds: RFC 8415 section 7.6. */
const SOLICIT = { first: 1000, most: 3_600_000 };
const REQUEST = { first: 1000, most: 30_000 };
const KEEP = { first: 10_000, most: 600_000 };
/** REQ_MAX_RC: so many REQUESTs without an answer, and the search begins anew. */
const REQUESTS = 10;
const [SETBACK_MS, SETBACK_MAX_MS] = [10_000, 120_000];
const XIDS = 0x100_0000;

export const ENDED6: State6 = { phase: "ended", wakeAt: Infinity };

/** Begins the search for an address, which goes on until there is one. */
export function begin6(around: Surroundings6): Step6 {
  return search({ setbacks: 0 }, around);
}

/** Begins to ask for name servers alone. */
export function inform(around: Surroundings6): Step6 {
  const exchange = exchangeOf(SOLICIT, around);
  return [{ phase: "informing", ...exchange }, [send(around, MESSAGE6.INFORMATION_REQUEST, exchange)]];
}

/** A client that has had the lease before, in another process perhaps. */
export function resume6(lease: Lease6): State6 {
  return { phase: "bound", lease, wakeAt: timesOf(lease).renewal };
}

/** Whether answers may come in this state. */
export function listens6(state: State6): boolean {
  return "xid" in state;
}

/** The lease that the client has, and may use. */
export function leaseOf6(state: State6): Lease6 | undefined {
  return state.phase === "checking" ? state.before : "lease" in state ? state.lease : undefined;
}

/** One step. An event that means nothing in the state changes nothing. */
export function step6(state: State6, event: Event6, around: Surroundings6): Step6 {
  switch (event.kind) {
    case "time":
      return around.now < state.wakeAt ? [state, []] : onTime(state, around);
    case "reply":
      return onReply(state, event.reply, around);
    case "usable":
      return state.phase === "checking" ? bound(state.lease, state.before, around) : [state, []];
    case "duplicate":
      return state.phase === "checking" ? onDuplicate(state, around) : [state, []];
    default:
      return onRelease(state, around);
  }
}

function onTime(state: State6, around: Surroundings6): Step6 {
  switch (state.phase) {
    case "waiting":
      return search(state, around);
    case "soliciting":
      if (state.offer !== undefined) return request(state.offer, state, around);
      return again(state, SOLICIT, MESSAGE6.SOLICIT, around);
    case "requesting":
      if (state.attempt + 1 >= REQUESTS) return search(state, around);
      return again(state, REQUEST, MESSAGE6.REQUEST, around, state.offer);
    case "checking":
      return lost(state.lease, around);
    case "bound":
      return keep(state.lease, "renewing", around);
    case "informing":
      return again(state, SOLICIT, MESSAGE6.INFORMATION_REQUEST, around);
    case "renewing":
    case "rebinding":
    case "reclaiming":
      return goOn(state, around);
    default:
      return [state, []];
  }
}

function onReply(state: State6, reply: Reply6, around: Surroundings6): Step6 {
  const { duid, iaid } = around.identity;
  const { serverId } = reply;
  if (!("xid" in state) || reply.xid !== state.xid || serverId === undefined) return [state, []];
  if (reply.clientId === undefined || !sameBytes(reply.clientId, duid)) return [state, []];
  const lease = leaseIn(reply, iaid, state.since);
  if (state.phase === "soliciting") return onAdvertise(state, reply, lease, around);
  if (reply.type !== MESSAGE6.REPLY) return [state, []];
  if (state.phase === "informing") return [ENDED6, [{ kind: "informed", dns: dnsIn(reply) }]];
  // In the end any server may answer; before that only the one that was asked.
  const asked = state.phase === "requesting" ? state.offer.server : state.lease.server;
  if (state.phase !== "rebinding" && !sameBytes(serverId, asked)) return [state, []];
  if (state.phase === "requesting") return onGrant(state, reply, lease, around);
  return onKept(state, reply, lease, around);
}

/** The first second is for servers to be compared; one that says that nobody exceeds it is taken at once. */
function onAdvertise(state: Soliciting, reply: Reply6, lease: Lease6 | undefined, around: Surroundings6): Step6 {
  if (lease === undefined || reply.status !== STATUS.SUCCESS) return [state, []];
  if (reply.type === MESSAGE6.REPLY) return reply.isRapid ? check(lease, undefined, state, around) : [state, []];
  const { preference } = reply;
  const offer = { ip: lease.ip, server: lease.server, preference };
  if (preference === PREFERENCE_MAX || state.attempt > 0) return request(offer, state, around);
  if (state.offer !== undefined && state.offer.preference >= preference) return [state, []];
  return [{ ...state, offer }, []];
}

/** A server that can't answer now is asked again (UnspecFail); one that takes its offer back is left alone for a while. */
function onGrant(state: Requesting, reply: Reply6, lease: Lease6 | undefined, around: Surroundings6): Step6 {
  if (reply.status === STATUS.UNSPEC_FAIL || reply.status === STATUS.USE_MULTICAST) return [state, []];
  if (reply.status !== STATUS.SUCCESS || lease === undefined) return setBack(state, [], around);
  return check(lease, undefined, state, around);
}

function onKept(state: Keeping, reply: Reply6, lease: Lease6 | undefined, around: Surroundings6): Step6 {
  const { iaid } = around.identity;
  const before = state.lease;
  if (reply.status === STATUS.NOT_ON_LINK) return lost(before, around);
  if (reply.status !== STATUS.SUCCESS && reply.status !== STATUS.NO_BINDING) return [state, []];
  if (lease !== undefined) {
    if (compareIp(lease.ip, before.ip) === 0) return bound(lease, before, around);
    return check(lease, before, { setbacks: 0 }, around);
  }
  const association = associationOf(reply, iaid);
  if (association?.status === STATUS.NO_BINDING || reply.status === STATUS.NO_BINDING) {
    if (state.phase === "reclaiming" || reply.serverId === undefined) return [state, []];
    return keep({ ...before, server: reply.serverId }, "reclaiming", around);
  }
  if (association?.status === STATUS.NOT_ON_LINK || association?.status === STATUS.NO_ADDRS_AVAIL)
    return lost(before, around);
  const isOver = association?.addresses.some(({ ip, valid }) => valid === 0 && compareIp(ip, before.ip) === 0);
  return isOver ? lost(before, around) : [state, []];
}

function onDuplicate(state: Checking, around: Surroundings6): Step6 {
  const { lease, before } = state;
  const decline = send(around, MESSAGE6.DECLINE, onceOnly(around), lease);
  const gone: Action6[] = before === undefined ? [] : [{ kind: "lost", lease: before }];
  return setBack(state, [decline, ...gone], around);
}

function onRelease(state: State6, around: Surroundings6): Step6 {
  const lease = "lease" in state ? state.lease : undefined;
  return [ENDED6, lease === undefined ? [] : [send(around, MESSAGE6.RELEASE, onceOnly(around), lease)]];
}

function search({ setbacks }: Search, around: Surroundings6): Step6 {
  // The first wait must be longer than a second (section 18.2.1).
  const { random } = around;
  const timeout = SOLICIT.first * (1 + random() / 10);
  const exchange = { ...exchangeOf(SOLICIT, around), timeout, wakeAt: around.now + timeout };
  return [{ phase: "soliciting", ...exchange, setbacks, offer: undefined }, [send(around, MESSAGE6.SOLICIT, exchange)]];
}

function request(offer: Offer, { setbacks }: Search, around: Surroundings6): Step6 {
  const exchange = exchangeOf(REQUEST, around);
  return [{ phase: "requesting", ...exchange, offer, setbacks }, [send(around, MESSAGE6.REQUEST, exchange, offer)]];
}

function check(lease: Lease6, before: Lease6 | undefined, { setbacks }: Search, around: Surroundings6): Step6 {
  if (around.now >= timesOf(lease).expiry)
    return before === undefined ? search({ setbacks }, around) : lost(before, around);
  return [{ phase: "checking", lease, before, setbacks, wakeAt: timesOf(lease).expiry }, [{ kind: "assign", lease }]];
}

/** A lease counts from the request on: one that was given long ago may be over when the answer comes. */
function bound(lease: Lease6, before: Lease6 | undefined, around: Surroundings6): Step6 {
  if (around.now >= timesOf(lease).expiry) return lost(lease, around);
  return [resume6(lease), [{ kind: "bound", lease, before }]];
}

function lost(lease: Lease6, around: Surroundings6): Step6 {
  const [state, actions] = begin6(around);
  return [state, [{ kind: "lost", lease }, ...actions]];
}

function setBack({ setbacks }: Search, actions: readonly Action6[], around: Surroundings6): Step6 {
  const next = { setbacks: setbacks + 1 };
  if (setbacks === 0) {
    const [state, more] = search(next, around);
    return [state, [...actions, ...more]];
  }
  const wait = Math.min(SETBACK_MS * 2 ** (setbacks - 1), SETBACK_MAX_MS);
  return [{ phase: "waiting", ...next, wakeAt: around.now + wait * jitter(around) }, actions];
}

function keep(lease: Lease6, phase: Keeping["phase"], around: Surroundings6): Step6 {
  const exchange = { ...exchangeOf(KEEP, around), attempt: -1, wakeAt: around.now };
  return goOn({ phase, lease, ...exchange }, around);
}

const MESSAGES = { renewing: MESSAGE6.RENEW, rebinding: MESSAGE6.REBIND, reclaiming: MESSAGE6.REQUEST } as const;

/** The next message on the way to keep the lease. What is due is due, whatever becomes of the messages. */
function goOn(state: Keeping, around: Surroundings6): Step6 {
  const { lease, phase } = state;
  const { rebinding, expiry } = timesOf(lease);
  const { now } = around;
  if (now >= expiry) return lost(lease, around);
  if (phase === "renewing" && now >= rebinding) return keep(lease, "rebinding", around);
  const [next, actions] = again(state, KEEP, MESSAGES[phase], around, lease);
  return [{ ...next, wakeAt: Math.min(next.wakeAt, phase === "renewing" ? rebinding : expiry) }, actions];
}

/** The same message once more, and a wait that is twice as long: RFC 8415 section 15. */
function again<S extends Exchange>(
  state: S,
  { most }: { readonly most: number },
  type: number,
  around: Surroundings6,
  about?: { readonly ip: Ip; readonly server: Uint8Array },
): readonly [S, readonly Action6[]] {
  const attempt = state.attempt + 1;
  const twice = attempt === 0 ? state.timeout : state.timeout * (1 + jitter(around));
  const timeout = twice > most ? most * jitter(around) : twice;
  const next = { ...state, attempt, timeout, wakeAt: around.now + timeout };
  return [next, [send(around, type, next, about)]];
}

function exchangeOf({ first }: { readonly first: number }, around: Surroundings6): Exchange {
  const timeout = first * jitter(around);
  return { ...onceOnly(around), attempt: 0, timeout, wakeAt: around.now + timeout };
}

/** An exchange of one message. */
function onceOnly({ random, now }: Surroundings6): Pick<Exchange, "xid" | "since"> {
  return { xid: Math.floor(random() * XIDS), since: now };
}

function send(
  { identity, now }: Surroundings6,
  type: number,
  { xid, since }: Pick<Exchange, "xid" | "since">,
  about?: { readonly ip: Ip; readonly server: Uint8Array },
): Action6 {
  return { kind: "send", message: message(identity, type, { xid, elapsed: now - since }, about) };
}

/** A tenth more or less: RAND of section 15. */
function jitter({ random }: Surroundings6): number {
  return 0.9 + random() * 0.2;
}
