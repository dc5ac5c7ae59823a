import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { aimsOf } from "./aims.mjs";
import { evidenceOf } from "./evidence.mjs";
import type { Results } from "./main.mjs";
import { overviewOf } from "./overview.mjs";
import { pictureOf } from "./picture.mjs";
import { DIRECTORY, filesOf, readResults } from "./report.mjs";
import { root } from "./sides.mjs";

const ratio = { value: 0.1, low: 0.09, high: 0.2 };
const figure = { ms: 5.004, low: 4, high: 6, cpuMs: 3, kib: 2048, runs: 9 };
const upstream = { ...figure, ms: 50, kib: 20_480, runs: 3 };
const flow = { attachments: 10_000, family: 4 as const, meanUs: 8, p99Us: 9, toHandWritten: ratio };
const NOTHING: Results = { machine: "one processor", size: 1_330_000, measured: {} };
const RESULTS: Results = {
  ...NOTHING,
  measured: { operations: "abc1234, 2026-01-01" },
  operations: {
    rounds: 9,
    rows: [
      { operation: "bridge ADD", others: 10_000, bauta: figure, upstream, ratio },
      {
        operation: "bridge ADD",
        others: 100_000,
        bauta: figure,
        growth: { value: 1.2, low: 1, high: 1.2 },
      },
    ],
  },
  flows: {
    rounds: 1,
    rows: [
      { ...flow, name: "bauta, 10,000", rules: "bauta", flowsPerSecond: 100_000, medianUs: 8 },
      { ...flow, name: "upstream, 10,000", rules: "upstream", flowsPerSecond: 4000, medianUs: 240 },
    ],
  },
};

const peerFlow = { family: 4 as const, others: 1000, p99Us: 20 };
const ALL: Results = {
  ...RESULTS,
  netavark: {
    version: "1.2.3",
    rounds: 3,
    rows: [
      {
        operation: "ADD",
        others: 1000,
        bauta: figure,
        upstream,
        netavark: upstream,
        toUpstream: ratio,
        toNetavark: ratio,
      },
      { operation: "ADD", others: 10_000, bauta: figure },
    ],
    flows: [
      { ...peerFlow, product: "bauta", direction: "published", flowsPerSecond: 100_000, medianUs: 10 },
      { ...peerFlow, product: "netavark", direction: "published", flowsPerSecond: 20_000, medianUs: 50 },
    ],
  },
  memory: {
    rounds: 1,
    rows: [
      { plugin: "portmap", bauta: { kib: 3000, child: { program: "nft", kib: 5000 } }, upstream: { kib: 7000 } },
      { plugin: "tuning", bauta: { kib: 4000 }, upstream: { kib: 7000 } },
    ],
  },
  bandwidth: {
    rounds: 1,
    rows: [
      { ingress: 2e10, egress: 1e10 },
      { rate: 1e6, ingress: 1e6, egress: 0.97e6 },
      { rate: 1e10, ingress: 1.02e10, egress: 0.9e10 },
    ],
  },
};

const tablesOf = (page: string): string[] =>
  page
    .trim()
    .split("\n\n")
    .filter((block) => block.startsWith("| "));

describe("docs/benchmarks", () => {
  it.each(Object.entries(filesOf(readResults())))("has in %s what the recorded figures say", (name, text) => {
    expect(readFileSync(`${DIRECTORY}${name}`, "utf8")).toBe(text);
  });

  it("has each fraction of upstream's time that the README names", () => {
    const readme = readFileSync(`${root}README.md`, "utf8");
    const named = [...readme.matchAll(/(?<![\w/.])1\/\d+(?![\w/.]*\w)/g)].map(([fraction]) => fraction);
    expect(named.length).toBeGreaterThan(0);
    const evidence = evidenceOf(readResults());
    for (const fraction of named) expect(evidence).toContain(`| ${fraction} `);
  });
});

describe("the first page", () => {
  it("has a line for each figure that has been measured of both sides", () => {
    const page = overviewOf(RESULTS);
    expect(tablesOf(page)[0]?.split("\n").slice(2)).toEqual([
      "| attach a container to a bridge (`bridge ADD`), 10,000 others | 5 ms | 50 ms | 10 × |",
      "| new IPv4 flows a second from the last of 10,000 containers | 100,000 | 4,000 | 25 × |",
      "| memory of `bridge ADD`, 10,000 others | 2.0 MiB | 20.0 MiB | 10 × |",
    ]);
    expect(page).toContain("Machine: one processor.");
    expect(page).toContain("operations at abc1234, 2026-01-01");
    expect(page).toContain("netavark: not measured yet.");
  });

  it("has a table of what has been measured beside netavark", () => {
    expect(tablesOf(overviewOf(ALL))[1]?.split("\n").slice(2)).toEqual([
      "| attach a container, 1,000 others | 5 ms | 50 ms | 10 × |",
      "| new IPv4 flows a second to a published port, 1,000 others | 100,000 | 20,000 | 5.0 × |",
    ]);
  });
});

