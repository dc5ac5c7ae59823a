// Markdown tables, and figures as their cells show them.

/**
 * @param {readonly string[]} head Those that begin with `-` are text, all others numbers.
 * @param {readonly (readonly string[])[]} rows
 */
export function table(head, rows) {
  const line = (/** @type {readonly string[]} */ cells) => `| ${cells.join(" | ")} |`;
  const titles = head.map((title) => title.replace(/^-/, ""));
  const rule = head.map((title) => (title.startsWith("-") ? "---" : "---:"));
  return [line(titles), `|${rule.join("|")}|`, ...rows.map(line)].join("\n");
}

/** @param {number} value */
export const count = (value) => value.toLocaleString("en");
/** With three digits. @param {number} ms */
export const milliseconds = (ms) => `${count(Number(ms.toPrecision(3)))} ms`;
/** @param {number} ms */
export const time = (ms) => ms.toFixed(2);
/** Below 1 as `1/12`. @param {number} value */
export const fractionText = (value) => (value < 1 ? `1/${(1 / value).toFixed(value < 0.1 ? 0 : 1)}` : value.toFixed(2));
/** @param {number} kib */
export const mebibytes = (kib) => (kib / 1024).toFixed(1);

/** @param {number} kib */
export const megabytes = (kib) => `${((kib * 1024) / 1e6).toFixed(2)} MB`;
/** @param {number} bits Per second. */
export const rateText = (bits) =>
  bits >= 999.5e6 ? `${(bits / 1e9).toFixed(3)} Gbit/s` : `${(bits / 1e6).toFixed(3)} Mbit/s`;

/** @param {import("./statistics.mjs").Ratio | undefined} ratio Below 1, as fractions. */
export const parts = (ratio) =>
  ratio === undefined ? "" : `${fractionText(ratio.value)} (${fractionText(ratio.low)} – ${fractionText(ratio.high)})`;
/** @param {import("./statistics.mjs").Ratio | undefined} ratio */
export const factor = (ratio) =>
  ratio === undefined ? "" : `${ratio.value.toFixed(2)} (${ratio.low.toFixed(2)} – ${ratio.high.toFixed(2)})`;

/**
 * A table of times and how they compare.
 * @param {readonly string[]} head
 * @param {readonly { operation: string, others: number, figures: readonly number[], ratios:
 *   readonly import("./statistics.mjs").Ratio[] }[]} rows
 */
export const ratioTable = (head, rows) =>
  table(
    head,
    rows.map(({ operation, others, figures, ratios }) => [
      operation,
      count(others),
      ...figures.map(time),
      ...ratios.map(factor),
    ]),
  );
