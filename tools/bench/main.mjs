// Measures containernetworking/plugins and netavark beside bauta, in turn, in one run, and writes docs/benchmarks/. tools/bench.sh
// prepares everything and calls this program.
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { parseArgs } from "node:util";
import { measureBandwidth } from "./bandwidth.mjs";
import { compareRevisions } from "./compare.mjs";
import { measureFloor } from "./floor.mjs";
import { measureFlows } from "./flows.mjs";
import { measureInterfaces } from "./interfaces.mjs";
import { measureMemory } from "./memory.mjs";
import { measureOperations } from "./operations.mjs";
import { measurePeers } from "./peers.mjs";
import { measurePublished } from "./published.mjs";
import { readResults, writeReport } from "./report.mjs";
import { root } from "./sides.mjs";
import { measureSuite } from "./suite.mjs";

/**
 * The figures of all sections. A section that has not been measured is absent.
 * @typedef {{ machine: string, size: number, measured: Partial<Record<SectionName, string>>,
 *   floor?: import("./floor.mjs").Floor, operations?: import("./operations.mjs").Operations,
 *   flows?: import("./flows.mjs").Flows, suite?: import("./operations.mjs").Operations,
 *   interfaces?: import("./operations.mjs").Operations, published?: import("./published.mjs").Published,
 *   netavark?: import("./peers.mjs").Peers, memory?: import("./memory.mjs").Memory,
 *   bandwidth?: import("./bandwidth.mjs").Bandwidth }} Results `size`: bytes of the executable. `measured`: for each section the
 *   revision, the date, the load average when it began, and `quick` where few repetitions were made.
 * @typedef {"floor" | "operations" | "flows" | "suite" | "interfaces" | "published" | "netavark" | "memory" | "bandwidth"} SectionName
 * @typedef {{ rounds: number, isQuick: boolean, log: (text: string) => void }} Options
 */

/** @type {Record<SectionName, { rounds: number, quick: number, measure: (options: Options) => object }>} */
const SECTIONS = {
  floor: { rounds: 31, quick: 5, measure: measureFloor },
  operations: { rounds: 40, quick: 4, measure: measureOperations },
  flows: { rounds: 9, quick: 3, measure: measureFlows },
  suite: { rounds: 30, quick: 3, measure: measureSuite },
  interfaces: { rounds: 30, quick: 3, measure: measureInterfaces },
  published: { rounds: 20, quick: 3, measure: measurePublished },
  netavark: { rounds: 20, quick: 2, measure: measurePeers },
  memory: { rounds: 3, quick: 1, measure: measureMemory },
  bandwidth: { rounds: 3, quick: 1, measure: measureBandwidth },
};

const start = Date.now();
const { values, positionals } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    compare: { type: "string" },
    rounds: { type: "string" },
    report: { type: "boolean" },
  },
  allowPositionals: true,
});
if (values.rounds !== undefined && !/^[1-9]\d{0,5}$/.test(values.rounds))
  throw new Error(`--rounds takes a number from 1 on, not ${values.rounds}`);

if (values.report) writeReport(readResults());
else if (values.compare !== undefined) {
  const rounds = Number(values.rounds ?? (values.quick ? 10 : 60));
  process.stdout.write(`${compareRevisions(values.compare, process.env["BAUTA_COMPARED"], rounds)}\n`);
} else measureSections(positionals.length === 0 ? Object.keys(SECTIONS) : positionals, values.quick);

/**
 * Measures the sections, and writes the report after each.
 * @param {readonly string[]} names
 * @param {boolean} isQuick
 */
function measureSections(names, isQuick) {
  for (const name of names) {
    if (!(name in SECTIONS)) throw new Error(`no section ${name}: there are ${Object.keys(SECTIONS).join(", ")}`);
  }
  /** @type {import("./main.mjs").Results} */
  const results = { ...readResults(), machine: machine(), size: statSync(`${root}dist/bauta`).size };
  for (const name of /** @type {SectionName[]} */ (names)) {
    const { rounds, quick, measure } = SECTIONS[name];
    log(`== ${name}`);
    const load = loadavg()[0] ?? 0;
    const given = Number(values.rounds ?? (isQuick ? quick : rounds));
    Object.assign(results, { [name]: measure({ rounds: given, isQuick, log }) });
    results.measured = {
      ...results.measured,
      [name]: `${revision()}, load ${load.toFixed(1)}${isQuick ? ", quick" : ""}`,
    };
    writeReport(results); // a later section may fail
  }
}

/** @param {string} text */
function log(text) {
  const seconds = Math.round((Date.now() - start) / 1000);
  const minutes = String(Math.floor(seconds / 60)).padStart(2);
  process.stderr.write(`${minutes}:${String(seconds % 60).padStart(2, "0")} ${text}\n`);
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
    return date; // the directory is no clone, or belongs to another user
  }
}
