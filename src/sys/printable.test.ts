import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printable, printableJson, printableLine } from "./printable.ts";

const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe("printable", () => {
  it("makes what a terminal would obey visible", () => {
    expect(printable("a\x1b[31mb\r\n\u202eé\u009b\ud800")).toBe("a\\x1b[31mb\\x0d\\x0a\\u{202e}é\\x9b\\u{d800}");
  });

  it("leaves nothing that a terminal would obey in any text", () => {
    const property = (text: string): void => {
      expect(printable(text)).not.toMatch(OBEYED);
    };
    fc.assert(fc.property(fc.string({ unit: "binary" }), property));
  });
});

describe("printableLine", () => {
  it("makes one line of several", () => {
    expect(printableLine("TypeError: x\n    at a.ts:1\r\n    at b.ts:2\n")).toBe("TypeError: x; at a.ts:1; at b.ts:2");
  });
});

describe("printableJson", () => {
  it("keeps the value", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(JSON.parse(printableJson(json))).toEqual(JSON.parse(json));
      }),
    );
    expect(printableJson('"\u009b\u{e0001}"')).toBe('"\\u009b\\udb40\\udc01"');
  });
});
