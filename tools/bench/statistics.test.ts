import { describe, expect, it } from "vitest";
import { inTurn, median, quantile, ratioOf } from "./statistics.mjs";

describe("quantiles", () => {
  it("are values, or lie between two values", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(quantile([10, 20, 30, 40, 50], 0.25)).toBe(20);
    expect(quantile([10, 20], 0.99)).toBeCloseTo(19.9);
  });

  it("leave the order of their argument alone, and are NaN for an empty list", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
    expect(median([])).toBeNaN();
  });
});

describe("the ratio of two series", () => {
  it("is the ratio of their medians, and lies within its interval", () => {
    const ratio = ratioOf([2, 2.2, 2.1, 1.9, 2], [1, 1.1, 1, 0.9, 1]);
    expect(ratio.value).toBe(2);
    expect(ratio.low).toBeLessThanOrEqual(2);
    expect(ratio.high).toBeGreaterThanOrEqual(2);
  });

  it("has a narrow interval where slow rounds were slow for both", () => {
    const denominator = [1, 5, 2, 9, 3, 1, 7, 4];
    const together = ratioOf(
      denominator.map((value) => value * 2),
      denominator,
    );
    expect(together).toEqual({ value: 2, low: 2, high: 2 });
    const apart = ratioOf(
      denominator.map((value) => value * 2).concat(2),
      denominator, // another length: nothing to pair
    );
    expect(apart.low).toBeLessThan(2);
    expect(apart.high).toBeGreaterThan(2);
  });

  it("is the same in every run", () => {
    expect(ratioOf([1, 2, 3], [2, 3, 4, 5])).toEqual(ratioOf([1, 2, 3], [2, 3, 4, 5]));
  });
});

describe("measuring in turn", () => {
  const done: { subject: string; isMeasured: boolean }[] = [];
  const subjects = [{ subject: "a" }, { subject: "slow", every: 2 }, { subject: "b" }, { subject: "c" }];
  inTurn(subjects, 40, (subject, isMeasured) => done.push({ subject, isMeasured }));
  const measured = done.slice(4).map(({ subject }) => subject);

  it("warms up once with everything", () => {
    expect(
      done
        .slice(0, 4)
        .map(({ subject }) => subject)
        .sort(),
    ).toEqual(["a", "b", "c", "slow"]);
    expect(done.map(({ isMeasured }) => isMeasured).indexOf(true)).toBe(4);
  });

  it("ends a round before the next begins, and does slow work in every second round only", () => {
    expect(measured.slice(0, 3).sort()).toEqual(["a", "b", "c"]);
    expect(measured.slice(3, 7).sort()).toEqual(["a", "b", "c", "slow"]);
    expect(measured).toHaveLength(3 * 40 + 20);
  });

  it("changes the order, so that each one follows each other one", () => {
    const pairs = new Set(measured.slice(1).map((subject, i) => `${measured[i]} ${subject}`));
    for (const pair of ["a b", "b a", "a c", "c a", "b c", "c b"]) expect(pairs).toContain(pair);
  });
});
