import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  attr,
  attrs,
  decodeVariant,
  list,
  multi,
  pick,
  type RawAttribute,
  readAttributes,
  submessage,
  writeAttribute,
} from "./attrs.ts";
import { bytes, type Codec, cstring, encode, flag, type Infer, s32be, u8, u16, u32, u32be, u64 } from "./codec.ts";
import { DecodeError } from "./error.ts";
import { Writer } from "./writer.ts";

const inner = attrs({ id: attr(1, u32be), name: attr(2, cstring) });
const set = attrs({
  byte: attr(1, u8),
  text: attr(2, cstring),
  inner: attr(3, inner),
  on: attr(4, flag),
  many: attr(5, multi(u16)),
  elements: attr(6, list(1, inner)),
  blob: attr(7, bytes),
  big: attr(8, u64),
  signed: attr(9, s32be),
  nests: attr(10, multi(inner)),
});

/** Rows of four bytes and less, as one. */
const rows = (...parts: readonly (readonly number[])[]): Uint8Array => Uint8Array.from(parts.flat());

describe("an attribute set", () => {
  const table: readonly (readonly [string, Infer<typeof set>, Uint8Array])[] = [
    ["nothing", {}, rows()],
    ["one attribute, padded, its length without the padding", { byte: 0xff }, rows([5, 0, 1, 0], [0xff, 0, 0, 0])],
    ["a text with its NUL", { text: "br0" }, rows([8, 0, 2, 0], [0x62, 0x72, 0x30, 0])],
    [
      "a nest with NLA_F_NESTED and the length of all that is in it, padding included",
      { inner: { id: 1, name: "a" } },
      rows([20, 0, 3, 0x80], [8, 0, 1, 0], [0, 0, 0, 1], [6, 0, 2, 0], [0x61, 0, 0, 0]),
    ],
    ["an empty nest", { inner: {} }, rows([4, 0, 3, 0x80])],
    ["a flag", { on: true }, rows([4, 0, 4, 0])],
    ["an attribute for each element", { many: [1, 2] }, rows([6, 0, 5, 0], [1, 0, 0, 0], [6, 0, 5, 0], [2, 0, 0, 0])],
    [
      "a nest for each element",
      { nests: [{ id: 1 }, {}] },
      rows([12, 0, 10, 0x80], [8, 0, 1, 0], [0, 0, 0, 1], [4, 0, 10, 0x80]),
    ],
    [
      "a list in a nest of its own",
      { elements: [{ id: 1 }, { id: 2 }] },
      rows(
        [28, 0, 6, 0x80],
        [12, 0, 1, 0x80],
        [8, 0, 1, 0],
        [0, 0, 0, 1],
        [12, 0, 1, 0x80],
        [8, 0, 1, 0],
        [0, 0, 0, 2],
      ),
    ],
  ];

  it.each(table)("holds %s", (_name, value, raw) => {
    expect(encode(set, value)).toEqual(raw);
    expect(set.decode(raw)).toEqual(value);
  });

  it("is written in the order of its table, whatever the order of the values", () => {
    expect(encode(set, { signed: -1, byte: 1 })).toEqual(encode(set, { byte: 1, signed: -1 }));
  });

  it("is read in any order", () => {
    const raw = rows([8, 0, 2, 0], [0x62, 0x72, 0x30, 0], [5, 0, 1, 0], [7, 0, 0, 0]);
    expect(set.decode(raw)).toEqual({ byte: 7, text: "br0" });
  });

  it("takes the last of a repeated attribute, as the kernel does", () => {
    expect(set.decode(rows([5, 0, 1, 0], [1, 0, 0, 0], [5, 0, 1, 0], [2, 0, 0, 0]))).toEqual({ byte: 2 });
  });

  it("reads an attribute whatever its flag bits are", () => {
    expect(set.decode(rows([5, 0, 1, 0xc0], [9, 0, 0, 0]))).toEqual({ byte: 9 });
    expect(set.decode(rows([4, 0, 3, 0]))).toEqual({ inner: {} });
  });

  it("keeps attributes that it doesn't know, flags and all, and writes them again", () => {
    const raw = rows([6, 0, 99, 0x80], [1, 2, 0, 0], [5, 0, 1, 0], [7, 0, 0, 0]);
    const value = set.decode(raw);
    expect(value).toEqual({ byte: 7, unknown: [{ type: 0x8063, payload: Uint8Array.of(1, 2) }] });
    expect(set.decode(encode(set, value))).toEqual(value);
  });

  it("keeps copies of them, which later changes of the buffer do not reach", () => {
    const raw = rows([6, 0, 99, 0], [1, 2, 0, 0]);
    const { unknown } = set.decode(raw);
    raw.fill(0xee);
    expect(unknown).toEqual([{ type: 99, payload: Uint8Array.of(1, 2) }]);
  });

  it("knows an attribute that is called like a property of every object", () => {
    const odd = attrs({ constructor: attr(1, u8), toString: attr(2, u8) });
    expect(encode(odd, { constructor: 1, toString: 2 })).toHaveLength(16);
    expect(encode(attrs({ valueOf: attr(1, u8) }), { valueOf: undefined })).toHaveLength(0);
  });

  it("names the place of what it can't read, from the outside in", () => {
    const raw = rows([12, 0, 6, 0x80], [8, 0, 1, 0x80], [4, 0, 1, 0]);
    expect(() => set.decode(raw)).toThrow(new DecodeError("want 4 bytes, got 0", "elements/0/id"));
  });

  it("refuses a list with an attribute of another type in it", () => {
    expect(() => set.decode(rows([8, 0, 6, 0x80], [4, 0, 2, 0]))).toThrow("elements: want attribute 1, got 2");
  });

  it("passes on what is not the bytes' fault", () => {
    const failing: Codec<never> = {
      encode() {},
      decode() {
        throw new TypeError("a defect");
      },
    };
    expect(() => attrs({ it: attr(1, failing) }).decode(rows([4, 0, 1, 0]))).toThrow(new TypeError("a defect"));
  });
});

