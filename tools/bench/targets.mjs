// What bauta wants to reach, and whether it has.

/**
 * @typedef {import("./bench.mjs").Results} Results
 * @typedef {{ wanted: string, reached: string, isMet: boolean | undefined }} Target `isMet`: undefined where nothing has
 *   been measured.
 * @typedef {(results: Results) => { value: number, text: string } | undefined} Measure
 */

/**
 * A figure that must not be more, or less, than a limit.
 * @type {readonly { wanted: string, most?: number, least?: number, measure: Measure }[]}
 */
const TARGETS = [
  upstreamRatio("bridge ADD", 0, 10),
  upstreamRatio("bridge ADD", 10_000, 250),
  growth("bridge ADD", 10_000, 1.2),
  growth("bridge ADD", 100_000, 1.15),
  {
    wanted: "bridge ADD: our own time, beside start-up and kernel, at most 1.5 ms",
    most: 1.5,
    measure: ({ floor }) => milliseconds(floorRow(floor, "bridge ADD")?.ownMs),
  },
  upstreamRatio("bridge DEL", 0, 3),
  upstreamRatio("bridge DEL", 10_000, 60),
  {
    wanted: "bridge DEL: at most 1.3 times a bare deletion of the link",
    most: 1.3,
    measure: ({ floor }) =>
      factor(floor?.bareDelete.find(({ type, others }) => type === "bridge" && others === 1)?.ratio.value),
  },
  upstreamRatio("ptp ADD", 0, 150),
  upstreamRatio("ptp DEL", 0, 2),
  upstreamRatio("ptp DEL", 10_000, 40),
  upstreamRatio("bridge VERSION", 0, 4),
  {
    wanted: "STATUS: at most 1/2 of upstream's VERSION",
    most: 1 / 2,
    measure: (results) => {
      const [ours, theirs] = [row(results, "bridge STATUS", 0)?.bauta, row(results, "bridge VERSION", 0)?.upstream];
      return ours === undefined || theirs === undefined ? undefined : fraction(ours.ms / theirs.ms);
    },
  },
  {
    wanted: "host-local, 60,000 of each family taken: no operation slower than with none (10 % are noise)",
    most: 1.1,
    measure: (results) => {
      const growths = (results["host-local"]?.rows ?? []).flatMap(({ growth }) => growth?.value ?? []);
      return factor(growths.length === 0 ? undefined : Math.max(...growths));
    },
  },
  {
    wanted: "64 ADDs at once: at least 8 times upstream's throughput",
    least: 8,
    measure: ({ concurrency }) =>
      factor(concurrency?.atOnce.find(({ operation }) => operation === "bridge ADD")?.gain.value),
  },
  {
    wanted: "64 at once, 1,000 in a row: nothing fails, nothing is left",
    most: 0,
    measure: ({ concurrency }) => {
      if (concurrency === undefined) return undefined;
      const { failed, left } = concurrency;
      return { value: failed + left.length, text: `${failed} failed, ${left.length} left` };
    },
  },
  memoryRatio(0, 2),
  memoryRatio(10_000, 30),
  {
    wanted: "peak resident memory of an ADD: under 5 MB",
    most: 5,
    measure: ({ memory }) => {
      const kib = memory?.rows.find(({ operation, others }) => operation === "bridge ADD" && others === 0)?.bauta
        .rssKib;
      return kib === undefined
        ? undefined
        : { value: (kib * 1024) / 1e6, text: `${((kib * 1024) / 1e6).toFixed(1)} MB` };
    },
  },
  {
    wanted: "all plugins and the bauta command: under 4 MB on disk",
    most: 4,
    measure: ({ size }) => ({ value: size / 1e6, text: `${(size / 1e6).toFixed(2)} MB` }),
  },
  flowTarget("new flows with 100,000 attachments: within 5 % of one rule written by hand", 1.05, (rows, family) => [
    find(rows, "bauta", 100_000, family)?.medianUs,
    find(rows, "one rule", 1, family)?.medianUs,
  ]),
  flowTarget("new flows with 10,000 attachments: within 10 % of ours with 1", 1.1, (rows, family) => [
    find(rows, "bauta", 10_000, family)?.medianUs,
    find(rows, "bauta", 1, family)?.medianUs,
  ]),
  flowTarget("new flows with 10,000 attachments: at least 8 times upstream's rate", 1 / 8, (rows, family) => [
    find(rows, "bauta", 10_000, family)?.medianUs,
    find(rows, "upstream", 10_000, family)?.medianUs,
  ]),
];

