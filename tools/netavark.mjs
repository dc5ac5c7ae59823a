// Prints the directory of netavark, in the newest version that Debian has, for the benchmark: unpacked under build/peer with the
// C library that it was built for, so that it runs on any machine. Nothing is installed. BAUTA_NETAVARK_DIR names another.

import { join } from "node:path";
import { unpackOnce } from "./apt.mjs";

/** The suite that new versions come to first. */
const SUITE = "sid";
const PACKAGES = ["netavark", "libc6", "libgcc-s1"];

/** @returns {string} */
function netavarkDirectory() {
  const { BAUTA_NETAVARK_DIR: given } = process.env;
  if (given) return given;
  const directory = join(import.meta.dirname, `../build/peer/netavark-${SUITE}`);
  unpackOnce(SUITE, PACKAGES, directory);
  return directory;
}

process.stdout.write(`${netavarkDirectory()}\n`);
