import { describe, expect, it } from "vitest";
import { encode } from "../wire/codec.ts";
import { data, verdictText } from "./data.ts";
import { NF, NFT_VERDICT } from "./uapi.ts";

describe("data", () => {
  it("is a value or a verdict", () => {
    for (const value of [Uint8Array.of(1, 2), { code: NF.DROP }, { code: NFT_VERDICT.JUMP, chain: "c" }]) {
      expect(data.decode(encode(data, value))).toEqual(value);
    }
  });

  it("passes over attributes that it does not know", () => {
    expect(data.decode(Uint8Array.of(4, 0, 9, 0, 5, 0, 1, 0, 7, 0, 0, 0))).toEqual(Uint8Array.of(7));
  });

  it("is refused when it is neither, or a verdict without a code", () => {
    expect(() => data.decode(new Uint8Array(0))).toThrow("neither a value nor a verdict");
    expect(() => data.decode(Uint8Array.of(4, 0, 2, 0x80))).toThrow("verdict/code: missing");
  });
});

describe("verdictText", () => {
  it.each([
    ["drop", { code: NF.DROP }],
    ["accept", { code: NF.ACCEPT }],
    ["continue", { code: NFT_VERDICT.CONTINUE }],
    ["break", { code: NFT_VERDICT.BREAK }],
    ["jump c", { code: NFT_VERDICT.JUMP, chain: "c" }],
    ["goto c", { code: NFT_VERDICT.GOTO, chain: "c" }],
    ["return", { code: NFT_VERDICT.RETURN }],
    ["verdict 4", { code: 4 }],
  ])("%s", (text, verdict) => {
    expect(verdictText(verdict)).toBe(text);
  });
});
