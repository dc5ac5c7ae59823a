import { describe, expect, it } from "vitest";
import { prefixed, wrongConstants } from "../../test/support/c-constants.ts";
import { attr, attrs } from "../wire/attrs.ts";
import { encode, u32be } from "../wire/codec.ts";
import { Writer } from "../wire/writer.ts";
import { NFNL_SUBSYS, netfilterRequest, nfgenmsg, readReply, required } from "./nfnetlink.ts";

const one = attrs({ value: attr(1, u32be) });

describe("nfgenmsg", () => {
  it("is four bytes, the resource id in network order", () => {
    expect(encode(nfgenmsg, { family: 2, version: 0, resourceId: 10 })).toEqual(Uint8Array.of(2, 0, 0, 10));
  });
});

describe("netfilterRequest", () => {
  it("has the subsystem in the upper byte of its type, and the family in front of the attributes", () => {
    const request = netfilterRequest(NFNL_SUBSYS.CTNETLINK, 2, 0x300, 10, () => "x", [one, { value: 7 }]);
    const out = new Writer();
    request.encode(out);
    expect([request.type, request.flags]).toEqual([0x102, 0x300]);
    expect(out.bytes()).toEqual(Uint8Array.of(10, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 7));
  });
});

describe("readReply", () => {
  const read = (...payload: number[]): unknown =>
    readReply({ type: 0, flags: 0, sequence: 0, portId: 0, payload: Uint8Array.from(payload) }, "one", one);

  it("gives the family and the attributes", () => {
    expect(read(2, 0, 0, 0, 8, 0, 1, 0, 0, 0, 0, 7)).toEqual({ family: 2, attributes: { value: 7 } });
  });

  it("names the message or the attribute that it cannot read", () => {
    expect(() => read(2, 0)).toThrow("one: 2 bytes are no nfgenmsg");
    expect(() => read(2, 0, 0, 0, 5, 0, 1, 0, 0, 0, 0, 0)).toThrow("one/value: want 4 bytes, got 1");
  });
});

describe("required", () => {
  it("passes on what is there and names what is not", () => {
    expect(required(0, "x")).toBe(0);
    expect(() => required(undefined, "rule/handle")).toThrow("rule/handle: missing");
  });
});

it("every number is that of the system's headers", () => {
  expect(wrongConstants(["linux/netfilter/nfnetlink.h"], prefixed({ NFNL_SUBSYS }))).toEqual([]);
});
