// What people read: hexdump, Ethernet addresses, errors.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError, decodeWithin } from "./error.ts";
import { hexdump } from "./hexdump.ts";
import { formatMac, parseHardwareAddress, parseMac } from "./mac.ts";

describe("hexdump", () => {
  it("prints four bytes a row, with what is printable beside them", () => {
    const raw = Uint8Array.of(0x14, 0, 0x20, 0x7e, 0x7f, 0x62, 0x72, 0x30, 0xff);
    expect(hexdump(raw)).toBe(
      ["0000  14 00 20 7e  .. ~", "0004  7f 62 72 30  .br0", "0008  ff           ."].join("\n"),
    );
    expect(hexdump(new Uint8Array(0))).toBe("");
  });
});

describe("parseMac", () => {
  it.each(["0a:58:0a:16:00:05", "0A-58-0A-16-00-05", "0a58.0a16.0005"])("reads %s", (text) => {
    expect(parseMac(text)).toEqual(Uint8Array.of(0x0a, 0x58, 0x0a, 0x16, 0, 5));
  });

  it.each([
    "",
    "0a:58:0a:16:00",
    "0a:58:0a:16:00:05:06",
    "0a:58:0a:16:00:5",
    "0a:58-0a:16-00:05",
    "0a580a160005",
    "0a58.0a16.00:05",
    "0g:58:0a:16:00:05",
    " 0a:58:0a:16:00:05",
    "0a:58:0a:16:00:05\n",
    "0a:58:0a:16:00:05:00:01",
  ])("refuses %j", (text) => {
    expect(parseMac(text)).toBeUndefined();
  });

  it("reads what formatMac writes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (mac) => {
        expect(parseMac(formatMac(mac))).toEqual(mac);
      }),
    );
  });
});

describe("DecodeError", () => {
  it("tells the place and the reason, from the outside in", () => {
    const error = new DecodeError("want 4 bytes, got 2").within("mtu").within("link");
    expect(error).toMatchObject({
      name: "DecodeError",
      path: "link/mtu",
      reason: "want 4 bytes, got 2",
      message: "link/mtu: want 4 bytes, got 2",
    });
    expect(error).toBeInstanceOf(RangeError);
  });

  it("is what decodeWithin adds a name to; other errors pass as they are", () => {
    const other = new TypeError("a defect");
    const raise = (error: Error) => (): never => {
      throw error;
    };
    expect(() => decodeWithin("a", raise(new DecodeError("b")))).toThrow(new DecodeError("b", "a"));
    expect(() => decodeWithin("a", raise(other))).toThrow(other);
    expect(decodeWithin("a", () => 1)).toBe(1);
  });
});

describe("parseHardwareAddress", () => {
  const infiniband = "80:00:00:48:fe:80:00:00:00:00:00:00:00:02:c9:03:00:08:1b:9f";
  it.each([
    ["0a:58:0A:16:00:05", "0a:58:0a:16:00:05"],
    ["0a-58-0a-16-00-05", "0a:58:0a:16:00:05"],
    ["0a58.0a16.0005", "0a:58:0a:16:00:05"],
    ["02:00:5e:10:00:00:00:01", "02:00:5e:10:00:00:00:01"],
    [infiniband, infiniband],
  ])("reads %s", (given, formatted) => {
    expect(formatMac(parseHardwareAddress(given) ?? new Uint8Array())).toBe(formatted);
  });

  it.each(["", "0a", "0a:58:0a:16:00", "0a:58:0a:16:00:5", "0a:58-0a:16:00:05", "0a58:0a16:0005", "zz:58:0a:16:00:05"])(
    "refuses %j",
    (given) => {
      expect(parseHardwareAddress(given)).toBeUndefined();
    },
  );
});
