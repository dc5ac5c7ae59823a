import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  bytes,
  type Codec,
  compareBytes,
  cstring,
  encode,
  flag,
  pad,
  s32,
  s32be,
  sameBytes,
  u8,
  u16,
  u16be,
  u32,
  u32be,
  u64,
  u64be,
} from "./codec.ts";
import { DecodeError } from "./error.ts";
import { Writer } from "./writer.ts";

/** Anything that a codec may hold; the tables below keep value and codec together. */
// biome-ignore lint/suspicious/noExplicitAny: a table of codecs of different values
type AnyCodec = Codec<any>;

describe("numbers", () => {
  const table: readonly (readonly [string, AnyCodec, number | bigint, readonly number[]])[] = [
    ["u8", u8, 0xab, [0xab]],
    ["u16", u16, 0x1234, [0x34, 0x12]],
    ["u16be", u16be, 0x1234, [0x12, 0x34]],
    ["u32", u32, 0x12345678, [0x78, 0x56, 0x34, 0x12]],
    ["u32be", u32be, 0x12345678, [0x12, 0x34, 0x56, 0x78]],
    ["u32, its largest", u32, 0xffffffff, [0xff, 0xff, 0xff, 0xff]],
    ["s32, negative", s32, -2, [0xfe, 0xff, 0xff, 0xff]],
    ["s32be, negative", s32be, -2, [0xff, 0xff, 0xff, 0xfe]],
    ["s32, its smallest", s32, -0x80000000, [0x00, 0x00, 0x00, 0x80]],
    ["u64", u64, 0x1122334455667788n, [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]],
    ["u64be", u64be, 0x1122334455667788n, [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88]],
    ["u64, its largest", u64, 0xffffffffffffffffn, [255, 255, 255, 255, 255, 255, 255, 255]],
  ];

  it.each(table)("%s stands as its bytes and comes back from them", (_name, codec, value, raw) => {
    expect(Array.from(encode(codec, value))).toEqual(raw);
    expect(codec.decode(Uint8Array.from(raw))).toBe(value);
    expect(codec.size).toBe(raw.length);
  });

  it.each(table)("%s refuses a byte more and a byte less", (_name, codec, _value, raw) => {
    const want = new RegExp(`want ${raw.length} bytes, got`);
    expect(() => codec.decode(Uint8Array.from([...raw, 0]))).toThrow(want);
    expect(() => codec.decode(Uint8Array.from(raw.slice(1)))).toThrow(DecodeError);
  });

  it.each([
    ["u8", u8, -1],
    ["u8", u8, 256],
    ["u8", u8, 1.5],
    ["u8", u8, Number.NaN],
    ["u16", u16, 0x10000],
    ["u16be", u16be, -1],
    ["u32", u32, 0x100000000],
    ["u32be", u32be, -1],
    ["s32", s32, 0x80000000],
    ["s32be", s32be, -0x80000001],
    ["u64", u64, -1n],
    ["u64be", u64be, 0x10000000000000000n],
  ] satisfies readonly (readonly [string, AnyCodec, number | bigint])[])("%s refuses %s", (_name, codec, value) => {
    const any: AnyCodec = codec;
    expect(() => encode(any, value)).toThrow(RangeError);
  });

  it("read from the middle of a larger buffer", () => {
    const buffer = Uint8Array.of(9, 9, 9, 0x34, 0x12, 9);
    expect(u16.decode(buffer.subarray(3, 5))).toBe(0x1234);
  });
});

describe("bytes", () => {
  it("are a copy, which later changes of the buffer do not reach", () => {
    const buffer = Uint8Array.of(1, 2, 3);
    const value = bytes.decode(buffer);
    buffer[0] = 9;
    expect(value).toEqual(Uint8Array.of(1, 2, 3));
    expect(encode(bytes, value)).toEqual(value);
  });

  it("are the same when every one is", () => {
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
    expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2, 3))).toBe(false);
    expect(sameBytes(new Uint8Array(0), new Uint8Array(0))).toBe(true);
  });

  it("are in order by their length, then by the first byte that differs", () => {
    const inOrder = [[], [1], [2], [1, 2], [1, 3], [2, 0], [255, 0], [0, 0, 0]].map((one) => Uint8Array.from(one));
    expect(inOrder.toReversed().sort(compareBytes)).toEqual(inOrder);
    expect(compareBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(0);
  });
});

