import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sha512Hex } from "./sha512.ts";

describe("sha512Hex", () => {
  it("agrees with Node's implementation for any message", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (message) => {
        expect(sha512Hex(message)).toBe(createHash("sha512").update(message).digest("hex"));
      }),
      { numRuns: 40 },
    );
  });
});
