// summary.mjs DIRECTORY NAME...: adds up vitest's JSON reports of these names and prints the closing line `N passed,
// N failed`. A skipped test is a failure here, and so is a report that is not there: whatever should run on this machine has
// to run.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const [, , directory = "", ...names] = process.argv;
let passed = 0;
let failed = 0;
for (const name of names) {
  const path = join(directory, `${name}.json`);
  if (!existsSync(path)) {
    failed += 1;
    process.stdout.write(`did not run: ${name}: it has left no report\n`);
    continue;
  }
  const report = JSON.parse(readFileSync(path, "utf8"));
  passed += report.numPassedTests;
  failed += report.numTotalTests - report.numPassedTests;
  for (const suite of report.testResults) {
    if (suite.assertionResults.length === 0) {
      failed += 1;
      process.stdout.write(`did not run: ${suite.name}: ${suite.message}\n`);
    }
    for (const test of suite.assertionResults) {
      if (test.status !== "passed") process.stdout.write(`${test.status}: ${name}: ${test.fullName}\n`);
    }
  }
}
process.stdout.write(`${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
