// Prints the directory of firewalld, as Debian packages it, for the tests that talk to it. It is unpacked under build/firewalld
// and not installed: its installation would start it.

import { join } from "node:path";
import { unpackOnce } from "./apt.mjs";

const SUITE = "bookworm";
const directory = join(import.meta.dirname, "../build/firewalld", SUITE);
unpackOnce(SUITE, ["firewalld", "python3-firewall", "python3-nftables"], directory);
process.stdout.write(`${directory}\n`);
