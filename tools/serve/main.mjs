// Builds the viewer and runs it with the executable of this checkout. Arguments are bauta-viewer's.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import "../../viewer/build.mjs";

const dist = join(import.meta.dirname, "../../dist");
const program = join(dist, "viewer/bauta-viewer.mjs");
const args = [program, "serve", "--bauta", join(dist, "bauta"), ...process.argv.slice(2)];
process.exitCode = spawnSync(process.execPath, args, { stdio: "inherit" }).status ?? 1;
