// npm run test:kernels: runs tests inside virtual machines with Debian's kernels, and says which kernel gives what.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "./apt.mjs";
import { ROOT } from "./bundle.mjs";
import { ENTRIES } from "./entries.mjs";
import { runGuest } from "./guest.mjs";
import { writeImage } from "./image.mjs";
import { getKernel } from "./kernel.mjs";
import { lineOf, missingOutcome, outcomeOf, reportOf, summaryOf } from "./outcome.mjs";
import { featureTable } from "./table.mjs";

const CACHE = join(ROOT, "build/kernels");
/** Debian 11, 12 and 13, and whatever is newest. */
const SUITES = ["bullseye", "bookworm", "trixie", "newest"];

const HELP = `Usage: npm run test:kernels [-- [--essential] [--only TEXT] [--report FILE] [SUITE...]]

Boots Debian's kernels in qemu, emulated, and runs tests inside. SUITE is a release of Debian or \`newest\`, the newest
kernel that the mirror has; without any: ${SUITES.join(" ")}.

  --essential    only what \`npm test\` runs
  --only TEXT    only test files whose name has this text in it
  --report FILE  writes the results there, as vitest's JSON reporter would
  --help         this text

QEMU names another program than qemu-system-x86_64. Without SUITE and options it writes docs/kernels.md. Kernels are kept in build/kernels, with the console of each guest.
`;

/** So that tests of races have some. */
const PROCESSORS = 2;
/** For one guest, with all tests, on a machine that has other things to do. */
const GUEST_TIMEOUT_MS = 3_600_000;

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bauta: test:kernels: ${messageOf(error)}\n`);
  process.exitCode = 1;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: "boolean" },
      essential: { type: "boolean" },
      only: { type: "string" },
      report: { type: "string" },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const suites = positionals.length === 0 ? SUITES : positionals;
  const entries = ENTRIES.filter(({ file, isEssential }) =>
    values.only === undefined ? isEssential || !values.essential : file.includes(values.only),
  );
  if (entries.length === 0) throw new Error(`no file has "${values.only}" in its name`);
  const outcomes = await runSuites(suites, entries);
  if (values.report !== undefined) writeFileSync(resolve(values.report), JSON.stringify(reportOf(outcomes)));
  const isWhole = positionals.length === 0 && Object.keys(values).length === 0;
  if (isWhole) writeFileSync(join(ROOT, "docs/kernels.md"), featureTable(outcomes));
  for (const outcome of outcomes) process.stdout.write(`${summaryOf(outcome)}\n`);
  return outcomes.every(({ failed }) => failed === 0) ? 0 : 1;
}

/**
 * @param {readonly string[]} suites
 * @param {readonly import("./entries.mjs").Entry[]} entries
 */
async function runSuites(suites, entries) {
  mkdirSync(CACHE, { recursive: true });
  const image = join(CACHE, `image.${process.pid}.cpio`);
  await writeImage(image, entries);
  const atOnce = Math.min(suites.length, Math.max(1, Math.floor(availableParallelism() / PROCESSORS)));
  const waiting = [...suites.entries()];
  /** @type {import("./outcome.mjs").Outcome[]} */
  const outcomes = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, suite] = next;
      outcomes[i] = await runSuite(suite, image, entries);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    rmSync(image, { force: true });
  }
  return outcomes;
}

/**
 * @param {string} suite
 * @param {string} image
 * @param {readonly import("./entries.mjs").Entry[]} entries
 */
async function runSuite(suite, image, entries) {
  const say = (/** @type {string} */ text) => process.stderr.write(`bauta: ${suite}: ${text}\n`);
  try {
    const kernel = getKernel(suite, CACHE);
    say(`kernel ${kernel.version} boots; its console is in build/kernels/${suite}.log`);
    const options = {
      directory: CACHE,
      processors: PROCESSORS,
      timeoutMs: GUEST_TIMEOUT_MS,
      onReport: (/** @type {import("./guest.mjs").Report} */ report) => say(lineOf(report)),
    };
    const { reports, hasEnded } = await runGuest(kernel, image, options);
    return outcomeOf(suite, kernel.version, entries, reports, hasEnded);
  } catch (error) {
    say(messageOf(error));
    return missingOutcome(suite, messageOf(error));
  }
}
