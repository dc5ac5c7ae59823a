// Files that appear under their name with all that is in them, or not at all.

import { tryCall } from "./call.ts";
import { engine } from "./engine.ts";
import { errno } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { AT_FDCWD, O, withOpen, writeAll } from "./fd.ts";
import { remove } from "./file.ts";

// include/uapi/asm-generic/fcntl.h: __O_TMPFILE | O_DIRECTORY, and arch/arm64/include/uapi/asm/fcntl.h: another O_DIRECTORY.
const O_TMPFILE = 0o20000000 | (engine.arch === "arm64" ? 0o40000 : 0o200000);
const AT_SYMLINK_FOLLOW = 0x400;

/**
 * Creates `directory`/`name` with this content; false, and nothing done, where the name is taken. A reader, at any
 * moment and after a kill at any moment, sees the whole file or none, and no second file: it has no name until it is
 * complete. Where the file system can't do that (NFS, or no /proc), it is written as `directory`/`spare` first, which
 * then must be a name that nobody else uses at the same time. Throws SyscallError; nothing is left then.
 */
export function createWhole(
  directory: string,
  name: string,
  content: Uint8Array,
  options: { readonly mode: number; readonly spare: string },
): boolean {
  const path = `${directory}/${name}`;
  const fd = tryCall("openat", AT_FDCWD, directory, O_TMPFILE | O.WRONLY | O.CLOEXEC, options.mode);
  if (fd >= 0) {
    const linked = linkNameless(fd, path, content);
    if (linked !== undefined) return linked;
  } else if (!isUnsupported(fd)) {
    throw new SyscallError("openat", -fd, `create a file in ${directory}`);
  }
  return createBySpare(`${directory}/${options.spare}`, path, content, options.mode);
}

/** Undefined where this can't be done here. */
function linkNameless(fd: number, path: string, content: Uint8Array): boolean | undefined {
  try {
    writeAll(fd, path, content);
    // AT_EMPTY_PATH would do without /proc, but asks for CAP_DAC_READ_SEARCH.
    const result = tryCall("linkat", AT_FDCWD, `/proc/self/fd/${fd}`, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
    if (result === -errno("EEXIST")) return false;
    if (result === -errno("ENOENT") || isUnsupported(result)) return undefined;
    if (result < 0) throw new SyscallError("linkat", -result, `create ${path}`);
    return true;
  } finally {
    tryCall("close", fd);
  }
}

function createBySpare(spare: string, path: string, content: Uint8Array, mode: number): boolean {
  try {
    withOpen(spare, O.WRONLY | O.CREAT | O.TRUNC, (fd) => writeAll(fd, path, content), mode);
    const result = tryCall("linkat", AT_FDCWD, spare, AT_FDCWD, path, 0);
    if (result === -errno("EEXIST")) return false;
    if (result < 0) throw new SyscallError("linkat", -result, `create ${path}`);
    return true;
  } finally {
    remove(spare);
  }
}

/** open(2): EOPNOTSUPP where the file system has no nameless files, EISDIR where the kernel (before 3.11) hasn't. */
function isUnsupported(result: number): boolean {
  return result === -errno("EOPNOTSUPP") || result === -errno("EISDIR") || result === -errno("EXDEV");
}
