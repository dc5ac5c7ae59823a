// docs/benchmarks/evidence.md: all that has been measured, as tables.
import { aimsOf } from "./aims.mjs";
import { count, factor, megabytes, parts, rateText, table, time } from "./tables.mjs";

/** @typedef {import("./main.mjs").Results} Results */

const INTRODUCTION = `# Evidence

Written by \`npm run bench\` from [results.json](results.json); the [first page](README.md) says on which machine. Each side
has nodes (network namespaces) of its own on one kernel. All that is compared is measured in turn, in one run and in changing
order, so that a disturbance of the machine meets both sides alike. "Others" are attachments on the same network that are there
already: for each, the rules that the side itself makes and the reserved addresses. One more container is then attached and
detached again and again. Ratios have their 95 % confidence interval.`;

/** @param {Results} results */
export function evidenceOf(results) {
  return `${[
    INTRODUCTION,
    aims(results),
    ...(results.operations === undefined ? [] : operations(results.operations)),
    ...(results.suite === undefined ? [] : suite(results.suite)),
    ...(results.interfaces === undefined ? [] : interfaces(results.interfaces)),
    ...(results.published === undefined ? [] : published(results.published)),
    ...(results.netavark === undefined ? [] : peers(results.netavark)),
    ...(results.memory === undefined ? [] : memory(results.memory)),
    ...(results.bandwidth === undefined ? [] : bandwidth(results.bandwidth)),
    ...(results.floor === undefined ? [] : floor(results.floor)),
    ...(results.flows === undefined ? [] : flows(results.flows)),
  ].join("\n\n")}\n`;
}

/** @param {Results} results */
function aims(results) {
  const rows = aimsOf(results).map(({ wanted, reached, isMet }) => {
    const mark = isMet === undefined ? "" : isMet ? "yes" : "**no**";
    return [wanted, reached, mark];
  });
  return `## Aims\n\n${table(["-wanted", "-reached", "-met"], rows)}`;
}

/** @param {import("./operations.mjs").Operations} result */
function operations(result) {
  return [
    `## Whole processes, from the runtime's side

Median wall time, from before the process is made to when it has been waited for. "Growth" is bauta's time divided by its time
without others. The last column has the number of runs of either side.`,
    operationTable(result),
  ];
}

/** @param {import("./operations.mjs").Operations} result */
function suite(result) {
  return [
    `## Chained plugins, and lists as runtimes run them

Each chained plugin stands behind \`bridge\` and is measured alone; the node's policy for forwarded packets is to drop them.
"DEL of nothing" is one more DEL, without namespace and result. "podman's list" is bridge, portmap, firewall and tuning,
dual stack, with the call for its VERSION before each plugin. "A pod's life" is ADD and DEL of loopback, bridge and portmap, and
three times DEL of nothing of all three. Times and processor times of several processes are added up.`,
    operationTable(result),
  ];
}

/** @param {import("./operations.mjs").Operations} result */
function interfaces(result) {
  return [
    `## The other interface plugins

\`macvlan\`, \`tap\` and \`host-device\` have addresses of both families by host-local; \`sbr\` stands behind \`macvlan\` and is measured
alone. \`ipvlan\`, \`vlan\`, \`dummy\` and \`vrf\` can't run on a kernel that lacks their modules.`,
    operationTable(result),
  ];
}

/** @param {import("./published.mjs").Published} result */
function published({ flows: rows, ...result }) {
  return [
    `## Published ports

portmap with 32 ports a container, by nftables on both sides. "Others" are containers that have as many.`,
    operationTable(result),
    `A new flow (one UDP datagram) from outside to a published port. "One rule" is \`fib daddr type local udp
dport 1024 dnat to ADDRESS:80\` alone, written by hand; without its first match it would take packets for other hosts, too. The ratio
is that of the median times.`,
    table(
      ["-rules", "-family", "median [µs]", "99 % [µs]", "to one rule"],
      rows.map(({ name, family, medianUs, p99Us, toHandWritten }) => [
        name,
        `IPv${family}`,
        time(medianUs),
        time(p99Us),
        factor(toHandWritten),
      ]),
    ),
  ];
}

/** @param {import("./peers.mjs").Peers} result */
function peers({ version, rows, flows: opened }) {
  const cell = (/** @type {import("./operations.mjs").Figure | undefined} */ figure) =>
    figure === undefined ? ["", ""] : [time(figure.ms), time(figure.cpuMs)];
  const head = ["bauta [ms]", "upstream [ms]", "netavark [ms]", "to upstream", "to netavark"];
  return [
    `## Beside netavark

netavark ${version} (Debian's package), with its nftables driver, by \`netavark setup\` and \`netavark teardown\`. bauta's and upstream's
are the plugins bridge and portmap, one after the other. All make the same: a dual-stack bridge with masquerade, and two published
ports for each container, one of TCP and one of UDP. netavark is told the addresses, which podman chooses before; of the plugins
host-local chooses them in the time that is measured. With no others netavark makes the bridge and takes it away again; the plugins
leave it. Of the others bauta's and upstream's portmap have made the ports one by one. Only the first of netavark's is set up by
itself: the rules of the ports of the rest are written by nft, as netavark has written those of the first, and the run ends where
those of another container of netavark's would be different.`,
    table(
      ["-operation", "others", ...head, "bauta CPU [ms]", "upstream CPU [ms]", "netavark CPU [ms]", "runs"],
      rows.map(({ operation, others, bauta, upstream, netavark, toUpstream, toNetavark }) => {
        const [ours = [], first = [], second = []] = [bauta, upstream, netavark].map(cell);
        return [
          ...[operation, count(others), ours[0], first[0], second[0], parts(toUpstream), parts(toNetavark)],
          ...[ours[1], first[1], second[1]],
          [bauta, upstream, netavark].flatMap((figure) => (figure === undefined ? [] : `${figure.runs}`)).join(", "),
        ].map((text) => text ?? "");
      }),
    ),
    `New flows (one UDP datagram each) through these rules: "out" from the container that was attached last, "published" from outside to its
UDP port. netavark masquerades a network by one rule, so only its published ports are more with more containers.`,
    table(
      ["-rules", "others", "-direction", "-family", "flows a second", "median [µs]", "99 % [µs]"],
      opened.map(({ product, others, direction, family, flowsPerSecond, medianUs, p99Us }) => [
        ...[product, count(others), direction, `IPv${family}`, count(Math.round(flowsPerSecond))],
        ...[time(medianUs), time(p99Us)],
      ]),
    ),
  ];
}

