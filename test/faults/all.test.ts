// Every point of every walk: npm run test:faults. npm test takes some of each, others every day: test/e2e/faults.test.ts.

import { mkdirSync, writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { NOT_HERE, registerWalks } from "./register.ts";

const OUTCOMES = fileURLToPath(new URL("../../build/faults", import.meta.url));
const only = process.env["BAUTA_FAULTS_ONLY"] ?? "";
/** Of each walk; all where it is not given. */
const count = Number(process.env["BAUTA_FAULTS_POINTS"] ?? 0);

function write(name: string, value: object): void {
  writeFileSync(join(OUTCOMES, name), `${JSON.stringify(value, undefined, 1)}\n`);
}

mkdirSync(OUTCOMES, { recursive: true });
const walks = registerWalks({
  choice: count === 0 ? "all" : { seed: 0, count },
  isWanted: (title) => title.includes(only),
  keep: (walked, outcome) => {
    write(`${walked.name} ${walked.section}.walk.json`.replaceAll(/[^a-z0-9.]+/gi, "-"), { ...walked, ...outcome });
  },
});
write("list.json", { kernel: release(), notHere: NOT_HERE, walks });
