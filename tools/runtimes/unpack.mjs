// Prints the directory of podman, containerd and what they need, as Debian packages them: unpacked under build/runtimes,
// where nothing of the machine's own is touched.

import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Release } from "../apt.mjs";

/** The last release whose podman knows CNI. */
const SUITE = "bookworm";
/** Programs, and the libraries that are on few machines. */
const PACKAGES = ["podman", "containerd", "runc", "conmon", "busybox-static"];
PACKAGES.push("libassuan0", "libdevmapper1.02.1", "libglib2.0-0", "libgpgme11", "libseccomp2", "libsubid4");

const cache = join(import.meta.dirname, "../../build/runtimes");
const directory = join(cache, SUITE);
if (!existsSync(directory)) {
  const unfinished = `${directory}.${process.pid}`;
  mkdirSync(cache, { recursive: true });
  try {
    const release = new Release(SUITE, join(unfinished, "apt"));
    release.unpack(PACKAGES, join(unfinished, "root"));
    release.close();
    renameSync(join(unfinished, "root"), directory);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
process.stdout.write(`${directory}\n`);
