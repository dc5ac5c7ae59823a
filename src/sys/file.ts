// Files and directories by path. Every error names the path.

import { call, tryCall } from "./call.ts";
import { engine } from "./engine.ts";
import { errno } from "./errno.ts";
import { hasCode, SyscallError } from "./error.ts";
import { AT_FDCWD, close, O, open, readAll, withOpen, writeAll } from "./fd.ts";

const FILE_LIMIT = 64 << 20;

/** What statx(2) tells of a file; see `stat`. */
export interface Stat {
  readonly device: string;
  readonly inode: bigint;
  readonly size: number;
  readonly isDirectory: boolean;
  /** Not a directory, device, pipe or socket. */
  readonly isRegular: boolean;
  readonly isSymbolicLink: boolean;
  readonly isSocket: boolean;
  /** The permission bits: 0o755. */
  readonly mode: number;
  /** Whose the file is. */
  readonly userId: number;
  /** Last modification, in nanoseconds since 1970. */
  readonly mtimeNs: bigint;
}

/** The whole file as bytes. */
export function readFile(path: string, limit: number = FILE_LIMIT): Uint8Array {
  return withOpen(path, O.RDONLY, (fd) => readAll(fd, path, limit));
}

/** The whole file as text (UTF-8). */
export function readText(path: string, limit: number = FILE_LIMIT): string {
  return engine.decode(readFile(path, limit));
}

/** The beginning of a file: what one read(2) puts into `buffer`, all of a file that is shorter. For many small ones. */
export function readStart(path: string, buffer: Uint8Array): Uint8Array {
  const fd = open(path, O.RDONLY);
  const count = tryCall("read", fd, buffer, buffer.length);
  close(fd);
  if (count < 0) throw new SyscallError("read", -count, `read ${path}`);
  return buffer.subarray(0, count);
}

/** Creates or truncates the file and writes it. With `exclusive` it must not exist (EEXIST). Not atomic: see replaceFile of whole-file.ts. */
export function writeFile(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number; readonly exclusive?: boolean } = {},
): void {
  const flags = O.WRONLY | O.CREAT | (options.exclusive ? O.EXCL : O.TRUNC);
  withOpen(path, flags, (fd) => writeAll(fd, path, bytesOf(content)), options.mode ?? 0o644);
}

/** Creates the file, which must not exist, with this mode whatever the umask is; its content survives a power failure. */
export function writeDurably(path: string, content: Uint8Array, mode: number): void {
  withOpen(path, O.WRONLY | O.CREAT | O.EXCL, (fd) => {
    writeAll(fd, path, content);
    call(`set the mode of ${path}`, "fchmod", fd, mode);
    call(`sync ${path}`, "fsync", fd);
  });
}

function bytesOf(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? engine.encode(content) : content;
}

/** Like rename(2). */
export function rename(from: string, to: string): void {
  call(`rename ${from} to ${to}`, "renameat", AT_FDCWD, from, AT_FDCWD, to);
}

/** Like link(2): a second name for the file; EEXIST if the name is taken. */
export function link(from: string, to: string): void {
  call(`link ${from} to ${to}`, "linkat", AT_FDCWD, from, AT_FDCWD, to, 0);
}

/** Like symlink(2). */
export function symbolicLink(target: string, path: string): void {
  call(`link ${path} to ${target}`, "symlinkat", target, AT_FDCWD, path);
}

/** Removes the file; returns whether there was one. */
export function remove(path: string): boolean {
  const result = tryCall("unlinkat", AT_FDCWD, path, 0);
  if (result === -errno("ENOENT")) return false;
  if (result < 0) throw new SyscallError("unlinkat", -result, `remove ${path}`);
  return true;
}

const AT_REMOVEDIR = 0x200;

/** Like rmdir(2): the directory must be empty. */
export function removeDirectory(path: string): void {
  call(`remove ${path}`, "unlinkat", AT_FDCWD, path, AT_REMOVEDIR);
}

/** Like `mkdir -p`. */
export function makeDirectories(path: string, mode = 0o755): void {
  const make = (): number => tryCall("mkdirat", AT_FDCWD, path, mode);
  let result = make();
  if (result === -errno("ENOENT") && path.includes("/", 1)) {
    makeDirectories(path.slice(0, path.lastIndexOf("/")), mode);
    // Once: where the parent is there, and still nothing can be made in it (/proc), that is an answer.
    result = make();
  }
  if (result >= 0) return;
  if (result === -errno("EEXIST") && stat(path).isDirectory) return;
  throw new SyscallError("mkdirat", -result, `create directory ${path}`);
}

const DIRECTORY_CHUNK = 32768;

// include/linux/fs_types.h
const DT_UNKNOWN = 0;
const DT_REG = 8;

/**
 * The names in a directory, without `.` and `..`, in the file system's order: all of them, or without those that can't be
 * regular files. Throws SyscallError: ENOTDIR for other files.
 */
export function readDirectory(path: string, kind: "all" | "files" = "all"): string[] {
  // A FIFO of that name must not make us wait.
  return withOpen(path, O.RDONLY | O.NONBLOCK, (fd) => {
    const names: string[] = [];
    const buffer = new Uint8Array(DIRECTORY_CHUNK);
    for (;;) {
      const length = call(`list ${path}`, "getdents64", fd, buffer, buffer.length);
      if (length === 0) return names;
      // struct linux_dirent64 { u64 d_ino; s64 d_off; u16 d_reclen; u8 d_type; char d_name[]; }
      for (let at = 0; at < length; ) {
        const recordLength = (buffer[at + 16] ?? 0) | ((buffer[at + 17] ?? 0) << 8);
        const end = buffer.indexOf(0, at + 19);
        const name = engine.decode(buffer.subarray(at + 19, end));
        const type = buffer[at + 18];
        const isWanted = kind === "all" || type === DT_REG || type === DT_UNKNOWN;
        if (isWanted && name !== "." && name !== "..") names.push(name);
        at += recordLength;
      }
    }
  });
}

