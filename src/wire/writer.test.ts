import { describe, expect, it } from "vitest";
import { Writer } from "./writer.ts";

describe("Writer", () => {
  it("keeps what was written when any kind of write makes it grow", () => {
    const writes: readonly [string, (out: Writer) => void, readonly number[]][] = [
      ["u8", (out) => out.u8(0x11), [0x11]],
      ["u16", (out) => out.u16(0x1122), [0x22, 0x11]],
      ["u16, big-endian", (out) => out.u16(0x1122, false), [0x11, 0x22]],
      ["u32", (out) => out.u32(0x11223344), [0x44, 0x33, 0x22, 0x11]],
      ["u64", (out) => out.u64(0x1122334455667788n, false), [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]],
      ["raw", (out) => out.raw(Uint8Array.of(1, 2, 3, 4, 5)), [1, 2, 3, 4, 5]],
      ["zeros", (out) => out.zeros(3), [0, 0, 0]],
    ];
    for (const [name, write, bytes] of writes) {
      const out = new Writer(1);
      out.u8(0xaa);
      write(out);
      expect(Array.from(out.bytes()), name).toEqual([0xaa, ...bytes]);
    }
  });

  it("patches a length after it has grown", () => {
    const out = new Writer(4);
    out.u32(0);
    out.raw(new Uint8Array(100));
    out.patchU32(0, out.length);
    out.patchU16(4, 0x0102);
    expect(Array.from(out.bytes().subarray(0, 6))).toEqual([104, 0, 0, 0, 2, 1]);
  });

  it("aligns to four bytes with zeros", () => {
    const out = new Writer(1);
    out.raw(Uint8Array.of(1, 2, 3, 4, 5));
    out.align4();
    expect(Array.from(out.bytes())).toEqual([1, 2, 3, 4, 5, 0, 0, 0]);
    out.align4();
    expect(out.length).toBe(8);
  });
});
