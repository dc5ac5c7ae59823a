import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "../wire/error.ts";
import { GobDecoder } from "./decode.ts";
import { GobEncoder } from "./encode.ts";
import type { GobType, GobValue } from "./types.ts";

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const hex = (value: Uint8Array): string => Buffer.from(value).toString("hex");

/** What upstream's plugin and daemon (1.9.1) said to each other. */
const CAPTURED = {
  request:
    "2e7f030101075265717565737401ff80000102010d536572766963654d6574686f64010c000103536571010600000011ff80010c444843502e52656c6561736500",
  cmdArgs:
    "6cff8103010107436d644172677301ff82000107010b436f6e7461696e65724944010c0001054e65746e73010c00010649664e616d65010c00010441726773010c00010450617468010c00010d4e65746e734f76657272696465010c000109537464696e44617461010a000000",
  response:
    "397f03010108526573706f6e736501ff80000103010d536572766963654d6574686f64010c00010353657101060001054572726f72010c00000011ff80010c444843502e52656c65617365000aff81030102ff8200000003ff8200",
};

type Named = Exclude<GobType, string>;
const REQUEST: Named = {
  name: "Request",
  fields: [
    ["ServiceMethod", "string"],
    ["Seq", "uint"],
  ],
};

function decodeAll(stream: Uint8Array): GobValue[] {
  const decoder = new GobDecoder();
  decoder.push(stream);
  const values: GobValue[] = [];
  for (let value = decoder.next(); value !== undefined; value = decoder.next()) values.push(value);
  return values;
}

describe("a captured stream", () => {
  it("of a request is read", () => {
    expect(decodeAll(bytes(CAPTURED.request))).toEqual([{ ServiceMethod: "DHCP.Release" }]);
  });

  it("of an answer is read, to its empty body", () => {
    expect(decodeAll(bytes(CAPTURED.response))).toEqual([{ ServiceMethod: "DHCP.Release" }, {}]);
  });

  it("is understood with values behind its definitions", () => {
    const decoder = new GobDecoder();
    decoder.push(bytes(CAPTURED.request + CAPTURED.cmdArgs));
    expect(decoder.next()).toEqual({ ServiceMethod: "DHCP.Release" });
    expect(decoder.next()).toBeUndefined();
    decoder.push(bytes("0aff820104637472310000"));
    // 10 bytes: type 65, field 1 "ctr1", end; what is behind the value is an error.
    expect(() => decoder.next()).toThrow(DecodeError);
  });

  it("comes in pieces of a byte", () => {
    const decoder = new GobDecoder();
    const values: GobValue[] = [];
    for (const byte of bytes(CAPTURED.response)) {
      decoder.push(Uint8Array.of(byte));
      for (let value = decoder.next(); value !== undefined; value = decoder.next()) values.push(value);
    }
    expect(values).toEqual([{ ServiceMethod: "DHCP.Release" }, {}]);
  });

  it("of a request is what the encoder writes, but for the ids of types", () => {
    const written = new GobEncoder().encode(REQUEST, { ServiceMethod: "DHCP.Release", Seq: 0 });
    expect(hex(written)).toBe(
      CAPTURED.request
        .replace("2e7f03", "2fff8103")
        .replace("737401ff80", "737401ff82")
        .replace("0011ff80", "0011ff82"),
    );
  });
});

describe("values", () => {
  const ALL: Named = {
    name: "All",
    fields: [
      ["Flag", "bool"],
      ["Signed", "int"],
      ["Unsigned", "uint"],
      ["Text", "string"],
      ["Bytes", "bytes"],
      ["Texts", { name: "[]string", element: "string" }],
      ["Inner", REQUEST],
      ["Inners", { name: "[]Request", element: REQUEST }],
    ],
  };
  const inner = fc.record({ ServiceMethod: fc.string({ minLength: 1 }), Seq: fc.integer({ min: 1 }) });
  const value = fc.record({
    Flag: fc.constant(true),
    Signed: fc.maxSafeInteger().filter((one) => one !== 0 && Math.abs(one) < 2 ** 51),
    Unsigned: fc.maxSafeNat().filter((one) => one > 0),
    Text: fc.string({ unit: "grapheme", minLength: 1 }),
    Bytes: fc.uint8Array({ minLength: 1 }),
    Texts: fc.array(fc.string(), { minLength: 1 }),
    Inner: inner,
    Inners: fc.array(inner, { minLength: 1 }),
  });

  it("come out as they went in, the types described once", () => {
    fc.assert(
      fc.property(value, value, (one, other) => {
        const encoder = new GobEncoder();
        const [first, second] = [encoder.encode(ALL, one), encoder.encode(ALL, other)];
        expect(decodeAll(Uint8Array.of(...first, ...second))).toEqual([one, other]);
      }),
    );
  });

  it("that are zero are not sent", () => {
    const zero = { Flag: false, Signed: 0, Unsigned: 0, Text: "", Bytes: new Uint8Array(0), Texts: [], Inners: [] };
    expect(decodeAll(new GobEncoder().encode(ALL, zero))).toEqual([{}]);
  });

  it("of another type than said are a mistake of the caller's", () => {
    expect(() => new GobEncoder().encode(REQUEST, { Seq: "one" })).toThrow(TypeError);
    expect(() => new GobEncoder().encode(REQUEST, { Seq: -1 })).toThrow(RangeError);
  });

  it("that are no struct stand behind a zero", () => {
    const list: Named = { name: "[]uint", element: "uint" };
    expect(decodeAll(new GobEncoder().encode(list, [1, 2, 300]))).toEqual([[1, 2, 300]]);
  });
});

describe("a stream that is wrong", () => {
  it("is a DecodeError, or waits for more, whatever it is", () => {
    const any = fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated());
    fc.assert(
      fc.property(any, (stream) => {
        try {
          decodeAll(stream);
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["a type that nobody has described", "03ff8400"],
    ["a list that is longer than the message", "04060080ff"],
    ["a message of a gigabyte", "fc40000000"],
    ["a number of nine bytes", "f7000000000000000001"],
    ["a description of a basic type", "0405030101"],
  ])("is refused: %s", (_, stream) => {
    expect(() => decodeAll(bytes(stream))).toThrow(DecodeError);
  });
});

/** Captured streams with a byte changed here and there. */
function mutated(): fc.Arbitrary<Uint8Array> {
  const change = fc.tuple(fc.nat(100), fc.nat(255));
  return fc
    .tuple(fc.constantFrom(...Object.values(CAPTURED)), fc.array(change, { maxLength: 4 }))
    .map(([stream, changes]) => {
      const changed = bytes(stream);
      for (const [at, byte] of changes) changed[at % changed.length] = byte;
      return changed;
    });
}
