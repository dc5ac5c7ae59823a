// flock(2): locks that end with the process, whatever becomes of it.

import { call } from "./call.ts";
import { close, O, open } from "./fd.ts";

const LOCK_EX = 2;

/** Runs `use` while holding the exclusive lock on this file or directory; a file that does not exist is created. */
export function withLock<T>(path: string, use: () => T, options: { readonly create?: boolean } = {}): T {
  const fd = options.create === false ? open(path, O.RDONLY) : open(path, O.RDWR | O.CREAT, 0o600);
  try {
    call(`lock ${path}`, "flock", fd, LOCK_EX);
    return use();
  } finally {
    close(fd);
  }
}
