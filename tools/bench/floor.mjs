// What the kernel itself takes for an ADD and a DEL: the system calls of our own executable, made again by a process that
// has everything prepared, beside the whole process, the start of an empty one, and a bare deletion of the link.
import { copyFileSync, readFileSync } from "node:fs";
import { addOthers } from "./others.mjs";
import { nameCalls, readRecording } from "./recording.mjs";
import {
  BUILD,
  call,
  containerOf,
  ip,
  makeSide,
  measureWith,
  netnsPath,
  network,
  nodeOf,
  removeSide,
  run,
  settle,
} from "./sides.mjs";
import { inTurn, median, ratioOf } from "./statistics.mjs";

/**
 * @typedef {{ label: string, us: number }} Part
 * @typedef {{ operation: string, others: number, wholeMs: number, cpuMs: number, kernelMs: number, startMs: number, ownMs: number,
 *   calls: number, sends: number, parts: Part[] }} FloorRow `cpuMs` is the whole's
 *   processor time; `startMs` that of an empty program on the
 *   engine; `ownMs` what is left of the whole.
 * @typedef {{ rows: FloorRow[], start: Record<"nothing" | "engine" | "version" | "upstream", number>, bareDelete: {
 *   type: string, others: number, bareMs: number, wholeMs: number, ratio: import("./statistics.mjs").Ratio }[], rounds: number }} Floor
 */

/**
 * @param {{ rounds: number, log: (text: string) => void }} options
 * @returns {Floor}
 */
export function measureFloor({ rounds, log }) {
  const start = measureStart(rounds);
  log(`start of an empty C program ${start.nothing.toFixed(2)} ms, on the engine ${start.engine.toFixed(2)} ms`);
  /** @type {FloorRow[]} */
  const rows = [];
  /** @type {Floor["bareDelete"]} */
  const bareDelete = [];
  for (const { type, others } of PLANS) {
    const side = makeSide(`floor-${type}${others}`, "bauta", others);
    const config = network(type);
    addOthers(side, config);
    const series = measureSide(side, config, rounds);
    for (const verb of VERBS) rows.push(rowOf(`${type} ${verb}`, others, series[verb]));
    const [bareMs, wholeMs] = [median(series.bare), median(series.DEL.whole)];
    bareDelete.push({ type, others, bareMs, wholeMs, ratio: ratioOf(series.DEL.whole, series.bare) });
    for (const row of rows.slice(-VERBS.length)) log(describe(row));
    log(
      `${type}, the link's deletion alone with ${others} others: ${bareMs.toFixed(2)} ms, DEL ${wholeMs.toFixed(2)} ms`,
    );
    removeSide(side);
  }
  return { rows, start, bareDelete, rounds };
}

/** @param {FloorRow} row */
const describe = ({ operation, others, wholeMs, kernelMs, ownMs }) =>
  `${operation} with ${others} others: ${wholeMs.toFixed(2)} ms, kernel ${kernelMs.toFixed(2)}, own ${ownMs.toFixed(2)}`;

/** Milliseconds that processes take which do nothing. @param {number} rounds */
function measureStart(rounds) {
  const side = makeSide("start", "bauta");
  const config = network("bridge");
  const peer = { ...side, product: /** @type {const} */ ("upstream"), directory: process.env["BAUTA_PEER_DIR"] ?? "" };
  const empty = { ...side, directory: BUILD };
  /** @type {Record<"nothing" | "engine" | "version" | "upstream", () => number>} */
  const programs = {
    nothing: () => call(empty, "VERSION", config, { plugin: "nothing" }).sample.us,
    engine: () => call(empty, "VERSION", config, { plugin: "empty" }).sample.us,
    version: () => call(side, "VERSION", config).sample.us,
    upstream: () => call(peer, "VERSION", config).sample.us,
  };
  /** @type {Record<keyof typeof programs, number[]>} */
  const times = { nothing: [], engine: [], version: [], upstream: [] };
  const names = /** @type {(keyof typeof programs)[]} */ (Object.keys(programs));
  inTurn(
    names.map((subject) => ({ subject })),
    rounds * 2,
    (name, isMeasured) => {
      const us = programs[name]();
      if (isMeasured) times[name].push(us / 1000);
    },
  );
  removeSide(side);
  const { nothing, engine, version, upstream } = times;
  return { nothing: median(nothing), engine: median(engine), version: median(version), upstream: median(upstream) };
}

const VERBS = /** @type {const} */ (["ADD", "CHECK", "DEL"]);
const PLANS = /** @type {const} */ ([
  { type: "bridge", others: 0 },
  { type: "bridge", others: 1 },
  { type: "bridge", others: 10_000 },
  { type: "ptp", others: 1 },
]);
/** @typedef {(typeof VERBS)[number]} Verb */
/** @typedef {import("./sides.mjs").Config} Config */
/** @typedef {{ whole: number[], cpu: number[], kernel: number[], details: number[][], start: number[], calls: import("./recording.mjs").Call[] }} Series */

/**
 * @param {import("./sides.mjs").Side} side
 * @param {Config} config
 * @param {number} rounds
 * @returns {Record<Verb, Series> & { bare: number[] }}
 */
