import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "../../wire/error.ts";
import { decodeReply6, encodeReply6, encodeRequest6, type Reply6 } from "./message.ts";
import { message } from "./requests.ts";
import { MESSAGE6 } from "./uapi.ts";

const ip = fc.uint8Array({ minLength: 16, maxLength: 16 });
const u32 = fc.nat(0xffffffff);
const status = fc.nat(0xffff);
const duid = fc.option(fc.uint8Array({ minLength: 1, maxLength: 130 }), { nil: undefined });
const associated = fc.record({ ip, preferred: u32, valid: u32, status });
const association = fc.record({
  iaid: u32,
  t1: u32,
  t2: u32,
  status,
  addresses: fc.array(associated, { maxLength: 3 }),
});
const reply: fc.Arbitrary<Reply6> = fc.record({
  type: fc.constantFrom(MESSAGE6.ADVERTISE, MESSAGE6.REPLY),
  xid: fc.nat(0xffffff),
  clientId: duid,
  serverId: duid,
  status,
  preference: fc.nat(255),
  isRapid: fc.boolean(),
  associations: fc.array(association, { maxLength: 3 }),
  nameservers: fc.array(ip, { maxLength: 3 }),
  domains: fc.uint8Array({ maxLength: 40 }),
});

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

describe("a message", () => {
  it("comes out as it went in", () => {
    fc.assert(fc.property(reply, (given) => void expect(decodeReply6(encodeReply6(given))).toEqual(given)));
  });

  it("of a client has the bytes of RFC 8415", () => {
    const identity = { duid: Uint8Array.of(0, 4, 7), iaid: 0x01020304 };
    const solicit = message(identity, MESSAGE6.SOLICIT, { xid: 0xabcdef, elapsed: 1234 }, undefined);
    expect(Buffer.from(encodeRequest6(solicit)).toString("hex")).toBe(
      [
        "01abcdef",
        "00010003000407",
        "00080002007b",
        "0003000c010203040000000000000000",
        "000e0000",
        "0006000400170018",
      ].join(""),
    );
  });

  it("that is cut anywhere, or changed anywhere, is refused or read, and nothing else happens", () => {
    const changed = fc.tuple(reply, fc.nat(), fc.nat(255), fc.nat());
    fc.assert(
      fc.property(changed, ([given, at, byte, length]) => {
        const bytes = encodeReply6(given);
        bytes[at % bytes.length] = byte;
        expectReadOrRefused(bytes);
        expectReadOrRefused(bytes.slice(0, length % (bytes.length + 1)));
      }),
      { numRuns: 500 },
    );
  });

  it("of any bytes is refused or read", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), expectReadOrRefused));
  });

  it.each([
    ["nothing", ""],
    ["half a header", "0700"],
    ["what a client sends", "01 000001"],
    ["half an option's header", "07 000001 0001 00"],
    ["an option that is longer than the rest", "07 000001 0001 0009 0004"],
    ["the longest option there is", "07 000001 0001 ffff"],
    ["an IA_NA that is too short", "07 000001 0003 000b 00000001 00000000 000000"],
    [
      "an address that is too short",
      "07 000001 0003 0020 00000001 00000000 00000000 0005 0010 00000000000000000000000000000000",
    ],
    [
      "an address that overlaps what comes behind",
      "07 000001 0003 0010 00000001 00000000 00000000 0005 0018 0001 0000",
    ],
    ["a status that is too short", "07 000001 000d 0001 00"],
    ["a preference of two bytes", "07 000001 0007 0002 ffff"],
  ])("refuses %s", (_, bytes) => {
    expect(() => decodeReply6(hex(bytes))).toThrow(DecodeError);
  });

  it("that says something twice has said what comes first", () => {
    const { clientId } = decodeReply6(hex("07 000001 0001 0001 aa 0001 0001 bb"));
    expect(clientId).toEqual(Uint8Array.of(0xaa));
  });
});

function expectReadOrRefused(bytes: Uint8Array): void {
  try {
    decodeReply6(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
  }
}
