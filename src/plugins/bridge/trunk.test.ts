import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTrunk, type TrunkItem, trunkItem } from "./trunk.ts";

const item = (keys: Partial<TrunkItem>): TrunkItem => ({ id: undefined, minID: undefined, maxID: undefined, ...keys });

describe("readTrunk()", () => {
  it("joins ids and ranges that touch or overlap, in ascending order", () => {
    const items = [item({ id: 300 }), item({ minID: 200, maxID: 210 }), item({ id: 101, minID: 205, maxID: 299 })];
    expect(readTrunk(items)).toEqual([
      { vid: 101, lastVid: 101 },
      { vid: 200, lastVid: 300 },
    ]);
  });

  it("has exactly the VLANs that were asked for, whatever their order", () => {
    const vlan = fc.integer({ min: 1, max: 40 });
    const range = fc.tuple(vlan, vlan).map(([a, b]) => item({ minID: Math.min(a, b), maxID: Math.max(a, b) }));
    const items = fc.array(
      fc.oneof(
        vlan.map((id) => item({ id })),
        range,
      ),
    );
    const expand = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
    fc.assert(
      fc.property(items, (some) => {
        const wanted = new Set(some.flatMap(({ id, minID, maxID }) => (id ? [id] : expand(minID ?? 0, maxID ?? 0))));
        const ranges = readTrunk(some);
        expect(ranges.flatMap(({ vid, lastVid }) => expand(vid, lastVid))).toEqual([...wanted].sort((a, b) => a - b));
        // Neighbours are joined: between two ranges there is a gap.
        const gaps = ranges.slice(1).map(({ vid }, i) => vid - (ranges[i]?.lastVid ?? vid));
        expect(gaps.every((gap) => gap > 1)).toBe(true);
      }),
    );
  });

  it("has nothing for elements that say nothing", () => {
    expect(readTrunk([item({})])).toEqual([]);
  });

  it.each([
    [{ minID: 7 }, "vlanTrunk[1]: a range needs minID and maxID, and maxID is missing"],
    [{ maxID: 7 }, "vlanTrunk[1]: a range needs minID and maxID, and minID is missing"],
    [{ minID: 8, maxID: 7 }, "vlanTrunk[1]: minID 8 is greater than maxID 7"],
  ])("refuses %j", (keys, message) => {
    expect(() => readTrunk([item({ id: 1 }), item(keys)])).toThrow(message);
  });
});

describe("trunkItem", () => {
  it.each([{ id: 0 }, { id: 4095 }, { minID: 0, maxID: 5 }, { minID: 1, maxID: 4095 }])("refuses %j", (value) => {
    expect(() => trunkItem.read(value, "vlanTrunk[0]")).toThrow("is not a number from 1 to 4094");
  });

  it("takes the first and the last VLAN", () => {
    expect(trunkItem.read({ id: 4094, minID: 1, maxID: 4094 }, "")).toEqual({ id: 4094, minID: 1, maxID: 4094 });
  });
});
