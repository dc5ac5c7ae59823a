// Prints the directory of podman, containerd and what they need, as Debian packages them: unpacked under build/runtimes,
// where nothing of the machine's own is touched.

import { join } from "node:path";
import { unpackOnce } from "../apt.mjs";

/** The last release whose podman knows CNI. */
const SUITE = "bookworm";
/** Programs, and the libraries that are on few machines. */
const PACKAGES = ["podman", "containerd", "runc", "conmon", "busybox-static"];
PACKAGES.push(
  "libassuan0",
  "libgpg-error0",
  "libdevmapper1.02.1",
  "libglib2.0-0",
  "libgpgme11",
  "libseccomp2",
  "libsubid4",
);

const directory = join(import.meta.dirname, "../../build/runtimes", SUITE);
unpackOnce(SUITE, PACKAGES, directory);
process.stdout.write(`${directory}\n`);
