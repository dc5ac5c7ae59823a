// Many at once on one bridge and one network, and many in a row: throughput, and that nothing fails or is left.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import {
  BUILD,
  call,
  dataDirOf,
  inside,
  ip,
  isDone,
  makeSide,
  netnsPath,
  network,
  nodeOf,
  removeSide,
  request,
} from "./sides.mjs";
import { inTurn, median, ratioOf } from "./statistics.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {{ ms: number, perSecond: number, perCore: number, cpuMs: number, longestMs: number }} Throughput Of a batch:
 *   wall time, operations a second, the same for each of the machine's processors, processor time of one operation, and
 *   how long the last waited.
 * @typedef {{ operation: string, count: number, bauta: Throughput, upstream: Throughput, gain:
 *   import("./statistics.mjs").Ratio }} AtOnceRow `gain`: our throughput to upstream's.
 * @typedef {{ product: string, operation: string, count: number, perSecond: number, failed: number }} InARowRow
 * @typedef {{ atOnce: AtOnceRow[], inARow: InARowRow[], failed: number, left: string[], rounds: number }} Concurrency
 * @typedef {{ us: number, cpuUs: number, pssKib: number, rssKib: number, failed: string[], longestUs: number }} Batch
 */

export const AT_ONCE = 64;
const IN_A_ROW = { bauta: 1000, upstream: 100 };
const config = network("bridge");

/**
 * @param {{ rounds: number, isQuick: boolean, log: (text: string) => void }} options
 * @returns {Concurrency}
 */
export function measureConcurrency({ rounds, isQuick, log }) {
  const sides = [makeSide("cb", "bauta"), makeSide("cu", "upstream")];
  for (const side of sides) makeContainers(side);
  /** @type {Map<string, Batch[]>} */
  const batches = new Map();
  inTurn(
    sides.map((subject) => ({ subject })),
    rounds,
    (side, isMeasured) => {
      for (const [verb, batch] of Object.entries(attachAndDetach(side))) {
        const key = `${side.product} ${verb}`;
        if (isMeasured) batches.set(key, [...(batches.get(key) ?? []), batch]);
      }
    },
  );
  const failed = [...batches.values()].flat().reduce((sum, batch) => sum + batch.failed.length, 0);
  const atOnce = ["ADD", "DEL"].map((verb) => rowOf(verb, batches));
  for (const row of atOnce) log(describe(row));
  const inARow = sides.flatMap((side) => countInARow(side, IN_A_ROW[side.product] / (isQuick ? 10 : 1)));
  for (const row of inARow)
    log(`${row.product}: ${row.count} ${row.operation}s in a row, ${row.perSecond.toFixed(0)}/s`);
  const left = sides.flatMap(leftovers);
  for (const side of sides) removeContainers(side);
  return { atOnce, inARow, failed: failed + inARow.reduce((sum, row) => sum + row.failed, 0), left, rounds };
}

/** @param {AtOnceRow} row */
const describe = ({ operation, count, bauta, upstream, gain }) =>
  `${count} ${operation}s at once: ${bauta.perSecond.toFixed(0)}/s, upstream ${upstream.perSecond.toFixed(0)}/s, ` +
  `${gain.value.toFixed(1)} times`;

/** @param {Side} side @param {number} i */
const containerName = (side, i) => `${side.name}-${i}`;

/** @param {Side} side */
export function makeContainers(side) {
  for (let i = 0; i < AT_ONCE; i++) ip(`netns add ${containerName(side, i)}`);
}

/** @param {Side} side */
export function removeContainers(side) {
  for (let i = 0; i < AT_ONCE; i++) ip(`netns delete ${containerName(side, i)}`);
  removeSide(side);
}

/**
 * Attaches 64 containers at once, then detaches them at once.
 * @param {Side} side
 * @param {"sample"[]} how
 */
export function attachAndDetach(side, ...how) {
  const added = together(side, "ADD", [], how);
  const results = Array.from({ length: AT_ONCE }, (_, i) => outputOf(side, "ADD", i));
  return { ADD: added, DEL: together(side, "DEL", results, how) };
}

/** @param {Side} side @param {string} verb @param {number} i */
function outputOf(side, verb, i) {
  const text = readFileSync(`${directoryOf(side, verb)}/${i}.out`, "utf8");
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // it has failed, which is counted elsewhere
  }
}