/** The same; none where there is no such directory. */
export function readDirectoryIfAny(path: string, kind: "all" | "files" = "all"): string[] {
  try {
    return readDirectory(path, kind);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

const STATX_BASIC_STATS = 0x7ff;
const S_IFMT = 0o170000;
const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
const S_IFSOCK = 0o140000;
const AT_SYMLINK_NOFOLLOW = 0x100;

/** What statx(2) writes: struct statx of include/uapi/linux/stat.h, or the negated errno. */
function statx(path: string, buffer: Uint8Array, flags = 0): number {
  return tryCall("statx", AT_FDCWD, path, flags, STATX_BASIC_STATS, buffer);
}

const STATX_SIZE = 256;

/** The same for what must be there. Throws SyscallError. */
function look(path: string, flags = 0): DataView {
  const buffer = new Uint8Array(STATX_SIZE);
  const result = statx(path, buffer, flags);
  if (result < 0) throw new SyscallError("statx", -result, `look at ${path}`);
  return new DataView(buffer.buffer);
}

const AT_EMPTY_PATH = 0x1000;

/** Like fstat(2): what an open descriptor leads to, whatever its path leads to by now. Throws SyscallError naming `what`. */
export function statOpen(fd: number, what: string): Stat {
  const buffer = new Uint8Array(STATX_SIZE);
  call(`look at ${what}`, "statx", fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, buffer);
  return statIn(new DataView(buffer.buffer));
}

/** Of stx_mode, the kind of file. */
const kindOf = (view: DataView): number => view.getUint16(28, true) & S_IFMT;

/** Like stat(2), following symbolic links. */
export function stat(path: string): Stat {
  return statIn(look(path));
}

/** Like lstat(2): of a symbolic link, the link itself. */
export function linkStat(path: string): Stat {
  return statIn(look(path, AT_SYMLINK_NOFOLLOW));
}

function statIn(view: DataView): Stat {
  const kind = kindOf(view);
  return {
    device: `${view.getUint32(136, true)}:${view.getUint32(140, true)}`,
    inode: view.getBigUint64(32, true),
    size: Number(view.getBigUint64(40, true)),
    isDirectory: kind === S_IFDIR,
    isRegular: kind === S_IFREG,
    isSymbolicLink: kind === S_IFLNK,
    isSocket: kind === S_IFSOCK,
    mode: view.getUint16(28, true) & 0o7777,
    userId: view.getUint32(20, true),
    mtimeNs: view.getBigInt64(112, true) * 1_000_000_000n + BigInt(view.getUint32(120, true)),
  };
}

const UTIME_OMIT = (1 << 30) - 2;

/** Like `touch -m -d`: gives the file this time of last modification, in nanoseconds since 1970. */
export function setModified(path: string, mtimeNs: bigint): void {
  const times = new Uint8Array(32); // struct __kernel_timespec[2]: access, then modification
  const view = new DataView(times.buffer);
  view.setBigInt64(8, BigInt(UTIME_OMIT), true);
  view.setBigInt64(16, mtimeNs / 1_000_000_000n, true);
  view.setBigInt64(24, mtimeNs % 1_000_000_000n, true);
  call(`set the time of ${path}`, "utimensat", AT_FDCWD, path, times, 0);
}

/**
 * Whether anything is there under this path. Throws SyscallError where the kernel does not say: that somebody may not look is no
 * proof that nothing is there.
 */
export function exists(path: string): boolean {
  const result = statx(path, new Uint8Array(STATX_SIZE));
  if (result >= 0) return true;
  if (NOTHING_THERE.includes(result)) return false;
  throw new SyscallError("statx", -result, `look at ${path}`);
}

const NOTHING_THERE: readonly number[] = [-errno("ENOENT"), -errno("ENOTDIR")];

/** What a file is known by, of which less has to be read than of all that `stat` tells. */
export interface Identity {
  readonly isDirectory: boolean;
  /** stx_ino, in two halves, stx_dev_major and stx_dev_minor. */
  readonly words: readonly number[];
}

/** What the path leads to, following symbolic links. Throws SyscallError. */
export function identify(path: string): Identity {
  const view = look(path);
  const word = (at: number): number => view.getUint32(at, true);
  return { isDirectory: kindOf(view) === S_IFDIR, words: [word(32), word(36), word(136), word(140)] };
}

/** Whether it is one file. */
export function isSame(one: Identity, other: Identity): boolean {
  return one.words.every((word, i) => word === other.words[i]);
}

/** Where a symbolic link points. */
export function readLink(path: string): string {
  const buffer = new Uint8Array(4096);
  const length = call(`read link ${path}`, "readlinkat", AT_FDCWD, path, buffer, buffer.length);
  return engine.decode(buffer.subarray(0, length));
}

/** Like `sync` of one directory: its names survive a power failure after this. */
export function syncDirectory(path: string): void {
  const fd = open(path, O.RDONLY);
  try {
    call(`sync ${path}`, "fsync", fd);
  } finally {
    close(fd);
  }
}
