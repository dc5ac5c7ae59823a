// Kernel parameters of interfaces (Documentation/networking/ip-sysctl.rst) that are ours to set, in the namespace of this
// thread.

import { engine } from "./engine.ts";
import { hasCode, SyscallError } from "./error.ts";
import { O, withOpen, writeAll } from "./fd.ts";
import { readSysctl, type SysctlName } from "./sysctl.ts";

/**
 * Like `sysctl -w`, without a look at the present value first: that of a new interface is hardly ever ours already. Returns
 * whether the kernel has such a parameter. Throws SyscallError where it can't be set and has another value.
 */
export function setParameter(name: SysctlName, value: string): boolean {
  const path = `/proc/sys/${name}`;
  try {
    withOpen(path, O.WRONLY, (fd) => writeAll(fd, path, engine.encode(value)));
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    if (hasCode(error, "EROFS", "EACCES") && readSysctl(name) === value) return true;
    throw error;
  }
}

/** The same for what is good to have set but not worth failing for. */
export function trySysctl(name: SysctlName, value: string): void {
  try {
    setParameter(name, value);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}
