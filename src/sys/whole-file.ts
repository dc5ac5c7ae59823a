// Files that appear under their name with all that is in them, or not at all.

import { tryCall } from "./call.ts";
import { engine } from "./engine.ts";
import { errno } from "./errno.ts";
import { hasCode, SyscallError } from "./error.ts";
import { AT_FDCWD, O, withOpen, writeAll } from "./fd.ts";
import { exists, remove, rename } from "./file.ts";
import { MACHINE } from "./machine.ts";

// include/uapi/asm-generic/fcntl.h: __O_TMPFILE | O_DIRECTORY
const O_TMPFILE = 0o20000000 | MACHINE.O_DIRECTORY;
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

/** Behind the name of a file: what is to take its place. */
export const UNFINISHED = ".tmp";

/**
 * Gives the path this content in one step: a reader sees the old content or the new, never a part, whatever happens meanwhile.
 * A new file has no name before it is whole, so a kill leaves nothing. One that takes the place of another is called
 * `PATH.tmp` first, which a kill may leave: the next replacement, and removeReplaced, take that away. Throws SyscallError;
 * nothing is left then.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o644): void {
  const bytes = typeof content === "string" ? engine.encode(content) : content;
  const at = path.lastIndexOf("/");
  const [directory, name] = [path.slice(0, at), path.slice(at + 1)];
  const unfinished = `${name}${UNFINISHED}`;
  const temporary = `${directory}/${unfinished}`;
  remove(temporary); // of a process that was killed
  if (createWhole(directory, name, bytes, { mode, spare: unfinished })) return;
  try {
    createWhole(directory, unfinished, bytes, { mode, spare: `${name}.spare` });
    takePlace(temporary, path);
  } catch (error) {
    remove(temporary);
    throw error;
  }
}

/** Of two processes that replace the file at once one may find that the other has given the file its name already. */
function takePlace(temporary: string, path: string): void {
  try {
    rename(temporary, path);
  } catch (error) {
    if (!hasCode(error, "ENOENT") || !exists(path)) throw error;
  }
}

/** Removes a file that replaceFile may have written, with what a kill may have left beside it; returns whether there was one. */
export function removeReplaced(path: string): boolean {
  const wasThere = remove(path);
  remove(`${path}${UNFINISHED}`);
  return wasThere;
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
