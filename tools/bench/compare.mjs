// npm run bench -- --compare REV: another revision of ours beside this one, in turn, in one run. tools/bench.sh builds both.
import { addOthers } from "./others.mjs";
import { call, makeSide, network, removeSide, settle } from "./sides.mjs";
import { inTurn, median, ratioOf } from "./statistics.mjs";
import { ratioTable } from "./tables.mjs";

/**
 * @typedef {import("./sides.mjs").Sample} Sample
 * @typedef {{ present: Sample[], other: Sample[] }} Samples
 */

const PLANS = /** @type {const} */ ([
  { type: "bridge", others: 0, verbs: ["VERSION", "STATUS", "ADD", "CHECK", "DEL"] },
  { type: "bridge", others: 1, verbs: ["ADD", "CHECK", "DEL"] },
  { type: "bridge", others: 10_000, verbs: ["ADD", "CHECK", "DEL"] },
  { type: "ptp", others: 1, verbs: ["ADD", "CHECK", "DEL"] },
]);

/**
 * Returns a table of times and of ratios, this revision's to the other's, with their confidence.
 * @param {string} revision The other one's name.
 * @param {string | undefined} directory The other one's plugins.
 * @param {number} rounds
 */
export function compareRevisions(revision, directory, rounds) {
  const head = ["-operation", "others", "this [ms]", `${revision} [ms]`, "ratio", "ratio of CPU time"];
  return ratioTable(
    head,
    PLANS.flatMap((plan) => comparePlan(plan, directory, rounds)),
  );
}

/**
 * @param {(typeof PLANS)[number]} plan
 * @param {string | undefined} directory
 * @param {number} rounds
 */
function comparePlan({ type, others, verbs }, directory, rounds) {
  const pair = {
    present: makeSide("now", "bauta", others),
    other: makeSide("then", "bauta", others, directory),
  };
  for (const side of Object.values(pair)) addOthers(side, network(type));
  /** @type {Map<string, Samples>} */
  const samples = new Map();
  const subjects = /** @type {const} */ (["present", "other"]).map((subject) => ({ subject }));
  inTurn(subjects, rounds, (name, isMeasured) => {
    /** @type {object | undefined} */
    let prevResult;
    for (const verb of verbs) {
      if (verb === "ADD" || verb === "DEL") settle();
      const { sample, result } = call(pair[name], verb, network(type), { prevResult });
      if (verb === "ADD") prevResult = result;
      const known = samples.get(verb) ?? { present: [], other: [] };
      samples.set(verb, known);
      if (isMeasured) known[name].push(sample);
    }
  });
  for (const side of Object.values(pair)) removeSide(side);
  return [...samples].map(([verb, { present, other }]) => rowOf(`${type} ${verb}`, others, present, other));
}

/**
 * @param {string} operation
 * @param {number} others
 * @param {readonly Sample[]} present
 * @param {readonly Sample[]} other
 */
function rowOf(operation, others, present, other) {
  const times = (/** @type {readonly Sample[]} */ series) => series.map(({ us }) => us / 1000);
  const cpu = (/** @type {readonly Sample[]} */ series) => series.map(({ cpuUs }) => cpuUs / 1000);
  return {
    operation,
    others,
    figures: [median(times(present)), median(times(other))],
    ratios: [ratioOf(times(present), times(other)), ratioOf(cpu(present), cpu(other))],
  };
}