describe("the evidence", () => {
  const page = evidenceOf(RESULTS);

  it("has a row for each figure, with empty cells where upstream has not been measured", () => {
    expect(page).toContain("| bridge ADD | 10,000 | 5.00 | 50.00 | 1/10.0 (1/11 – 1/5.0) |  | 3.00 | 3.00 | 9, 3 |");
    expect(page).toContain("| bridge ADD | 100,000 | 5.00 |  |  | 1.20 (1.00 – 1.20) | 3.00 |  | 9 |");
  });

  it("has no section without figures, but names the aims of that section", () => {
    expect(page).not.toContain("## The floor");
    expect(page).toMatch(/\| bridge ADD: our own time.* \| not measured \|/);
  });

  it("has tables whose rows are as long as their heads", () => {
    const tables = tablesOf(page);
    expect(tables).toHaveLength(3);
    for (const table of [...tables, ...tablesOf(evidenceOf(ALL))])
      expect(new Set(table.split("\n").map((line) => line.split("|").length)).size).toBe(1);
  });

  it("has what was measured beside netavark, of memory and of rates", () => {
    const all = evidenceOf(ALL);
    expect(all).toContain(
      "| ADD | 1,000 | 5.00 | 50.00 | 50.00 | 1/10.0 (1/11 – 1/5.0) | 1/10.0 (1/11 – 1/5.0) | 3.00 | 3.00 | 3.00 | 9, 3, 3 |",
    );
    expect(all).toContain("| ADD | 10,000 | 5.00 |  |  |  |  | 3.00 |  |  | 9 |");
    expect(all).toContain("| netavark | 1,000 | published | IPv4 | 20,000 | 50.00 | 20.00 |");
    expect(all).toContain("| portmap | 3.07 MB | nft | 5.12 MB | 7.17 MB |  |  |");
    expect(all).toContain("| 1.000 Mbit/s | 1.000 Mbit/s | 0.0 % | 0.970 Mbit/s | -3.0 % |");
    expect(all).toContain("| no limit | 20.000 Gbit/s |  | 10.000 Gbit/s |  |");
  });
});

describe("an aim", () => {
  const aim = (results: Results, wanted: RegExp) => {
    const found = aimsOf(results).filter((one) => wanted.test(one.wanted));
    expect(found).toHaveLength(1);
    return { reached: found[0]?.reached, isMet: found[0]?.isMet };
  };

  it("is met up to its limit, and not beyond it", () => {
    expect(aim(RESULTS, /^bridge ADD with 100,000 others: at most 1.15/)).toEqual({
      reached: "1.20 times",
      isMet: false,
    });
    expect(aim(RESULTS, /^new IPv4 flows .* of upstream's time/)).toEqual({ reached: "1/30", isMet: true });
    expect(aim({ ...NOTHING, size: 5e6 }, /on disk/)).toEqual({ reached: "5.00 MB", isMet: true });
    expect(aim({ ...NOTHING, size: 5_000_001 }, /on disk/).isMet).toBe(false);
  });

  it("says which plugin, and which program that it starts, is the largest", () => {
    expect(aim(ALL, /^memory of an ADD of any plugin/)).toEqual({
      reached: "4.10 MB (tuning; nft, which portmap starts, 5.12 MB)",
      isMet: false,
    });
  });

  it("counts the rate that is furthest off", () => {
    expect(aim(ALL, /^bandwidth: within 5 %/)).toEqual({ reached: "10.0 % (10.000 Gbit/s)", isMet: false });
  });

  it("is neither met nor missed where nothing has been measured", () => {
    const aims = aimsOf(NOTHING).filter(({ wanted }) => !wanted.includes("on disk"));
    expect(aims.length).toBeGreaterThan(20);
    for (const one of aims) expect(one).toMatchObject({ reached: "not measured", isMet: undefined });
  });
});

describe("the picture", () => {
  const textsOf = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  const svg = pictureOf(readResults());

  it("names those that have been measured, and no others, with their last figures", () => {
    const two = textsOf(pictureOf(RESULTS));
    for (const text of ["bauta", "containernetworking/plugins", "50", "5", "100k", "4,000"])
      expect(two).toContain(text);
    expect(two.filter((text) => text === "New flows a second")).toHaveLength(1);
    expect(two).not.toContain("netavark");
    const three = textsOf(pictureOf(ALL));
    for (const text of ["bauta", "containernetworking/plugins", "netavark", "50", "5", "100k", "20k"])
      expect(three).toContain(text);
    expect(three).not.toContain("4,000"); // of another run
  });

  it("has another value for each of its colours on a dark page", () => {
    for (const [picture, colours] of [
      [pictureOf(RESULTS), 5],
      [pictureOf(ALL), 6],
    ] as const) {
      const [, dark = ""] = /prefers-color-scheme: dark\){(.*?)}<\/style>/.exec(picture) ?? [];
      const drawn = picture.replace(/<style>.*?<\/style>/, "");
      const used = new Set([...drawn.matchAll(/(?:fill|stroke)="(#[0-9a-f]+)"/g)].map(([, colour = ""]) => colour));
      for (const colour of used) expect(dark).toContain(`[fill="${colour}"]{fill:#`);
      expect(used.size).toBe(colours);
    }
  });

  it("is small enough for a page", () => expect(svg.length).toBeLessThan(40_000));
});