describe("readAttributes", () => {
  it.each([
    ["a length under four", rows([3, 0, 1, 0]), "attribute 1 at byte 0 has length 3 of 4 left"],
    ["a length of zero, which would never end", rows([0, 0, 1, 0]), "attribute 1 at byte 0 has length 0 of 4 left"],
    [
      "a length past the end",
      rows([5, 0, 1, 0], [1, 0, 0, 0], [9, 0, 2, 0]),
      "attribute 2 at byte 8 has length 9 of 4 left",
    ],
  ])("refuses %s", (_name, raw, message) => {
    expect(() => readAttributes(raw)).toThrow(new DecodeError(message));
  });

  it("lets the last attribute go without its padding, as the kernel does", () => {
    expect(readAttributes(rows([5, 0, 1, 0], [7]))).toEqual([{ type: 1, payload: Uint8Array.of(7) }]);
  });

  it("skips up to three bytes at the end, as the kernel does", () => {
    expect(readAttributes(rows([4, 0, 1, 0], [1, 2, 3]))).toHaveLength(1);
  });
});

describe("pick", () => {
  const two = pick({ number: attr(1, bytes), text: attr(2, bytes), inner: attr(3, pick({ id: attr(1, u32be) })) });

  it("reads the attributes of its table, whatever their flag bits, and passes over the others", () => {
    const raw = rows([5, 0, 9, 0], [1, 0, 0, 0], [6, 0, 2, 0x80], [8, 9, 0, 0], [5, 0, 1, 0], [10, 0, 0, 0]);
    expect(two.decode(raw)).toEqual({ number: rows([10]), text: rows([8, 9]) });
  });

  it("takes the first of a repeated attribute, and refuses bytes in which any attribute's length does not fit", () => {
    const one = pick({ number: attr(1, u8) });
    expect(one.decode(rows([5, 0, 1, 0], [7, 0, 0, 0], [5, 0, 1, 0], [8, 0, 0, 0]))).toEqual({ number: 7 });
    const broken = rows([5, 0, 1, 0], [7, 0, 0, 0], [99, 0, 2, 0]);
    expect(() => one.decode(broken)).toThrow(new DecodeError("attribute 2 at byte 8 has length 99 of 4 left"));
    expect(() => one.decode(rows([3, 0, 1, 0]))).toThrow(DecodeError);
  });

  it("names the place of what cannot be read", () => {
    expect(() => two.decode(rows([8, 0, 3, 0x80], [4, 0, 1, 0]))).toThrow(
      new DecodeError("want 4 bytes, got 0", "inner/id"),
    );
  });
});

describe("writeAttribute", () => {
  it("holds up to 65,531 bytes and refuses more", () => {
    const out = new Writer();
    writeAttribute(out, 1, bytes, new Uint8Array(65531));
    expect(readAttributes(out.bytes())[0]?.payload).toHaveLength(65531);
    expect(() => writeAttribute(out, 7, bytes, new Uint8Array(65532))).toThrow(
      "attribute 7 is 65536 bytes long, over 65535",
    );
  });
});

