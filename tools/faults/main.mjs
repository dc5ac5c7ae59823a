// npm run test:faults: runs the walks of test/faults, and writes down how many points have been tried.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { pageWith } from "./page.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OUTCOMES = join(ROOT, "build/faults");
const PAGE = join(ROOT, "docs/reliability.md");

const HELP = `Usage: npm run test:faults [-- OPTION...]

Kills each call of a plugin, and of the bauta command, before each of its system
calls, and fails each of its system calls once with each error that the call may
give. After each of these points the runtime's next call must leave nothing, a
new attachment must work, and what is somebody else's must be as it was.

  --only TEXT    only walks whose title has this text in it: "bridge ADD", "killed"
  --points N     so many points of each walk, evenly spaced; all unless given
  --new          forget what earlier runs have found
  --help         this text

What has come of each walk is kept in build/faults, and the table in
docs/reliability.md is written from that.
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean" },
    new: { type: "boolean" },
    only: { type: "string", default: "" },
    points: { type: "string", default: "0" },
  },
});
if (values.help) {
  process.stdout.write(HELP);
  process.exit(0);
}
if (values.new) rmSync(OUTCOMES, { recursive: true, force: true });
mkdirSync(OUTCOMES, { recursive: true });

const command = ["test/support/run-in-namespaces.sh", "vitest", "run", "--project", "faults"];
const env = { ...process.env, BAUTA_FAULTS_ONLY: values.only, BAUTA_FAULTS_POINTS: values.points };
const { status } = spawnSync("bash", command, { cwd: ROOT, env, stdio: "inherit" });

/** @returns {import("./page.mjs").Kept[]} */
function keptOutcomes() {
  const names = readdirSync(OUTCOMES).filter((name) => name.endsWith(".walk.json"));
  return names.map((name) => JSON.parse(readFileSync(join(OUTCOMES, name), "utf8")));
}

const list = join(OUTCOMES, "list.json");
if (existsSync(list)) {
  /** @type {import("./page.mjs").List} */
  const walks = JSON.parse(readFileSync(list, "utf8"));
  writeFileSync(PAGE, pageWith(readFileSync(PAGE, "utf8"), walks, keptOutcomes()));
}
process.exitCode = status ?? 1;
