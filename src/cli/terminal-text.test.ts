import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { outputOf } from "./io.ts";
import { styleFor, terminalLine } from "./terminal-text.ts";

const environment =
  (variables: Readonly<Record<string, string>>) =>
  (name: string): string | undefined =>
    variables[name];

describe("styleFor", () => {
  it("has colours on a terminal", () => {
    const style = styleFor(true, environment({ TERM: "xterm" }));
    expect(terminalLine(style.bold("x"))).toBe("\x1b[1mx\x1b[22m");
    expect(terminalLine(style.red("x"))).toBe("\x1b[31mx\x1b[39m");
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

/** Names as somebody who means ill gives them. */
const HOSTILE = [
  "\x1b[2J",
  "\x07",
  "\n",
  "\r",
  "\u009b31m",
  "\u0085",
  "\u202e",
  "\u2066",
  "\u2028",
  "\x7f",
  "\x1b]0;t\x07",
  "é",
];
const hostile = fc.array(fc.constantFrom(...HOSTILE), { minLength: 1, maxLength: 5 }).map((parts) => parts.join("a"));

describe("outputOf", () => {
  const printed = (use: (io: ReturnType<typeof outputOf>) => void): string => {
    let text = "";
    const io = { write: (one: string) => (text += one), log: (one: string) => (text += `${one}\n`), now: () => 0 };
    use(outputOf(io as never));
    return text;
  };
  const red = styleFor(true, environment({ TERM: "xterm" })).red;

  it("prints as many lines as it is given, and only colours that are ours", () => {
    fc.assert(
      fc.property(hostile, fc.string({ unit: "binary" }), (name, other) => {
        for (const text of [name, other]) {
          const all = printed((io) => {
            io.print([text, `link ${red(text)} is down`]);
            io.log(text);
          });
          expect(all.split("\n")).toHaveLength(4);
          const bare = all.replace("\x1b[31m", "").replace("\x1b[39m", "").replaceAll("\n", "");
          expect(bare).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        }
      }),
    );
  });

  it("prints JSON of the same value without them", () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const all = printed((io) => io.printJson(JSON.stringify({ [name]: [name] }, undefined, 2)));
        expect(JSON.parse(all)).toEqual({ [name]: [name] });
        expect(all.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});
