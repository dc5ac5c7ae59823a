import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DamagedTableError, PAGE_WORDS, SlotTable } from "./slot-table.ts";

const key = (n: number): Int32Array => Int32Array.of(n, 0, 0, 1);

/** Puts a value under the key, as the owner of a table would. */
function put(table: SlotTable, n: number, value: number): void {
  const slot = table.insert(key(n));
  table.touch(slot);
  table.words(slot)[table.valueAt(slot)] = value;
}

const valueIn = (table: SlotTable, slot: number): number => table.words(slot)[table.valueAt(slot)] ?? 0;

function valuesOf(table: SlotTable, n: number): number[] {
  const found: number[] = [];
  for (let slot = table.find(key(n)); slot >= 0; slot = table.find(key(n), slot)) {
    found.push(valueIn(table, slot));
  }
  return found.sort((a, b) => a - b);
}

describe("SlotTable", () => {
  it("finds nothing in an empty table", () => {
    expect(new SlotTable(64).find(key(1))).toBe(-1);
  });

  it.each([
    [1, 64],
    [64, 64],
    [65, 128],
    [1000, 1024],
    [1025, 1088],
  ])("of %i slots has whole pages: %i", (asked, slots) => {
    expect(new SlotTable(asked).slots).toBe(slots);
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
              values.splice(values.indexOf(valueIn(table, slot)), 1);
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

  /** A table of so many slots with values 0 to 299 under keys 0 to 299, as it lies in a file. */
  const saved = (slots: number): { used: number; file: Int32Array } => {
    const table = new SlotTable(slots);
    for (let n = 0; n < 300; n++) put(table, n, n);
    return { used: table.used, file: table.changes()[0]?.[1] ?? new Int32Array() };
  };
  const page = (file: Int32Array, number: number): Int32Array =>
    file.slice(number * PAGE_WORDS, (number + 1) * PAGE_WORDS);
  const fill = (bytes: Uint8Array, words: Int32Array): void => bytes.set(new Uint8Array(words.buffer));

  it("reads only the pages that it touches, each once, and reports the changed pages", () => {
    const { used, file } = saved(1000);
    const read: number[] = [];
    const table = new SlotTable(1000, used, (number, bytes) => {
      read.push(number);
      fill(bytes, page(file, number));
    });
    expect(valuesOf(table, 7)).toEqual([7]);
    expect(table.changes()).toEqual([]);
    expect(read.length).toBeLessThanOrEqual(2);
    table.remove(table.find(key(7)));
    put(table, 1000, 1);
    expect(new Set(read).size).toBe(read.length);
    const changes = table.changes();
    expect(changes.length).toBeGreaterThan(0);
    expect(read).toEqual(expect.arrayContaining(changes.map(([at]) => at / PAGE_WORDS)));
    for (const [at, words] of changes) file.set(words, at);
    const after = new SlotTable(1000, table.used, (number, bytes) => fill(bytes, page(file, number)));
    expect([7, 8, 1000].map((n) => valuesOf(after, n))).toEqual([[], [8], [1]]);
  });

  const damages: readonly (readonly [string, (word: number, i: number) => number])[] = [
    ["a bit is another", (word, i) => (i % 16 === 4 ? word ^ 1 : word)],
    ["there are zeros", () => 0],
    ["there are ones", () => -1],
    ["there is text", () => 0x61626364],
    ["keys are others", (word, i) => (i % 16 < 4 ? 7 : word)],
    ["slots look empty", (word, i) => (i % 16 < 12 ? 0 : word)],
  ];
  it.each(damages)("refuses every answer from a page where %s", (_, damage) => {
    const { used, file } = saved(400);
    const table = new SlotTable(400, used, (number, bytes) => fill(bytes, page(file, number).map(damage)));
    for (let n = 0; n < 300; n++) {
      expect(() => table.find(key(n))).toThrow(DamagedTableError);
    }
    expect(() => table.insert(key(7))).toThrow(DamagedTableError);
    expect(table.changes()).toEqual([]);
  });
});
