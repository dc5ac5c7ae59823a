// How long a new flow takes through the rules of each side, through one masquerade rule written by hand, and through none.
// All nodes stand side by side and are measured in turn.
import { addOthers } from "./others.mjs";
import {
  BUILD,
  call,
  connectOutside,
  containerOf,
  inside,
  ip,
  makeSide,
  netnsPath,
  network,
  nodeOf,
  OUTSIDE,
  outsideOf,
  removeSide,
  run,
} from "./sides.mjs";
import { inTurn, median, ratioOf } from "./statistics.mjs";

/**
 * @typedef {import("./sides.mjs").Side} Side
 * @typedef {{ name: string, rules: string, attachments: number, family: 4 | 6, flowsPerSecond: number, meanUs: number,
 *   medianUs: number, p99Us: number, toHandWritten: import("./statistics.mjs").Ratio }} FlowRow The ratio: median time of
 *   a flow to that of the one rule written by hand.
 * @typedef {{ rows: FlowRow[], rounds: number }} Flows
 * @typedef {{ side: Side, name: string, rules: string, attachments: number, flows: number }} Variant
 * @typedef {{ mean: number[], middle: number[], p99: number[] }} Times
 */

const HAND_WRITTEN = "one rule";
const FAMILIES = /** @type {const} */ ([4, 6]);

/** Rules that are written by hand, for both families. */
const BY_HAND = {
  "no NAT": "",
  "conntrack only":
    "table inet by_hand { chain forward { type filter hook forward priority 0; ct state invalid counter; }; }",
  [HAND_WRITTEN]: masqueradeBy("masquerade"),
  "one rule, random": masqueradeBy("masquerade fully-random"),
};

/** @param {string} statement */
function masqueradeBy(statement) {
  const chain = `chain postrouting { type nat hook postrouting priority srcnat; oifname uplink ${statement}; };`;
  return `table ip by_hand { ${chain} }; table ip6 by_hand { ${chain} }`;
}

/**
 * @param {{ rounds: number, isQuick: boolean, log: (text: string) => void }} options
 * @returns {Flows}
 */
export function measureFlows({ rounds, isQuick, log }) {
  const variants = makeVariants(isQuick);
  log(`flows: ${variants.length} nodes are ready`);
  /** @type {Map<string, Times>} */
  const times = new Map();
  const subjects = variants.flatMap((variant) => FAMILIES.map((family) => ({ subject: { variant, family } })));
  inTurn(subjects, rounds, ({ variant, family }, isMeasured) => {
    const { mean, middle, p99 } = timesOf(isMeasured ? times : new Map(), variant, family);
    const [meanUs = 0, middleUs = 0, p99Us = 0] = openFlows(variant, family);
    mean.push(meanUs);
    middle.push(middleUs);
    p99.push(p99Us);
  });
  const rows = variants.flatMap((variant) => FAMILIES.map((family) => rowOf(variant, family, times)));
  for (const { name, family, meanUs, toHandWritten } of rows) {
    log(
      `${name}, IPv${family}: ${meanUs.toFixed(2)} us a flow (${toHandWritten.value.toFixed(2)} times the one rule's)`,
    );
  }
  for (const { side } of variants) removeSide(side);
  return { rows, rounds };
}

/** @param {Map<string, Times>} times @param {Variant} variant @param {4 | 6} family */
function timesOf(times, { name }, family) {
  const key = `${name} ${family}`;
  const known = times.get(key) ?? { mean: [], middle: [], p99: [] };
  times.set(key, known);
  return known;
}

/**
 * @param {boolean} isQuick
 * @returns {Variant[]}
 */
function makeVariants(isQuick) {
  const flows = isQuick ? 4000 : 20_000;
  const byHand = Object.entries(BY_HAND).map(([rules, text], i) => {
    const side = makeSide(`ph${i}`, "bauta");
    attach(side, { ...network("bridge"), ipMasq: false });
    if (text !== "") inside(nodeOf(side), "nft", text);
    return { side, name: rules, rules, attachments: 1, flows };
  });
  const counts = isQuick ? [1, 1000] : [1, 1000, 10_000, 100_000];
  const ours = counts.map((attachments) => variantOf("bauta", attachments, flows));
  const theirs = counts
    .filter((attachments) => attachments <= 10_000)
    // 10,000 rules a family take long enough for fewer flows to tell
    .map((attachments) => variantOf("upstream", attachments, attachments < 10_000 ? flows : flows / 10));
  return [...byHand, ...ours, ...theirs];
}

/**
 * @param {import("./sides.mjs").Product} rules
 * @param {number} attachments
 * @param {number} flows
 * @returns {Variant}
 */
function variantOf(rules, attachments, flows) {
  const side = makeSide(`p${rules[0]}${attachments}`, rules, attachments - 1);
  addOthers(side, network("bridge"));
  attach(side, network("bridge"));
  return { side, name: `${rules}, ${attachments.toLocaleString("en")}`, rules, attachments, flows };
}

/**
 * Attaches the container that is measured: it comes last, so that upstream's rules of all others are before its own.
 * @param {Side} side
 * @param {ReturnType<typeof network>} config
 */
function attach(side, config) {
  connectOutside(side);
  call(side, "ADD", config);
  const outside = outsideOf(side);
  ip(`-n ${outside} route add 10.128.0.0/14 via 192.0.2.1`); // where the source is not translated
  ip(`-n ${outside} route add fd61:7465:6d65::/64 via 2001:db8::1`);
}

/**
 * Microseconds of a flow: mean, median, 99th percentile.
 * @param {Variant} variant
 * @param {4 | 6} family
 */
function openFlows({ side, flows }, family) {
  const namespaces = [netnsPath(nodeOf(side)), netnsPath(containerOf(side))];
  return run(`${BUILD}/flows`, ...namespaces, OUTSIDE[family], String(flows))
    .trim()
    .split(" ")
    .map(Number);
}

/**
 * @param {Variant} variant
 * @param {4 | 6} family
 * @param {Map<string, Times>} times
 * @returns {FlowRow}
 */
function rowOf({ name, rules, attachments }, family, times) {
  const own = times.get(`${name} ${family}`) ?? { mean: [], middle: [], p99: [] };
  const handWritten = times.get(`${HAND_WRITTEN} ${family}`) ?? own;
  const meanUs = median(own.mean);
  return {
    name,
    rules,
    attachments,
    family,
    flowsPerSecond: 1e6 / meanUs,
    meanUs,
    medianUs: median(own.middle),
    p99Us: median(own.p99),
    toHandWritten: ratioOf(own.middle, handWritten.middle),
  };
}
