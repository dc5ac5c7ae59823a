// Measures containernetworking/plugins beside bauta, in turn, in one run, and writes docs/benchmarks/. tools/bench.sh
// prepares and calls it.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { parseArgs } from "node:util";
import { measureConcurrency } from "./concurrency.mjs";
import { measureFloor } from "./floor.mjs";
import { measureHostLocal } from "./host-local.mjs";
import { measureMemory } from "./memory.mjs";
import { measureOperations } from "./operations.mjs";
import { measurePackets } from "./packets.mjs";
import { RESULTS, writeReport } from "./report.mjs";
import { root } from "./sides.mjs";

/**
 * What a section measures; a part that has not been measured is not there.
 * @typedef {{ machine: string, size: number, measured: Partial<Record<SectionName, string>>,
 *   floor?: import("./floor.mjs").Floor, operations?: import("./operations.mjs").Operations,
 *   "host-local"?: import("./host-local.mjs").HostLocal, flows?: import("./packets.mjs").Packets,
 *   concurrency?: import("./concurrency.mjs").Concurrency, memory?: import("./memory.mjs").Memory }} Results `measured`:
 *   for each section the revision, the date, what else the machine did when it began, and
 *   how thoroughly.
 * @typedef {"floor" | "operations" | "host-local" | "flows" | "concurrency" | "memory"} SectionName
 * @typedef {{ rounds: number, isQuick: boolean, log: (text: string) => void }} Options
 */

/** @type {Record<SectionName, { rounds: number, quick: number, measure: (options: Options) => object }>} */
const SECTIONS = {
  floor: { rounds: 31, quick: 5, measure: measureFloor },
  operations: { rounds: 40, quick: 4, measure: measureOperations },
  "host-local": { rounds: 40, quick: 4, measure: measureHostLocal },
  flows: { rounds: 9, quick: 3, measure: measurePackets },
  concurrency: { rounds: 7, quick: 2, measure: measureConcurrency },
  memory: { rounds: 3, quick: 1, measure: measureMemory },
};

const start = Date.now();
const { values, positionals } = parseArgs({ options: { quick: { type: "boolean" } }, allowPositionals: true });
const chosen = positionals.length === 0 ? Object.keys(SECTIONS) : positionals;
for (const name of chosen) {
  if (!(name in SECTIONS)) throw new Error(`no section ${name}: there are ${Object.keys(SECTIONS).join(", ")}`);
}

const isQuick = values.quick ?? false;
/** @type {Results} */
const results = { ...previous(), machine: machine(), size: statSync(`${root}dist/bauta`).size };
for (const name of /** @type {SectionName[]} */ (chosen)) {
  const { rounds, quick, measure } = SECTIONS[name];
  log(`== ${name}`);
  const load = loadavg()[0] ?? 0;
  Object.assign(results, { [name]: measure({ rounds: isQuick ? quick : rounds, isQuick, log }) });
  results.measured = {
    ...results.measured,
    [name]: `${revision()}, load ${load.toFixed(1)}${isQuick ? ", quick" : ""}`,
  };
  writeReport(results); // a later section may fail
}

/** @param {string} text */
function log(text) {
  const seconds = Math.round((Date.now() - start) / 1000);
  process.stderr.write(
    `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, "0")} ${text}\n`,
  );
}

/** What other sections have measured before. @returns {Partial<Results> & Pick<Results, "measured">} */
function previous() {
  const kept = existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, "utf8")) : {};
  return kept.measured === undefined ? { measured: {} } : kept;
}

function machine() {
  return `${cpus().length} × ${cpus()[0]?.model.trim()}, Linux ${release()}`;
}

function revision() {
  const git = (/** @type {string[]} */ ...args) =>
    execFileSync("git", ["-C", root, ...args], { encoding: "utf8" }).trim();
  const date = new Date().toISOString().slice(0, 10);
  try {
    const isChanged = git("status", "--porcelain", "--", "src", "engine") !== "";
    return `${git("rev-parse", "--short", "HEAD")}${isChanged ? " with changes" : ""}, ${date}`;
  } catch {
    return date; // no clone, or somebody else's
  }
}