/** @param {import("./memory.mjs").Memory} result */
function memory({ rows, rounds }) {
  const cells = (/** @type {import("./memory.mjs").Sizes} */ { kib, child }) => [
    megabytes(kib),
    ...(child === undefined ? ["", ""] : [child.program, megabytes(child.kib)]),
  ];
  const head = ["bauta", "-largest program that it starts", "its memory"];
  return [
    `## Memory of an ADD

The largest resident size (VmHWM) of each process, read as it ends: of the plugin itself, and of the largest program that it starts.
The largest of ${rounds} runs. The node's policy for forwarded packets is to drop them.`,
    table(
      ["-plugin", ...head, "upstream", "-largest program that it starts", "its memory"],
      rows.map(({ plugin, bauta, upstream }) => [plugin, ...cells(bauta), ...cells(upstream)]),
    ),
  ];
}

/** @param {import("./bandwidth.mjs").Bandwidth} result */
function bandwidth({ rows, rounds }) {
  const cells = (/** @type {number} */ found, /** @type {number | undefined} */ rate) => [
    rateText(found),
    rate === undefined ? "" : `${((found / rate - 1) * 100).toFixed(1)} %`,
  ];
  return [
    `## Limits of bandwidth

One stream of TCP with full frames, headers counted, once the burst (10 ms, or 64 KiB) is spent. The kernel hands packets over in lumps
of up to 64 KiB (GSO). The row without a limit says what the machine carries. Medians of ${rounds} runs.`,
    table(
      ["asked for", "the container receives", "off by", "the container sends", "off by"],
      rows.map(({ rate, ingress, egress }) => [
        rate === undefined ? "no limit" : rateText(rate),
        ...cells(ingress, rate),
        ...cells(egress, rate),
      ]),
    ),
  ];
}

/** @param {import("./operations.mjs").Operations} result */
function operationTable({ rows }) {
  const head = ["-operation", "others", "bauta [ms]", "upstream [ms]", "ratio", "growth"];
  return table(
    [...head, "bauta CPU [ms]", "upstream CPU [ms]", "runs"],
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
  );
}

/** @param {import("./floor.mjs").Floor} result */
function floor({ rows, start, bareDelete, rounds }) {
  const head = ["-operation", "others", "whole [ms]", "kernel", "start-up", "our own"];
  return [
    `## The floor: what the kernel takes

The system calls of our own executable are recorded once, with all that they send. A small C program that has everything
prepared makes them again: this is the kernel's own time for the operation. To start and end an empty C program takes
${time(start.nothing)} ms, an empty program on the engine ${time(start.engine)} ms, our VERSION ${time(start.version)} ms,
upstream's ${time(start.upstream)} ms. What is left of the whole process is our own time. Medians of ${rounds} rounds, each
with a new namespace for the container.`,
    table(
      [...head, "CPU of the whole", "system calls", "sends"],
      rows.map((row) => [
        row.operation,
        count(row.others),
        ...[row.wholeMs, row.kernelMs, row.startMs, row.ownMs, row.cpuMs].map(time),
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
    "Where the kernel's time goes, with one other attachment (microseconds, what is above 1 %):",
    ...rows.filter(({ operation, others }) => operation.startsWith("bridge") && others === 1).map(partsTable),
  ];
}

/** @param {import("./floor.mjs").FloorRow} row */
function partsTable({ operation, kernelMs, parts: groups }) {
  const shown = groups.filter(({ us }) => us > kernelMs * 10);
  return table(
    [`-${operation}`, "µs"],
    shown.map(({ label, us }) => [label, us.toFixed(0)]),
  );
}

/** @param {import("./flows.mjs").Flows} result */
function flows({ rows, rounds }) {
  return [
    `## New flows

One UDP datagram each, from the container that was attached last. The time includes forwarding, connection tracking and the
masquerade. "One rule" is \`oifname uplink masquerade\` alone, written by hand; the ratio is that of the median times.
${rounds} rounds.`,
    table(
      ["-rules, attachments", "-family", "flows a second", "median [µs]", "99 % [µs]", "to one rule"],
      rows.map((row) => [
        row.name,
        `IPv${row.family}`,
        count(Math.round(row.flowsPerSecond)),
        time(row.medianUs),
        time(row.p99Us),
        factor(row.toHandWritten),
      ]),
    ),
  ];
}
