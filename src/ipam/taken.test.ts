import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatIp, type Ip, parseIp } from "../wire/ip.ts";
import { SlotTable } from "./slot-table.ts";
import { TakenAddresses } from "./taken.ts";

const ip = (text: string): Ip => parseIp(text) ?? new Uint8Array();
const fromNumber = (n: number): Ip => Uint8Array.of(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);

function next(taken: TakenAddresses, from: string): string | undefined {
  const found = taken.nextFree(ip(from));
  return found === undefined ? undefined : formatIp(found);
}

describe("TakenAddresses", () => {
  it("has every address free at first", () => {
    const taken = new TakenAddresses(new SlotTable(64));
    expect(next(taken, "10.1.0.1")).toBe("10.1.0.1");
    expect(next(taken, "fd00::1")).toBe("fd00::1");
    expect(taken.has(ip("10.1.0.1"))).toBe(false);
  });

  it("goes on behind the addresses that are taken", () => {
    const taken = new TakenAddresses(new SlotTable(64));
    for (const text of ["10.1.0.1", "10.1.0.2", "10.1.0.4", "fd00::1"]) expect(taken.add(ip(text))).toBe(true);
    expect(next(taken, "10.1.0.0")).toBe("10.1.0.0");
    expect(next(taken, "10.1.0.1")).toBe("10.1.0.3");
    expect(next(taken, "10.1.0.4")).toBe("10.1.0.5");
    expect(next(taken, "fd00::1")).toBe("fd00::2");
    expect(taken.has(ip("10.1.0.4"))).toBe(true);
    expect(taken.has(ip("10.1.0.5"))).toBe(false);
  });

  it("steps over full blocks of 256, of 65,536 and of two families apart", () => {
    const table = new SlotTable(2048);
    const taken = new TakenAddresses(table);
    for (let n = 0; n < 65536 + 300; n++) taken.add(fromNumber(0x0a010000 + n));
    expect(next(taken, "10.1.0.0")).toBe("10.2.1.44");
    expect(next(taken, "10.1.77.200")).toBe("10.2.1.44");
    expect(next(taken, "10.0.255.255")).toBe("10.0.255.255");
    taken.delete(ip("10.1.50.7"));
    expect(next(taken, "10.1.0.0")).toBe("10.1.50.7");
    expect(next(taken, "10.1.50.8")).toBe("10.2.1.44");
  });

  it("carries into the next block and knows the end of the family", () => {
    const taken = new TakenAddresses(new SlotTable(64));
    taken.add(ip("10.1.0.255"));
    taken.add(ip("255.255.255.255"));
    taken.add(ip("fd00:0:0:1:ffff:ffff:ffff:ffff"));
    taken.add(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"));
    expect(next(taken, "10.1.0.255")).toBe("10.1.1.0");
    expect(next(taken, "255.255.255.255")).toBeUndefined();
    expect(next(taken, "fd00:0:0:1:ffff:ffff:ffff:ffff")).toBe("fd00:0:0:2::");
    expect(next(taken, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")).toBeUndefined();
  });

  it("keeps the families apart", () => {
    const taken = new TakenAddresses(new SlotTable(64));
    taken.add(ip("10.1.0.1"));
    expect(taken.has(ip("a01:1::"))).toBe(false);
    expect(next(taken, "a01:1::")).toBe("a01:1::");
  });

  it("leaves nothing in the table when all is given back", () => {
    const table = new SlotTable(2048);
    const taken = new TakenAddresses(table);
    for (let n = 0; n < 1024; n++) taken.add(fromNumber(0x0a010000 + n));
    for (let n = 0; n < 1024; n++) taken.delete(fromNumber(0x0a010000 + n));
    expect(table.used).toBe(0);
  });

  it("says when the table is too small", () => {
    const taken = new TakenAddresses(new SlotTable(64));
    const added = Array.from({ length: 64 }, (_, n) => taken.add(Uint8Array.of(10, 1, n, 1)));
    expect(added.slice(0, 63).every((one) => one)).toBe(true);
    expect(added[63]).toBe(false);
  });

  it("lets an address be given back that was not taken", () => {
    const taken = new TakenAddresses(new SlotTable(64));
    taken.add(ip("10.1.0.1"));
    taken.delete(ip("10.1.0.2"));
    taken.delete(ip("10.9.0.2"));
    expect(taken.has(ip("10.1.0.1"))).toBe(true);
  });

  it("finds what a search one by one would find", () => {
    // Three blocks, so that full ones come up.
    const step = fc.record({ first: fc.nat(767), count: fc.integer({ min: 1, max: 400 }), remove: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), fc.array(fc.nat(800), { maxLength: 20 }), (steps, questions) => {
        const taken = new TakenAddresses(new SlotTable(64));
        const model = new Set<number>();
        for (const { first, count, remove } of steps) {
          for (let n = first; n < Math.min(first + count, 768); n++) {
            const address = Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, n >> 8, n & 255);
            if (remove) taken.delete(address);
            else taken.add(address);
            if (remove) model.delete(n);
            else model.add(n);
          }
        }
        for (const from of questions) {
          let expected = from;
          while (model.has(expected)) expected++;
          const found = taken.nextFree(
            Uint8Array.of(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, from >> 8, from & 255),
          );
          expect(((found?.[14] ?? 0) << 8) | (found?.[15] ?? 0)).toBe(expected);
        }
      }),
    );
  });
});
