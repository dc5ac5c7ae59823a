import { describe, expect, it } from "vitest";
import { u64be } from "./codec.ts";
import { Writer } from "./writer.ts";

describe("Writer", () => {
  it("keeps what was written when any kind of write makes it grow", () => {
    const writes: readonly [string, (out: Writer) => void, readonly number[]][] = [
      ["u8", (out) => out.u8(0x11), [0x11]],
      ["u16", (out) => out.u16(0x1122), [0x22, 0x11]],
      ["u16, big-endian", (out) => out.u16(0x1122, false), [0x11, 0x22]],
      ["u32", (out) => out.u32(0x11223344), [0x44, 0x33, 0x22, 0x11]],
      ["u64", (out) => u64be.encode(0x1122334455667788n, out), [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]],
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

  it("writes a message's header and padding after its payload, however much has grown", () => {
    const out = new Writer(1);
    const start = out.beginMessage();
    out.raw(new Uint8Array(0x101).fill(7));
    out.endMessage(start, 0x0a10, 0xfe05, 0x01020304);
    const header = [0x11, 1, 0, 0, 0x10, 0x0a, 0x05, 0xfe, 4, 3, 2, 1, 0, 0, 0, 0];
    expect(Array.from(out.bytes().subarray(0, 17))).toEqual([...header, 7]);
    expect(Array.from(out.bytes().subarray(0x110))).toEqual([7, 0, 0, 0]);
  });

  it("writes the whole header of an attribute of a known size", () => {
    const out = new Writer(1);
    out.attributeOf(0x8123, 4);
    out.u32(1);
    out.attributeOf(0xffff, 0xfffb);
    expect(Array.from(out.bytes())).toEqual([8, 0, 0x23, 0x81, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
  });

  it("writes an attribute's length and padding after its payload, however much has grown", () => {
    const out = new Writer(1);
    const start = out.beginAttribute(0x8123);
    out.raw(new Uint8Array(0x101).fill(7));
    expect(out.endAttribute(start)).toBe(0x105);
    expect(Array.from(out.bytes().subarray(0, 5))).toEqual([0x05, 0x01, 0x23, 0x81, 7]);
    expect(Array.from(out.bytes().subarray(0x104))).toEqual([7, 0, 0, 0]);
  });

  it("writes ASCII text, and nothing of any other", () => {
    const out = new Writer(1);
    expect([out.ascii("bauta\x7f"), out.ascii(""), out.ascii("baut\u0080"), out.ascii("à")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
    out.zeros(5);
    expect(Array.from(out.bytes())).toEqual([98, 97, 117, 116, 97, 127, 0, 0, 0, 0, 0]);
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
