// host-local alone, on a /16 and a /64: with 60,000 addresses of each taken beside none.

import { figureOf } from "./operations.mjs";
import { reserveAddresses } from "./others.mjs";
import { call, makeSide, network, removeSide } from "./sides.mjs";
import { inTurn, ratioOf } from "./statistics.mjs";

const TAKEN = 60_000;
const VERBS = ["ADD", "CHECK", "DEL"];

/**
 * @typedef {import("./sides.mjs").Sample} Sample
 * @typedef {import("./operations.mjs").Figure} Figure
 * @typedef {{ operation: string, taken: number, bauta: Figure, upstream: Figure, ratio:
 *   import("./statistics.mjs").Ratio, growth?: import("./statistics.mjs").Ratio }} HostLocalRow `growth`: ours to ours
 *   with none taken.
 * @typedef {{ rows: HostLocalRow[], rounds: number }} HostLocal
 */

const config = {
  ...network("bridge"),
  ipam: { type: "host-local", ranges: [[{ subnet: "10.128.0.0/16" }], [{ subnet: "fd61:7465:6d65::/64" }]] },
};

/**
 * @param {{ rounds: number, isQuick: boolean, log: (text: string) => void }} options
 * @returns {HostLocal}
 */
export function measureHostLocal({ rounds, isQuick, log }) {
  const subjects = [0, TAKEN].flatMap((taken) => [
    { subject: makeSide(`hb${taken}`, "bauta", taken), every: 1 },
    { subject: makeSide(`hu${taken}`, "upstream", taken), every: taken === 0 ? 1 : isQuick ? 2 : 10 },
  ]);
  for (const { subject } of subjects) reserveAddresses(subject, config, subject.others);
  log(`host-local: ${TAKEN.toLocaleString("en")} addresses of each family are taken`);
  /** @type {Map<string, Sample[]>} */
  const samples = new Map();
  inTurn(subjects, rounds, (side, isMeasured) => {
    /** @type {object | undefined} */
    let prevResult;
    for (const verb of VERBS) {
      const { sample, result } = call(side, verb, config, { plugin: "host-local", prevResult });
      if (verb === "ADD") prevResult = result;
      const key = `${side.product} ${side.others} ${verb}`;
      if (isMeasured) samples.set(key, [...(samples.get(key) ?? []), sample]);
    }
  });
  for (const { subject } of subjects) removeSide(subject);
  const rows = [0, TAKEN].flatMap((taken) => VERBS.map((verb) => rowOf(verb, taken, samples)));
  for (const { operation, taken, bauta, upstream } of rows) {
    log(`${operation} with ${taken} taken: ${bauta.ms.toFixed(2)} ms, upstream ${upstream.ms.toFixed(2)} ms`);
  }
  return { rows, rounds };
}

/**
 * @param {string} verb
 * @param {number} taken
 * @param {ReadonlyMap<string, Sample[]>} samples
 * @returns {HostLocalRow}
 */
function rowOf(verb, taken, samples) {
  const of = (/** @type {string} */ product, count = taken) => samples.get(`${product} ${count} ${verb}`) ?? [];
  const times = (/** @type {readonly Sample[]} */ series) => series.map(({ us }) => us);
  return {
    operation: `host-local ${verb}`,
    taken,
    bauta: figureOf(of("bauta")),
    upstream: figureOf(of("upstream")),
    ratio: ratioOf(times(of("bauta")), times(of("upstream"))),
    ...(taken === 0 ? {} : { growth: ratioOf(times(of("bauta")), times(of("bauta", 0))) }),
  };
}
