// Process-id namespaces: a process has another id in each of those that it is in (pid_namespaces(7)).

import { SyscallError } from "./error.ts";
import { readLink } from "./file.ts";

const OWN = "/proc/self/ns/pid";
/** include/linux/proc_ns.h: PROC_PID_INIT_INO, since 6.18 PID_NS_INIT_INO of include/uapi/linux/nsfs.h. */
const INITIAL = "pid:[4026531836]";

/**
 * Whether this process is in the initial process-id namespace, the host's. The kernel tells process ids of that namespace
 * where it does not know who asks: in nf_tables' events, say. In a container they name no process, or another one. False
 * where /proc does not tell.
 */
export function isInInitialPidNamespace(): boolean {
  try {
    return readLink(OWN) === INITIAL;
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}
