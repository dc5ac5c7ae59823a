import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compareBytes } from "../wire/codec.ts";
import { localMac, localMacAbove } from "./local-mac.ts";

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

describe("localMacAbove()", () => {
  const six = fc.uint8Array({ minLength: 6, maxLength: 6 });

  it("is above the other address, unless that is among the highest, and is what localMac says where that will do", () => {
    fc.assert(
      fc.property(six, six, (bytes, other) => {
        const [mac, plain] = [localMacAbove(bytes, localMac(other)), localMac(bytes)];
        expect((mac[0] ?? 0) & 0x03).toBe(0x02);
        expect(mac.slice(1)).toEqual(plain.slice(1));
        if ((localMac(other)[0] ?? 0) < 0xfe) expect(compareBytes(mac, localMac(other))).toBeGreaterThan(0);
        if ((plain[0] ?? 0) > (localMac(other)[0] ?? 0)) expect(mac).toEqual(plain);
      }),
    );
  });
});
