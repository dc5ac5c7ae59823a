// Adds up vitest's JSON reports and prints the closing line `N passed, N failed`. A skipped test is a failure here:
// whatever should run on this machine has to run.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const directory = process.argv[2];
let passed = 0;
let failed = 0;
for (const name of readdirSync(directory)) {
  const report = JSON.parse(readFileSync(join(directory, name), "utf8"));
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
