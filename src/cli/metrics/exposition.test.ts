import { describe, expect, it } from "vitest";
import { expositionLines, Tally } from "./exposition.ts";

describe("expositionLines()", () => {
  it("escapes as Prometheus reads it", () => {
    const samples = [{ labels: { a: 'back\\slash "quotes"\x1b[2J\nline', b: "" }, value: 3n }];
    expect(expositionLines([{ name: "bauta_x", help: "One\\two.", samples }])).toEqual([
      "# HELP bauta_x One\\\\two.",
      "# TYPE bauta_x gauge",
      'bauta_x{a="back\\\\slash \\"quotes\\"\\\\x1b[2J\\\\x0aline",b=""} 3',
    ]);
  });

  it("says nothing of what nothing was measured of", () => {
    expect(expositionLines([{ name: "bauta_x", help: "X.", samples: [] }])).toEqual([]);
    expect(expositionLines([{ name: "bauta_x", help: "X.", samples: [{ labels: {}, value: 0 }] }]).at(-1)).toBe(
      "bauta_x 0",
    );
  });
});

describe("Tally", () => {
  it("adds up by labels", () => {
    const tally = new Tally();
    tally.add({ network: "a" });
    tally.add({ network: "b" }, 5n);
    tally.add({ network: "a" });
    expect(tally.samples).toEqual([
      { labels: { network: "a" }, value: 2n },
      { labels: { network: "b" }, value: 5n },
    ]);
  });
});
