// flock(2): locks that end with the process, whatever becomes of it.

import { call } from "./call.ts";
import { close, O, open } from "./fd.ts";
import { requireRegular } from "./regular-file.ts";

const LOCK_EX = 2;

/**
 * Opens the file, creating it where it doesn't exist (its directory must), waits for its exclusive lock, and returns the
 * descriptor: closing that ends the lock. Opened for reading only: a lock needs no more, and a full disk or a read-only
 * file system is no obstacle then. Throws SyscallError, and OddEntryError where the path leads to no regular file.
 */
export function openLocked(path: string, mode = 0o600): number {
  const fd = open(path, O.RDONLY | O.CREAT | O.NONBLOCK, mode);
  requireRegular(fd, path);
  try {
    call(`lock ${path}`, "flock", fd, LOCK_EX);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Runs `use` while holding the exclusive lock on this file; one that does not exist is created. */
export function withLock<T>(path: string, use: () => T): T {
  const fd = openLocked(path);
  try {
    return use();
  } finally {
    close(fd);
  }
}
