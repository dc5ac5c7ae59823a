import { describe, expect, it } from "vitest";
import { encodeLineMap, lineStarts } from "./linemap.mjs";

describe("the line map", () => {
  it("knows where each line of the bundle begins, and which lines have no source", () => {
    // line 1: made up; 2: source 0 line 1; 3: nothing; 4: source 1 line 11, then line 12 on the same line
    expect(lineStarts(";AAAA;;ACUA,CACA")).toEqual([
      undefined,
      { source: 0, line: 1 },
      undefined,
      { source: 1, line: 11 },
    ]);
  });

  it("takes a byte for a step down in the same file, and five for any other", () => {
    // Lines 1, 3, 2 of source 0; none; line 2 + 300 of source 300.
    const mappings = ["AAAA", "AAEA", "AADA", "", `A${vlq(300)}${vlq(300)}A`].join(";");
    expect(encodeLineMap(mappings)).toEqual([1, 2, 255, 0, 0, 2, 0, 0, 255, 300 & 255, 1, 302 & 255, 1]);
  });
});

/** A non-negative number as base 64 digits. */
function vlq(value: number): string {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let text = "";
  for (let rest = value << 1; ; rest >>= 5) {
    const more = rest >> 5 > 0 ? 32 : 0;
    text += digits[(rest & 31) + more];
    if (more === 0) return text;
  }
}