function measureSide(side, config, rounds) {
  const containers = freshContainers(side, rounds * 4 + 4);
  for (let i = 0; i < 3; i++) wholeRound(side, config, containers); // files and tables as they will stay
  record(side, config, containers);
  const [ADD, CHECK, DEL] = VERBS.map((verb) => newSeries(recordingOf(side, verb)));
  if (ADD === undefined || CHECK === undefined || DEL === undefined) throw new Error("a verb has no series");
  const series = { ADD, CHECK, DEL, bare: /** @type {number[]} */ ([]) };
  for (let round = 0; round < rounds; round++) {
    containers.next();
    for (const verb of VERBS) series[verb].kernel.push((replay(side, verb)[0] ?? 0) / 1e6);
    containers.next();
    for (const verb of VERBS) series[verb].details.push(replay(side, verb, "details"));
    const whole = wholeRound(side, config, containers);
    const start = call({ ...side, directory: BUILD }, "VERSION", config, { plugin: "empty" }).sample.us / 1000;
    for (const verb of VERBS) {
      series[verb].whole.push(whole[verb].us / 1000);
      series[verb].cpu.push(whole[verb].cpuUs / 1000);
      series[verb].start.push(start);
    }
    series.bare.push(bareDelete(side, config, containers));
  }
  containers.remove();
  return series;
}

/** @param {string} recording @returns {Series} */
const newSeries = (recording) => ({
  whole: [],
  cpu: [],
  kernel: [],
  details: [],
  start: [],
  calls: readRecording(readFileSync(recording)),
});

/**
 * A new namespace for each attachment, under one name: interfaces have the same numbers in each. All are made before, and
 * go after, because the kernel takes namespaces apart in the background.
 * @param {import("./sides.mjs").Side} side
 * @param {number} count
 */
function freshContainers(side, count) {
  const path = netnsPath(containerOf(side));
  const names = Array.from({ length: count }, (_, i) => `${side.name}-fresh${i}`);
  for (const name of names) ip(`netns add ${name}`);
  let used = 0;
  return {
    next() {
      run("umount", path);
      run("mount", "--bind", netnsPath(names[used++] ?? ""), path);
    },
    remove() {
      for (const name of names) ip(`netns delete ${name}`);
    },
  };
}

/**
 * Each verb as a whole process.
 * @param {import("./sides.mjs").Side} side
 * @param {Config} config
 * @param {ReturnType<typeof freshContainers>} containers
 * @returns {Record<Verb, import("./sides.mjs").Sample>}
 */
function wholeRound(side, config, containers) {
  containers.next();
  settle();
  const { sample, result: prevResult } = call(side, "ADD", config);
  const checked = call(side, "CHECK", config, { prevResult });
  settle();
  const deleted = call(side, "DEL", config, { prevResult });
  return { ADD: sample, CHECK: checked.sample, DEL: deleted.sample };
}

/**
 * Milliseconds of the deletion of the link that an ADD has made, alone.
 * @param {import("./sides.mjs").Side} side
 * @param {Config} config
 * @param {ReturnType<typeof freshContainers>} containers
 */
function bareDelete(side, config, containers) {
  containers.next();
  const { result } = call(side, "ADD", config);
  settle();
  const ns = Number(run(`${BUILD}/dellink`, netnsPath(containerOf(side)), "eth0"));
  call(side, "DEL", config, { prevResult: result });
  return ns / 1e6;
}

/**
 * Records an ADD, its CHECK and its DEL.
 * @param {import("./sides.mjs").Side} side
 * @param {Config} config
 * @param {ReturnType<typeof freshContainers>} containers
 */
function record(side, config, containers) {
  containers.next();
  /** @type {object | undefined} */
  let prevResult;
  for (const verb of VERBS) {
    const [status] = measureWith("record", side, verb, config, config.type, { prevResult });
    const printed = readFileSync(`${BUILD}/stdout`, "utf8");
    if (status !== 0) throw new Error(`${verb} did not succeed while it was recorded: ${printed}`);
    if (verb === "ADD") prevResult = JSON.parse(printed);
    copyFileSync(`${BUILD}/stdout.calls`, recordingOf(side, verb));
  }
}

/** @param {import("./sides.mjs").Side} side @param {string} verb */
const recordingOf = (side, verb) => `${BUILD}/${side.name}-${verb}.calls`;

/**
 * Nanoseconds: of all calls, or of each.
 * @param {import("./sides.mjs").Side} side
 * @param {string} verb
 * @param {string[]} details
 */
function replay(side, verb, ...details) {
  settle();
  const printed = run(`${BUILD}/replay`, netnsPath(nodeOf(side)), recordingOf(side, verb), ...details);
  return printed.trim().split("\n").map(Number);
}

/**
 * @param {string} operation
 * @param {number} others
 * @param {Series} series
 * @returns {FloorRow}
 */
function rowOf(operation, others, { whole, cpu, kernel, details, start, calls }) {
  const named = [...nameCalls(calls), { label: "what is left open is closed", group: "sockets and namespaces" }];
  const times = named.map((_, i) => median(details.map((run) => run[i] ?? 0)) / 1000);
  /** @type {Map<string, number>} */
  const groups = new Map();
  named.forEach(({ group }, i) => {
    groups.set(group, (groups.get(group) ?? 0) + (times[i] ?? 0));
  });
  const [wholeMs, kernelMs, startMs] = [median(whole), median(kernel), median(start)];
  return {
    operation,
    others,
    wholeMs,
    cpuMs: median(cpu),
    kernelMs,
    startMs,
    ownMs: wholeMs - kernelMs - startMs,
    calls: calls.length,
    sends: calls.filter(({ name }) => name === "sendto").length,
    parts: [...groups].map(([label, us]) => ({ label, us })).sort((a, b) => b.us - a.us),
  };
}
