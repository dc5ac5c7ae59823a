// The table of docs/reliability.md: what it counts.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { type Kept, pageWith } from "./page.mjs";

const PAGE = readFileSync(new URL("../../docs/reliability.md", import.meta.url), "utf8");

const walk = (scenario: string, verb: string, section: "kill" | "fail", points: number, ...faults: string[]): Kept => ({
  ...{ scenario, name: `${scenario} ${verb}`, section, points, faults },
});
const ALL = [
  walk("ptp", "ADD", "kill", 110),
  walk("ptp", "ADD", "fail", 1000),
  walk("sbr", "ADD", "kill", 90, "a rule stays"),
];
const list = { kernel: "6.18", notHere: ["vlan (8021q)"], walks: ALL };

it("the table adds up the points of each scenario, and its faults", () => {
  const page = pageWith(PAGE, list, ALL);
  expect(page).toContain("Linux 6.18; not there, for want of a module: vlan (8021q).\n");
  expect(page).toContain("| ptp | 2 of 2 | 110 | 1,000 | 0 |\n| sbr | 1 of 1 | 90 | 0 | 1 |\n");
  expect(page).toContain("| **all** | 3 of 3 | 200 | 1,000 | 1 |\n");
  expect(pageWith(page, list, ALL)).toBe(page);
});

it("the table tells which walks have never run", () => {
  expect(pageWith(PAGE, list, ALL.slice(1))).toContain("| ptp | 1 of 2 | 0 | 1,000 | 0 |\n");
});
