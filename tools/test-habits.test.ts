// What tests and tools do in one way only: they wait as engine/patience.mjs says, and start what runs beside a test by
// test/support/background.ts.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const FILES = ["test", "tools", "engine", "src"]
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name)),
  )
  .filter((file) => /^(test|tools|engine)\/.*\.(ts|mjs|sh)$|\.test\.ts$/.test(file))
  .filter((file) => file !== "tools/test-habits.test.ts" && !file.startsWith("tools/bench/"));

/** What gives a number of its own to a wait. Elements of nftables have time-outs, too: bigints here, and "1h" in nft's words. */
const DEADLINE = [
  /\b(timeout|testTimeout|hookTimeout)["']?: *["\d][\d_]{3,}(?![\d_n])/,
  /\btimeout (-k \d+ )?\d+ /,
  /"timeout", "\d/,
  // A ping that shall have no answer has one second (outside.ts).
  /"-W(?!1")\d+"/,
  /\b(performance|Date)\.now\(\) \+ \d/,
  // The last argument of a test or a hook.
  /^ *\}, *\d[\d_]*\);$/,
];

it.each(FILES)("%s has no deadline of its own", (file) => {
  const lines = readFileSync(join(ROOT, file), "utf8").split("\n");
  expect(lines.filter((line) => DEADLINE.some((one) => one.test(line)))).toEqual([]);
});

/** These look themselves at how each program ends that they start. */
const STARTERS = [
  "test/e2e/bad-input/output.test.ts",
  "test/e2e/ipam-concurrent.test.ts",
  "test/e2e/ptp.test.ts",
  "test/runtimes/containerd.test.ts",
  "test/runtimes/containerd.ts",
  "test/support/background.ts",
  "test/support/plugin.ts",
];

it.each(FILES.filter((file) => file.startsWith("test/")))(
  "%s starts no program that may be missing unnoticed",
  (file) => {
    const [imported = ""] =
      /import [^;]* from "node:child_process";/.exec(readFileSync(join(ROOT, file), "utf8")) ?? [];
    expect(/\bspawn\b|\bexec\b|\bfork\b/.test(imported)).toBe(STARTERS.includes(file));
  },
);
