import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { attr, attrs } from "../wire/attrs.ts";
import { u8, u16, u32 } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { struct } from "../wire/struct.ts";
import { Writer } from "../wire/writer.ts";
import { type Message, type Request, readMessages, request, writeMessage } from "./message.ts";
import { NLM_F } from "./uapi.ts";

const header = struct({ family: u8, a: u8, b: u16 });
const attributes = attrs({ mtu: attr(4, u32), byte: attr(1, u8) });

function example(values: { readonly mtu?: number; readonly byte?: number }): Request {
  return request(16, NLM_F.CREATE, () => "example", [header, { family: 2, a: 0, b: 7 }], [attributes, values]);
}

function written(...requests: readonly Request[]): Uint8Array {
  const out = new Writer();
  requests.forEach((one, i) => {
    writeMessage(out, one, NLM_F.ACK, i + 1);
  });
  return out.bytes();
}

describe("writeMessage", () => {
  it("writes header, fixed part and attributes, and says REQUEST", () => {
    // biome-ignore format: a row for each four bytes
    expect(Array.from(written(example({ mtu: 1400 })))).toEqual([
      0x1c, 0, 0, 0,
      16, 0, 0x05, 0x04,
      1, 0, 0, 0,
      0, 0, 0, 0,
      2, 0, 7, 0,
      8, 0, 4, 0,
      0x78, 0x05, 0, 0,
    ]);
  });

  it("begins the next message at a multiple of four", () => {
    const odd: Request = { type: 17, flags: 0, operation: () => "odd", encode: (out) => out.u8(0xab) };
    const messages = readMessages(written(odd, example({}), odd));
    expect(messages.map(({ payload }) => payload.length)).toEqual([1, 4, 1]);
    expect(messages.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});

describe("readMessages", () => {
  it("reads every message of a datagram with all of its header", () => {
    const out = new Writer();
    out.u32(18);
    out.u16(24);
    out.u16(NLM_F.MULTI);
    out.u32(0xfffffffe);
    out.u32(0x80000001);
    out.u16(0xabcd);
    expect(readMessages(out.bytes())).toEqual([
      { type: 24, flags: NLM_F.MULTI, sequence: 0xfffffffe, portId: 0x80000001, payload: Uint8Array.of(0xcd, 0xab) },
    ]);
  });

  it("reads from the middle of a larger buffer", () => {
    const raw = written(example({ mtu: 1400 }));
    const buffer = new Uint8Array(raw.length + 7).fill(0xee);
    buffer.set(raw, 3);
    expect(readMessages(buffer.subarray(3, 3 + raw.length))).toEqual(readMessages(raw));
  });

  it("finds none in an empty datagram", () => {
    expect(readMessages(new Uint8Array(0))).toEqual([]);
  });

  it.each([
    ["fewer bytes than a header", (raw: Uint8Array) => raw.subarray(0, 12), "at byte 0 has length 0 of 12 left"],
    ["a length past the end", (raw: Uint8Array) => raw.with(0, 29), "at byte 0 has length 29 of 28 left"],
    ["a length under a header's", (raw: Uint8Array) => raw.with(0, 15), "at byte 0 has length 15 of 28 left"],
    ["a length of zero, which would never end", (raw: Uint8Array) => raw.with(0, 0), "has length 0 of 28 left"],
    ["a length that is negative for some", (raw: Uint8Array) => raw.with(3, 0xff), "has length 4278190108 of 28 left"],
  ])("refuses %s", (_what, spoil, message) => {
    const read = (): Message[] => readMessages(spoil(written(example({ mtu: 1400 }))));
    expect(read).toThrow(DecodeError);
    expect(read).toThrow(message);
  });

  it("reads any bytes or refuses them with a DecodeError", () => {
    const datagram = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc
        .array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.uint8Array({ minLength: 12, maxLength: 40 })), {
          maxLength: 3,
        })
        .map((parts) => Uint8Array.from(parts.flatMap(([length, rest]) => [length, 0, 0, 0, ...rest]))),
    );
    fc.assert(
      fc.property(datagram, (raw) => {
        try {
          const lengths = readMessages(raw).map(({ payload }) => 16 + payload.length);
          expect(lengths.reduce((sum, length) => sum + ((length + 3) & ~3), 0)).toBeGreaterThanOrEqual(raw.length);
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
