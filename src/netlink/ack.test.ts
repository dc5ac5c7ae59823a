import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ack, done, message } from "../../test/support/fake-kernel.ts";
import { errno } from "../sys/errno.ts";
import { DecodeError } from "../wire/error.ts";
import { type Ack, readAck } from "./ack.ts";
import { type Message, readMessages } from "./message.ts";
import { NLM_F, NLMSG } from "./uapi.ts";

const request: Message = { type: 24, flags: 5, sequence: 7, portId: 0, payload: new Uint8Array(13) };
const EEXIST = errno("EEXIST");

function read(datagram: Uint8Array): Ack | undefined {
  const [first] = readMessages(datagram);
  return first === undefined ? undefined : readAck(first);
}

describe("readAck", () => {
  it("reads that a request was carried out", () => {
    expect(read(ack(request))).toEqual({ sequence: 7, errno: 0, extack: undefined });
  });

  it("reads a refusal without a word of why", () => {
    expect(read(ack(request, EEXIST))).toEqual({ sequence: 7, errno: EEXIST, extack: undefined });
  });

  it.each([
    ["capped", true],
    ["with the whole request, unpadded, in front", false],
  ])("reads why, %s", (_what, capped) => {
    const extack = { message: "Nexthop has invalid gateway", offset: 28, missingType: 3 };
    expect(read(ack(request, EEXIST, { extack, capped }))).toEqual({ sequence: 7, errno: EEXIST, extack });
  });

  it("reads a warning with a success", () => {
    const extack = { message: "deprecated" };
    expect(read(ack(request, 0, { extack }))).toEqual({ sequence: 7, errno: 0, extack });
  });

  it("reads the end of a dump, with an error or without", () => {
    const extack = { message: "ipv4: FIB table does not exist" };
    expect(read(done(request))).toEqual({ sequence: 7, errno: 0, extack: undefined });
    expect(read(done(request, errno("ENOENT"), 0, extack))).toEqual({ sequence: 7, errno: errno("ENOENT"), extack });
  });

  it("reads an old kernel's end of a dump, which says nothing", () => {
    expect(read(message({ type: NLMSG.DONE, sequence: 7 }))).toEqual({ sequence: 7, errno: 0, extack: undefined });
  });

  it("passes over every other message", () => {
    expect(read(message({ type: 16, sequence: 7, payload: new Uint8Array(4) }))).toBeUndefined();
    expect(read(message({ type: NLMSG.NOOP, sequence: 7 }))).toBeUndefined();
  });

  it("refuses an error without a number", () => {
    const short = message({ type: NLMSG.ERROR, sequence: 7, payload: new Uint8Array(3) });
    expect(() => read(short)).toThrow(new DecodeError("acknowledgement of 3 bytes, want at least 4"));
  });

  it("does without attributes that are announced and not there", () => {
    const payload = new Uint8Array(20);
    const bare = message({ type: NLMSG.ERROR, flags: NLM_F.ACK_TLVS | NLM_F.CAPPED, sequence: 7, payload });
    expect(read(bare)).toEqual({ sequence: 7, errno: 0, extack: undefined });
  });

  it("does not trust the length of the request that comes back", () => {
    for (const length of [0x7fffffff, 0x80000000, 0xfffffffd, 0xffffffff]) {
      const payload = new Uint8Array(40);
      new DataView(payload.buffer).setUint32(4, length, true);
      const odd = message({ type: NLMSG.ERROR, flags: NLM_F.ACK_TLVS, sequence: 7, payload });
      expect(read(odd)).toEqual({ sequence: 7, errno: 0, extack: undefined });
    }
  });

  it("reads any bytes or refuses them with a DecodeError", () => {
    const flags = fc.constantFrom(0, NLM_F.ACK_TLVS, NLM_F.ACK_TLVS | NLM_F.CAPPED);
    const type = fc.constantFrom(NLMSG.ERROR, NLMSG.DONE);
    fc.assert(
      fc.property(type, flags, fc.uint8Array({ maxLength: 64 }), (one, bits, payload) => {
        try {
          readAck({ type: one, flags: bits, sequence: 1, portId: 0, payload });
        } catch (error) {
          if (!(error instanceof DecodeError)) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});
