import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasRule, lineOf, sameRule, wordAfter, wordsOf } from "./rule.ts";

describe("a line", () => {
  it("has the same words when it is read again", () => {
    const word = fc.string({ minLength: 1, unit: fc.constantFrom(..."ab \"'\\-/:é!") });
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(wordsOf(lineOf(words))).toEqual(words);
      }),
    );
  });

  it("is read as iptables-save prints it", () => {
    const line = '-A POSTROUTING -s 10.22.0.5/32 -m comment --comment "name: \\"dual\\"" -j CNI-abc';
    const words = ["-s", "10.22.0.5/32", "-m", "comment", "--comment", 'name: "dual"', "-j", "CNI-abc"];
    expect(wordsOf(line)).toEqual(["-A", "POSTROUTING", ...words]);
    expect(wordsOf('--comment "it\\\'s"')).toEqual(["--comment", "it's"]);
    expect(wordsOf('--comment ""')).toEqual(["--comment", ""]);
  });
});

describe("sameRule", () => {
  it("compares word by word", () => {
    expect(sameRule(["-j", "A"], ["-j", "A"])).toBe(true);
    expect(sameRule(["-j", "A"], ["-j", "A", "x"])).toBe(false);
    expect(sameRule(["-j", "A"], ["-j", "B"])).toBe(false);
  });
});

describe("hasRule", () => {
  it("finds it among the rules of a chain, and nothing in a chain that is missing", () => {
    expect(
      hasRule(
        [
          ["-j", "A"],
          ["-j", "B"],
        ],
        ["-j", "B"],
      ),
    ).toBe(true);
    expect(hasRule([["-j", "A"]], ["-j", "B"])).toBe(false);
    expect(hasRule(undefined, ["-j", "A"])).toBe(false);
  });
});

describe("wordAfter", () => {
  it("is the option's value, and nothing where it is negated or not there", () => {
    expect(wordAfter(["-d", "x", "-j", "ACCEPT"], "-j")).toBe("ACCEPT");
    expect(wordAfter(["!", "-d", "x"], "-d")).toBeUndefined();
    expect(wordAfter(["-d", "x"], "-s")).toBeUndefined();
    expect(wordAfter(["-d", "x", "-j"], "-j")).toBeUndefined();
  });
});
