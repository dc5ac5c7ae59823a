// What bauta wants to reach, and whether the figures say that it has.
import { count, fractionText, rateText, megabytes as sizeText } from "./tables.mjs";

/**
 * @typedef {import("./main.mjs").Results} Results
 * @typedef {{ wanted: string, reached: string, isMet: boolean | undefined }} Aim `isMet`: undefined where nothing has been
 *   measured.
 * @typedef {{ wanted: string, most: number, value: (results: Results) => number | undefined, text:
 *   (value: number) => string, detail?: (results: Results) => string }} Limit A figure that must not be more than `most`.
 *   `detail` is what stands behind the figure.
 */

const times = (/** @type {number} */ value) => `${value.toFixed(2)} times`;
const milliseconds = (/** @type {number} */ value) => `${value.toFixed(2)} ms`;
const megabytes = (/** @type {number} */ value) => `${value.toFixed(2)} MB`;

/** @type {readonly Limit[]} */
const LIMITS = [
  toUpstream("bridge ADD", 0, 10),
  toUpstream("bridge ADD", 10_000, 250),
  growth("bridge ADD", 10_000, 1.2),
  growth("bridge ADD", 100_000, 1.15),
  {
    wanted: "bridge ADD: our own time, beside start-up and kernel, at most 1.5 ms",
    most: 1.5,
    value: ({ floor }) =>
      floor?.rows.find(({ operation, others }) => operation === "bridge ADD" && others === 1)?.ownMs,
    text: milliseconds,
  },
  toUpstream("bridge DEL", 0, 3),
  toUpstream("bridge DEL", 10_000, 60),
  {
    wanted: "bridge DEL: at most 1.3 times a bare deletion of the link",
    most: 1.3,
    value: ({ floor }) => floor?.bareDelete.find(({ type, others }) => type === "bridge" && others === 1)?.ratio.value,
    text: times,
  },
  toUpstream("ptp ADD", 0, 150),
  toUpstream("ptp DEL", 0, 2),
  toUpstream("ptp DEL", 10_000, 40),
  toUpstream("bridge VERSION", 0, 4),
  {
    wanted: "STATUS: at most 1/2 of upstream's VERSION",
    most: 1 / 2,
    value: (results) =>
      quotient(row(results, "bridge STATUS", 0)?.bauta.ms, row(results, "bridge VERSION", 0)?.upstream?.ms),
    text: fractionText,
  },
  memory(0, 2),
  memory(10_000, 30),
  {
    wanted: "memory of an ADD: under 5 MB",
    most: 5,
    value: (results) => quotient(row(results, "bridge ADD", 0)?.bauta.kib, 1e6 / 1024),
    text: megabytes,
  },
  {
    wanted: "all plugins and the bauta command: under 5 MB on disk",
    most: 5,
    value: ({ size }) => size / 1e6,
    text: megabytes,
  },
  worst("any operation of any other plugin or a list: not slower than upstream's", 1, (results) =>
    [results.suite, results.interfaces, results.published].flatMap((section) =>
      (section?.rows ?? []).map(({ ratio }) => ratio?.value),
    ),
  ),
  ...["loopback", "macvlan", "tap", "host-device"].flatMap((type) =>
    ["ADD", "DEL"].map((verb) => ({
      wanted: `${type} ${verb}: at most 1/4 of upstream's time`,
      most: 1 / 4,
      value: (/** @type {Results} */ { interfaces }) =>
        interfaces?.rows.find(({ operation }) => operation === `${type} ${verb}`)?.ratio?.value,
      text: fractionText,
    })),
  ),
  {
    wanted: "portmap ADD with 500 others, 32 ports each: at most 1/20 of upstream's time",
    most: 1 / 20,
    value: ({ published }) => publishing(published, 500)?.ratio?.value,
    text: fractionText,
  },
  {
    wanted: "portmap ADD with 500 others, 32 ports each: at most 1.15 times that with 0",
    most: 1.15,
    value: ({ published }) => publishing(published, 500)?.growth?.value,
    text: times,
  },
  ...[4, 6].map((family) => ({
    wanted: `a new IPv${family} flow to one of 10,000 published ports: within 10 % of one rule written by hand`,
    most: 1.1,
    value: (/** @type {Results} */ { published }) =>
      published?.flows.find((row) => row.family === family && row.name.startsWith("bauta"))?.toHandWritten.value,
    text: times,
  })),
  {
    wanted: "podman's list ADD: at most 1/8 of upstream's time",
    most: 1 / 8,
    value: ({ suite }) => suite?.rows.find(({ operation }) => operation === "podman's list ADD")?.ratio?.value,
    text: fractionText,
  },
  {
    wanted: "a pod's life: at most 1/6 of upstream's processor time",
    most: 1 / 6,
    value: ({ suite }) => {
      const life = suite?.rows.find(({ operation }) => operation === "a pod's life");
      return quotient(life?.bauta.cpuMs, life?.upstream?.cpuMs);
    },
    text: fractionText,
  },
  worst("DEL of nothing, of any chained plugin: at most 4 times its VERSION", 4, ({ suite }) => {
    const ours = (/** @type {string} */ operation) => suite?.rows.find((one) => one.operation === operation)?.bauta.ms;
    const repeated = (suite?.rows ?? []).filter(({ operation }) => operation.endsWith(" DEL of nothing"));
    return repeated.map(({ operation, bauta }) =>
      quotient(bauta.ms, ours(operation.replace("DEL of nothing", "VERSION"))),
    );
  }),
  {
    wanted: "memory of an ADD of any plugin: under 4 MB",
    most: 4,
    value: ({ memory: measured }) => measured && (largestPlugin(measured).bauta.kib * 1024) / 1e6,
    text: megabytes,
    detail: ({ memory: measured }) => (measured === undefined ? "" : memoryDetail(measured)),
  },
  {
    wanted: "bandwidth: within 5 % of the rate that is asked for, from 1 Mbit/s to 10 Gbit/s",
    most: 0.05,
    value: ({ bandwidth }) => bandwidth && worstRate(bandwidth).off,
    text: (value) => `${(value * 100).toFixed(1)} %`,
    detail: ({ bandwidth }) => (bandwidth === undefined ? "" : ` (${rateText(worstRate(bandwidth).rate)})`),
  },
  ...flowLimits("with 100,000 attachments: within 5 % of one rule written by hand", 1.05, 100_000, ["one rule", 1]),
  ...flowLimits("with 10,000 attachments: within 10 % of ours with 1", 1.1, 10_000, ["bauta", 1]),
  ...flowLimits("with 10,000 attachments: at most 1/8 of upstream's time", 1 / 8, 10_000, ["upstream", 10_000]),
];

