import { describe, expect, it } from "vitest";
import { FEATURES } from "./features.mjs";
import { lineOf, mergeOutcomes, missingOutcome, outcomeOf, reportOf, summaryOf } from "./outcome.mjs";
import { featureTable } from "./table.mjs";

const entries = [
  { file: "a.test.ts", phase: "all" as const, pattern: undefined },
  { file: "b.test.ts", phase: "all" as const, pattern: undefined },
];
const test = (fullName: string, status: string) => ({ fullName, status, duration: 1, failureMessages: [] });
const report = (name: string, ...statuses: string[]) => ({
  name,
  message: "",
  assertionResults: statuses.map((status, i) => test(`test ${i}`, status)),
});

describe("the outcome of a guest", () => {
  it("counts every test, and a skipped one as failed", () => {
    const reports = [report("b.test.ts", "passed", "skipped"), report("a.test.ts", "passed", "failed", "passed")];
    const outcome = outcomeOf("bookworm", "6.1.0", entries, reports, undefined);
    expect(summaryOf(outcome)).toBe("bookworm 6.1.0: 3 passed, 2 failed");
  });

  it("counts a file without a report, or without tests, as failed", () => {
    const outcome = outcomeOf("bookworm", "6.1.0", entries, [report("a.test.ts")], undefined);
    expect(summaryOf(outcome)).toBe("bookworm 6.1.0: 0 passed, 2 failed");
    expect(outcome.reports.map(lineOf)).toEqual([
      "a.test.ts: 0 passed, 1 failed",
      "b.test.ts: 0 passed, 1 failed: no report",
    ]);
  });

  it("says when the guest has ended too early", () => {
    const { reports } = outcomeOf(
      "bookworm",
      "6.1.0",
      entries,
      [report("a.test.ts", "passed")],
      "qemu ended with SIGKILL",
    );
    expect(reports.map(lineOf)).toEqual([
      "a.test.ts: 1 passed, 0 failed",
      "b.test.ts: 0 passed, 1 failed: no report before qemu ended with SIGKILL: see the guest's console",
    ]);
  });

  it("is corrected by a later run of a part", () => {
    const [a, b] = entries;
    if (a === undefined || b === undefined) throw new Error("no entries");
    const whole = outcomeOf("sid", "6.1", entries, [report("a.test.ts", "failed"), report("b.test.ts", "passed")], "");
    const part = outcomeOf("sid", "6.1", [a], [report("a.test.ts", "passed", "passed")], undefined);
    expect(summaryOf(mergeOutcomes(whole, part, entries))).toBe("sid 6.1: 3 passed, 0 failed");
    expect(summaryOf(mergeOutcomes({ ...whole, kernel: "6.0" }, part, entries))).toBe("sid 6.1: 2 passed, 1 failed");
    expect(summaryOf(mergeOutcomes(undefined, whole, entries))).toBe("sid 6.1: 1 passed, 1 failed");
  });

  it("has failed where there is no kernel", () => {
    expect(summaryOf(missingOutcome("sid", "no mirror has it"))).toBe("sid (no kernel): 0 passed, 1 failed");
  });

  it("names the tests that failed, and why", () => {
    const failed = { ...test("does it", "failed"), failureMessages: ["Error: it did not"] };
    const line = lineOf({ name: "a.test.ts", message: "", assertionResults: [failed] });
    expect(line).toBe("a.test.ts: 0 passed, 1 failed\n  failed: does it\nError: it did not");
  });
});

describe("the report", () => {
  it("has the totals and the names of a report of vitest", () => {
    const outcome = outcomeOf("bookworm", "6.1.0", entries, [report("a.test.ts", "passed", "failed")], undefined);
    expect(reportOf([outcome])).toMatchObject({
      numTotalTests: 2,
      numPassedTests: 1,
      testResults: [
        { name: "bookworm 6.1.0: a.test.ts", assertionResults: [{ fullName: "bookworm a.test.ts: test 0" }, {}] },
        { name: "bookworm 6.1.0: b.test.ts", message: "no report", assertionResults: [] },
      ],
    });
  });
});

describe("the table of features", () => {
  it("has a row for each, with the answer of each kernel", () => {
    const features = Object.fromEntries(FEATURES.map(({ key }) => [key, "yes"]));
    const told = { ...report("a.test.ts", "passed"), features: { ...features, destroy: "no: EINVAL" } };
    const outcome = outcomeOf("bullseye", "5.10.0-1", entries.slice(0, 1), [told], undefined);
    const text = featureTable([outcome, missingOutcome("sid", "none")]);
    expect(text).toContain("| bullseye | `5.10.0-1` | 1 passed, 0 failed |\n");
    expect(text).toContain("| `destroy` in transactions | no: EINVAL | ? |");
    for (const { name } of FEATURES) expect(text).toContain(`| ${name} | `);
  });
});
