// docs/benchmarks/: the figures as JSON, as Markdown tables and as plots.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { fileURLToPath } from "node:url";
import * as echarts from "echarts";

const directory = fileURLToPath(new URL("../../docs/benchmarks/", import.meta.url));

/**
 * @param {readonly import("./bench.mjs").Row[]} rows
 * @param {readonly import("./bench.mjs").FlowRow[]} flows
 * @param {number} size Of our executable, in bytes.
 */
export function report(rows, flows, size) {
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}results.json`, `${JSON.stringify({ machine: machine(), size, rows, flows }, null, 2)}\n`);
  writeFileSync(`${directory}README.md`, markdown(rows, flows, size));
  for (const verb of ["ADD", "DEL"]) {
    const series = ["bridge", "ptp"].flatMap((type) =>
      /** @type {const} */ (["bauta", "upstream"]).map((side) => ({
        name: `${type}, ${side}`,
        points: rows
          .filter(({ operation }) => operation === `${type} ${verb}`)
          .map((row) => [row.others, row[side].ms]),
      })),
    );
    plot(`${verb.toLowerCase()}.svg`, `${verb}, dual stack with ipMasq`, "median time of the process [ms]", series);
  }
  const series = /** @type {const} */ (["bauta", "upstream"]).flatMap((side) =>
    [4, 6].map((family) => ({
      name: `IPv${family}, ${side}`,
      points: flows.filter((row) => row.family === family).map((row) => [row.others, row[side]]),
    })),
  );
  plot("flows.svg", "A new flow through the masquerade", "time a flow [µs]", series);
}

function machine() {
  return `${cpus().length} × ${cpus()[0]?.model}, Linux ${release()}`;
}

/** @param {number} ratio Ours to upstream's. */
const times = (ratio) => (ratio < 1 ? `1/${(1 / ratio).toFixed(ratio < 0.1 ? 0 : 1)}` : ratio.toFixed(2));

/**
 * @param {readonly import("./bench.mjs").Row[]} rows
 * @param {readonly import("./bench.mjs").FlowRow[]} flows
 * @param {number} size
 */
function markdown(rows, flows, size) {
  const operations = rows.map(({ operation, others, bauta, upstream }) => {
    const ms = `${bauta.ms.toFixed(2)} | ${upstream.ms.toFixed(2)} | ${times(bauta.ms / upstream.ms)}`;
    const memory = `${(bauta.kib / 1024).toFixed(1)} | ${(upstream.kib / 1024).toFixed(1)}`;
    return `| ${operation} | ${others.toLocaleString("en")} | ${ms} | ${memory} | ${bauta.runs} |`;
  });
  const flowRows = flows.map(
    ({ family, others, bauta, upstream }) =>
      `| IPv${family} | ${others.toLocaleString("en")} | ${bauta.toFixed(1)} | ${upstream.toFixed(1)} | ${(upstream / bauta).toFixed(1)} |`,
  );
  return `# Benchmarks

Written by \`npm run bench\`: bauta beside containernetworking/plugins 1.9.1 as Debian packages it, in turn, in one run,
each on a node (network namespace) of its own on the same kernel. Configuration: dual stack, \`ipMasq\` with nftables,
\`host-local\`. "Others" are attachments on the same network that are there already: for each, the rules that the side
itself makes, and the reserved addresses. One more container is then attached and detached again and again.

Machine: ${machine()}. The executable with all plugins and the \`bauta\` command: ${(size / 1e6).toFixed(2)} MB.

## Whole processes, from the runtime's side

Median wall time; memory is the largest resident size of any of the processes in any run.

| operation | others | bauta [ms] | upstream [ms] | ratio | bauta [MiB] | upstream [MiB] | runs |
|---|---:|---:|---:|---:|---:|---:|---:|
${operations.join("\n")}

![ADD](add.svg)
![DEL](del.svg)

## New flows

One datagram a flow, from a container that was attached last; conntrack, masquerade and forwarding are in the time. With
upstream's rules the packet walks past those of all others first.

| family | others | bauta [µs] | upstream [µs] | times faster |
|---|---:|---:|---:|---:|
${flowRows.join("\n")}

![new flows](flows.svg)
`;
}

/**
 * @param {string} file
 * @param {string} title
 * @param {string} unit
 * @param {readonly { name: string, points: readonly (readonly number[])[] }[]} series
 */
function plot(file, title, unit, series) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 760, height: 420 });
  const categories = series[0]?.points.map(([others = 0]) => others.toLocaleString("en")) ?? [];
  chart.setOption({
    animation: false,
    backgroundColor: "#fff",
    title: { text: title, left: "center" },
    legend: { bottom: 0 },
    grid: { left: 70, right: 30, top: 50, bottom: 80 },
    xAxis: { type: "category", name: "other attachments", nameLocation: "middle", nameGap: 28, data: categories },
    yAxis: { type: "log", name: unit, nameLocation: "middle", nameGap: 48 },
    series: series.map(({ name, points }) => ({ name, type: "line", data: points.map(([, value]) => value) })),
  });
  writeFileSync(`${directory}${file}`, chart.renderToSVGString());
  chart.dispose();
}