describe("flag and pad", () => {
  it("a flag is nothing at all", () => {
    expect(encode(flag, true)).toEqual(new Uint8Array(0));
    expect(flag.decode(new Uint8Array(0))).toBe(true);
    expect(() => flag.decode(Uint8Array.of(0))).toThrow("want an empty flag, got 1 bytes");
  });

  it("padding is zeros, whatever was read there", () => {
    expect(encode(pad(3), undefined)).toEqual(new Uint8Array(3));
    expect(pad(3).decode(Uint8Array.of(1, 2, 3))).toBeUndefined();
  });
});

describe("cstring", () => {
  it("ends with a NUL", () => {
    expect(encode(cstring, "br0")).toEqual(Uint8Array.of(0x62, 0x72, 0x30, 0));
    expect(encode(cstring, "")).toEqual(Uint8Array.of(0));
  });

  it("is read up to its first NUL, or to the end where there is none", () => {
    expect(cstring.decode(Uint8Array.of(0x62, 0x72, 0x30, 0, 0x78, 0))).toBe("br0");
    expect(cstring.decode(Uint8Array.of(0x62, 0x72, 0x30))).toBe("br0");
    expect(cstring.decode(new Uint8Array(0))).toBe("");
  });

  it("refuses a text with a NUL in it, which the kernel would read as its end", () => {
    expect(() => encode(cstring, "eth0\0evil")).toThrow('"eth0\\u0000evil" contains a NUL character');
  });

  it.each(["zürich", "Ελλάδα", "網路", "🎭 bauta", "\u{10ffff}", "\ud800", "a\udc00b"])(
    "writes %j as TextEncoder does",
    (text) => {
      expect(encode(cstring, text)).toEqual(Uint8Array.of(...new TextEncoder().encode(text), 0));
    },
  );

  it("writes any text as TextEncoder does", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(!text.includes("\0"));
        expect(encode(cstring, text)).toEqual(Uint8Array.of(...new TextEncoder().encode(text), 0));
      }),
    );
  });

  const reference = new TextDecoder("utf-8", { ignoreBOM: true });

  it.each([
    ["an overlong NUL", [0xc0, 0x80]],
    ["an overlong slash", [0xe0, 0x80, 0xaf]],
    ["half of a surrogate pair", [0xed, 0xa0, 0x80]],
    ["a character past the last", [0xf4, 0x90, 0x80, 0x80]],
    ["a cut-off character", [0xf0, 0x9f, 0x8e]],
    ["a cut-off character before a letter", [0xe7, 0xb6, 0x41]],
    ["a continuation that continues nothing", [0x80, 0x41]],
    ["bytes that never occur", [0xff, 0xfe]],
    ["a byte order mark", [0xef, 0xbb, 0xbf, 0x41]],
  ])("reads %s as TextDecoder does", (_what, raw) => {
    expect(cstring.decode(Uint8Array.from(raw))).toBe(reference.decode(Uint8Array.from(raw)));
  });

  it("reads any bytes as TextDecoder does", () => {
    // Plain random bytes seldom begin a character: mix in the beginnings.
    const byte = fc.oneof(
      fc.integer({ min: 1, max: 255 }),
      fc.constantFrom(0xc2, 0xe0, 0xe1, 0xed, 0xf0, 0xf4, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf),
    );
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 12 }), (raw) => {
        expect(cstring.decode(Uint8Array.from(raw))).toBe(reference.decode(Uint8Array.from(raw)));
      }),
      { numRuns: 500 },
    );
  });
});

it("every codec goes on writing where another has stopped", () => {
  const out = new Writer(1);
  u16be.encode(1, out);
  cstring.encode("a", out);
  u64.encode(1n, out);
  expect(Array.from(out.bytes())).toEqual([0, 1, 0x61, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
});
