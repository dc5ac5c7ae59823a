import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ownerKey } from "./quick.ts";

describe("ownerKey()", () => {
  it.each([
    ["c1\r\neth0", [573614656, 1724178388, 0, 1 << 24]],
    ["0123456789abcdef\r\nnet1x", [880126959, 898758819, 0, 1 << 24]],
    [`${"é".repeat(700)}\r\neth0`, [1171905178, -368732456, 0, 1 << 24]],
  ])("is what the indexes on disk have for %j", (record, words) => {
    expect([...ownerKey(record)]).toEqual(words);
  });

  it("is the caller's own", () => {
    ownerKey("c1\r\neth0").fill(7);
    expect(ownerKey("c1\r\neth0")[0]).toBe(573614656);
  });

  it("is the same for the same record, and another for all others", () => {
    const keys = new Map<string, string>();
    const records = new Set<string>();
    const ids = Array.from({ length: 20_000 }, (_, n) => [
      `c${n}`,
      `${"0".repeat(57)}${n}`.slice(-64),
      `pod-${n % 7}-${n}`,
    ]);
    for (const id of new Set(ids.flat())) {
      for (const ifname of ["eth0", "eth1", "net1"]) {
        const record = `${id}\r\n${ifname}`;
        records.add(record);
        keys.set(ownerKey(record).join(" "), record);
      }
    }
    expect(keys.size).toBe(records.size);
    for (const [key, record] of [...keys].slice(0, 100)) expect(ownerKey(record).join(" ")).toBe(key);
  });

  it("tells records apart that differ in one character, however long they are", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 2000, unit: "grapheme" }), fc.nat(), (record, at) => {
        const i = at % record.length;
        const other = `${record.slice(0, i)}${record[i] === "x" ? "y" : "x"}${record.slice(i + 1)}`;
        const keys = [record, other, `${record}x`, record].map((one) => ownerKey(one).join(" "));
        expect(new Set(keys).size).toBe(3);
        expect(keys[3]).toBe(keys[0]);
      }),
    );
  });
});
