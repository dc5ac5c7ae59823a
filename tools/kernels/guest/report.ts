// What one file says to the machine that has started the guest: one line, as vitest's JSON reporter has it of a file.

import { writeFileSync } from "node:fs";

export interface TestOutcome {
  readonly fullName: string;
  readonly status: "passed" | "failed" | "skipped";
  /** Milliseconds, in the guest's time. */
  readonly duration: number;
  readonly failureMessages: readonly string[];
}

export interface Report {
  readonly name: string;
  /** What went wrong outside the tests; empty when nothing did. */
  readonly message: string;
  readonly assertionResults: readonly TestOutcome[];
  /** What the kernel has: an answer for each question. */
  readonly features?: Readonly<Record<string, string>>;
}

/** Writes the report into the file that the command line names, or prints it. */
export function writeReport(report: Report): void {
  const [output = "/dev/stdout"] = process.argv.slice(2);
  writeFileSync(output, `${JSON.stringify(report)}\n`);
}
