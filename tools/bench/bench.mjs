// Measures containernetworking/plugins beside bauta, in turn, in one run, and writes docs/benchmarks/.
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { report } from "./report.mjs";
import { addOthers, call, flowTime, makeSide, network, removeSide } from "./sides.mjs";

/**
 * @typedef {{ ms: number, kib: number, runs: number }} Figure Median wall time, largest resident size.
 * @typedef {{ operation: string, others: number, bauta: Figure, upstream: Figure }} Row
 * @typedef {{ family: 4 | 6, others: number, bauta: number, upstream: number }} FlowRow Microseconds a new flow.
 */

const quick = process.argv.includes("--quick");
const root = fileURLToPath(new URL("../..", import.meta.url));
const COUNTS = [0, 1000, 10000];
const RUNS = quick ? [5, 5, 3] : [21, 15, 9];
const FLOWS = quick ? 5000 : 20000;
const FLOW_RUNS = quick ? 3 : 5;

/** @type {Row[]} */
const rows = [];
/** @type {FlowRow[]} */
const flows = [];
const log = (/** @type {string} */ text) => process.stderr.write(`${text}\n`);

COUNTS.forEach((others, i) => {
  for (const type of /** @type {const} */ (["bridge", "ptp"])) {
    const sides = [makeSide("bauta", `${root}dist/cni`), makeSide("upstream", process.env.BAUTA_PEER_DIR ?? "")];
    for (const side of sides) addOthers(side, network(type), others);
    attachAndDetach(sides, type, others, RUNS[i] ?? 5);
    if (others === 0) {
      repeat(sides, `${type} VERSION`, RUNS[0] ?? 5, (side) => call(side, "VERSION", network(type)).sample);
      repeat(sides, `${type} STATUS`, RUNS[0] ?? 5, (side) => call(side, "STATUS", network(type)).sample);
    }
    if (type === "bridge") openFlows(sides, others);
    for (const side of sides) removeSide(side);
  }
});
report(rows, flows, statSync(`${root}dist/bauta`).size);

/**
 * @param {readonly import("./sides.mjs").Side[]} sides
 * @param {"bridge" | "ptp"} type
 * @param {number} others
 * @param {number} runs
 */
function attachAndDetach(sides, type, others, runs) {
  const config = network(type);
  /** @type {import("./sides.mjs").Sample[][]} */
  const adds = [[], []];
  /** @type {import("./sides.mjs").Sample[][]} */
  const dels = [[], []];
  for (let run = 0; run <= runs; run++) {
    const added = sides.map((side) => call(side, "ADD", config));
    const deleted = sides.map((side, s) => call(side, "DEL", config, { prevResult: added[s]?.result }));
    if (run === 0) continue; // to warm up
    sides.forEach((_, s) => {
      adds[s]?.push(...added.slice(s, s + 1).map(({ sample }) => sample));
      dels[s]?.push(...deleted.slice(s, s + 1).map(({ sample }) => sample));
    });
  }
  record(`${type} ADD`, others, adds);
  record(`${type} DEL`, others, dels);
}

/**
 * @param {readonly import("./sides.mjs").Side[]} sides
 * @param {string} operation
 * @param {number} runs
 * @param {(side: import("./sides.mjs").Side) => import("./sides.mjs").Sample} measure
 */
function repeat(sides, operation, runs, measure) {
  /** @type {import("./sides.mjs").Sample[][]} */
  const samples = [[], []];
  for (let run = 0; run <= runs; run++) {
    sides.forEach((side, s) => {
      const sample = measure(side);
      if (run > 0) samples[s]?.push(sample);
    });
  }
  record(operation, 0, samples);
}

/**
 * New flows of a container that was attached after all the others.
 * @param {readonly import("./sides.mjs").Side[]} sides
 * @param {number} others
 */
function openFlows(sides, others) {
  const config = network("bridge");
  const added = sides.map((side) => call(side, "ADD", config).result);
  for (const family of /** @type {const} */ ([4, 6])) {
    /** @type {number[][]} */
    const times = [[], []];
    for (let run = 0; run < FLOW_RUNS; run++) {
      sides.forEach((side, s) => {
        // upstream's 10,000 rules a family take long enough for fewer flows to tell
        times[s]?.push(flowTime(side, family, others === 10000 && s === 1 ? FLOWS / 10 : FLOWS));
      });
    }
    const row = { family, others, bauta: median(times[0] ?? []), upstream: median(times[1] ?? []) };
    flows.push(row);
    log(
      `new IPv${family} flow with ${others} others: ${row.bauta.toFixed(1)} us, upstream ${row.upstream.toFixed(1)} us`,
    );
  }
  sides.forEach((side, s) => {
    call(side, "DEL", config, { prevResult: added[s] });
  });
}

/**
 * @param {string} operation
 * @param {number} others
 * @param {readonly (readonly import("./sides.mjs").Sample[])[]} samples
 */
function record(operation, others, samples) {
  const [bauta, upstream] = samples.map((own) => ({
    ms: median(own.map(({ us }) => us)) / 1000,
    kib: Math.max(...own.map(({ kib }) => kib)),
    runs: own.length,
  }));
  if (bauta === undefined || upstream === undefined) return;
  rows.push({ operation, others, bauta, upstream });
  log(`${operation} with ${others} others: ${bauta.ms.toFixed(2)} ms, upstream ${upstream.ms.toFixed(2)} ms`);
}

/** @param {readonly number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]];
  return (low + high) / 2;
}
