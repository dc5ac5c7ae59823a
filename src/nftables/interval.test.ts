import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCidr } from "../wire/ip.ts";
import { intervalElements, intervalsOf, prefixInterval } from "./interval.ts";

const byte = (value: number): Uint8Array => Uint8Array.of(value);

describe("intervalElements", () => {
  it("puts an end behind each beginning", () => {
    expect(intervalElements([{ first: byte(3), last: byte(5), comment: "x" }])).toEqual([
      { key: byte(3), comment: "x" },
      { key: byte(6), intervalEnd: true },
    ]);
  });

  it("puts no end behind the last key there is", () => {
    expect(intervalElements([{ first: byte(3), last: byte(255) }])).toEqual([{ key: byte(3), intervalOpen: true }]);
  });

  it("refuses reversed and overlapping intervals", () => {
    expect(() => intervalElements([{ first: byte(5), last: byte(3) }])).toThrow("comes before its first");
    const [a, b] = [
      { first: byte(1), last: byte(5) },
      { first: byte(5), last: byte(9) },
    ];
    expect(() => intervalElements([b, a])).toThrow("two intervals overlap");
  });
});

describe("intervalsOf", () => {
  it("reads back what intervalElements wrote, in whatever order the kernel lists it", () => {
    const ends = fc.uniqueArray(fc.nat(255), { maxLength: 20 }).map((values) => values.sort((a, b) => a - b));
    fc.assert(
      fc.property(ends, fc.infiniteStream(fc.nat()), (values, random) => {
        const intervals = [];
        for (let i = 0; i + 1 < values.length; i += 2) {
          intervals.push({ first: byte(values[i] ?? 0), last: byte(values[i + 1] ?? 0) });
        }
        const order = new Map(intervalElements(intervals).map((element) => [element, random.next().value]));
        const shuffled = [...order.keys()].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
        expect(intervalsOf(shuffled)).toEqual(intervals);
      }),
    );
  });

  it("leaves out the end that nft puts before all intervals, and the element for every other key", () => {
    const elements = [
      { key: byte(0), intervalEnd: true },
      { key: byte(3) },
      { key: byte(6), intervalEnd: true },
      { key: new Uint8Array(0), catchAll: true },
    ];
    expect(intervalsOf(elements)).toEqual([{ first: byte(3), last: byte(5) }]);
  });
});

describe("prefixInterval", () => {
  it("is from the network to its last address", () => {
    const prefix = parseCidr("10.1.2.3/8");
    expect(prefix && prefixInterval(prefix)).toEqual({
      first: Uint8Array.of(10, 0, 0, 0),
      last: Uint8Array.of(10, 255, 255, 255),
    });
  });
});
