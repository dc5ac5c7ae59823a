import { describe, expect, it } from "vitest";
import { decodeReply, encodeCall, messageLength, TYPE } from "./message.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));

describe("a call", () => {
  // Worked out by hand from the specification. The bytes that a real bus takes are in test/kernel/firewalld.test.ts.
  it("has its fields at multiples of eight, and its texts behind them", () => {
    const call = { destination: "a.b", path: "/c", interface: "d.e", member: "F", texts: ["x", "yz"] };
    const bytes = encodeCall(call, 7);
    expect(bytes).toEqual(
      hex(`6c 01 00 01  0f 00 00 00  07 00 00 00  48 00 00 00
        01 01 6f 00  02 00 00 00  2f 63 00 00  00 00 00 00
        06 01 73 00  03 00 00 00  61 2e 62 00  00 00 00 00
        02 01 73 00  03 00 00 00  64 2e 65 00  00 00 00 00
        03 01 73 00  01 00 00 00  46 00 00 00  00 00 00 00
        08 01 67 00  02 73 73 00
        01 00 00 00  78 00 00 00  02 00 00 00  79 7a 00`),
    );
    expect(messageLength(bytes)).toBe(bytes.length);
  });
});

describe("a reply", () => {
  const REPLY = hex(`6c 02 01 01 08 00 00 00 09 00 00 00 0f 00 00 00
    05 01 75 00 07 00 00 00  08 01 67 00 01 73 00 00
    03 00 00 00 6f 6b 21 00`);

  it("tells which call it answers, and its first text", () => {
    expect(decodeReply(REPLY)).toEqual({
      type: TYPE.METHOD_RETURN,
      replySerial: 7,
      errorName: undefined,
      value: "ok!",
    });
  });

  it("tells a boolean", () => {
    const bytes = REPLY.slice();
    bytes[29] = "b".charCodeAt(0);
    expect(decodeReply(bytes).value).toBe(true);
  });

  it("that is cut, or of another byte order, is refused", () => {
    for (let length = 16; length < REPLY.length - 1; length++)
      expect(() => decodeReply(REPLY.slice(0, length))).toThrow("cut");
    expect(messageLength(REPLY.slice(0, 15))).toBeUndefined();
    expect(messageLength(REPLY)).toBe(REPLY.length);
    expect(() => messageLength(Uint8Array.of(0x42, ...REPLY.slice(1)))).toThrow("byte order");
  });
});
