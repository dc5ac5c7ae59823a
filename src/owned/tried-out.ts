// What this node has been found able to do, for STATUS: runtimes ask every few seconds, and trying costs the kernel a grace
// period (16 ms). A kernel does not lose parts that it has had: the marks are on tmpfs and end with the boot.

import { SyscallError } from "../sys/error.ts";
import { exists, makeDirectories, writeFile } from "../sys/file.ts";

const MARKS = "/run/bauta/tried-out";

/** Makes the attempt unless one of this name has succeeded since the node was started. */
export function tryOutOnce(name: string, attempt: () => void): void {
  const mark = `${MARKS}/${name}`;
  if (exists(mark)) return;
  attempt();
  try {
    makeDirectories(MARKS, 0o700);
    writeFile(mark, "");
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error; // then the next STATUS tries again
  }
}
