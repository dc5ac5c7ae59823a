// What another user runs: programs where everybody may execute them, and the command that becomes that user.

import { chmodSync, copyFileSync, linkSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const DIRECTORY = "/run/plugins";

/**
 * Copies an executable that has several names to a directory of its own, which every user can reach: a clone may lie below
 * one, /root say, that others may not enter. It is under /run, which is the test file's own. Returns the directory.
 */
export function forEverybody(directory: string, names: readonly string[]): string {
  mkdirSync(DIRECTORY);
  const [first = "", ...others] = names;
  copyFileSync(join(directory, first), join(DIRECTORY, first));
  chmodSync(join(DIRECTORY, first), 0o755);
  for (const name of others) linkSync(join(DIRECTORY, first), join(DIRECTORY, name));
  for (let path = DIRECTORY; path !== "/"; path = dirname(path)) {
    if ((statSync(path).mode & 0o001) === 0) throw new Error(`not everybody may enter ${path}`);
  }
  return DIRECTORY;
}

/** Runs a command as an ordinary user whom nothing belongs to. A user namespace would do, but there is none in a chroot. */
export const AS_NOBODY: readonly string[] = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
