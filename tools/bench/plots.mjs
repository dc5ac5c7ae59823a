// Plots: time against the number of attachments, both axes logarithmic, upstream beside ours.
import * as echarts from "echarts";

/**
 * @typedef {{ name: string, points: number[][] }} Series Of pairs: attachments, value.
 * @typedef {{ file: string, svg: string }} Plot
 */

/** One colour for each side, dashes for the second kind. */
const COLOURS = { bauta: "#1f6feb", upstream: "#d1242f", other: "#57606a" };

/**
 * Those of the sections that have been measured.
 * @param {import("./bench.mjs").Results} results
 * @returns {Plot[]}
 */
export function plotsOf(results) {
  /** @type {Plot[]} */
  const plots = [];
  for (const verb of results.operations === undefined ? [] : ["ADD", "CHECK", "DEL"]) {
    const series = operationSeries(results.operations?.rows ?? [], verb);
    const title = `${verb}, dual stack with ipMasq`;
    plots.push({ file: `${verb.toLowerCase()}.svg`, svg: draw(title, "median time of the process [ms]", series) });
  }
  if (results.flows !== undefined) {
    const series = flowSeries(results.flows.rows);
    plots.push({ file: "flows.svg", svg: draw("A new flow through the masquerade", "median time [µs]", series) });
  }
  return plots;
}

/**
 * @param {readonly import("./operations.mjs").Row[]} rows
 * @param {string} verb
 * @returns {Series[]}
 */
function operationSeries(rows, verb) {
  return ["bridge", "ptp"].flatMap((type) =>
    /** @type {const} */ (["bauta", "upstream"]).map((side) => ({
      name: `${type}, ${side}`,
      points: rows
        .filter(({ operation }) => operation === `${type} ${verb}`)
        // with the one that is measured: a logarithmic axis has no 0
        .flatMap((row) => (row[side] === undefined ? [] : [[row.others + 1, row[side].ms]])),
    })),
  );
}

/**
 * @param {readonly import("./packets.mjs").PacketRow[]} rows
 * @returns {Series[]}
 */
function flowSeries(rows) {
  const most = Math.max(...rows.map(({ attachments }) => attachments));
  return [4, 6].flatMap((family) => {
    const own = rows.filter((row) => row.family === family);
    const sides = ["bauta", "upstream"].map((side) => ({
      name: `IPv${family}, ${side}`,
      points: own.filter(({ rules }) => rules === side).map((row) => [row.attachments, row.medianUs]),
    }));
    const flat = own.filter(({ rules }) => rules === "one rule" || rules === "no NAT");
    return [
      ...sides,
      ...flat.map((row) => ({ name: `IPv${family}, ${row.rules}`, points: [1, most].map((x) => [x, row.medianUs]) })),
    ];
  });
}

/**
 * @param {string} title
 * @param {string} unit
 * @param {readonly Series[]} series
 */
function draw(title, unit, series) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 760, height: 440 });
  const axis = { type: "log", nameLocation: "middle", minorSplitLine: { show: false } };
  chart.setOption({
    animation: false,
    backgroundColor: "#fff",
    title: { text: title, left: "center" },
    legend: { bottom: 0 },
    grid: { left: 75, right: 30, top: 50, bottom: 105 },
    xAxis: { ...axis, name: "attachments", nameGap: 28, axisLabel: { formatter: thousands } },
    yAxis: { ...axis, name: unit, nameGap: 50, axisLabel: { formatter: thousands } },
    series: series.filter(({ points }) => points.length > 0).map(line),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** @param {number} value */
const thousands = (value) => value.toLocaleString("en");

/**
 * @param {Series} series
 */
function line({ name, points }) {
  const color = name.includes("bauta") ? COLOURS.bauta : name.includes("upstream") ? COLOURS.upstream : COLOURS.other;
  const type = /ptp|IPv6/.test(name) ? "dashed" : "solid";
  return { name, type: "line", symbolSize: 6, itemStyle: { color }, lineStyle: { color, type }, data: points };
}
