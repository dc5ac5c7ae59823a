// The report of one file to the machine that has started the guest: one line, in the form of vitest's JSON reporter.

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
  /** The error that happened outside of the tests; empty where there was none. */
  readonly message: string;
  readonly assertionResults: readonly TestOutcome[];
  /** The features of the kernel: an answer for each question. */
  readonly features?: Readonly<Record<string, string>>;
}

/** Writes the report into the file that the command line names, or prints it. */
export function writeReport(report: Report): void {
  const [output = "/dev/stdout"] = process.argv.slice(2);
  writeFileSync(output, `${JSON.stringify(report)}\n`);
}
