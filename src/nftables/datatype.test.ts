import { describe, expect, it } from "vitest";
import { BYTEORDER, byteorderOf, concatKey, concatType, layoutOf, lengthOf, partsOf, TYPE } from "./datatype.ts";
import { NFT_DATA_VERDICT } from "./uapi.ts";

describe("concatType and partsOf", () => {
  it("put types of six bits each into one number, and take them out again", () => {
    expect(concatType(TYPE.IPADDR, TYPE.INET_SERVICE)).toBe(0x1cd);
    expect(partsOf(0x1cd)).toEqual([TYPE.IPADDR, TYPE.INET_SERVICE]);
    expect(partsOf(TYPE.IPADDR)).toEqual([TYPE.IPADDR]);
    expect(partsOf(NFT_DATA_VERDICT)).toEqual([TYPE.VERDICT]);
  });

  it("refuse more than five types", () => {
    const types = new Array<number>(6).fill(TYPE.IFNAME);
    expect(partsOf(concatType(...types.slice(1)))).toEqual(types.slice(1));
    expect(() => concatType(...types)).toThrow("a concatenation of 6 types does not fit");
  });
});

describe("lengthOf", () => {
  it("is the type's own length, unpadded", () => {
    expect(lengthOf(TYPE.INET_SERVICE)).toBe(2);
    expect(lengthOf(TYPE.ETHERADDR)).toBe(6);
    expect(lengthOf()).toBe(0);
  });

  it("pads each part of a concatenation to four bytes", () => {
    expect(lengthOf(TYPE.INET_PROTOCOL, TYPE.INET_SERVICE)).toBe(8);
    expect(lengthOf(TYPE.IFNAME, TYPE.ETHERADDR)).toBe(24);
  });

  it("refuses a type without a length", () => {
    expect(() => lengthOf(TYPE.INTEGER)).toThrow("the data type 4 has no fixed length");
    expect(layoutOf(TYPE.VERDICT)).toBeUndefined();
  });
});

describe("byteorderOf", () => {
  it("is invalid for concatenations and verdicts, as nft notes it", () => {
    expect(byteorderOf(TYPE.IPADDR)).toBe(BYTEORDER.BIG);
    expect(byteorderOf(TYPE.MARK)).toBe(BYTEORDER.HOST);
    expect(byteorderOf(concatType(TYPE.IPADDR, TYPE.INET_SERVICE))).toBe(BYTEORDER.INVALID);
    expect(byteorderOf(NFT_DATA_VERDICT)).toBe(BYTEORDER.INVALID);
  });
});

describe("concatKey", () => {
  it("pads each part to four bytes", () => {
    const key = concatKey(Uint8Array.of(6), Uint8Array.of(0, 80), Uint8Array.of(1, 2, 3, 4, 5, 6));
    expect(Array.from(key)).toEqual([6, 0, 0, 0, 0, 80, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0]);
  });
});