/** @param {Side} side @param {string} verb */
const directoryOf = (side, verb) => `${BUILD}/at-once/${side.name}-${verb}`;

/**
 * @param {Side} side
 * @param {string} verb
 * @param {readonly (object | undefined)[]} results
 * @param {readonly string[]} how
 * @returns {Batch}
 */
function together(side, verb, results, how) {
  const directory = directoryOf(side, verb);
  mkdirSync(directory, { recursive: true });
  for (let i = 0; i < AT_ONCE; i++) {
    const { stdin, env } = request(side, verb, config, { container: containerName(side, i), prevResult: results[i] });
    writeFileSync(`${directory}/${i}.in`, stdin);
    writeFileSync(
      `${directory}/${i}.env`,
      Object.entries(env)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
    );
  }
  const argv = [netnsPath(nodeOf(side)), directory, String(AT_ONCE), `${side.directory}/${config.type}`, ...how];
  const [total = "", ...jobs] = execFileSync(`${BUILD}/together`, argv, { encoding: "utf8" }).trim().split("\n");
  const [us = 0, cpuUs = 0, pssKib = 0, rssKib = 0] = total.split(" ").map(Number);
  const ends = jobs.map((line) => line.split(" ").map(Number));
  const failed = ends.flatMap(([, status = 1], i) =>
    isDone(side, verb, status) ? [] : [readFileSync(`${directory}/${i}.out`, "utf8") || `status ${status}`],
  );
  for (const text of failed) process.stderr.write(`${side.product}: ${verb}: ${text}\n`);
  return { us, cpuUs, pssKib, rssKib, failed, longestUs: Math.max(...ends.map(([time = 0]) => time)) };
}

/**
 * @param {string} verb
 * @param {ReadonlyMap<string, Batch[]>} batches
 * @returns {AtOnceRow}
 */
function rowOf(verb, batches) {
  const [ours, theirs] = [batches.get(`bauta ${verb}`) ?? [], batches.get(`upstream ${verb}`) ?? []];
  const times = (/** @type {readonly Batch[]} */ series) => series.map(({ us }) => us);
  const gain = ratioOf(times(theirs), times(ours));
  return { operation: `bridge ${verb}`, count: AT_ONCE, bauta: throughput(ours), upstream: throughput(theirs), gain };
}

/**
 * @param {readonly Batch[]} batches
 * @returns {Throughput}
 */
function throughput(batches) {
  const ms = median(batches.map(({ us }) => us)) / 1000;
  const perSecond = (AT_ONCE / ms) * 1000;
  return {
    ms,
    perSecond,
    perCore: perSecond / availableParallelism(),
    cpuMs: median(batches.map(({ cpuUs }) => cpuUs)) / 1000 / AT_ONCE,
    longestMs: median(batches.map(({ longestUs }) => longestUs)) / 1000,
  };
}

/**
 * One after the other, all staying attached until the last has come: many interfaces in each of few containers.
 * @param {Side} side
 * @param {number} count
 * @returns {InARowRow[]}
 */
function countInARow(side, count) {
  /** @type {(object | undefined)[]} */
  const results = [];
  return ["ADD", "DEL"].map((operation) => {
    let [us, failed] = [0, 0];
    for (let i = 0; i < count; i++) {
      const container = containerName(side, i % AT_ONCE);
      const ifname = `eth${Math.floor(i / AT_ONCE)}`;
      try {
        const { sample, result } = call(side, operation, config, { container, ifname, prevResult: results[i] });
        us += sample.us;
        results[i] ??= result;
      } catch (error) {
        failed += 1;
        process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
      }
    }
    return { product: side.product, operation: `bridge ${operation}`, count, perSecond: (count / us) * 1e6, failed };
  });
}

/**
 * What is left of attachments when all are gone: addresses, interfaces, rules.
 * @param {Side} side
 */
function leftovers(side) {
  const store = `${dataDirOf(side)}/${config.name}`;
  const addresses = existsSync(store) ? readdirSync(store).filter((name) => /^10\.|^fd61/.test(name)) : [];
  const links = inside(nodeOf(side), "ip", "-o", "link", "show", "type", "veth").split("\n").filter(Boolean);
  const rules = inside(nodeOf(side), "nft", "list", "ruleset").split("\n");
  const masquerades = rules.filter((line) => /id: |eth\d+/.test(line));
  return [...addresses, ...links, ...masquerades].map((what) => `${side.product}: ${what.trim()}`);
}
