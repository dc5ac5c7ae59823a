// docs/benchmarks/: the figures as JSON, as Markdown tables and as plots.
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { markdownOf } from "./markdown.mjs";
import { plotsOf } from "./plots.mjs";

const directory = fileURLToPath(new URL("../../docs/benchmarks/", import.meta.url));
export const RESULTS = `${directory}results.json`;

/** @param {import("./bench.mjs").Results} results */
export function writeReport(results) {
  mkdirSync(directory, { recursive: true });
  const plots = plotsOf(results);
  writeFileSync(RESULTS, `${JSON.stringify(results, rounded, 2)}\n`);
  writeFileSync(`${directory}README.md`, markdownOf(results, [...plots.map(({ file }) => file), ...otherReports()]));
  for (const { file, svg } of plots) writeFileSync(`${directory}${file}`, svg);
}

/** Written by others; plots of sections that have not been measured are none of these. */
const otherReports = () => readdirSync(directory).filter((name) => name.endsWith(".md") && name !== "README.md");

/**
 * No more digits than were measured.
 * @param {string} _key
 * @param {unknown} value
 */
const rounded = (_key, value) =>
  typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
