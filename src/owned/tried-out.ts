// What this node has been found able to do, for STATUS: runtimes ask every few seconds, and trying costs the kernel a grace
// period (16 ms). A kernel does not lose parts that it has had: the marks are on tmpfs and end with the boot.

import type { Command } from "../nftables/message.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { hasCode, SyscallError } from "../sys/error.ts";
import { exists, makeDirectories, writeFile } from "../sys/file.ts";

const MARKS = "/run/bauta/tried-out";

/** Makes the attempt of this name, unless an earlier success is enough. Throws what the attempt throws. */
export type TryOut = (name: string, attempt: () => void) => void;

/**
 * Has the kernel look at commands that make a feature's parts, unless it has once. Throws MissingPartError where the kernel
 * has not all that they take, or NetlinkError.
 */
export function tryOutParts(tryOut: TryOut, nft: Nftables, name: string, commands: readonly Command[]): void {
  tryOut(name, () => {
    try {
      nft.tryOut(commands);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error; // somebody has made them in the meantime
    }
  });
}

/** Whether an attempt of this name is known to have succeeded since the node was started. */
export function isTriedOut(name: string): boolean {
  try {
    return exists(`${MARKS}/${name}`);
  } catch (error) {
    if (error instanceof SyscallError) return false; // an ordinary user may not look
    throw error;
  }
}

/** Makes the attempt unless one of this name has succeeded since the node was started. */
export function tryOutOnce(name: string, attempt: () => void): void {
  if (isTriedOut(name)) return;
  attempt();
  try {
    makeDirectories(MARKS, 0o700);
    writeFile(`${MARKS}/${name}`, "");
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error; // then the next STATUS tries again
  }
}
