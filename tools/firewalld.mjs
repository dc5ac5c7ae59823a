// Prints the directory of firewalld, as Debian packages it, for the tests that talk to it. It is unpacked under build/firewalld
// and not installed: its installation would start it.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { unpackOnce } from "./apt.mjs";

/** The machine's Python runs it: Debian 12's firewalld takes a module that Python has no more since 3.13. */
const suite = spawnSync("/usr/bin/python3", ["-c", "import pipes"]).status === 0 ? "bookworm" : "trixie";

export const DIRECTORY = join(import.meta.dirname, "../build/firewalld", suite);

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  unpackOnce(suite, ["firewalld", "python3-firewall", "python3-nftables"], DIRECTORY);
  process.stdout.write(`${DIRECTORY}\n`);
}
