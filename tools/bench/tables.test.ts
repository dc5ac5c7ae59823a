import { describe, expect, it } from "vitest";
import { factor, parts, ratioTable, table } from "./tables.mjs";

const ratio = { value: 1.5, low: 1.25, high: 1.75 };

describe("a table", () => {
  it("aligns numbers to the right, and columns of text to the left", () => {
    expect(table(["-what", "how many"], [["a", "1"]])).toBe("| what | how many |\n|---|---:|\n| a | 1 |");
  });

  it("of ratios has the figures first, and then the ratios with their intervals", () => {
    const rows = [{ operation: "ADD", others: 10_000, figures: [1, 2], ratios: [ratio] }];
    const [, , row] = ratioTable(["-operation", "others", "a", "b", "ratio"], rows).split("\n");
    expect(row).toBe("| ADD | 10,000 | 1.00 | 2.00 | 1.50 (1.25 – 1.75) |");
  });
});

describe("a ratio", () => {
  it("is empty where there is none", () => {
    expect(factor(undefined)).toBe("");
    expect(parts(undefined)).toBe("");
  });

  it("below 1 is a fraction where fractions are wanted", () => {
    expect(parts({ value: 0.1, low: 0.05, high: 2 })).toBe("1/10.0 (1/20 – 2.00)");
  });
});