/**
 * @param {Results} results
 * @returns {Target[]}
 */
export function targetsOf(results) {
  return TARGETS.map(({ wanted, most, least, measure }) => {
    const figure = measure(results);
    if (figure === undefined) return { wanted, reached: "not measured", isMet: undefined };
    const isMet = (most === undefined || figure.value <= most) && (least === undefined || figure.value >= least);
    return { wanted, reached: figure.text, isMet };
  });
}

/** @param {number} value Below 1, as `1/12`. */
export const fractionText = (value) => (value < 1 ? `1/${(1 / value).toFixed(value < 0.1 ? 0 : 1)}` : value.toFixed(2));

/** @param {number} value */
const fraction = (value) => ({ value, text: fractionText(value) });
/** @param {number | undefined} value */
const factor = (value) => (value === undefined ? undefined : { value, text: `${value.toFixed(2)} times` });
/** @param {number | undefined} value */
const milliseconds = (value) => (value === undefined ? undefined : { value, text: `${value.toFixed(2)} ms` });

/** @param {Results} results @param {string} operation @param {number} others */
const row = (results, operation, others) =>
  results.operations?.rows.find((one) => one.operation === operation && one.others === others);

/** @param {Results["floor"]} floor @param {string} operation */
const floorRow = (floor, operation) => floor?.rows.find((one) => one.operation === operation && one.others === 1);

/** @param {string} operation @param {number} others @param {number} part */
function upstreamRatio(operation, others, part) {
  /** @type {Measure} */
  const measure = (results) => {
    const ratio = row(results, operation, others)?.ratio;
    return ratio === undefined ? undefined : fraction(ratio.value);
  };
  const how = others === 0 ? "" : ` with ${others.toLocaleString("en")} others`;
  return { wanted: `${operation}${how}: at most 1/${part} of upstream's time`, most: 1 / part, measure };
}

/** @param {string} operation @param {number} others @param {number} most */
function growth(operation, others, most) {
  /** @type {Measure} */
  const measure = (results) => factor(row(results, operation, others)?.growth?.value);
  return {
    wanted: `${operation} with ${others.toLocaleString("en")} others: at most ${most} times that with 0`,
    most,
    measure,
  };
}

/** @param {number} others @param {number} part */
function memoryRatio(others, part) {
  /** @type {Measure} */
  const measure = ({ memory }) => {
    const found = memory?.rows.find((one) => one.operation === "bridge ADD" && one.others === others);
    return found === undefined ? undefined : fraction(found.bauta.rssKib / found.upstream.rssKib);
  };
  const how = others === 0 ? "" : ` with ${others.toLocaleString("en")} others`;
  return { wanted: `peak memory of a bridge ADD${how}: at most 1/${part} of upstream's`, most: 1 / part, measure };
}

/**
 * @param {readonly import("./packets.mjs").PacketRow[]} rows
 * @param {string} rules
 * @param {number} attachments
 * @param {number} family
 */
const find = (rows, rules, attachments, family) =>
  rows.find((one) => one.rules === rules && one.attachments === attachments && one.family === family);

/**
 * The worse of both families counts.
 * @param {string} wanted
 * @param {number} most
 * @param {(rows: readonly import("./packets.mjs").PacketRow[], family: number) => (number | undefined)[]} pair
 */
function flowTarget(wanted, most, pair) {
  /** @type {Measure} */
  const measure = ({ flows }) => {
    const ratios = [4, 6].map((family) => {
      const [ours = Number.NaN, theirs = Number.NaN] = pair(flows?.rows ?? [], family);
      return ours / theirs;
    });
    if (ratios.some(Number.isNaN)) return undefined;
    const text = ratios.map(
      (ratio, i) => `IPv${i === 0 ? 4 : 6} ${ratio < 0.5 ? fractionText(ratio) : ratio.toFixed(2)}`,
    );
    return { value: Math.max(...ratios), text: `${text.join(", ")} times the time` };
  };
  return { wanted, most, measure };
}