/**
 * @param {Results} results
 * @returns {Aim[]}
 */
export function aimsOf(results) {
  return LIMITS.map(({ wanted, most, value: measured, text, detail }) => {
    const value = measured(results);
    if (value === undefined) return { wanted, reached: "not measured", isMet: undefined };
    return { wanted, reached: `${text(value)}${detail?.(results) ?? ""}`, isMet: value <= most };
  });
}

/** @param {import("./memory.mjs").Memory} measured */
const largestPlugin = ({ rows }) => rows.reduce((most, one) => (one.bauta.kib > most.bauta.kib ? one : most));

/** Which plugin it is, and which program of others' that a plugin starts is the largest. @param {import("./memory.mjs").Memory} measured */
function memoryDetail(measured) {
  const children = measured.rows.flatMap(({ plugin, bauta: { child } }) =>
    child === undefined ? [] : { plugin, ...child },
  );
  const [largest] = children.toSorted((a, b) => b.kib - a.kib);
  const beside = largest && `; ${largest.program}, which ${largest.plugin} starts, ${sizeText(largest.kib)}`;
  return ` (${largestPlugin(measured).plugin}${beside ?? ""})`;
}

/** The limit that is furthest off, either way. @param {import("./bandwidth.mjs").Bandwidth} measured */
function worstRate({ rows }) {
  const limited = rows.flatMap(({ rate, ingress, egress }) =>
    rate === undefined ? [] : [ingress, egress].map((found) => ({ rate, off: Math.abs(found / rate - 1) })),
  );
  return limited.reduce((most, one) => (one.off > most.off ? one : most));
}

/** @param {Results} results @param {string} operation @param {number} others */
const row = (results, operation, others) =>
  results.operations?.rows.find((one) => one.operation === operation && one.others === others);

/** @param {number | undefined} a @param {number | undefined} b */
const quotient = (a, b) => (a === undefined || b === undefined ? undefined : a / b);

/** @param {string} operation @param {number} others */
function beside(operation, others) {
  return others === 0 ? operation : `${operation} with ${count(others)} others`;
}

/** @param {Results["published"]} published @param {number} others */
const publishing = (published, others) =>
  published?.rows.find((one) => one.operation === "portmap ADD" && one.others === others);

/**
 * A limit for the largest of several figures.
 * @param {string} wanted
 * @param {number} most
 * @param {(results: Results) => readonly (number | undefined)[]} values
 * @returns {Limit}
 */
function worst(wanted, most, values) {
  const value = (/** @type {Results} */ results) => {
    const known = values(results).filter((one) => one !== undefined);
    return known.length === 0 ? undefined : Math.max(...known);
  };
  return { wanted, most, value, text: times };
}

/** @param {string} operation @param {number} others @param {number} part @returns {Limit} */
function toUpstream(operation, others, part) {
  const wanted = `${beside(operation, others)}: at most 1/${part} of upstream's time`;
  const value = (/** @type {Results} */ results) => row(results, operation, others)?.ratio?.value;
  return { wanted, most: 1 / part, value, text: fractionText };
}

/** @param {string} operation @param {number} others @param {number} most @returns {Limit} */
function growth(operation, others, most) {
  const wanted = `${beside(operation, others)}: at most ${most} times that with 0`;
  const value = (/** @type {Results} */ results) => row(results, operation, others)?.growth?.value;
  return { wanted, most, value, text: times };
}

/** @param {number} others @param {number} part @returns {Limit} */
function memory(others, part) {
  const wanted = `memory of a ${beside("bridge ADD", others)}: at most 1/${part} of upstream's`;
  const value = (/** @type {Results} */ results) => {
    const found = row(results, "bridge ADD", others);
    return quotient(found?.bauta.kib, found?.upstream?.kib);
  };
  return { wanted, most: 1 / part, value, text: fractionText };
}

/**
 * Limits for the median time of a new flow, one for each family.
 * @param {string} wanted
 * @param {number} most
 * @param {number} attachments Of bauta's.
 * @param {[rules: string, attachments: number]} other What it is compared with.
 * @returns {Limit[]}
 */
function flowLimits(wanted, most, attachments, other) {
  return [4, 6].map((family) => ({
    wanted: `new IPv${family} flows ${wanted}`,
    most,
    value: ({ flows }) => {
      const median = (/** @type {string} */ rules, /** @type {number} */ number) =>
        flows?.rows.find((one) => one.rules === rules && one.attachments === number && one.family === family)?.medianUs;
      return quotient(median("bauta", attachments), median(...other));
    },
    text: (value) => (value < 0.5 ? fractionText(value) : times(value)),
  }));
}
