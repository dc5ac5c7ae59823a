// File descriptors: open, read, write, close. Everything is opened close-on-exec.

import { call, tryCall } from "./call.ts";
import { errno } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { POLL, poll } from "./poll.ts";

// include/uapi/asm-generic/fcntl.h; O_DIRECTORY and O_NOFOLLOW differ from machine to machine (machine.ts).
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  CLOEXEC: 0o2000000,
} as const;

/** include/uapi/linux/fcntl.h: "relative to the working directory" for the *at calls. */
export const AT_FDCWD = -100;

const EAGAIN = errno("EAGAIN");

/** Like open(2) with O_CLOEXEC; throws SyscallError naming the path. */
export function open(path: string, flags: number, mode = 0): number {
  return call(`open ${path}`, "openat", AT_FDCWD, path, flags | O.CLOEXEC, mode);
}

/** Like close(2). Never throws: on Linux the descriptor is gone whatever close says. */
export function close(fd: number): void {
  tryCall("close", fd);
}

/** Opens, runs, and closes whatever happens. */
export function withOpen<T>(path: string, flags: number, use: (fd: number) => T, mode = 0): T {
  const fd = open(path, flags, mode);
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

/** What comes after the first `count` bytes; mostly that is all of them, and to cut something out is a costly call. */
function behind(bytes: Uint8Array, count: number): Uint8Array {
  return count === 0 ? bytes : bytes.subarray(count);
}

/** All that can be read until the end, which must come within `limit` bytes; throws RangeError otherwise. */
export function readAll(fd: number, what: string, limit: number): Uint8Array {
  let bytes = new Uint8Array(4096);
  let length = 0;
  for (;;) {
    if (length === bytes.length) {
      const larger = new Uint8Array(bytes.length * 4);
      larger.set(bytes);
      bytes = larger;
    }
    const count = tryCall("read", fd, behind(bytes, length), bytes.length - length);
    if (count === -EAGAIN) poll([{ fd, events: POLL.IN }], -1);
    else if (count < 0) throw new SyscallError("read", -count, `read ${what}`);
    else if (count === 0) return bytes.subarray(0, length);
    else length += count;
    if (length > limit) throw new RangeError(`${what} is larger than ${limit} bytes`);
  }
}

/** Writes every byte: short writes go on, EAGAIN waits. Throws SyscallError (EPIPE where nobody reads any more). */
export function writeAll(fd: number, what: string, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const count = tryCall("write", fd, behind(bytes, at), bytes.length - at);
    if (count === -EAGAIN) poll([{ fd, events: POLL.OUT }], -1);
    else if (count < 0) throw new SyscallError("write", -count, `write ${what}`);
    else at += count;
  }
}

/** Like pread(2): fills as much of `bytes` as the file has from `offset` on; returns how much that is. */
export function readAt(fd: number, what: string, bytes: Uint8Array, offset: number): number {
  let length = 0;
  while (length < bytes.length) {
    const rest = behind(bytes, length);
    const count = call(`read ${what}`, "pread64", fd, rest, rest.length, offset + length);
    if (count === 0) break;
    length += count;
  }
  return length;
}

/** Like pwrite(2), all of it. */
export function writeAt(fd: number, what: string, bytes: Uint8Array, offset: number): void {
  for (let at = 0; at < bytes.length; ) {
    const rest = behind(bytes, at);
    at += call(`write ${what}`, "pwrite64", fd, rest, rest.length, offset + at);
  }
}
