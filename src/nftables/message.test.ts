import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DecodeError } from "../wire/error.ts";
import { readChain } from "./chain.ts";
import { readElements } from "./element.ts";
import { readGeneration } from "./generation.ts";
import { familyName } from "./message.ts";
import { readRule } from "./rule.ts";
import { readSet } from "./set.ts";
import { readTable } from "./table.ts";
import { NFPROTO } from "./uapi.ts";

describe("familyName", () => {
  it("is the word that nft has for the family", () => {
    const names = Object.values(NFPROTO).map(familyName);
    expect(names).toEqual(["family 0", "inet", "ip", "arp", "netdev", "bridge", "ip6"]);
  });
});

describe("a message of arbitrary bytes", () => {
  // Bytes that look like attributes more often than chance would have it.
  const attribute = fc
    .tuple(fc.nat(20), fc.boolean(), fc.uint8Array({ maxLength: 24 }))
    .map(([type, nested, payload]) => {
      const length = payload.length + 4;
      const padding = new Uint8Array(-length & 3);
      return [length, 0, type, nested ? 0x80 : 0, ...payload, ...padding];
    });
  const payload = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc.array(attribute, { maxLength: 6 }).map((parts) => Uint8Array.from([2, 0, 0, 0, ...parts.flat()])),
  );
  const readers = { readTable, readChain, readRule, readSet, readElements, readGeneration };

  it.each(Object.entries(readers))("is read or refused with a DecodeError by %s", (_, read) => {
    fc.assert(
      fc.property(payload, (bytes) => {
        try {
          read({ type: 0, flags: 0, sequence: 0, portId: 0, payload: bytes });
        } catch (error) {
          expect(error).toBeInstanceOf(DecodeError);
        }
      }),
      { numRuns: 300 },
    );
  });
});
