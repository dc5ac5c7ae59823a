// Files in directories that other programs write to, too: anything may lie under their names. Only a regular file is read:
// a FIFO would make its reader wait, and a symbolic link could lead to any file of the machine.

import { tryCall } from "./call.ts";
import { engine } from "./engine.ts";
import { type ErrnoName, errno, errnoName, errnoText } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { AT_FDCWD, close, O, readAll } from "./fd.ts";
import { MACHINE } from "./machine.ts";

const STATX_TYPE = 1;
const AT_EMPTY_PATH = 0x1000;
const STATX_SIZE = 256;

/** include/uapi/linux/stat.h: S_IFMT and the kinds of file below it. */
const KIND_MASK = 0o170000;
const REGULAR = 0o100000;
const KINDS: ReadonlyMap<number, string> = new Map([
  [0o140000, "a socket"],
  [0o120000, "a symbolic link"],
  [0o060000, "a block device"],
  [0o040000, "a directory"],
  [0o020000, "a character device"],
  [0o010000, "a FIFO"],
]);

/** An entry of a directory that is not a file to be read. */
export class OddEntryError extends Error {
  override readonly name: string = "OddEntryError";
  readonly path: string;
  /** What the entry is, in words that follow "is": `a FIFO`, `larger than 512 bytes`, `unreadable (EACCES: …)`. */
  readonly reason: string;

  /** `cause`: the kernel does not let it be read, now at least; whatever it is. */
  constructor(path: string, reason: string, cause?: SyscallError) {
    super(`${path} is ${reason}`, cause === undefined ? undefined : { cause });
    this.path = path;
    this.reason = reason;
  }
}

/** What openat(2) says of an entry that is there and can't be opened, by any process or by this one. */
const ODD_ERRORS: readonly ErrnoName[] = ["EACCES", "EPERM", "ENXIO", "ENODEV", "EISDIR", "ETXTBSY", "EIO"];

/**
 * Opens the file without following a symbolic link in its place and without waiting; the caller closes the descriptor.
 * `flags` are those of open(2). Throws OddEntryError where the entry is not a regular file or can't be opened, and
 * SyscallError for any other failure: ENOENT where there is no entry.
 */
export function openRegular(path: string, flags: number = O.RDONLY, mode = 0): number {
  const fd = tryCall("openat", AT_FDCWD, path, flags | O.NONBLOCK | MACHINE.O_NOFOLLOW | O.CLOEXEC, mode);
  if (fd === -errno("ELOOP")) throw new OddEntryError(path, "a symbolic link");
  if (fd < 0) throw openError(path, -fd);
  requireRegular(fd, path);
  return fd;
}

/** Closes the descriptor and throws OddEntryError where it is not that of a regular file. */
export function requireRegular(fd: number, path: string): void {
  const kind = kindOf(fd);
  if (kind === REGULAR) return;
  close(fd);
  throw new OddEntryError(path, KINDS.get(kind) ?? "not a regular file");
}

function openError(path: string, number: number): Error {
  const code = errnoName(number);
  if (!ODD_ERRORS.some((odd) => odd === code)) return new SyscallError("openat", number, `open ${path}`);
  // A socket says ENXIO, and a directory EISDIR to those who would write.
  if (code === "EISDIR") return new OddEntryError(path, "a directory");
  if (code === "ENXIO") return new OddEntryError(path, "a socket or a device without a driver");
  return unreadable(path, new SyscallError("openat", number, `open ${path}`));
}

function unreadable(path: string, cause: SyscallError): OddEntryError {
  return new OddEntryError(path, `unreadable (${cause.code}: ${errnoText(cause.errno)})`, cause);
}

function kindOf(fd: number): number {
  const buffer = new Uint8Array(STATX_SIZE); // struct statx of include/uapi/linux/stat.h
  const result = tryCall("statx", fd, "", AT_EMPTY_PATH, STATX_TYPE, buffer);
  if (result < 0) close(fd);
  if (result < 0) throw new SyscallError("statx", -result, "look at a file");
  return new DataView(buffer.buffer).getUint16(28, true) & KIND_MASK;
}

/**
 * The content of the file, which must be shorter than `buffer`: the content is its beginning afterwards, until the buffer
 * is used again: for many small files. Throws as openRegular, and OddEntryError where the file is larger or
 * its content can't be read.
 */
export function readRegular(path: string, buffer: Uint8Array): Uint8Array {
  const fd = openRegular(path);
  let count = 0;
  let got = 0;
  // A read may end early; only one of nothing is the end of the file. Half a name would be somebody else's.
  do {
    got = tryCall("read", fd, buffer.subarray(count), buffer.length - count);
    count += Math.max(got, 0);
  } while (got > 0 && count < buffer.length);
  close(fd);
  if (got < 0) throw unreadable(path, new SyscallError("read", -got, `read ${path}`));
  if (count === buffer.length) throw new OddEntryError(path, `larger than ${buffer.length - 1} bytes`);
  return buffer.subarray(0, count);
}

/** The content of the file as text (UTF-8), of `limit` bytes at most. It takes as much memory as the file. Throws as readRegular. */
export function readRegularText(path: string, limit: number): string {
  const fd = openRegular(path);
  try {
    return engine.decode(readAll(fd, path, limit));
  } catch (error) {
    throw readError(error, path, limit);
  } finally {
    close(fd);
  }
}

function readError(error: unknown, path: string, limit: number): unknown {
  if (error instanceof RangeError) return new OddEntryError(path, `larger than ${limit} bytes`);
  return error instanceof SyscallError ? unreadable(path, error) : error;
}
