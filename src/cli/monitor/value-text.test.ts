import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Data } from "../../nftables/data.ts";
import { concatKey, concatType, TYPE } from "../../nftables/datatype.ts";
import { ifnameKey } from "../../nftables/match.ts";
import { NFT_DATA_VERDICT, NFT_VERDICT } from "../../nftables/uapi.ts";
import { rangeText, valueText } from "./value-text.ts";

const mac = Uint8Array.of(0x0a, 0x58, 0x0a, 0x16, 0, 5);
const six = Uint8Array.of(0xfd, ...new Array<number>(14).fill(0), 1);

describe("valueText", () => {
  const values: readonly (readonly [text: string, type: number | undefined, value: Data])[] = [
    ["10.22.0.5", TYPE.IPADDR, Uint8Array.of(10, 22, 0, 5)],
    ["fd00::1", TYPE.IP6ADDR, six],
    ["0a:58:0a:16:00:05", TYPE.ETHERADDR, mac],
    ['"eth0"', TYPE.IFNAME, ifnameKey("eth0")],
    ["8080", TYPE.INET_SERVICE, Uint8Array.of(0x1f, 0x90)],
    ["tcp", TYPE.INET_PROTOCOL, Uint8Array.of(6)],
    ["99", TYPE.INET_PROTOCOL, Uint8Array.of(99)],
    ["0x00000010", TYPE.MARK, Uint8Array.of(0x10, 0, 0, 0)],
    ["0x01020304", TYPE.UID, Uint8Array.of(1, 2, 3, 4)],
    ['"veth1" . 0a:58:0a:16:00:05', concatType(TYPE.IFNAME, TYPE.ETHERADDR), concatKey(ifnameKey("veth1"), mac)],
    ["tcp . 80", concatType(TYPE.INET_PROTOCOL, TYPE.INET_SERVICE), concatKey(Uint8Array.of(6), Uint8Array.of(0, 80))],
    ["goto outside", NFT_DATA_VERDICT, { code: NFT_VERDICT.GOTO, chain: "outside" }],
    ["0x0a160005", undefined, Uint8Array.of(10, 22, 0, 5)],
    ["0x0a16", TYPE.IPADDR, Uint8Array.of(10, 22)],
    ["0x0a160005", TYPE.INTEGER, Uint8Array.of(10, 22, 0, 5)],
  ];
  for (const [text, type, value] of values) {
    it(`says ${text}`, () => {
      expect(valueText(type, value)).toBe(text);
    });
  }

  const ranges: readonly (readonly [text: string, type: number, first: number[], last: number[]])[] = [
    ["10.0.0.0/8", TYPE.IPADDR, [10, 0, 0, 0], [10, 255, 255, 255]],
    ["10.0.0.4/31", TYPE.IPADDR, [10, 0, 0, 4], [10, 0, 0, 5]],
    ["0.0.0.0/0", TYPE.IPADDR, [0, 0, 0, 0], [255, 255, 255, 255]],
    ["128.0.0.0/1", TYPE.IPADDR, [128, 0, 0, 0], [255, 255, 255, 255]],
    ["10.0.0.5", TYPE.IPADDR, [10, 0, 0, 5], [10, 0, 0, 5]],
    ["10.0.0.5-10.0.0.6", TYPE.IPADDR, [10, 0, 0, 5], [10, 0, 0, 6]],
    ["10.0.0.0-10.0.0.254", TYPE.IPADDR, [10, 0, 0, 0], [10, 0, 0, 254]],
    ["80-90", TYPE.INET_SERVICE, [0, 80], [0, 90]],
  ];
  for (const [text, type, first, last] of ranges) {
    it(`says ${text} of a range`, () => {
      expect(rangeText(type, Uint8Array.from(first), Uint8Array.from(last))).toBe(text);
    });
  }

  it("has words for any bytes of any type", () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.uint8Array({ maxLength: 64 }), (type, bytes) => {
        expect(typeof valueText(type, bytes)).toBe("string");
      }),
    );
  });
});
