import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  COMMENT_MAX,
  commentEntry,
  commentOf,
  commentUserdata,
  decodeUserdata,
  encodeUserdata,
  fitComment,
  numberEntry,
  numberOf,
} from "./userdata.ts";

describe("user data", () => {
  it("are entries of type, length and value", () => {
    expect(commentUserdata("hi")).toEqual(Uint8Array.of(0, 3, 0x68, 0x69, 0));
    expect(encodeUserdata([numberEntry(1, 2)])).toEqual(Uint8Array.of(1, 4, 2, 0, 0, 0));
    expect(encodeUserdata([])).toBeUndefined();
    expect(commentUserdata(undefined)).toBeUndefined();
  });

  it("are read as they were written", () => {
    const entry = fc.record({ type: fc.nat(255), value: fc.uint8Array({ maxLength: 255 }) });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 4 }), (entries) => {
        expect(decodeUserdata(encodeUserdata(entries))).toEqual(entries);
      }),
    );
  });

  it("of another program, in another form, are none", () => {
    expect(decodeUserdata(undefined)).toEqual([]);
    expect(decodeUserdata(Uint8Array.of(0))).toEqual([]);
    expect(decodeUserdata(Uint8Array.of(0, 5, 1, 2))).toEqual([]);
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(Array.isArray(decodeUserdata(bytes))).toBe(true);
      }),
    );
  });

  it("refuse a value that the length's one byte can't tell", () => {
    expect(() => encodeUserdata([{ type: 3, value: new Uint8Array(256) }])).toThrow(
      "user data 3 is 256 bytes long, over 255",
    );
  });

  it("give no number where there is none of that type, or not of four bytes", () => {
    expect(numberOf([{ type: 1, value: Uint8Array.of(5, 0, 0, 0) }], 1)).toBe(5);
    expect(numberOf([{ type: 1, value: Uint8Array.of(5) }], 1)).toBeUndefined();
    expect(numberOf([], 1)).toBeUndefined();
  });
});

describe("comments", () => {
  it("may be 128 bytes long, in UTF-8", () => {
    expect(commentOf([commentEntry(0, "ü".repeat(64))], 0)).toBe("ü".repeat(64));
    expect(() => commentEntry(0, "ü".repeat(65))).toThrow(`is 130 bytes long, over ${COMMENT_MAX}`);
    expect(() => commentEntry(0, "a".repeat(129))).toThrow("is 129 bytes long");
  });

  it("may not contain what nft could not read back", () => {
    for (const text of ['a"b', "a\nb", "a\x7f", "\x01", "a\0b"]) {
      expect(() => commentEntry(0, text), text).toThrow("a double quote or a control character");
    }
  });

  it("are found by their type", () => {
    const entries = decodeUserdata(commentUserdata("hello"));
    expect(commentOf(entries, 0)).toBe("hello");
    expect(commentOf(entries, 7)).toBeUndefined();
  });
});

describe("fitComment", () => {
  it("leaves what fits", () => {
    expect(fitComment("dual/eth0 k8s")).toBe("dual/eth0 k8s");
    expect(fitComment("a".repeat(128))).toBe("a".repeat(128));
  });

  it("cuts between characters and replaces what may not stand there, so that any text can be a comment", () => {
    expect(fitComment('a"b\nc')).toBe("a'b?c");
    expect(fitComment("ü".repeat(65))).toBe("ü".repeat(64));
    expect(fitComment("üü", 3)).toBe("ü");
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        commentEntry(0, fitComment(text));
      }),
    );
  });
});
