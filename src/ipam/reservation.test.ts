import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatIp, parseIp } from "../wire/ip.ts";
import { addressOf } from "./reservation.ts";

describe("addressOf()", () => {
  const group = fc.constantFrom("0", "0", "1", "00", "0a", "fd00", "abcd", "10", "ABCD", "");
  const name = fc.oneof(
    fc.array(group, { minLength: 1, maxLength: 9 }).map((groups) => groups.join(":")),
    fc.ipV6(),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map(formatIp),
  );

  it("takes an IPv6 address in its canonical spelling, and in no other", () => {
    fc.assert(
      fc.property(name, (text) => {
        const ip = parseIp(text);
        if (ip?.length === 4) return; // mapped
        expect(addressOf(text)).toEqual(ip !== undefined && formatIp(ip) === text ? ip : undefined);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    "1:2:3:4:5:6::8",
    "::2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "fd00::0",
    "fd00:0::1",
    "FD00::1",
    "fd00::1:0:0:0:1",
  ])("does not take %s", (text) => {
    expect(addressOf(text)).toBeUndefined();
  });

  it.each(["::", "::1", "fd00::", "1:2:3:4:5::8", "1:2:3:4:5:6:7:8", "1::5:6:7:8", "fd00::1:0:0:1"])(
    "takes %s",
    (text) => {
      expect(addressOf(text)).toEqual(parseIp(text));
    },
  );
});
