// Memory: what one operation holds at its peak, with the children that it waits for, and what 64 at once hold.
import { readFileSync } from "node:fs";
import { AT_ONCE, attachAndDetach, makeContainers, removeContainers } from "./concurrency.mjs";
import { addOthers } from "./others.mjs";
import { BUILD, isDone, makeSide, measureWith, network, removeSide } from "./sides.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {{ pssKib: number, rssKib: number, largestKib: number, sumKib: number, processes: number }} Peak All processes
 *   together, proportional and resident; the largest one's peak; the sum of all their peaks; how many there were.
 * @typedef {{ operation: string, others: number, bauta: Peak, upstream: Peak }} MemoryRow
 * @typedef {{ operation: string, count: number, bauta: { pssKib: number, rssKib: number },
 *   upstream: { pssKib: number, rssKib: number } }} MemoryAtOnceRow
 * @typedef {{ rows: MemoryRow[], atOnce: MemoryAtOnceRow[], rounds: number }} Memory
 */

const config = network("bridge");

/**
 * @param {{ rounds: number, isQuick: boolean, log: (text: string) => void }} options
 * @returns {Memory}
 */
export function measureMemory({ rounds, isQuick, log }) {
  const rows = (isQuick ? [0, 1000] : [0, 1000, 10_000]).flatMap((others) => measureOthers(others, rounds));
  for (const { operation, others, bauta, upstream } of rows) {
    log(`${operation} with ${others} others: ${bauta.sumKib} KiB, upstream ${upstream.sumKib} KiB`);
  }
  const atOnce = measureAtOnce(rounds);
  for (const { operation, count, bauta, upstream } of atOnce) {
    log(`${count} ${operation}s at once: ${bauta.pssKib} KiB proportional, upstream ${upstream.pssKib} KiB`);
  }
  return { rows, atOnce, rounds };
}

/**
 * @param {number} others
 * @param {number} rounds
 * @returns {MemoryRow[]}
 */
function measureOthers(others, rounds) {
  const [bauta, upstream] = /** @type {const} */ (["bauta", "upstream"]).map((product) => {
    const side = makeSide(`m${product}`, product, others);
    addOthers(side, config);
    /** @type {Map<string, Peak>} */
    const peaks = new Map();
    for (let round = 0; round <= rounds; round++) {
      /** @type {object | undefined} */
      let prevResult;
      for (const verb of ["VERSION", "ADD", "CHECK", "DEL"]) {
        const { peak, result } = peakOf(side, verb, prevResult);
        if (verb === "ADD") prevResult = result;
        // the first ADD after addresses came from elsewhere reads them all, once
        if (round > 0) peaks.set(verb, larger(peaks.get(verb), peak));
      }
    }
    removeSide(side);
    return peaks;
  });
  return [...(bauta ?? [])].flatMap(([verb, ours]) => {
    const theirs = upstream?.get(verb);
    return theirs === undefined ? [] : [{ operation: `bridge ${verb}`, others, bauta: ours, upstream: theirs }];
  });
}

/**
 * @param {Side} side
 * @param {string} verb
 * @param {object | undefined} prevResult
 */
function peakOf(side, verb, prevResult) {
  const numbers = measureWith("memory", side, verb, config, config.type, { prevResult });
  const [pssKib = 0, rssKib = 0, largestKib = 0, sumKib = 0, processes = 0, status = 1] = numbers;
  const text = readFileSync(`${BUILD}/stdout`, "utf8");
  if (!isDone(side, verb, status)) throw new Error(`${side.name}: ${verb}: ${text}`);
  const result = verb === "ADD" ? JSON.parse(text) : undefined;
  return { peak: { pssKib, rssKib, largestKib, sumKib, processes }, result };
}

/**
 * Each figure's largest.
 * @param {Peak | undefined} one
 * @param {Peak} other
 * @returns {Peak}
 */
function larger(one, other) {
  if (one === undefined) return other;
  return {
    pssKib: Math.max(one.pssKib, other.pssKib),
    rssKib: Math.max(one.rssKib, other.rssKib),
    largestKib: Math.max(one.largestKib, other.largestKib),
    sumKib: Math.max(one.sumKib, other.sumKib),
    processes: Math.max(one.processes, other.processes),
  };
}

/**
 * @param {number} rounds
 * @returns {MemoryAtOnceRow[]}
 */
function measureAtOnce(rounds) {
  const [bauta, upstream] = /** @type {const} */ (["bauta", "upstream"]).map((product) => {
    const side = makeSide(`m${product}`, product);
    makeContainers(side);
    const batches = Array.from({ length: rounds }, () => attachAndDetach(side, "sample"));
    removeContainers(side);
    return /** @type {const} */ (["ADD", "DEL"]).map((verb) => ({
      pssKib: Math.max(...batches.map((batch) => batch[verb].pssKib)),
      rssKib: Math.max(...batches.map((batch) => batch[verb].rssKib)),
    }));
  });
  return ["ADD", "DEL"].flatMap((verb, i) => {
    const [ours, theirs] = [bauta?.[i], upstream?.[i]];
    if (ours === undefined || theirs === undefined) return [];
    return [{ operation: `bridge ${verb}`, count: AT_ONCE, bauta: ours, upstream: theirs }];
  });
}
