// Whole processes, from the runtime's side: ADD, CHECK and DEL with nothing to a hundred thousand other attachments, and
// VERSION and STATUS.
import { addOthers } from "./others.mjs";
import { call, makeSide, network, removeSide, settle } from "./sides.mjs";
import { inTurn, median, quantile, ratioOf } from "./statistics.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {import("./sides.mjs").Sample} Sample
 * @typedef {{ ms: number, low: number, high: number, cpuMs: number, kib: number, runs: number }} Figure Median wall time
 *   and its quartiles, median processor time, largest resident size.
 * @typedef {{ operation: string, others: number, bauta: Figure, upstream?: Figure, ratio?:
 *   import("./statistics.mjs").Ratio, growth?: import("./statistics.mjs").Ratio }} Row `ratio`: ours to upstream's;
 *   `growth`: ours to ours without others.
 * @typedef {{ rows: Row[], rounds: number }} Operations
 */

const VERBS = ["ADD", "CHECK", "DEL"];
/** Upstream's side takes seconds with many others: it is measured in every so-manieth round. */
const SUBJECTS = {
  bridge: [
    { others: 0, every: 1 },
    { others: 1, every: 2 },
    { others: 1000, every: 3 },
    { others: 10_000, every: 8 },
    { others: 100_000 },
  ],
  ptp: [{ others: 0, every: 4 }, { others: 1000, every: 6 }, { others: 10_000, every: 12 }, { others: 100_000 }],
};

/**
 * @param {{ rounds: number, isQuick: boolean, log: (text: string) => void }} options
 * @returns {Operations}
 */
export function measureOperations({ rounds, isQuick, log }) {
  /** @type {Row[]} */
  const rows = [...measureSmall(rounds * 2, log)];
  for (const type of /** @type {const} */ (["bridge", "ptp"])) {
    const sides = sidesOf(type, isQuick);
    for (const { subject } of sides) addOthers(subject, network(type));
    log(`${type}: ${sides.length} nodes are ready`);
    /** @type {Map<string, Sample[]>} */
    const samples = new Map();
    inTurn(sides, rounds, (side, isMeasured) => attachAndDetach(side, type, isMeasured ? samples : new Map()));
    for (const others of new Set(sides.map(({ subject }) => subject.others))) {
      for (const verb of VERBS) {
        const row = rowOf(`${type} ${verb}`, others, samples);
        rows.push(row);
        log(describe(row));
      }
    }
    for (const { subject } of sides) removeSide(subject);
  }
  return { rows, rounds };
}

/**
 * @param {"bridge" | "ptp"} type
 * @param {boolean} isQuick
 */
function sidesOf(type, isQuick) {
  return SUBJECTS[type].flatMap(({ others, every }) => {
    const bauta = { subject: makeSide(`b${others}`, "bauta", others), every: 1 };
    if (every === undefined) return [bauta];
    return [
      bauta,
      { subject: makeSide(`u${others}`, "upstream", others), every: isQuick ? Math.min(every, 2) : every },
    ];
  });
}

/** @param {Row} row */
export function describe({ operation, others, bauta, upstream }) {
  const beside = upstream === undefined ? "" : `, upstream ${upstream.ms.toFixed(2)} ms`;
  return `${operation} with ${others.toLocaleString("en")} others: ${bauta.ms.toFixed(2)} ms${beside}`;
}

/**
 * Keeps a sample for the row of the operation.
 * @param {Side} side
 * @param {string} operation
 * @param {Map<string, Sample[]>} samples
 * @param {Sample} sample
 */
export function note({ product, others }, operation, samples, sample) {
  const key = `${product} ${others} ${operation}`;
  samples.set(key, [...(samples.get(key) ?? []), sample]);
}

/**
 * Measures what runs do on two sides that nothing else is attached to, in turn. A run notes its samples.
 * @param {readonly Side[]} sides Gone afterwards.
 * @param {readonly ((side: Side, samples: Map<string, Sample[]>) => void)[]} runs
 * @param {{ rounds: number, log: (text: string) => void }} options
 * @returns {Operations} A row for each operation that has been noted.
 */
export function measureRuns(sides, runs, { rounds, log }) {
  /** @type {Map<string, Sample[]>} */
  const samples = new Map();
  const subjects = runs.flatMap((run) => sides.map((side) => ({ subject: { side, run } })));
  inTurn(subjects, rounds, ({ side, run }, isMeasured) => run(side, isMeasured ? samples : new Map()));
  for (const side of sides) removeSide(side);
  const operations = new Set([...samples.keys()].map((key) => key.replace(/^\w+ 0 /, "")));
  const rows = [...operations].map((operation) => rowOf(operation, 0, samples));
  for (const row of rows) log(describe(row));
  return { rows, rounds };
}

/**
 * @param {Side} side
 * @param {"bridge" | "ptp"} type
 * @param {Map<string, Sample[]>} samples
 */
function attachAndDetach(side, type, samples) {
  const config = network(type);
  /** @type {object | undefined} */
  let prevResult;
  for (const verb of VERBS) {
    if (verb !== "CHECK") settle();
    const { sample, result } = call(side, verb, config, { prevResult });
    if (verb === "ADD") prevResult = result;
    note(side, `${type} ${verb}`, samples, sample);
  }
}

/**
 * VERSION and STATUS, which do nothing to the node.
 * @param {number} rounds
 * @param {(text: string) => void} log
 */
function measureSmall(rounds, log) {
  const sides = [makeSide("b0", "bauta"), makeSide("u0", "upstream")];
  /** @type {Map<string, Sample[]>} */
  const samples = new Map();
  const operations = ["bridge VERSION", "bridge STATUS", "ptp VERSION", "ptp STATUS"];
  const subjects = sides.flatMap((side) => operations.map((operation) => ({ subject: { side, operation } })));
  inTurn(subjects, rounds, ({ side, operation }, isMeasured) => {
    const [type = "", verb = ""] = operation.split(" ");
    const { sample } = call(side, verb, network(type === "ptp" ? "ptp" : "bridge"));
    if (isMeasured) note(side, operation, samples, sample);
  });
  for (const side of sides) removeSide(side);
  return operations.map((operation) => {
    const row = rowOf(operation, 0, samples);
    log(describe(row));
    return row;
  });
}

/**
 * @param {string} operation
 * @param {number} others
 * @param {ReadonlyMap<string, Sample[]>} samples
 * @returns {Row}
 */
export function rowOf(operation, others, samples) {
  const ours = samples.get(`bauta ${others} ${operation}`) ?? [];
  const theirs = samples.get(`upstream ${others} ${operation}`);
  const without = samples.get(`bauta 0 ${operation}`) ?? [];
  const times = (/** @type {readonly Sample[]} */ series) => series.map(({ us }) => us);
  return {
    operation,
    others,
    bauta: figureOf(ours),
    ...(theirs === undefined ? {} : { upstream: figureOf(theirs), ratio: ratioOf(times(ours), times(theirs)) }),
    ...(others === 0 ? {} : { growth: ratioOf(times(ours), times(without)) }),
  };
}

/**
 * @param {readonly Sample[]} samples
 * @returns {Figure}
 */
export function figureOf(samples) {
  const times = samples.map(({ us }) => us / 1000);
  return {
    ms: median(times),
    low: quantile(times, 0.25),
    high: quantile(times, 0.75),
    cpuMs: median(samples.map(({ cpuUs }) => cpuUs)) / 1000,
    kib: Math.max(...samples.map(({ kib }) => kib)),
    runs: samples.length,
  };
}
