// docs/benchmarks/README.md: the figures that matter to a user in one table, and where the evidence is.
import { count, mebibytes, milliseconds, table } from "./tables.mjs";

/**
 * @typedef {import("./main.mjs").Results} Results
 * @typedef {{ what: string, bauta: number, other: number, show: (value: number) => string, isRate?: boolean }} Line
 *   `other`: upstream's figure, or netavark's. `isRate`: the larger figure is the better one.
 */

const INTRODUCTION = `# Benchmarks

bauta beside containernetworking/plugins 1.9.1 ("upstream") and netavark, measured in turn on one machine. The networks have an IPv4
and an IPv6 range, \`ipMasq\` and \`host-local\`. "10,000 others" means that 10,000 containers of the same network are attached already.

![How long it takes to attach a container, and how many new flows a second there can be](scale.svg)`;

const HOW = `Times are medians of whole processes, from before the process is made to when it has ended. The memory is that of the largest
process. The tables behind these figures, with confidence intervals, are in [evidence.md](evidence.md); where bauta's own
time goes is in [own-time.md](own-time.md); all figures are in [results.json](results.json).

\`npm run bench\` measures everything again and writes these files; \`npm run bench -- floor flows\` measures two of the
sections (\`floor\`, \`operations\`, \`flows\`, \`suite\`, \`interfaces\`, \`published\`, \`netavark\`, \`memory\`, \`bandwidth\`)
and keeps the others' figures; \`--quick\` makes few repetitions.
\`npm run bench -- --compare REV\` measures another revision of bauta beside this one and writes nothing.`;

/** @param {Results} results */
export function overviewOf(results) {
  const measured = Object.entries(results.measured).map(([section, when]) => `${section} at ${when}`);
  const rows = linesOf(results).map(cellsOf);
  const size = `${(results.size / 1e6).toFixed(2)} MB`;
  const machine = `One executable has all plugins and the \`bauta\` command: ${size}. Machine: ${results.machine}.
Measured: ${measured.join("; ")}.`;
  const head = ["-", "bauta", "upstream", "better"];
  return `${[INTRODUCTION, table(head, rows), netavarkText(results), machine, HOW].join("\n\n")}\n`;
}

/** @param {Line} line */
function cellsOf({ what, bauta, other, show, isRate }) {
  const times = isRate ? bauta / other : other / bauta;
  return [what, show(bauta), show(other), `${times.toFixed(times < 9.95 ? 1 : 0)} ×`];
}

/** @param {Results} results */
function netavarkText({ netavark }) {
  if (netavark === undefined) return "netavark: not measured yet.";
  const { version, rows, flows } = netavark;
  const operationLines = rows.flatMap(({ operation, others, bauta, netavark: theirs }) => {
    const what = `${operation === "ADD" ? "attach" : "detach"} a container, ${beside(others)}`;
    return theirs === undefined ? [] : { what, bauta: bauta.ms, other: theirs.ms, show: milliseconds };
  });
  const flowLines = flows.flatMap(({ product, others, direction, family, flowsPerSecond: other }) => {
    const bauta = flows.find(
      (one) => one.product === "bauta" && one.others === others && one.direction === direction && one.family === family,
    )?.flowsPerSecond;
    if (product !== "netavark" || family !== 4 || bauta === undefined) return [];
    const what = `new IPv4 flows a second ${DIRECTIONS[direction]}, ${beside(others)}`;
    return { what, bauta, other, show: rate, isRate: true };
  });
  const lines = table(["-", "bauta", "netavark", "better"], [...operationLines, ...flowLines].map(cellsOf));
  return `netavark ${version}, podman's own, beside bridge and portmap: each container publishes two ports.

${lines}`;
}

const DIRECTIONS = { out: "from a container", published: "to a published port" };

/** @param {number} value */
const rate = (value) => count(Number(value.toPrecision(3)));

/**
 * What has been measured of both sides.
 * @param {Results} results
 * @returns {Line[]}
 */
function linesOf(results) {
  return [
    ...operationLine(results, "attach a container to a bridge", "bridge ADD", 0),
    ...operationLine(results, "attach a container to a bridge", "bridge ADD", 1000),
    ...operationLine(results, "attach a container to a bridge", "bridge ADD", 10_000),
    ...operationLine(results, "check a container on a bridge", "bridge CHECK", 0),
    ...operationLine(results, "check a container on a bridge", "bridge CHECK", 10_000),
    ...operationLine(results, "detach a container from a bridge", "bridge DEL", 0),
    ...operationLine(results, "detach a container from a bridge", "bridge DEL", 10_000),
    ...operationLine(results, "attach a container point to point", "ptp ADD", 0),
    ...operationLine(results, "detach a container point to point", "ptp DEL", 0),
    ...operationLine(results, "print the version of a plugin", "bridge VERSION", 0),
    ...flowLine(results, 4),
    ...flowLine(results, 6),
    ...memoryLine(results, 0),
    ...memoryLine(results, 10_000),
  ];
}

/** @param {number} others */
const beside = (others) => (others === 0 ? "no others" : `${count(others)} others`);

/** @param {Results} results @param {string} operation @param {number} others */
const operationOf = (results, operation, others) =>
  results.operations?.rows.find((row) => row.operation === operation && row.others === others);

/**
 * @param {Results} results
 * @param {string} what
 * @param {string} operation
 * @param {number} others
 * @returns {Line[]}
 */
function operationLine(results, what, operation, others) {
  const row = operationOf(results, operation, others);
  if (row?.upstream === undefined) return [];
  const text = `${what} (\`${operation}\`)${operation.endsWith("VERSION") ? "" : `, ${beside(others)}`}`;
  return [{ what: text, bauta: row.bauta.ms, other: row.upstream.ms, show: milliseconds }];
}

/**
 * @param {Results} results
 * @param {4 | 6} family
 * @returns {Line[]}
 */
function flowLine(results, family) {
  const rateOf = (/** @type {string} */ rules) =>
    results.flows?.rows.find((row) => row.rules === rules && row.attachments === 10_000 && row.family === family)
      ?.flowsPerSecond;
  const [bauta, other] = [rateOf("bauta"), rateOf("upstream")];
  if (bauta === undefined || other === undefined) return [];
  const what = `new IPv${family} flows a second from the last of 10,000 containers`;
  return [{ what, bauta, other, show: rate, isRate: true }];
}

/**
 * @param {Results} results
 * @param {number} others
 * @returns {Line[]}
 */
function memoryLine(results, others) {
  const row = operationOf(results, "bridge ADD", others);
  if (row?.upstream === undefined) return [];
  const what = `memory of \`bridge ADD\`, ${beside(others)}`;
  return [{ what, bauta: row.bauta.kib, other: row.upstream.kib, show: (kib) => `${mebibytes(kib)} MiB` }];
}