describe("a submessage", () => {
  const expression = submessage(
    { name: 1, data: 2 },
    { cmp: attrs({ register: attr(1, u32be), data: attr(2, bytes) }), counter: attrs({ packets: attr(1, u64) }) },
  );
  // biome-ignore format: a row for each four bytes
  const cmp = rows(
    [8, 0, 1, 0], [0x63, 0x6d, 0x70, 0],
    [12, 0, 2, 0x80], [8, 0, 1, 0], [0, 0, 0, 8],
  );

  it("is a name, and data whose layout the name selects", () => {
    expect(encode(expression, { kind: "cmp", register: 8 })).toEqual(cmp);
    expect(expression.decode(cmp)).toEqual({ kind: "cmp", register: 8 });
  });

  it("has its parts in any order", () => {
    const swapped = rows(Array.from(cmp.subarray(8)), Array.from(cmp.subarray(0, 8)));
    expect(expression.decode(swapped)).toEqual({ kind: "cmp", register: 8 });
  });

  it("may come without data", () => {
    expect(expression.decode(cmp.subarray(0, 8))).toEqual({ kind: "cmp" });
  });

  it("keeps the bytes of a kind that it doesn't know, and writes them again", () => {
    const raw = rows([9, 0, 1, 0], [0x71, 0x75, 0x65, 0x72], [0, 0, 0, 0], [8, 0, 2, 0x80], [1, 2, 3, 4]);
    const value = { kind: "unknown", name: "quer", data: Uint8Array.of(1, 2, 3, 4) } as const;
    expect(expression.decode(raw)).toEqual(value);
    expect(encode(expression, value)).toEqual(raw);
    const bare = { kind: "unknown", name: "quer", data: undefined } as const;
    expect(expression.decode(encode(expression, bare))).toEqual(bare);
  });

  it.each(["constructor", "toString", "__proto__"])("doesn't know a kind called %s", (name) => {
    const value = { kind: "unknown", name, data: undefined } as const;
    expect(expression.decode(encode(expression, value))).toEqual(value);
    expect(decodeVariant({ cmp: attrs({}) }, name, undefined)).toEqual(value);
  });

  it("refuses a nest without a name", () => {
    expect(() => expression.decode(cmp.subarray(8))).toThrow("the attribute 1 that names the kind is missing");
  });

  it("refuses to write a kind that it has no table for", () => {
    expect(() => encode(expression, { kind: "nope" } as never)).toThrow(new TypeError("no variant nope"));
  });

  it("names the kind where its data can't be read", () => {
    const bad = cmp.slice(0, 18);
    bad[8] = 10;
    bad[12] = 6;
    expect(() => expression.decode(bad)).toThrow(new DecodeError("want 4 bytes, got 2", "cmp/register"));
  });
});

describe("whatever the values are", () => {
  const text = fc.string().filter((value) => !value.includes("\0"));
  const innerValue = fc.record({ id: fc.nat(), name: text }, { requiredKeys: [] });
  const setValue = fc.record(
    {
      byte: fc.integer({ min: 0, max: 255 }),
      text,
      inner: innerValue,
      on: fc.constant<true>(true),
      many: fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 1, maxLength: 5 }),
      elements: fc.array(innerValue, { maxLength: 4 }),
      blob: fc.uint8Array({ maxLength: 9 }),
      big: fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }),
      signed: fc.integer(),
      nests: fc.array(innerValue, { minLength: 1, maxLength: 3 }),
    },
    { requiredKeys: [] },
  );

  it("reading what was written gives them back, and the size is a multiple of four", () => {
    fc.assert(
      fc.property(setValue, (value) => {
        const raw = encode(set, value);
        expect(raw.length % 4).toBe(0);
        expect(set.decode(raw)).toEqual(value);
      }),
    );
  });

  it("writing what was read loses no attribute", () => {
    const rawAttribute = fc.record({
      type: fc.integer({ min: 11, max: 0xffff }),
      payload: fc.uint8Array({ maxLength: 9 }),
    });
    fc.assert(
      fc.property(setValue, fc.array(rawAttribute, { maxLength: 4 }), (value, others) => {
        const unknown = others.filter(({ type }) => (type & 0x3fff) > 10);
        const all = readAttributes(encode(set, { ...value, unknown }));
        const again = readAttributes(encode(set, set.decode(encode(set, { ...value, unknown }))));
        expect(again).toEqual(all);
      }),
    );
  });
});

describe("whatever the bytes are", () => {
  /** Random bytes with lengths and types that are often right. */
  const attribute = fc
    .tuple(fc.integer({ min: 0, max: 14 }), fc.integer({ min: 0, max: 12 }), fc.uint8Array({ maxLength: 20 }))
    .map(([length, type, payload]) => rows([length, 0, type, 0], Array.from(payload)));
  const garbage = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.array(attribute, { maxLength: 4 }).map((parts) => rows(...parts.map((part) => Array.from(part)))),
  );
  const codecs: readonly (readonly [string, Codec<unknown>])[] = [
    ["a set", set as Codec<unknown>],
    ["a list", list(1, inner) as Codec<unknown>],
    ["a submessage", submessage({ name: 1, data: 2 }, { a: inner, b: set }) as Codec<unknown>],
  ];

  it.each(codecs)("%s is read or refused with a DecodeError", (_name, codec) => {
    fc.assert(
      fc.property(garbage, (raw) => {
        try {
          codec.decode(raw);
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("reading goes through all of them or stops at a wrong length", () => {
    fc.assert(
      fc.property(garbage, (raw) => {
        let found: RawAttribute[] = [];
        try {
          found = readAttributes(raw);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
          return;
        }
        const used = found.reduce((sum, { payload }) => sum + 4 + payload.length + (-payload.length & 3), 0);
        expect(raw.length - used).toBeLessThan(4);
      }),
    );
  });
});

it("a nest inside a nest inside a nest is read", () => {
  const deep = attrs({ one: attr(1, attrs({ two: attr(2, attrs({ three: attr(3, u32) })) })) });
  const value = { one: { two: { three: 3 } } };
  expect(deep.decode(encode(deep, value))).toEqual(value);
});
