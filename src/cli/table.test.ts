import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Column, layOut } from "./table.ts";
import { styleFor, terminalLine } from "./terminal-text.ts";

const plain = styleFor(false, () => undefined);
const coloured = styleFor(true, () => undefined);
const columns: readonly Column[] = [
  { title: "NAME" },
  { title: "ID", least: 4 },
  { title: "COUNT", isNumber: true },
  { title: "STATE" },
];
const row = ["a", "0123456789", "7", "ok"];
const whole = ["NAME  ID          COUNT  STATE", "a     0123456789      7  ok"];

describe("layOut", () => {
  it("puts words at the left, numbers at the right, and no spaces at the ends of lines", () => {
    const rows = [row, ["longer", "0", "1234567", ""], ["", "", "", ""], ["x", "", "", "far"]];
    expect(layOut(columns, rows, plain, undefined)).toEqual([
      "NAME    ID            COUNT  STATE",
      "a       0123456789        7  ok",
      "longer  0           1234567",
      "",
      "x                            far",
    ]);
  });

  it("cuts what may be cut where the terminal is too narrow, if that helps", () => {
    expect(layOut(columns, [row], plain, 30)).toEqual(whole);
    expect(layOut(columns, [row], plain, 25)).toEqual(["NAME  ID     COUNT  STATE", "a     0123…      7  ok"]);
    expect(layOut(columns, [row], plain, 24)).toEqual(["NAME  ID    COUNT  STATE", "a     012…      7  ok"]);
    expect(layOut(columns, [row], plain, 23)).toEqual(whole);
  });

  it("paints the text of a cell only, so that columns stand where they stand without colours", () => {
    const painted = columns.map((column) => ({ ...column, paint: coloured.red }));
    const lines = layOut(painted, [row], coloured, undefined).map(terminalLine);
    expect(lines[1]).toContain("\x1b[31m7\x1b[39m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences are what is removed
    expect(lines.map((line) => line.replaceAll(/\x1b\[\d+m/g, ""))).toEqual(whole);
  });

  it("counts characters, not UTF-16 units, and lets none reach the terminal that it would obey", () => {
    expect(layOut(columns, [["\u{1f3ad}", "é\x07", "", "x"]], plain, undefined)[1]).toBe(
      "\u{1f3ad}     é\\x07         x",
    );
  });

  it("makes a line of each row whatever is in it", () => {
    const cell = fc.string({ unit: "binary" });
    fc.assert(
      fc.property(
        fc.array(fc.array(cell, { maxLength: 5 })),
        fc.option(fc.nat(80), { nil: undefined }),
        (rows, limit) => {
          const lines = layOut(columns, rows, plain, limit);
          expect(lines).toHaveLength(rows.length + 1);
          for (const line of lines) expect(line).not.toMatch(/[\r\n]/);
        },
      ),
    );
  });
});
