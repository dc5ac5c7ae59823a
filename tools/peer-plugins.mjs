// Prints the directory of containernetworking/plugins' own executables, as Debian packages them, for the tests and the
// benchmark that run beside them. They are unpacked under build/peer: nothing is installed. BAUTA_PEER_DIR names another.

import { join } from "node:path";
import { unpackOnce } from "./apt.mjs";

/** The first release of Debian with version 1.9.1. */
const SUITE = "forky";

/** @returns {string} */
function peerDirectory() {
  const { BAUTA_PEER_DIR: given } = process.env;
  if (given) return given;
  const directory = join(import.meta.dirname, "../build/peer", SUITE);
  unpackOnce(SUITE, ["containernetworking-plugins"], directory);
  return join(directory, "usr/lib/cni");
}

process.stdout.write(`${peerDirectory()}\n`);
