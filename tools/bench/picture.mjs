// The picture of the speed: how long the attachment of a container takes, as bars beside upstream's.
import * as echarts from "echarts";
import { count, milliseconds } from "./tables.mjs";

/** Each colour on a light background, and what it becomes on a dark one. */
const COLOURS = {
  text: ["#1f2328", "#f0f6fc"],
  faint: ["#59636e", "#9198a1"],
  grid: ["#d1d9e0", "#3d444d"],
  bauta: ["#1a7f37", "#3fb950"],
  upstream: ["#afb8c1", "#656c76"],
};
const [text, faint, grid] = [COLOURS.text[0], COLOURS.faint[0], COLOURS.grid[0]];
const OTHERS = [0, 1000, 10_000];
const SIDES = /** @type {const} */ (["bauta", "upstream"]);

/**
 * An SVG that follows the reader's choice of a light or a dark page.
 * @param {import("./main.mjs").Results} results
 */
export function pictureOf(results) {
  const rows = OTHERS.map((others) =>
    results.operations?.rows.find((row) => row.operation === "bridge ADD" && row.others === others),
  );
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 760, height: 340 });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif" },
    title: {
      text: "Attaching one more container (bridge ADD, IPv4 and IPv6, masquerade)",
      left: 8,
      borderColor: grid,
      textAlign: "left",
      textStyle: { fontSize: 15, color: text },
    },
    legend: {
      top: 36,
      left: 4,
      itemHeight: 12,
      itemGap: 28,
      borderColor: grid,
      selectedMode: false,
      textStyle: { fontSize: 13, color: text },
    },
    grid: { left: 150, right: 80, top: 74, bottom: 58 },
    xAxis: {
      type: "log",
      min: 1,
      name: "milliseconds, logarithmic: shorter is better",
      nameLocation: "middle",
      nameGap: 32,
      nameTextStyle: { fontSize: 13, color: faint },
      axisLabel: { fontSize: 13, color: faint, formatter: count },
      splitLine: { lineStyle: { color: grid } },
      minorSplitLine: { show: false },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: OTHERS.map((others) => (others === 0 ? "no other containers" : `${count(others)} others`)),
      axisLabel: { fontSize: 13, color: text },
      axisLine: { lineStyle: { color: grid } },
      axisTick: { show: false },
    },
    series: SIDES.map((side) => ({
      name: side === "upstream" ? "containernetworking/plugins" : side,
      type: "bar",
      silent: true,
      barWidth: 22,
      barGap: "15%",
      itemStyle: { color: COLOURS[side][0] },
      label: {
        show: true,
        position: "right",
        fontSize: 13,
        color: text,
        formatter: (/** @type {{ value: number }} */ { value }) => milliseconds(value),
      },
      data: rows.map((row) => row?.[side]?.ms ?? "-"),
    })),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  const dark = Object.values(COLOURS).flatMap(([from, to]) => [
    `[fill="${from}"]{fill:${to}}`,
    `[stroke="${from}"]{stroke:${to}}`,
  ]);
  return `${svg.replace(/>/, `><style>@media (prefers-color-scheme: dark){${dark.join("")}}</style>`)}\n`;
}
