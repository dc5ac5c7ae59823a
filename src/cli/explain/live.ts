// `--live`: a real packet, traced by the kernel through all its rules, beside what was foretold.

import { readMessages } from "../../netlink/message.ts";
import { NetlinkSocket } from "../../netlink/transport.ts";
import { NETLINK } from "../../netlink/uapi.ts";
import { addChain } from "../../nftables/chain.ts";
import { NFT_META } from "../../nftables/expr/meta.ts";
import { ipDaddr, ipSaddr, metaL4proto, thDport } from "../../nftables/match.ts";
import type { Command } from "../../nftables/message.ts";
import { Nftables } from "../../nftables/nftables.ts";
import { addRule } from "../../nftables/rule.ts";
import { createTable, deleteTable } from "../../nftables/table.ts";
import { NFT_TRACETYPE, readTrace, type TraceEvent } from "../../nftables/trace.ts";
import { NF, NF_INET, NF_IP_PRI, NFNLGRP_NFTRACE, NFT_REG, NFT_TABLE_F, nfproto } from "../../nftables/uapi.ts";
import { hasCode } from "../../sys/error.ts";
import { POLL, poll } from "../../sys/poll.ts";
import { monotonicMs } from "../../sys/process.ts";
import { compareIp, formatIp, type Ip } from "../../wire/ip.ts";
import type { Sources } from "./explanation.ts";
import type { Packet } from "./packet.ts";
import { sendProbe } from "./probe.ts";
import type { Step } from "./walk.ts";

/** There was nothing to compare with, or it was not as foretold. */
export class LiveError extends Error {
  override readonly name: string = "LiveError";
}

export interface LiveTrace {
  readonly events: readonly TraceEvent[];
  /** The source that it left the node with, and where to; undefined where it did not leave. */
  readonly source: Ip | undefined;
  readonly destination: Ip | undefined;
}

/** What is said of a packet beforehand, to be compared. */
export interface Foretold {
  /** The table of ours whose rules it is said to meet. */
  readonly table: string;
  readonly steps: readonly Step[];
  /** What it leaves with; undefined where it does not leave, "unknown" where nobody can tell. */
  readonly sources: Sources | "unknown" | undefined;
  /** Where it goes then; undefined where that does not change. */
  readonly destination?: Ip;
}

/** The table that marks packets, and sees them leave. */
export const TRACE_TABLE = "bauta_trace";
const MARKING = "marking";
/** The same for what the node sends itself. */
const SENDING = "sending";
const LEAVING = "leaving";
/** After all source translation. */
const LAST = 300;
/** A packet that has begun to tell has told all after this long. */
const SETTLE_MS = 1000;
/** And one that has left, after this long. */
const LEFT_MS = 50;

/**
 * Traces the next packet of this kind that begins a flow, or one that is sent from the namespace `netns`. The table that
 * marks it is gone afterwards, whatever happens: where the kernel can (since 5.12) it goes with our socket. Throws
 * LiveError where none comes within `timeoutMs`, NetlinkError or SyscallError.
 */
export function traceLive(
  packet: Packet,
  { table }: Foretold,
  netns: string | undefined,
  timeoutMs: number,
): LiveTrace {
  const socket = new NetlinkSocket(NETLINK.NETFILTER, { groups: [NFNLGRP_NFTRACE], receiveBuffer: 1 << 20 });
  const nft = Nftables.open();
  try {
    install(nft, packet);
    try {
      return netns === undefined
        ? collect(socket, table, timeoutMs, false)
        : withProbe(netns, packet, () => collect(socket, table, timeoutMs, true));
    } finally {
      nft.commit([deleteTable({ family: nfproto(packet.family), name: TRACE_TABLE })]);
    }
  } finally {
    nft.close();
    socket.close();
  }
}

/** Sends a packet, and looks at what became of it with `use`. */
function withProbe(netns: string, packet: Packet, use: () => LiveTrace): LiveTrace {
  let stop: () => void;
  try {
    stop = sendProbe(netns, packet);
  } catch (error) {
    if (hasCode(error, "ENETUNREACH", "EHOSTUNREACH"))
      throw new LiveError(`no packet leaves ${netns}: no route leads to ${formatIp(packet.to)}`, { cause: error });
    throw error;
  }
  try {
    return use();
  } finally {
    stop();
  }
}

function install(nft: Nftables, packet: Packet): void {
  try {
    nft.commit(commands(packet, NFT_TABLE_F.OWNER));
  } catch (error) {
    if (hasCode(error, "EEXIST", "EPERM")) {
      const family = packet.family === 4 ? "ip" : "ip6";
      throw new LiveError(
        `there is a table ${family} ${TRACE_TABLE}: another bauta explain --live is at work, or one was killed (nft delete table ${family} ${TRACE_TABLE})`,
        { cause: error },
      );
    }
    if (!hasCode(error, "EOPNOTSUPP", "EINVAL")) throw error;
    nft.commit(commands(packet, 0)); // before Linux 5.12 no table has an owner
  }
}

