// inotify(7), by which programs learn of changes to files: container runtimes watch their configuration so.

import { tryCall } from "./call.ts";
import { errno } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { close } from "./fd.ts";

const IN_CLOEXEC = 0o2000000;
/** include/uapi/linux/inotify.h: the watch of this tells of next to nothing. */
const IN_DELETE_SELF = 0x400;

/**
 * How many instances this user can still make, `most` at most, and whether a watch can be added to one. All of them are closed
 * again. Throws SyscallError where the kernel has no inotify.
 */
export function inotifyHeadroom(most: number): { readonly instances: number; readonly hasWatches: boolean } {
  const open: number[] = [];
  try {
    while (open.length < most) {
      const fd = tryCall("inotify_init1", IN_CLOEXEC);
      if (fd === -errno("EMFILE")) break;
      if (fd < 0) throw new SyscallError("inotify_init1", -fd, "make an instance of inotify");
      open.push(fd);
    }
    const [first] = open;
    return { instances: open.length, hasWatches: first === undefined || canWatch(first) };
  } finally {
    open.forEach(close);
  }
}

function canWatch(fd: number): boolean {
  const watch = tryCall("inotify_add_watch", fd, "/", IN_DELETE_SELF);
  if (watch === -errno("ENOSPC")) return false;
  if (watch < 0) throw new SyscallError("inotify_add_watch", -watch, "watch /");
  return true;
}
