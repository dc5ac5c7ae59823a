// Kernel parameters of interfaces (Documentation/networking/ip-sysctl.rst) that are good to have set but not worth failing for.

import { SyscallError } from "../sys/error.ts";
import { type SysctlName, writeSysctl } from "../sys/sysctl.ts";

/** Like `sysctl -w`, in the namespace of this thread; where the kernel has no such parameter or refuses, nothing happens. */
export function trySysctl(name: SysctlName, value: string): void {
  try {
    writeSysctl(name, value);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}
