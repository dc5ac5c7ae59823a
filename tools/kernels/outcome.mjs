// The outcome of a guest: the counts, and the report that the summary of all tests adds up.

/**
 * @typedef {object} Outcome
 * @property {string} suite
 * @property {string} kernel `uname -r`; empty when there was none.
 * @property {number} passed
 * @property {number} failed Entries that never reported count as one.
 * @property {import("./guest.mjs").Report[]} reports
 */

/** The beginning of the message of a file that has not reported. */
export const NO_REPORT = "no report";

/**
 * Adds up the reports of the entries. An entry without a report has failed.
 * @param {string} suite
 * @param {string} kernel
 * @param {readonly import("./entries.mjs").ChosenEntry[]} entries
 * @param {readonly import("./guest.mjs").Report[]} reports
 * @param {string | undefined} failure How the guest ended, if too early.
 * @returns {Outcome}
 */
export function outcomeOf(suite, kernel, entries, reports, failure) {
  const why = failure === undefined ? NO_REPORT : `${NO_REPORT} before ${failure}: see the guest's console`;
  const all = entries.map(
    ({ file }) => reports.find(({ name }) => name === file) ?? { name: file, message: why, assertionResults: [] },
  );
  const counts = all.map(countsOf);
  const passed = counts.reduce((sum, one) => sum + one.passed, 0);
  const failed = counts.reduce((sum, one) => sum + one.failed, 0);
  return { suite, kernel, passed, failed, reports: all };
}

/**
 * The outcome of two runs on a suite's kernel: that of the later run, plus the files that only the earlier run had, if both
 * ran on the same kernel.
 * @param {Outcome | undefined} earlier
 * @param {Outcome} later
 * @param {readonly import("./entries.mjs").ChosenEntry[]} entries All that there is to run.
 */
export function mergeOutcomes(earlier, later, entries) {
  const before = earlier?.kernel === later.kernel ? earlier.reports : [];
  return outcomeOf(later.suite, later.kernel, entries, [...later.reports, ...before], undefined);
}

/**
 * The outcome where no kernel can be downloaded, or no guest can be started.
 * @param {string} suite
 * @param {string} message
 * @returns {Outcome}
 */
export function missingOutcome(suite, message) {
  return { suite, kernel: "", passed: 0, failed: 1, reports: [{ name: "boot", message, assertionResults: [] }] };
}

/** @param {import("./guest.mjs").Report} report */
function countsOf({ assertionResults }) {
  const passed = assertionResults.filter(({ status }) => status === "passed").length;
  return { passed, failed: assertionResults.length === 0 ? 1 : assertionResults.length - passed };
}

/**
 * Describes one entry in words, with the tests that failed.
 * @param {import("./guest.mjs").Report} report
 */
export function lineOf(report) {
  const { passed, failed } = countsOf(report);
  const faults = report.assertionResults
    .filter(({ status }) => status !== "passed")
    .map(({ status, fullName, failureMessages }) => `\n  ${status}: ${fullName}\n${failureMessages.join("\n")}`);
  return `${report.name}: ${passed} passed, ${failed} failed${report.message && `: ${report.message}`}${faults.join("")}`;
}

/** @param {Outcome} outcome */
export function summaryOf({ suite, kernel, passed, failed }) {
  return `${suite} ${kernel || "(no kernel)"}: ${passed} passed, ${failed} failed`;
}

/**
 * The whole outcome in the form of vitest's JSON reporter.
 * @param {readonly Outcome[]} outcomes
 */
export function reportOf(outcomes) {
  const testResults = outcomes.flatMap(({ suite, kernel, reports }) =>
    reports.map(({ name, message, assertionResults }) => ({
      name: `${suite} ${kernel}: ${name}`,
      message,
      assertionResults: assertionResults.map((one) => ({ ...one, fullName: `${suite} ${name}: ${one.fullName}` })),
    })),
  );
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const numPassedTests = tests.filter(({ status }) => status === "passed").length;
  return { numTotalTests: tests.length, numPassedTests, testResults };
}
