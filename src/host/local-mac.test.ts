import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { localMac } from "./local-mac.ts";

describe("localMac()", () => {
  it("is locally administered and a single station's, and leaves the other 46 bits and what it was given alone", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 6, maxLength: 6 }), (bytes) => {
        const before = [...bytes];
        const [first = 0, ...rest] = localMac(bytes);
        expect(first & 0x03).toBe(0x02);
        expect([first & 0xfc, ...rest]).toEqual([(before[0] ?? 0) & 0xfc, ...before.slice(1)]);
        expect([...bytes]).toEqual(before);
      }),
    );
  });
});
