// docs/benchmarks/README.md: what has been measured, as tables.
import { count, factor, mebibytes, parts, table, time } from "./tables.mjs";
import { fractionText, targetsOf } from "./targets.mjs";

/** @typedef {import("./bench.mjs").Results} Results */

/**
 * @param {Results} results
 * @param {readonly string[]} files What there is beside it.
 */
export function markdownOf(results, files) {
  const measured = Object.entries(results.measured).map(([section, when]) => `${section}: ${when}`);
  const image = (/** @type {string} */ name) => (files.includes(`${name}.svg`) ? [`![${name}](${name}.svg)`] : []);
  return `${[
    INTRODUCTION,
    ...(files.includes("options.md") ? [OPTIONS] : []),
    ...(files.includes("own-time.md") ? [OWN_TIME] : []),
    `Machine: ${results.machine}. The executable with all plugins and the \`bauta\` command:
${(results.size / 1e6).toFixed(2)} MB. Measured at ${measured.join("; ")}.`,
    targets(results),
    ...(results.floor === undefined ? [] : floor(results.floor)),
    ...(results.operations === undefined ? [] : operations(results.operations)),
    ...["add", "check", "del"].flatMap(image),
    ...(results["host-local"] === undefined ? [] : hostLocal(results["host-local"])),
    ...(results.flows === undefined ? [] : flows(results.flows)),
    ...image("flows"),
    ...(results.concurrency === undefined ? [] : concurrency(results.concurrency)),
    ...(results.memory === undefined ? [] : memory(results.memory)),
  ].join("\n\n")}\n`;
}

const INTRODUCTION = `# Benchmarks

Written by \`npm run bench\`: bauta beside containernetworking/plugins 1.9.1 as Debian packages it, on one kernel, each on
nodes (network namespaces) of its own. All that is compared is measured in turn, in one run and in changing order, so that
what slows the machine down slows all alike. Configuration: dual stack, \`ipMasq\` with nftables, \`host-local\`. "Others"
are attachments on the same network that are there already: for each, the rules that the side itself makes and the reserved
addresses. One more container is then attached and detached again and again.

\`npm run bench -- floor flows\` measures these sections only and keeps the others' figures; \`--quick\` takes few
repetitions; \`--compare REV\` measures another revision beside this one and writes nothing here.`;

const OPTIONS = "What all options of the masquerade together take is in [options.md](options.md).";
const OWN_TIME =
  "What is neither the kernel's time nor the start of the process is explained in [own-time.md](own-time.md).";

/** @param {Results} results */
function targets(results) {
  const rows = targetsOf(results).map(({ wanted, reached, isMet }) => {
    const mark = isMet === undefined ? "" : isMet ? "yes" : "**no**";
    return [wanted, reached, mark];
  });
  return `## Wanted and reached\n\n${table(["-wanted", "-reached", "-met"], rows)}`;
}

/** @param {import("./floor.mjs").Floor} result */
function floor({ rows, start, bareDelete, waits, rounds }) {
  return [
    `## The floor: what the kernel takes

Our executable's own system calls are recorded once, with all that they send, and made again by a small C program that has
everything prepared: the kernel's own time for this operation. To start and end an empty C program takes
${time(start.nothing)} ms, an empty program on the engine ${time(start.engine)} ms, our VERSION ${time(start.version)} ms,
upstream's ${time(start.upstream)} ms. What is left of the whole process is our own time. Medians of ${rounds} rounds, a
new namespace for each container.`,
    table(
      [
        "-operation",
        "others",
        "whole [ms]",
        "kernel",
        "start-up",
        "our own",
        "CPU of the whole",
        "system calls",
        "sends",
      ],
      rows.map((row) => [
        row.operation,
        count(row.others),
        time(row.wholeMs),
        time(row.kernelMs),
        time(row.startMs),
        time(row.ownMs),
        time(row.cpuMs),
        `${row.calls}`,
        `${row.sends}`,
      ]),
    ),
    "A bare deletion of the link (one RTM_DELLINK, no process) beside our DEL:",
    table(
      ["-link", "others", "bare deletion [ms]", "DEL [ms]", "ratio"],
      bareDelete.map(({ type, others, bareMs, wholeMs, ratio }) => [
        type,
        count(others),
        time(bareMs),
        time(wholeMs),
        factor(ratio),
      ]),
    ),
    ...waits.map(waitsTable),
    "Where the kernel's time goes, with one other attachment (microseconds, what is above 1 %):",
    ...rows.filter(({ operation, others }) => operation.startsWith("bridge") && others === 1).map(partsTable),
  ];
}

/** @param {import("./waits.mjs").Waits} waits */
const waitsTable = ({ type, parts: places }) =>
  table(
    [`-where the bare deletion of a ${type}'s link waits`, "µs"],
    places.map(({ label, us }) => [`\`${label}\``, us.toFixed(0)]),
  );

/** @param {import("./floor.mjs").FloorRow} row */
function partsTable({ operation, kernelMs, parts: groups }) {
  const shown = groups.filter(({ us }) => us > kernelMs * 10);
  return table(
    [`-${operation}`, "µs"],
    shown.map(({ label, us }) => [label, us.toFixed(0)]),
  );
}

