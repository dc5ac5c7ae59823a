// flock(2): locks that end with the process, whatever becomes of it.

import { tryCall } from "./call.ts";
import { errno } from "./errno.ts";
import { hasCode, SyscallError } from "./error.ts";
import { close, O, open } from "./fd.ts";
import { exists, readText, stat, statOpen } from "./file.ts";
import { poll } from "./poll.ts";
import { monotonicMs } from "./process.ts";
import { requireRegular } from "./regular-file.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

/** How long a lock is waited for. It is held for milliseconds; a kubelet gives a call up after two minutes. */
const TIMEOUT_MS = 60_000;

/** From one attempt to the next, in milliseconds: the first, which doubles, and the longest. */
const PAUSE_MS = 0.25;
const LONGEST_PAUSE_MS = 4;

/** Somebody holds a lock, and has for as long as it was waited for. */
export class LockedError extends Error {
  override readonly name: string = "LockedError";
  readonly code = "ETIMEDOUT";
}

/**
 * Opens the file, creating it where it doesn't exist (its directory must), waits for its exclusive lock, and returns the
 * descriptor: closing that ends the lock. Throws LockedError, which names the process that holds the lock, after `timeoutMs`;
 * SyscallError; and OddEntryError where the path leads to no regular file. Opened for reading only: a lock needs no more, and a
 * full disk or a read-only file system is no obstacle then.
 */
export function openLocked(path: string, { mode = 0o600, timeoutMs = TIMEOUT_MS } = {}): number {
  const fd = open(path, O.RDONLY | O.CREAT | O.NONBLOCK, mode);
  requireRegular(fd, path);
  try {
    waitForLock(fd, path, timeoutMs);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/**
 * Waits for the exclusive lock on a file that is open, which ends when the descriptor is closed; `path` is for people. In
 * steps: a blocking flock(2) has no deadline, and no signal handlers exist here that could give it one. Throws as openLocked.
 */
export function waitForLock(fd: number, path: string, timeoutMs: number = TIMEOUT_MS): void {
  const start = monotonicMs();
  for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const result = tryCall("flock", fd, LOCK_EX | LOCK_NB);
    if (result >= 0) return;
    if (result !== -errno("EAGAIN")) throw new SyscallError("flock", -result, `lock ${path}`);
    if (monotonicMs() - start >= timeoutMs) {
      throw new LockedError(`cannot lock ${path}: ${holderOf(path)} has held it for ${timeoutMs / 1000} s`);
    }
    poll([], pause);
  }
}

/** Who holds the lock, by proc_locks(5): the file is known by its inode there. */
function holderOf(path: string): string {
  try {
    const inode = `:${stat(path).inode}`;
    for (const line of readText("/proc/locks").split("\n")) {
      const [, kind, , , pid = "", file = ""] = line.trim().split(/ +/);
      if (kind !== "FLOCK" || !file.endsWith(inode)) continue;
      return `process ${pid} (${JSON.stringify(readText(`/proc/${pid}/comm`).trim())})`;
    }
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
  return "a process that is not seen from here";
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

/**
 * The same of a file that somebody who holds its lock may remove, with its directory: `prepare` makes the directory. A lock of a
 * file that has lost its name is given up, and taken anew.
 */
export function withRemovableLock<T>(path: string, prepare: () => void, use: () => T): T {
  for (;;) {
    prepare();
    const fd = openLockedIfAny(path);
    if (fd === undefined) continue;
    try {
      if (isNamed(fd, path)) return use();
    } finally {
      close(fd);
    }
  }
}

/** Undefined where the directory has gone. */
function openLockedIfAny(path: string): number | undefined {
  try {
    return openLocked(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Whether the file that is open still has the path. */
function isNamed(fd: number, path: string): boolean {
  return exists(path) && stat(path).inode === statOpen(fd, path).inode;
}
