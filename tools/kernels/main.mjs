// npm run test:kernels: runs tests inside virtual machines with Debian's kernels, and tells which kernel has which feature.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { FILE_PATIENCE_S } from "../../engine/patience.mjs";
import { messageOf } from "../apt.mjs";
import { ROOT } from "./bundle.mjs";
import { chooseEntries } from "./entries.mjs";
import { runGuest } from "./guest.mjs";
import { writeImage } from "./image.mjs";
import { getKernel } from "./kernel.mjs";
import { lineOf, mergeOutcomes, missingOutcome, NO_REPORT, outcomeOf, reportOf, summaryOf } from "./outcome.mjs";
import { featureTable } from "./table.mjs";

const CACHE = join(ROOT, "build/kernels");
/** Debian 11, 12 and 13, and the newest kernel of all. */
const SUITES = ["bullseye", "bookworm", "trixie", "newest"];

/** Tests of races need more than one. */
const PROCESSORS = 2;

const HELP = `Usage: npm run test:kernels [-- [OPTION...] [SUITE...]]

Boots Debian's kernels in qemu, emulated, and runs tests inside. SUITE is a release of Debian or \`newest\`, the newest
kernel that the mirror has; without any: ${SUITES.join(" ")}.

  --essential    only what \`npm test\` runs
  --only TEXT    only test files whose name has this text in it; may be given several times
  --processors N of each guest (${PROCESSORS}, so that tests of races have some); as many test files run at once
  --guests N     at once; as many as the machine has processors for
  --report FILE  writes the results there, as vitest's JSON reporter would
  --help         this text

What came of the tests is kept; when all have run on each of these kernels, docs/kernels.md is written from it.
Kernels are kept in build/kernels, with the console of each guest.
`;

/** For one guest, which runs the slowest of the files and many others. */
const TIMEOUT_MS = { essential: 2 * FILE_PATIENCE_S * 1000, all: 6 * FILE_PATIENCE_S * 1000 };

// A guest is killed when this process exits, so these signals must make it exit.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
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
      only: { type: "string", multiple: true },
      processors: { type: "string", default: String(PROCESSORS) },
      guests: { type: "string" },
      report: { type: "string" },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const suites = positionals.length === 0 ? SUITES : positionals;
  const entries = chooseEntries(values);
  if (entries.length === 0) throw new Error(`no file has "${values.only?.join('" or "')}" in its name`);
  const processors = countOf("--processors", values.processors);
  const guests = values.guests ?? String(Math.max(1, Math.floor(availableParallelism() / processors)));
  const isKept = values.essential !== true; // of those only a part of the tests has run
  const timeoutMs = values.essential ? TIMEOUT_MS.essential : TIMEOUT_MS.all;
  const outcomes = await runSuites(suites, countOf("--guests", guests), { entries, processors, timeoutMs, isKept });
  if (values.report !== undefined) writeFileSync(resolve(values.report), JSON.stringify(reportOf(outcomes)));
  if (isKept) writeTable();
  for (const outcome of outcomes) process.stdout.write(`${summaryOf(outcome)}\n`);
  return outcomes.every(({ failed }) => failed === 0) ? 0 : 1;
}

/**
 * @param {string} option
 * @param {string} text
 */
function countOf(option, text) {
  if (!/^[1-9]\d?$/.test(text)) throw new Error(`${option} ${text}: a number from 1 to 99 is needed`);
  return Number(text);
}

/**
 * @typedef {object} GuestOptions
 * @property {readonly import("./entries.mjs").ChosenEntry[]} entries
 * @property {number} processors
 * @property {number} timeoutMs
 * @property {boolean} isKept Whether the outcome is kept.
 */

/**
 * @param {readonly string[]} suites
 * @param {number} atOnce How many guests.
 * @param {GuestOptions} options
 */
async function runSuites(suites, atOnce, options) {
  const scratch = makeScratch();
  const waiting = [...suites.entries()];
  /** @type {import("./outcome.mjs").Outcome[]} */
  const outcomes = [];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [i, suite] = next;
      const outcome = await runSuite(suite, scratch, options);
      if (options.isKept && outcome.kernel !== "") keep(outcome);
      outcomes[i] = outcome;
    }
  };
  try {
    await writeImage(join(scratch, "image"), options.entries);
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    rmSync(scratch, { recursive: true });
  }
  return outcomes;
}

/** @param {string} suite */
function keptOutcome(suite) {
  return join(CACHE, `${suite}.outcome`);
}

/** @param {string} suite @returns {import("./outcome.mjs").Outcome | undefined} */
function readKept(suite) {
  return existsSync(keptOutcome(suite)) ? JSON.parse(readFileSync(keptOutcome(suite), "utf8")) : undefined;
}

/** @param {import("./outcome.mjs").Outcome} outcome */
function keep(outcome) {
  const merged = mergeOutcomes(readKept(outcome.suite), outcome, chooseEntries({}));
  writeFileSync(keptOutcome(outcome.suite), JSON.stringify(merged));
}

/** Writes docs/kernels.md from the last run of each test file on each kernel. */
function writeTable() {
  const outcomes = SUITES.flatMap((suite) => readKept(suite) ?? []);
  const isWhole = outcomes.every(({ reports }) => reports.every(({ message }) => !message.startsWith(NO_REPORT)));
  if (outcomes.length < SUITES.length || !isWhole) return;
  writeFileSync(join(ROOT, "docs/kernels.md"), featureTable(outcomes));
}

/** Makes a directory for this run, and removes those of runs that were killed. */
function makeScratch() {
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) {
    const [, pid] = /^run\.(\d+)$/.exec(name) ?? [];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(CACHE, name), { recursive: true });
  }
  const scratch = join(CACHE, `run.${process.pid}`);
  mkdirSync(scratch);
  return scratch;
}

/**
 * @param {string} suite
 * @param {string} scratch With the image in it.
 * @param {GuestOptions} options
 */
async function runSuite(suite, scratch, { entries, processors, timeoutMs }) {
  const say = (/** @type {string} */ text) => process.stderr.write(`bauta: ${suite}: ${text}\n`);
  try {
    const kernel = getKernel(suite, CACHE);
    say(`kernel ${kernel.version} boots; its console is in build/kernels/${suite}.log`);
    const options = {
      console: join(CACHE, `${suite}.log`),
      scratch,
      processors,
      timeoutMs,
      onReport: (/** @type {import("./guest.mjs").Report} */ report) => say(lineOf(report)),
    };
    const { reports, failure } = await runGuest(kernel, join(scratch, "image"), options);
    return outcomeOf(suite, kernel.version, entries, reports, failure);
  } catch (error) {
    say(messageOf(error));
    return missingOutcome(suite, messageOf(error));
  }
}
