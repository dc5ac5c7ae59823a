// The SELinux context that the next program of this thread runs under (setexeccon(3)).

import { engine } from "./engine.ts";
import { O, withOpen, writeAll } from "./fd.ts";

const LABEL = "/proc/thread-self/attr/exec";

/**
 * Programs that `use` executes run under this context; those after it do not. Throws SyscallError: EINVAL where the kernel has no
 * SELinux, or its policy no such context.
 */
export function withExecLabel<T>(label: string, use: () => T): T {
  write(label);
  try {
    return use();
  } finally {
    write("\n"); // selinux_setprocattr() in security/selinux/hooks.c: none
  }
}

function write(text: string): void {
  withOpen(LABEL, O.WRONLY, (fd) => writeAll(fd, LABEL, engine.encode(text)));
}