function commands(packet: Packet, flags: number): Command[] {
  const family = nfproto(packet.family);
  const prefixLength = packet.from.length * 8;
  const chain = { family, table: TRACE_TABLE, type: "filter", policy: NF.ACCEPT };
  const expressions = [
    ...ipSaddr({ ip: packet.from, prefixLength }),
    ...ipDaddr({ ip: packet.to, prefixLength }),
    ...metaL4proto(packet.protocol),
    ...(packet.port === undefined ? [] : thDport(packet.port)),
    { kind: "immediate", dreg: NFT_REG[1], data: Uint8Array.of(1) } as const,
    { kind: "meta", key: NFT_META.NFTRACE, sreg: NFT_REG[1] } as const,
  ];
  return [
    createTable({ family, name: TRACE_TABLE, flags, comment: "a moment of bauta explain --live" }),
    addChain({ ...chain, name: MARKING, hook: NF_INET.PRE_ROUTING, priority: NF_IP_PRI.RAW }),
    // Only to be traced: its first event shows the packet as it leaves.
    addChain({ ...chain, name: LEAVING, hook: NF_INET.POST_ROUTING, priority: LAST }),
    addChain({ ...chain, name: SENDING, hook: NF_INET.LOCAL_OUT, priority: NF_IP_PRI.RAW }),
    ...[MARKING, SENDING].map((name) => addRule({ family, table: TRACE_TABLE, chain: name, expressions })),
  ];
}

/**
 * The events of the first packet that our rules saw. Where none was seen, those of the one that we sent, or of the first
 * that came: of a flow that began before, say, whose packets the kernel sends through no nat chain.
 */
function collect(socket: NetlinkSocket, table: string, timeoutMs: number, isOwn: boolean): LiveTrace {
  // An id is made of where the packet is in memory: another may get it as soon as this one is gone.
  const packets: TraceEvent[][] = [];
  const latest = new Map<number, TraceEvent[]>();
  let end = monotonicMs() + timeoutMs;
  let isFound = false;
  const best = (): TraceEvent[] | undefined => packets.find((events) => events.some((one) => one.table === table));
  for (;;) {
    const isThere = isOwn ? packets.length > 0 : best() !== undefined;
    // Counted once: others that go the same way must not keep us here.
    if (isThere && !isFound) end = monotonicMs() + SETTLE_MS;
    isFound ||= isThere;
    if ((isOwn ? packets.flat() : best())?.some(isLeaving) === true) end = Math.min(end, monotonicMs() + LEFT_MS);
    const left = end - monotonicMs();
    if (left <= 0 || (poll([{ fd: socket.fd, events: POLL.IN }], left)[0] ?? 0) === 0) break;
    const datagram = socket.receive(false);
    for (const message of datagram === undefined ? [] : readMessages(datagram)) {
      const event = readTrace(message);
      if (event === undefined) continue;
      const known = isMarking(event) ? undefined : latest.get(event.id);
      if (known !== undefined) {
        known.push(event);
        continue;
      }
      const events = [event];
      latest.set(event.id, events);
      packets.push(events);
    }
  }
  // Of our own there is but one, whatever becomes of its id on the way.
  const events = isOwn ? packets.flat() : (best() ?? packets[0] ?? []);
  if (events.length === 0) throw new LiveError(`no such packet came within ${timeoutMs / 1000} s`);
  const header = events.find(isLeaving)?.networkHeader;
  if (header === undefined) return { events, source: undefined, destination: undefined };
  return { events, ...addressesOf(header) };
}

/** The rule that marks it is the first that a packet meets. */
const isMarking = ({ table, chain, type }: TraceEvent): boolean =>
  table === TRACE_TABLE && (chain === MARKING || chain === SENDING) && type === NFT_TRACETYPE.RULE;

const isLeaving = ({ table, chain }: TraceEvent): boolean => table === TRACE_TABLE && chain === LEAVING;

/** The addresses in an IPv4 or IPv6 header. */
function addressesOf(header: Uint8Array): { readonly source: Ip; readonly destination: Ip } {
  return (header[0] ?? 0) >> 4 === 4
    ? { source: header.slice(12, 16), destination: header.slice(16, 20) }
    : { source: header.slice(8, 24), destination: header.slice(24, 40) };
}

/** In what the packet did otherwise than foretold, as phrases; none where both agree. */
export function differences(
  { table, steps, sources, destination }: Foretold,
  { events, source, destination: reached }: LiveTrace,
): string[] {
  const found: string[] = [];
  const foretold = steps.filter(({ effect }) => effect.kind !== "no match").map(({ rule }) => rule.handle);
  const taken = events
    .filter((event) => event.table === table && event.handle !== undefined)
    .map(({ handle }) => handle);
  const text = (handles: readonly (bigint | undefined)[]): string =>
    handles.length === 0 ? "none" : handles.join(", ");
  if (text(foretold) !== text(taken))
    found.push(
      taken.length === 0
        ? "it met none of bauta's rules: another nat chain decided first, or its flow began before"
        : `it matched the rules with the handles ${text(taken)}, not ${text(foretold)}`,
    );
  if (sources === undefined) {
    if (source !== undefined) found.push("it left the node");
  } else if (source === undefined) found.push("it did not leave the node");
  else if (destination !== undefined && reached !== undefined && compareIp(destination, reached) !== 0)
    found.push("it left for another address");
  else if (sources === "unknown") return found;
  else if (compareIp(source, sources.first) < 0 || compareIp(source, sources.last) > 0)
    found.push("it left with another source");
  return found;
}
