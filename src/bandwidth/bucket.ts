// The token bucket that a limit takes: rate, size, and how much may wait for tokens. docs/adr/0016-bandwidth.md has the
// reasons.

import type { TokenBucket } from "../rtnetlink/tc/tbf.ts";
import type { Limit } from "./limits.ts";

const BITS = 8;
const U32_MAX = 0xffffffff;
const MICROSECONDS = 1_000_000;

/** PSCHED_TICKS2NS, include/net/pkt_sched.h: /proc/net/psched tells that it is 64, since Linux 2.6.31. */
const TICK_NS = 64;
const TICKS_PER_MICROSECOND = 1000 / TICK_NS;

/** Upstream's latency, in milliseconds. */
const LATENCY_MS = 25;

/** The largest packet that the kernel hands over at once, with a header for each of its segments: it must find room. */
const PACKET_MAX = 72 * 1024;

/** Without a burst of its own, a bucket takes no packet that is longer than its rate sends in so many microseconds. */
const PACKET_TIME_MAX = Math.floor(U32_MAX / 1000);

/** A limit in bytes. */
interface Bytes {
  readonly rate: number;
  readonly burst: number;
}

function inBytes({ rate, burst }: Limit): Bytes {
  return { rate: Math.floor(rate / BITS), burst: Math.floor(burst / BITS) };
}

/**
 * The bucket for a limit. `latency` is in milliseconds.
 *
 * It is upstream's bucket, so that either implementation's CHECK accepts what the other has made, wherever upstream's can
 * keep its word. Upstream counts the burst into what may wait: for containerd's burst of 512 MiB that would be minutes of
 * waiting. So a burst of more than a second, and any burst where a latency is given, has no part in that.
 */
export function bucketOf(limit: Limit, latency?: number): TokenBucket {
  const bytes = inBytes(limit);
  const { rate, burst } = bytes;
  const hasShare = latency === undefined && burst <= rate;
  const waiting =
    Math.floor((rate * (latency ?? LATENCY_MS)) / 1000) + (hasShare ? burst : Math.min(burst, PACKET_MAX));
  const common = { rate: BigInt(rate), limit: Math.min(waiting, U32_MAX) };
  const buffer = upstreamBuffer(bytes);
  return isFaithful(bytes) ? { ...common, buffer } : { ...common, buffer: Math.min(buffer, U32_MAX), burst };
}

/** The time that the rate takes to fill the bucket, in ticks: of whole microseconds, as upstream has it. */
function upstreamBuffer(bytes: Bytes): number {
  return Math.floor(fillTime(bytes) * TICKS_PER_MICROSECOND);
}

function fillTime({ rate, burst }: Bytes): number {
  return Math.floor((burst * MICROSECONDS) / rate);
}

/** Whether upstream's buffer says what was asked for: it fits its 32 bits, and rounding takes no packet's place away. */
function isFaithful(bytes: Bytes): boolean {
  const { rate, burst } = bytes;
  const usable = (Math.min(fillTime(bytes), PACKET_TIME_MAX) * rate) / MICROSECONDS;
  return upstreamBuffer(bytes) <= U32_MAX && (usable >= burst * 0.99 || usable >= PACKET_MAX);
}

/** What the kernel tells of the bucket of bucketOf, and what it tells of upstream's for the same limit: both are good. */
export function acceptedBuckets(limit: Limit, latency?: number): TokenBucket[] {
  const asked = bucketOf(limit, latency);
  const { rate, limit: waiting } = asked;
  const own = {
    rate,
    limit: waiting,
    buffer: asked.burst === undefined ? asked.buffer : toldBuffer(rate, asked.burst),
  };
  if (latency !== undefined) return [own];
  const bytes = inBytes(limit);
  const upstreamLimit = Math.floor((bytes.rate * LATENCY_MS) / 1000) + bytes.burst;
  return [own, { rate, limit: upstreamLimit % (U32_MAX + 1), buffer: upstreamBuffer(bytes) % (U32_MAX + 1) }];
}

/** What the kernel tells of a bucket that was made by its bytes: the time in ticks, of which it tells the last 32 bits. */
function toldBuffer(rate: bigint, burst: number): number {
  const { mult, shift } = conversionOf(rate);
  const ns = (BigInt(burst) * mult) >> shift;
  return Number((ns / BigInt(TICK_NS)) & BigInt(U32_MAX));
}

/** Bytes become nanoseconds by a factor of 32 significant bits: psched_ratecfg_precompute() in net/sched/sch_generic.c. */
function conversionOf(rate: bigint): { readonly mult: bigint; readonly shift: bigint } {
  let factor = 1_000_000_000n;
  let shift = 0n;
  for (;;) {
    const mult = factor / rate;
    if ((mult & (1n << 31n)) !== 0n || (factor & (1n << 63n)) !== 0n) return { mult, shift };
    factor <<= 1n;
    shift++;
  }
}
