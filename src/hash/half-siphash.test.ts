import { describe, expect, it } from "vitest";
import { halfSipHash } from "./half-siphash.ts";

// Key 00 01 … 07, as in the reference implementation's vectors.
const hash = (length: number): string =>
  Buffer.from(
    halfSipHash(
      Uint8Array.from({ length }, (_, i) => i),
      0x03020100,
      0x07060504,
    ),
  ).toString("hex");

describe("halfSipHash", () => {
  it("agrees with the reference vector of no input", () => {
    expect(hash(0)).toBe("218d1f59b9b83cc8");
  });

  it("gives every length of input another hash", () => {
    expect(new Set(Array.from({ length: 64 }, (_, length) => hash(length))).size).toBe(64);
  });
});
