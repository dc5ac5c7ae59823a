// What the language says and QuickJS 2025-04-26 does otherwise, which engine/patch.mjs mends.

import { type Check, equal, throws } from "./check.ts";

/** Texts that are not JSON (RFC 8259). */
const NOT_JSON: readonly string[] = [
  ...["-01", "-00", "01", "1.", "-0.", "0.", "1.e5", "[1.]", ".5", "-", "+1", "1e", "1e+", "0x10", "1_0", "1n", "NaN"],
  ...['"\\x41"', '"\\u{41}"', '"\\u12"', '"\\\'"', '"\\v"', '"\\a"', '"\\0"', '"\\\0"', '"\\\n"', '"\\\r\n"', '"\\`"'],
  ...['"\\é"', '"\\\u2028"', '"\t"', "'a'", "{a:1}", "[1,]", "// c\n1", "\ufeff1", "\f1", '"\\', '"', "\0", "1\0"],
];

const JSON_TEXTS: readonly (readonly [text: string, value: unknown])[] = [
  ["-0.5e-1", -0.05],
  ["[0, -0.0, 10, 1.25e+2, 1E5]", [0, 0, 10, 125, 100_000]],
  ['"\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u0000"', '"\\/\b\f\n\r\té\0'],
  [' \t\r\n"\u007f\u2028" ', "\u007f\u2028"],
  ['{"__proto__": 1, "a": 1, "a": 2}', JSON.parse('{"__proto__": 1, "a": 2}')],
];

export const LANGUAGE: readonly Check[] = [
  {
    name: "a BigInt whose highest limb is zero has its text, to each base",
    run: () => {
      for (const exponent of [63n, 127n, 191n]) {
        const value = (1n << exponent) + 5n;
        for (let base = 2; base <= 36; base += 1) {
          for (const signed of [value, -value]) equal(parse(signed.toString(base), base) === signed, true);
        }
      }
      equal([String(1n << 63n), (1n << 63n).toString(16)], ["9223372036854775808", "8000000000000000"]);
    },
  },
  {
    name: "an object's conversion to text may assign to the variable that the text is appended to",
    run: () => {
      let text: unknown = "the text before, ".repeat(50);
      const before = text;
      const other = {
        toString(): string {
          text = 1;
          return "appended";
        },
      };
      (text as string) += other;
      equal(text === `${before}appended`, true);
    },
  },
  {
    name: "lastIndexOf() of a typed array begins at the whole part of its second argument",
    run: () => {
      const bytes = Uint8Array.of(7, 8, 7);
      const from = [-1e-20, -0.5, -1.5, -3.9, -4, 0.9, 2, Number.NaN];
      equal(
        from.map((start) => bytes.lastIndexOf(7, start)),
        [0, 0, 2, 0, -1, 0, 2, 0],
      );
    },
  },
  {
    name: "JSON.parse refuses what is not JSON",
    run: () => {
      for (const text of NOT_JSON) throws(SyntaxError, () => [text, JSON.parse(text)]);
    },
  },
  {
    name: "JSON.parse takes all of JSON",
    run: () => {
      for (const [text, value] of JSON_TEXTS) equal(JSON.parse(text), value);
    },
  },
];

/** The integer that the text is to the base. */
function parse(text: string, base: number): bigint {
  const negative = text.startsWith("-");
  let value = 0n;
  for (const digit of negative ? text.slice(1) : text)
    value = value * BigInt(base) + BigInt(Number.parseInt(digit, base));
  return negative ? -value : value;
}
