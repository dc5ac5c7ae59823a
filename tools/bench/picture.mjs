// The picture of the speed: how long it takes to attach a container, and how many new flows a second there can be, against the number
// of containers that the node has.
import * as echarts from "echarts";
import { count } from "./tables.mjs";

/**
 * @typedef {import("./main.mjs").Results} Results
 * @typedef {import("./sides.mjs").Product} Product
 * @typedef {{ product: Product, containers: number, value: number | undefined }} Point
 * @typedef {{ title: string, unit: string, points: readonly Point[] }} Panel
 */

/** Each colour on a light background, and what it becomes on a dark one. */
const COLOURS = {
  text: ["#1f2328", "#f0f6fc"],
  faint: ["#59636e", "#9198a1"],
  grid: ["#d1d9e0", "#3d444d"],
  bauta: ["#1a7f37", "#3fb950"],
  upstream: ["#818b98", "#7d8590"],
  netavark: ["#bc4c00", "#f0883e"],
};
const [text, faint, grid] = [COLOURS.text[0], COLOURS.faint[0], COLOURS.grid[0]];
/** The shapes tell the lines apart where colours do not. */
const PRODUCTS = /** @type {const} */ ({
  bauta: { name: "bauta", symbol: "circle" },
  upstream: { name: "containernetworking/plugins", symbol: "rect" },
  netavark: { name: "netavark", symbol: "triangle" },
});
const [WIDTH, HEIGHT] = [760, 350];
const MARGINS = { left: 44, right: 24, top: 112, bottom: 56 };

/**
 * What there is to show. All lines come from one run where netavark has been measured; without it the picture has the two others,
 * from the sections that measure these.
 * @param {Results} results
 * @returns {{ subtitle: string, panels: readonly Panel[] }}
 */
function contentOf({ netavark, operations, flows }) {
  const adding = { title: "Attaching one more container", unit: "milliseconds: lower is better" };
  const opening = { title: "New flows a second", unit: "from a container: higher is better" };
  if (netavark === undefined) {
    const rows = operations?.rows.filter(({ operation, others }) => operation === "bridge ADD" && others !== 1) ?? [];
    const added = rows.flatMap((row) => pointsOf(row, ["bauta", "upstream"]));
    /** @type {Point[]} */
    const opened = (flows?.rows ?? []).flatMap(({ rules, attachments: containers, family, flowsPerSecond: value }) =>
      family === 4 && (rules === "bauta" || rules === "upstream") ? { product: rules, containers, value } : [],
    );
    const subtitle = "IPv4 and IPv6 on a bridge, and masquerade";
    return {
      subtitle,
      panels: [
        { ...adding, points: added },
        { ...opening, points: opened },
      ],
    };
  }
  const rows = netavark.rows.filter(({ operation }) => operation === "ADD");
  const added = rows.flatMap((row) => pointsOf(row, ["bauta", "upstream", "netavark"]));
  const opened = (/** @type {import("./peer-flows.mjs").Direction} */ wanted) =>
    netavark.flows
      .filter(({ direction, family }) => direction === wanted && family === 4)
      .map(({ product, others, flowsPerSecond: value }) => ({ product, containers: containersOf(others), value }));
  const panels = [
    { ...adding, points: added },
    { ...opening, points: opened("out") },
    { ...opening, unit: "to a published port: higher is better", points: opened("published") },
  ];
  return { subtitle: "IPv4 and IPv6 on a bridge, masquerade, and two published ports each", panels };
}

/** The axis has no place for 0. @param {number} others */
const containersOf = (others) => Math.max(1, others);

/**
 * @param {{ others: number } & Partial<Record<Product, { ms: number }>>} row
 * @param {readonly Product[]} products
 * @returns {Point[]}
 */
const pointsOf = (row, products) =>
  products.map((product) => ({ product, containers: containersOf(row.others), value: row[product]?.ms }));

/** `1,480`, `112k`: as much as there is room for. @param {number} value */
const short = (value) =>
  value < 10_000 ? count(Number(value.toPrecision(3))) : `${Number((value / 1000).toPrecision(3))}k`;
/** @param {number} value */
const decade = (value) => (value < 1000 ? `${value}` : value < 1e6 ? `${value / 1000}k` : `${value / 1e6}M`);

