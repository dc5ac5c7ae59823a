import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha512, sha512Hex } from "./sha512.ts";

const ofNode = (text: string): string => createHash("sha512").update(text).digest("hex");

describe("sha512Hex", () => {
  it("agrees with Node's implementation for any text", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300, unit: "grapheme" }), (text) => {
        expect(sha512Hex(text, 128)).toBe(ofNode(text));
      }),
    );
  });

  it("agrees at every length around the end of a block, where the padding takes one more", () => {
    for (let length = 0; length <= 400; length++) {
      const text = "a".repeat(length);
      expect(sha512Hex(text, 128)).toBe(ofNode(text));
    }
  });

  it("is as long as is asked for", () => {
    expect(["", "a"].map((text) => sha512Hex(text, 5))).toEqual([ofNode("").slice(0, 5), ofNode("a").slice(0, 5)]);
  });
});

describe("sha512", () => {
  it("is the beginning of the digest as bytes", () => {
    expect(Buffer.from(sha512("abc", 8)).toString("hex")).toBe("ddaf35a193617aba");
  });
});
