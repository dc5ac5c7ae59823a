import { describe, expect, it } from "vitest";
import { acceptedBuckets, bucketOf } from "./bucket.ts";

/** Containerd's, whatever the rate: 512 MiB. */
const CONTAINERD_BURST = 0xffffffff;

describe("bucketOf", () => {
  it.each([
    // rate and burst in bits, limit in bytes, buffer in ticks: upstream's, as tc(8) has shown them
    [8_000_000, 800_000, { rate: 1_000_000n, limit: 125_000, buffer: 1_562_500 }],
    [1_000_000, 1_000_000, { rate: 125_000n, limit: 128_125, buffer: 15_625_000 }],
    [10_000_000_000, 100_000_000, { rate: 1_250_000_000n, limit: 43_750_000, buffer: 156_250 }],
  ])("is upstream's for a rate of %i and a burst of %i bits", (rate, burst, bucket) => {
    expect(bucketOf({ rate, burst })).toEqual(bucket);
  });

  it("tells the rate in 64 bits", () => {
    expect(bucketOf({ rate: 80_000_000_000, burst: 8_000_000_000 }).rate).toBe(10_000_000_000n);
    expect(bucketOf({ rate: Number.MAX_SAFE_INTEGER, burst: 8 * 0xffffffff - 1 })).toMatchObject({
      rate: 1_125_899_906_842_623n,
      limit: 0xffffffff,
    });
  });

  it("keeps containerd's burst, in bytes, and bounds what waits", () => {
    for (const [rate, limit] of [
      [1_000_000, 3_125 + 73_728],
      [10_000_000, 31_250 + 73_728],
    ] as const) {
      const bucket = bucketOf({ rate, burst: CONTAINERD_BURST });
      expect(bucket).toMatchObject({ burst: 536_870_911, limit });
      expect(bucket.buffer).toBeLessThanOrEqual(0xffffffff);
    }
    // At a Gbit/s the burst is four seconds long, so that the ticks have room for it.
    expect(bucketOf({ rate: 1e9, burst: CONTAINERD_BURST })).toEqual({
      rate: 125_000_000n,
      limit: 3_125_000 + 73_728,
      buffer: Math.floor(4_294_967 * 15.625),
    });
  });

  it("has the burst in bytes where whole microseconds would make a frame too long for it", () => {
    expect(bucketOf({ rate: 10e9, burst: 1514 * 8 })).toMatchObject({ burst: 1514 });
    // So many seconds are more than the kernel counts in for a single packet.
    expect(bucketOf({ rate: 1000, burst: 80_000 })).toMatchObject({ burst: 10_000 });
  });

  it("takes a latency in place of the burst", () => {
    expect(bucketOf({ rate: 80_000_000, burst: 8_000_000 }, 10).limit).toBe(100_000 + 73_728);
    expect(bucketOf({ rate: 80_000_000, burst: 16_000 }, 10).limit).toBe(100_000 + 2_000);
  });
});

describe("acceptedBuckets", () => {
  it("has upstream's, with the last 32 bits of what does not fit", () => {
    // test/kernel/bandwidth-peer.test.ts has upstream make it: tc(8) then shows a burst of 193 MB.
    const [own, upstream] = acceptedBuckets({ rate: 10_000_000, burst: CONTAINERD_BURST });
    expect(upstream).toEqual({ rate: 1_250_000n, limit: 31_250 + 536_870_911, buffer: 2_415_919_079 });
    expect(own?.limit).toBe(104_978);
  });

  it("knows what the kernel makes of a burst in bytes", () => {
    // test/golden/rtnetlink/qdisc-show.hex: 1562499 ticks for 1,000,000,000 bytes at 10,000,000,000 a second
    const limit = { rate: 80_000_000_000, burst: 8_000_000_000 };
    expect(acceptedBuckets(limit, 1000)).toEqual([{ rate: 10_000_000_000n, limit: 0xffffffff, buffer: 1_562_500 }]);
  });

  it("is one where a latency is given, which upstream does not know", () => {
    expect(acceptedBuckets({ rate: 8_000_000, burst: 800_000 }, 5)).toHaveLength(1);
  });
});