/**
 * An SVG that follows the reader's choice of a light or a dark page.
 * @param {Results} results
 */
export function pictureOf(results) {
  const { subtitle, panels } = contentOf(results);
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height: HEIGHT });
  const part = WIDTH / panels.length;
  const style = { fontSize: 13, color: text };
  const axis = {
    ...{ type: "log", axisLine: { lineStyle: { color: grid } }, axisTick: { show: false } },
    ...{ axisLabel: { fontSize: 12, color: faint, formatter: decade }, minorSplitLine: { show: false } },
    splitLine: { lineStyle: { color: grid } },
  };
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: "system-ui, sans-serif" },
    title: [
      title(`Containers with ${subtitle}`, 8, 6, { fontSize: 14 }),
      ...panels.map(({ title: own }, i) => title(own, part * i + 8, 56, { fontSize: 13 })),
      ...panels.map(({ unit }, i) =>
        title(unit, part * i + 8, 76, { fontSize: 12, color: faint, fontWeight: "normal" }),
      ),
    ],
    legend: { top: 26, left: 4, itemGap: 24, borderColor: grid, selectedMode: false, textStyle: style },
    grid: panels.map((_, i) => ({
      ...MARGINS,
      left: part * i + MARGINS.left,
      width: part - MARGINS.left - MARGINS.right,
    })),
    xAxis: panels.map((_, gridIndex) => ({
      ...{ ...axis, gridIndex, min: 1, name: "containers on the node", nameLocation: "middle", nameGap: 28 },
      nameTextStyle: { fontSize: 12, color: faint },
    })),
    yAxis: panels.map((_, gridIndex) => ({ ...axis, gridIndex })),
    series: panels.flatMap(({ points }, i) => productsOf(points).map((product) => lineOf(product, points, i))),
  });
  // Lines and clip paths have a black filling, which nobody sees.
  const svg = chart.renderToSVGString().replaceAll('fill="#000"', 'fill="none"');
  chart.dispose();
  const dark = Object.values(COLOURS).flatMap(([from, to]) => [
    `[fill="${from}"]{fill:${to}}`,
    `[stroke="${from}"]{stroke:${to}}`,
  ]);
  return `${svg.replace(/>/, `><style>@media (prefers-color-scheme: dark){${dark.join("")}}</style>`)}\n`;
}

/** @param {string} own @param {number} left @param {number} top @param {object} style */
const title = (own, left, top, style) => ({
  ...{ text: own, left, top, padding: 0, borderColor: grid, textAlign: "left" },
  textStyle: { color: text, ...style },
});

/** Those of which there are figures. @param {readonly Point[]} points */
const productsOf = (points) =>
  /** @type {Product[]} */ (Object.keys(PRODUCTS)).filter((product) =>
    points.some((point) => point.product === product && point.value !== undefined),
  );

/**
 * What the line of a product goes through, from few containers to many.
 * @param {Product} product
 * @param {readonly Point[]} points
 */
const dataOf = (product, points) =>
  points
    .flatMap(({ product: whose, containers, value }) =>
      whose === product && value !== undefined ? [/** @type {const} */ ([containers, value])] : [],
    )
    .toSorted(([a], [b]) => a - b);

/**
 * One line, with its last figure: above it where it is the highest of all, below it elsewhere, so that none covers another.
 * @param {Product} product
 * @param {readonly Point[]} points
 * @param {number} index
 */
function lineOf(product, points, index) {
  const data = dataOf(product, points);
  const highest = Math.max(...productsOf(points).map((one) => dataOf(one, points).at(-1)?.[1] ?? 0));
  const position = data.at(-1)?.[1] === highest ? "top" : "bottom";
  const { name, symbol } = PRODUCTS[product];
  return {
    ...{ name, type: "line", silent: true, xAxisIndex: index, yAxisIndex: index, symbol, symbolSize: 7 },
    ...{ lineStyle: { width: 2 }, color: COLOURS[product][0] },
    data: data.map((value, i) => ({
      value,
      label: {
        ...{ show: i === data.length - 1, position, fontSize: 12, color: text },
        formatter: short(value[1]),
      },
    })),
  };
}
