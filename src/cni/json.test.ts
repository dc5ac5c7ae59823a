import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { engine } from "../sys/engine.ts";
import { excerpt, isJsonObject, type JsonValue, parseJson } from "./json.ts";
import { findJsonError } from "./json-error.ts";

describe("parseJson()", () => {
  it("reads UTF-8", () => {
    expect(parseJson(engine.encode('{"näme": ["ü", 1, true, null]}'), "it")).toEqual({ näme: ["ü", 1, true, null] });
  });

  it("takes JSON's null for a value", () => {
    expect(parseJson(engine.encode("null"), "it")).toBeNull();
  });

  it("says with code 6 what is not JSON, and where", () => {
    expect(() => parseJson(engine.encode('{"a": 1,\n "b" 2}'), "the input")).toThrow(
      expect.objectContaining({
        code: 6,
        message: `the input is not JSON: expected ":" at line 2, column 6, near ${JSON.stringify('{"a": 1,\n "b" 2}')}`,
      }),
    );
  });
});

describe("parseJson(), where the engine has not enough of something", () => {
  afterEach(() => vi.restoreAllMocks());

  it.each([
    ["stack", new RangeError("stack overflow")],
    ["memory", new Error("out of memory")],
  ])("says with code 6 that there is not the %s to read it, and looks for no fault", (_, fault) => {
    vi.spyOn(JSON, "parse").mockImplementation(() => {
      throw fault;
    });
    const message = "the input is JSON that is nested too deeply, or too large, to be read";
    // It would be found to be empty, if anyone looked.
    expect(() => parseJson(engine.encode(""), "the input")).toThrow(expect.objectContaining({ code: 6, message }));
  });
});

describe("findJsonError()", () => {
  it.each([
    ["", "is empty"],
    [" \n\t", "is empty"],
    ["{", 'ends too early, after 1 characters: expected a key in double quotes or "}"'],
    ['{"name": "x"', 'ends too early, after 12 characters: expected "," or "}"'],
    ['{"name": "x', "ends too early, after 11 characters: a string has no end"],
    ['{"name": "x\\', "ends too early, after 12 characters: a string has no end"],
    ['{"name": "\\u12', "ends too early, after 14 characters: a string has no end"],
    ['{"name":', "ends too early, after 8 characters: expected a value"],
    ['{"name"', 'ends too early, after 7 characters: expected ":"'],
    ['{"a":1,', "ends too early, after 7 characters: expected a key in double quotes"],
    ["[", 'ends too early, after 1 characters: expected a value or "]"'],
    ["[1", 'ends too early, after 2 characters: expected "," or "]"'],
    ["[tru", 'ends too early, after 4 characters: "tru" is not complete'],
    ["[1.", 'ends too early, after 3 characters: "1." is not complete'],
    ["-", 'ends too early, after 1 characters: "-" is not complete'],
  ])("tells of %j that it %s", (text, problem) => {
    expect(findJsonError(text)).toBe(problem);
  });

  it.each([
    ["hello", '"hello" is no JSON value at line 1, column 1'],
    ["{name: 1}", "expected a key in double quotes or"],
    ["{'a': 1}", "expected a key in double quotes or"],
    ['{"a": 1,}', "expected a key in double quotes at line 1, column 9"],
    ["[1,]", "expected a value at line 1, column 4"],
    ['{"a": 1} x', "expected nothing more at line 1, column 10"],
    ['{"a": 1}{', "expected nothing more"],
    ['{"a": 01}', '"01" is no JSON value'],
    ['{"a": NaN}', '"NaN" is no JSON value'],
    ["[1}", 'expected "," or "]" at line 1, column 3'],
    ['{"a": 1]', 'expected "," or "}" at line 1, column 8'],
    ['{"a"; 1}', 'expected ":" at line 1, column 5'],
    ['["a\nb"]', "a control character in a string at line 1, column 4"],
    ['["a\\x"] and more', "an unknown escape in a string at line 1, column 4"],
    ["// comment\n{}", '"//" is no JSON value'],
    ["]", "expected a value at line 1, column 1"],
    ["\ufeff{}", "is no JSON value at line 1, column 1"],
  ])("finds the place in %j", (text, problem) => {
    expect(findJsonError(text)).toMatch(/^is not JSON: /);
    expect(findJsonError(text)).toContain(problem);
  });

  it("calls nothing wrong but the depth in JSON that is right", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(findJsonError(text)).toBe("is JSON that is nested too deeply, or too large, to be read");
      }),
    );
  });

  it("finds a fault exactly where JSON.parse finds one", () => {
    const pieces = fc.constantFrom(...'{}[],:"\\ \n', "1", "-", "true", "nul", '"a"', "\\u00e9", "0", "e5", ".");
    const noise = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(noise, (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        expect(findJsonError(text).startsWith("is JSON ")).toBe(valid);
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["breaks off", "[", "1,"],
    ["goes on after its end", "{}", " "],
    ["has a string without end", '["', "x"],
  ])("does not look through all of a huge text that %s", (_, head, rest) => {
    const text = head + rest.repeat(2 << 20);
    const problem = "is not JSON: the fault is beyond its first 1048576 characters";
    expect(findJsonError(rest === " " ? `${text}{}` : text)).toBe(problem);
  });

  it("calls what is nested too deeply just that, whatever else is wrong with it", () => {
    expect(findJsonError("[".repeat(10_000))).toMatch(/^ends too early/);
    expect(findJsonError("[".repeat(10_001))).toMatch(/nested too deeply/);
    expect(findJsonError("[".repeat(200_000) + "]".repeat(200_000))).toMatch(/nested too deeply/);
  });
});

describe("isJsonObject()", () => {
  it("tells objects from null, arrays and the rest", () => {
    expect(isJsonObject({})).toBe(true);
    for (const other of [null, [], "x", 1, true, undefined]) expect(isJsonObject(other)).toBe(false);
  });
});

describe("excerpt()", () => {
  it("cuts long values short", () => {
    expect(excerpt({ a: 1 })).toBe('{"a":1}');
    expect(excerpt("x".repeat(100))).toBe(`"${"x".repeat(76)}...`);
    expect(excerpt([["x".repeat(100)], 1])).toBe(`[["${"x".repeat(74)}...`);
  });

  it("is the JSON of short values", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const text = JSON.stringify(value);
        expect(excerpt(JSON.parse(text))).toBe(text.length <= 80 ? text : `${text.slice(0, 77)}...`);
      }),
    );
  });

  it("does not run out of stack on depth", () => {
    let deep: JsonValue = [];
    for (let i = 0; i < 1_000_000; i++) deep = [deep];
    expect(excerpt(deep)).toBe(`${"[".repeat(77)}...`);
  });
});
