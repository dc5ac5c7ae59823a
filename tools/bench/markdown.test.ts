import { describe, expect, it } from "vitest";
import type { Results } from "./bench.mjs";
import { markdownOf } from "./markdown.mjs";

const ratio = { value: 0.1, low: 0.09, high: 0.2 };
const figure = { ms: 5.004, low: 4, high: 6, cpuMs: 3, kib: 2048, runs: 9 };
const RESULTS: Results = {
  machine: "one processor",
  size: 1_330_000,
  measured: { operations: "abc1234, 2026-01-01" },
  operations: {
    rounds: 9,
    rows: [
      { operation: "bridge ADD", others: 10_000, bauta: figure, upstream: { ...figure, ms: 50, runs: 3 }, ratio },
      { operation: "bridge ADD", others: 100_000, bauta: figure, growth: { value: 1.1, low: 1, high: 1.2 } },
    ],
  },
};

describe("the report", () => {
  const text = markdownOf(RESULTS, ["add.svg"]);

  it("has a row for each figure, with an empty cell where the other side has none", () => {
    expect(text).toContain("| bridge ADD | 10,000 | 5.00 | 50.00 | 1/10.0 (1/11 – 1/5.0) |  | 3.00 | 3.00 | 9, 3 |");
    expect(text).toContain("| bridge ADD | 100,000 | 5.00 |  |  | 1.10 (1.00 – 1.20) | 3.00 |  | 9 |");
  });

  it("names the machine and the date, and shows the plots that were made", () => {
    expect(text).toContain("Machine: one processor.");
    expect(text).toContain("operations: abc1234, 2026-01-01");
    expect(text).toContain("![add](add.svg)");
    expect(text).not.toContain("del.svg");
    for (const file of ["options.md", "own-time.md"]) {
      expect(text).not.toContain(file);
      expect(markdownOf(RESULTS, [file])).toContain(`(${file})`);
    }
  });

  it("has no section for an operation that was not measured, but names its targets", () => {
    expect(text).not.toContain("## Memory");
    expect(text).toMatch(/\| peak memory of a bridge ADD: .* \| not measured \|/);
  });

  it("has as many cells in each row of a table as in its head", () => {
    const widths = text.split("\n\n").filter((block) => block.startsWith("| "));
    for (const table of widths) expect(new Set(table.split("\n").map((line) => line.split("|").length)).size).toBe(1);
    expect(widths.length).toBeGreaterThan(1);
  });
});
