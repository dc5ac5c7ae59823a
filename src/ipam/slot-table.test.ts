import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SlotTable } from "./slot-table.ts";

const key = (n: number): Int32Array => Int32Array.of(n, 0, 0, 1);

/** Puts a value under the key, as the owner of a table would. */
function put(table: SlotTable, n: number, value: number): void {
  table.change(table.insert(key(n)))[0] = value;
}

function valuesOf(table: SlotTable, n: number): number[] {
  const found: number[] = [];
  for (let slot = table.find(key(n)); slot >= 0; slot = table.find(key(n), slot)) {
    found.push(table.value(slot)[0] ?? 0);
  }
  return found.sort((a, b) => a - b);
}

describe("SlotTable", () => {
  it("finds nothing in an empty table", () => {
    expect(new SlotTable(64).find(key(1))).toBe(-1);
  });

  it.each([
    [1, 64, 1],
    [64, 64, 1],
    [65, 128, 2],
    [1000, 1024, 16],
  ])("of %i slots has %i on %i pages", (asked, slots, pages) => {
    expect(new SlotTable(asked)).toMatchObject({ slots, pages });
  });

  it("is full with one slot left, which ends every search", () => {
    const table = new SlotTable(64);
    for (let n = 0; n < 63; n++) expect(table.insert(key(n))).toBeGreaterThanOrEqual(0);
    expect(table.insert(key(63))).toBe(-1);
    expect(table.find(key(63))).toBe(-1);
    expect(table.used).toBe(63);
  });

  it("gives a slot taken again a value of zeros", () => {
    const table = new SlotTable(64);
    put(table, 1, 7);
    table.remove(table.find(key(1)));
    put(table, 1, 0);
    expect(valuesOf(table, 1)).toEqual([0]);
  });

  it("holds what a Map of lists would hold, whatever is added and removed", () => {
    const step = fc.record({ n: fc.nat(40), value: fc.nat(5), remove: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.array(fc.nat(40), { minLength: 40, maxLength: 55 }),
        (steps, first) => {
          const table = new SlotTable(64);
          const model = new Map<number, number[]>();
          const filling = first.map((n) => ({ n, value: 9, remove: false })); // so that there are collisions
          for (const { n, value, remove } of [...filling, ...steps]) {
            const values = model.get(n) ?? [];
            if (remove && values.length > 0) {
              const slot = table.find(key(n));
              values.splice(values.indexOf(table.value(slot)[0] ?? 0), 1);
              table.remove(slot);
            } else if (!remove && table.used < 60) {
              put(table, n, value);
              values.push(value);
            }
            model.set(n, values);
          }
          for (let n = 0; n <= 40; n++) {
            expect(valuesOf(table, n)).toEqual((model.get(n) ?? []).toSorted((a, b) => a - b));
          }
        },
      ),
    );
  });

  it("reads only the pages it touches, each once, and tells which have changed", () => {
    const first = new SlotTable(1024);
    for (let n = 0; n < 300; n++) put(first, n, n);
    const saved = new Map(first.changedPages());
    const read: number[] = [];
    const second = new SlotTable(1024, first.used, (page) => {
      read.push(page);
      return Int32Array.from(saved.get(page) ?? new Int32Array(first.changedPages()[0]?.[1].length ?? 0));
    });
    expect(valuesOf(second, 7)).toEqual([7]);
    expect(second.changedPages()).toEqual([]);
    expect(read.length).toBeLessThanOrEqual(2);
    second.remove(second.find(key(7)));
    expect(new Set(read).size).toBe(read.length);
    const changed = second.changedPages().map(([page]) => page);
    expect(changed.length).toBeGreaterThan(0);
    expect(read).toEqual(expect.arrayContaining(changed));
  });

  it("ends its search in a table of garbage without an empty slot", () => {
    const table = new SlotTable(64, 3, () => new Int32Array(64 * 12).fill(9));
    expect(table.find(key(1))).toBe(-1);
    expect(table.insert(key(1))).toBe(-1);
    expect(() => table.remove(5)).not.toThrow();
  });
});
