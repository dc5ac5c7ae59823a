// docs/benchmarks/: the figures as JSON, the page with the figures that matter to users, the evidence, and the picture.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { evidenceOf } from "./evidence.mjs";
import { overviewOf } from "./overview.mjs";
import { pictureOf } from "./picture.mjs";
import { root } from "./sides.mjs";

/** @typedef {import("./main.mjs").Results} Results */

export const DIRECTORY = `${root}docs/benchmarks/`;

/** The figures that are recorded, or none. @returns {Results} */
export function readResults() {
  const file = `${DIRECTORY}results.json`;
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : { machine: "", size: 0, measured: {} };
}

/** Writes all files of the report. @param {Results} results */
export function writeReport(results) {
  for (const [name, text] of Object.entries(filesOf(results))) writeFileSync(`${DIRECTORY}${name}`, text);
}

/**
 * The text of each file of the report.
 * @param {Results} results
 * @returns {Record<string, string>}
 */
export function filesOf(results) {
  const kept = JSON.stringify(results, rounded, 2);
  const figures = JSON.parse(kept); // so that all files come from the digits that are recorded
  return {
    "results.json": `${kept}\n`,
    "README.md": overviewOf(figures),
    "evidence.md": evidenceOf(figures),
    "scale.svg": pictureOf(figures),
  };
}

/**
 * No more digits than were measured.
 * @param {string} _key
 * @param {unknown} value
 */
const rounded = (_key, value) =>
  typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
