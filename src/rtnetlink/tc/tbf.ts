// TCA_OPTIONS of the token bucket filter (include/uapi/linux/pkt_sched.h, TCA_TBF_*): tc-tbf(8).

import { attr, attrs } from "../../wire/attrs.ts";
import { type Infer, u8, u16, u32, u64 } from "../../wire/codec.ts";
import { struct } from "../../wire/struct.ts";
import { TCA_TBF } from "../uapi.ts";

/** struct tc_ratespec. Of its fields the kernel needs the rate only, unless cells or frames are to be counted in. */
const ratespec = struct({ cellLog: u8, linklayer: u8, overhead: u16, cellAlign: u16, mpu: u16, rate: u32 });

/** struct tc_tbf_qopt */
const tbfParameters = struct({ rate: ratespec, peakRate: ratespec, limit: u32, buffer: u32, mtu: u32 });

export const tbf = attrs({
  parameters: attr(TCA_TBF.PARMS, tbfParameters),
  /** Bytes per second; where it does not fit the parameters' own. */
  rate64: attr(TCA_TBF.RATE64, u64),
  /** Bytes; in place of the parameters' buffer. The kernel never tells it back. */
  burst: attr(TCA_TBF.BURST, u32),
});

/** What a token bucket filter does. */
export interface TokenBucket {
  /** Bytes per second. */
  readonly rate: bigint;
  /** How many bytes may wait. */
  readonly limit: number;
  /** How long the rate takes to fill the bucket, in ticks of 64 ns. */
  readonly buffer: number;
  /** The size of the bucket in bytes, in place of `buffer`. Never there in what the kernel tells. */
  readonly burst?: number | undefined;
}

const RATE_MAX = 0xffffffffn;
const NONE = { cellLog: 0, linklayer: 0, overhead: 0, cellAlign: 0, mpu: 0, rate: 0 };

/** The attributes that ask for it. */
export function tbfOptions({ rate, limit, buffer, burst }: TokenBucket): Infer<typeof tbf> {
  const isLarge = rate > RATE_MAX;
  const short = { ...NONE, rate: Number(isLarge ? RATE_MAX : rate) };
  return {
    parameters: { rate: short, peakRate: NONE, limit, buffer, mtu: 0 },
    rate64: isLarge ? rate : undefined,
    burst,
  };
}

/** What the attributes say; undefined where they say nothing, or more than a TokenBucket can tell (a peak rate). */
export function tokenBucketOf({ parameters, rate64 }: Infer<typeof tbf>): TokenBucket | undefined {
  if (parameters === undefined || parameters.peakRate.rate !== 0) return undefined;
  const { rate, limit, buffer } = parameters;
  return { rate: rate64 ?? BigInt(rate.rate), limit, buffer };
}
