import { describe, expect, it } from "vitest";
import type { Results } from "./bench.mjs";
import { fractionText, targetsOf } from "./targets.mjs";

const NOTHING: Results = { machine: "", size: 1_330_000, measured: {} };
const figure = (ms: number) => ({ ms, low: ms, high: ms, cpuMs: ms, kib: 1000, runs: 1 });
const ratio = (value: number) => ({ value, low: value, high: value });

function reached(results: Results, wanted: RegExp) {
  const found = targetsOf(results).filter((target) => wanted.test(target.wanted));
  expect(found).toHaveLength(1);
  return { reached: found[0]?.reached, isMet: found[0]?.isMet };
}

const withAdd = (value: number): Results => ({
  ...NOTHING,
  operations: {
    rounds: 1,
    rows: [
      { operation: "bridge ADD", others: 0, bauta: figure(5), upstream: figure(5 / value), ratio: ratio(value) },
      { operation: "bridge ADD", others: 100_000, bauta: figure(6), growth: ratio(1.2) },
    ],
  },
});

function flow(rules: string, attachments: number, family: 4 | 6, medianUs: number) {
  const times = { flowsPerSecond: 1, meanUs: medianUs, medianUs, p99Us: medianUs, gigabits: 1 };
  return { name: rules, rules, attachments, family, ...times, toHandWritten: ratio(1), streamToHandWritten: ratio(1) };
}

describe("targets", () => {
  it("are not measured where a section is missing; only the size of the executable always is", () => {
    const unknown = targetsOf(NOTHING).filter(({ isMet }) => isMet === undefined);
    expect(new Set(unknown.map((target) => target.reached))).toEqual(new Set(["not measured"]));
    expect(unknown).toHaveLength(targetsOf(NOTHING).length - 1);
    expect(reached(NOTHING, /on disk/)).toEqual({ reached: "1.33 MB", isMet: true });
  });

  it("are met up to the limit and not beyond it", () => {
    expect(reached(withAdd(1 / 10), /^bridge ADD: at most 1\/10/)).toEqual({ reached: "1/10.0", isMet: true });
    expect(reached(withAdd(1 / 9.9), /^bridge ADD: at most 1\/10/)).toEqual({ reached: "1/9.9", isMet: false });
    expect(reached(withAdd(1), /100,000 others: at most 1.15/)).toEqual({ reached: "1.20 times", isMet: false });
  });

  it("take the figure of the worse family", () => {
    const rows = [
      flow("one rule", 1, 4, 10),
      flow("one rule", 1, 6, 10),
      flow("bauta", 100_000, 4, 10.2),
      flow("bauta", 100_000, 6, 10.6),
    ];
    expect(reached({ ...NOTHING, flows: { rounds: 1, rows } }, /100,000 attachments/)).toEqual({
      reached: "IPv4 1.02, IPv6 1.06 times the time",
      isMet: false,
    });
    expect(reached({ ...NOTHING, flows: { rounds: 1, rows: rows.slice(0, 3) } }, /100,000 attachments/).isMet).toBe(
      undefined,
    );
  });

  it("take the smallest figure where more is better, and allow no failure and no remains", () => {
    const side = { ms: 1, perSecond: 1, perCore: 1, cpuMs: 1, longestMs: 1 };
    const atOnce = [{ operation: "bridge ADD", count: 64, bauta: side, upstream: side, gain: ratio(7.9) }];
    const concurrency = { atOnce, inARow: [], failed: 0, left: ["10.0.0.2"], rounds: 1 };
    expect(reached({ ...NOTHING, concurrency }, /8 times upstream's throughput/).isMet).toBe(false);
    expect(reached({ ...NOTHING, concurrency }, /nothing fails/)).toEqual({
      reached: "0 failed, 1 left",
      isMet: false,
    });
  });
});

describe("a fraction", () => {
  it("is written as one part of a number", () => {
    expect(fractionText(1 / 250)).toBe("1/250");
    expect(fractionText(0.4)).toBe("1/2.5");
    expect(fractionText(1.234)).toBe("1.23");
  });
});
