import { describe, expect, it } from "vitest";
import type { Results } from "./bench.mjs";
import { plotsOf } from "./plots.mjs";

const NOTHING: Results = { machine: "", size: 1, measured: {} };
const figure = (ms: number) => ({ ms, low: ms, high: ms, cpuMs: ms, kib: 1000, runs: 1 });
const row = (others: number, ours: number, theirs: number) => ({
  operation: "bridge ADD",
  others,
  bauta: figure(ours),
  upstream: figure(theirs),
});

describe("the plots", () => {
  it("are those of the sections that have been measured", () => {
    expect(plotsOf(NOTHING)).toEqual([]);
    const operations = { rounds: 1, rows: [row(0, 5, 50)] };
    expect(plotsOf({ ...NOTHING, operations }).map(({ file }) => file)).toEqual(["add.svg", "check.svg", "del.svg"]);
  });

  it("have two labelled logarithmic axes, and both sides", () => {
    const rows = [row(0, 5, 50), row(9, 5, 70), row(99, 5, 400), row(9999, 6, 2000)];
    const [add] = plotsOf({ ...NOTHING, operations: { rounds: 1, rows } });
    const texts = [...(add?.svg ?? "").matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    expect(texts).toContain("attachments");
    expect(texts).toContain("median time of the process [ms]");
    for (const tick of ["1", "10", "100", "1,000", "10,000"]) expect(texts).toContain(tick);
    for (const side of ["bridge, bauta", "bridge, upstream"]) expect(texts).toContain(side);
    expect(texts).not.toContain("ptp, bauta");
  });
});
