import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { printable, styleFor } from "./terminal-text.ts";

const environment =
  (variables: Readonly<Record<string, string>>) =>
  (name: string): string | undefined =>
    variables[name];

describe("styleFor", () => {
  it("has colours on a terminal", () => {
    const style = styleFor(true, environment({ TERM: "xterm" }));
    expect(style.bold("x")).toBe("\x1b[1mx\x1b[22m");
    expect(style.red("x")).toBe("\x1b[31mx\x1b[39m");
  });

  const plain: readonly (readonly [string, boolean, Record<string, string>])[] = [
    ["where there is no terminal", false, {}],
    ["where NO_COLOR is set", true, { NO_COLOR: "1" }],
    ["on a dumb terminal", true, { TERM: "dumb" }],
  ];
  for (const [where, isTerminal, variables] of plain) {
    it(`has none ${where}`, () => {
      const style = styleFor(isTerminal, environment(variables));
      const all = [style.bold, style.dim, style.red, style.green, style.yellow];
      expect(all.map((paint) => paint("x"))).toEqual(["x", "x", "x", "x", "x"]);
    });
  }

  it("takes an empty NO_COLOR for none, as no-color.org says", () => {
    expect(styleFor(true, environment({ NO_COLOR: "" })).red("x")).not.toBe("x");
  });
});

describe("printable", () => {
  it("makes what a terminal would obey visible", () => {
    expect(printable("a\x1b[31mb\r\n\u202eé")).toBe("a\\x1b[31mb\\x0d\\x0a\\u{202e}é");
  });

  it("leaves nothing that a terminal would obey in any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