/** @param {import("./operations.mjs").Operations} result */
function operations({ rows }) {
  return [
    `## Whole processes, from the runtime's side

Median wall time, from before the process is made to when it has been waited for. The ratios have their 95 % confidence
intervals; "growth" is ours to ours with no others.`,
    table(
      [
        "-operation",
        "others",
        "bauta [ms]",
        "upstream [ms]",
        "ratio",
        "growth",
        "bauta CPU [ms]",
        "upstream CPU [ms]",
        "runs",
      ],
      rows.map(({ operation, others, bauta, upstream, ratio, growth }) => [
        operation,
        count(others),
        time(bauta.ms),
        upstream === undefined ? "" : time(upstream.ms),
        parts(ratio),
        factor(growth),
        time(bauta.cpuMs),
        upstream === undefined ? "" : time(upstream.cpuMs),
        upstream === undefined ? `${bauta.runs}` : `${bauta.runs}, ${upstream.runs}`,
      ]),
    ),
  ];
}

/** @param {import("./host-local.mjs").HostLocal} result */
function hostLocal({ rows }) {
  return [
    `## host-local alone

On a /16 and a /64, the executable called by itself.`,
    table(
      ["-operation", "taken of each", "bauta [ms]", "upstream [ms]", "ratio", "growth"],
      rows.map(({ operation, taken, bauta, upstream, ratio, growth }) => [
        operation,
        count(taken),
        time(bauta.ms),
        time(upstream.ms),
        parts(ratio),
        factor(growth),
      ]),
    ),
  ];
}

/** @param {import("./packets.mjs").Packets} result */
function flows({ rows, rounds }) {
  return [
    `## Packets

New flows: one datagram each, from a container that was attached last; forwarding, conntrack and masquerade are in the time.
Throughput: one TCP connection through the node. "One rule" is \`oifname uplink masquerade\` alone, written by hand; the
ratio is that of the median times, with its 95 % confidence interval. ${rounds} rounds.`,
    table(
      [
        "-rules, attachments",
        "-family",
        "flows a second",
        "median [µs]",
        "99 % [µs]",
        "to one rule",
        "Gbit/s",
        "to one rule",
      ],
      rows.map((row) => [
        row.name,
        `IPv${row.family}`,
        count(Math.round(row.flowsPerSecond)),
        time(row.medianUs),
        time(row.p99Us),
        factor(row.toHandWritten),
        row.gigabits.toFixed(1),
        factor(row.streamToHandWritten),
      ]),
    ),
  ];
}

/** @param {import("./concurrency.mjs").Concurrency} result */
function concurrency({ atOnce, inARow, failed, left }) {
  return [
    `## At once, and in a row

All on one bridge and one network. ${failed} operations have failed; ${left.length} addresses, interfaces or rules were left
when all were gone.`,
    table(
      [
        "-at once",
        "count",
        "bauta [1/s]",
        "a core",
        "CPU each [ms]",
        "upstream [1/s]",
        "a core",
        "CPU each [ms]",
        "times",
      ],
      atOnce.map(({ operation, count: number, bauta, upstream, gain }) => [
        operation,
        `${number}`,
        bauta.perSecond.toFixed(0),
        bauta.perCore.toFixed(0),
        time(bauta.cpuMs),
        upstream.perSecond.toFixed(0),
        upstream.perCore.toFixed(0),
        time(upstream.cpuMs),
        factor(gain),
      ]),
    ),
    table(
      ["-in a row", "-side", "count", "a second", "failed"],
      inARow.map((row) => [row.operation, row.product, count(row.count), row.perSecond.toFixed(0), `${row.failed}`]),
    ),
  ];
}

/** @param {import("./memory.mjs").Memory} result */
function memory({ rows, atOnce }) {
  return [
    `## Memory

The peak of one operation: every process is stopped at its very end and looked at, with all others that live then
(resident and proportional set); "largest" is the largest one's own peak. MiB.`,
    table(
      ["-operation", "others", "bauta", "proportional", "upstream", "proportional", "largest", "processes", "ratio"],
      rows.map(({ operation, others, bauta, upstream }) => [
        operation,
        count(others),
        mebibytes(bauta.rssKib),
        mebibytes(bauta.pssKib),
        mebibytes(upstream.rssKib),
        mebibytes(upstream.pssKib),
        mebibytes(upstream.largestKib),
        `${upstream.processes}`,
        fractionText(bauta.rssKib / upstream.rssKib),
      ]),
    ),
    "Many at once, looked at again and again while they run:",
    table(
      ["-operation", "count", "bauta", "proportional", "upstream", "proportional", "ratio"],
      atOnce.map(({ operation, count: number, bauta, upstream }) => [
        operation,
        `${number}`,
        mebibytes(bauta.rssKib),
        mebibytes(bauta.pssKib),
        mebibytes(upstream.rssKib),
        mebibytes(upstream.pssKib),
        fractionText(bauta.pssKib / upstream.pssKib),
      ]),
    ),
  ];
}
