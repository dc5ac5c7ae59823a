// Network namespaces. Sockets remember the namespace they were opened in, so switching is needed only to open one
// and to reach its /proc/sys; the switch is synchronous and always undone.

import { call, tryCall } from "./call.ts";
import { SyscallError } from "./error.ts";
import { close, O, open } from "./fd.ts";
import { stat } from "./file.ts";
import { host } from "./host.ts";
import { SYS } from "./syscalls.ts";

const CLONE_NEWNET = 0x40000000;
const OWN_NETNS = "/proc/thread-self/ns/net";
const NSFS_MAGIC = 0x6e736673;
const PROC_SUPER_MAGIC = 0x9fa0;

/** The path names something that is not a network namespace. */
export class NotNetnsError extends Error {
  override readonly name: string = "NotNetnsError";
}

/** Opens a namespace by path, `/run/netns/x` say. Throws SyscallError, or NotNetnsError for any other kind of file. */
export function openNetns(path: string): number {
  const fd = open(path, O.RDONLY);
  const buffer = new Uint8Array(120); // struct statfs: f_type comes first
  const failed = tryCall("fstatfs", fd, buffer);
  const type = new DataView(buffer.buffer).getUint32(0, true);
  if (failed < 0 || (type !== NSFS_MAGIC && type !== PROC_SUPER_MAGIC)) {
    close(fd);
    throw new NotNetnsError(`${path} is not a network namespace`);
  }
  return fd;
}

/** Whether the path is the namespace that this process is in. */
export function isOwnNetns(path: string): boolean {
  const [there, here] = [stat(path), stat(OWN_NETNS)];
  return there.inode === here.inode && there.device === here.device;
}

/**
 * Runs `use` inside the namespace and comes back, whatever happens. Throws SyscallError when the switch is refused.
 * Where the way back is refused the process ends: going on in the wrong namespace could do harm.
 */
export function inNetns<T>(fd: number, use: () => T): T {
  const own = open(OWN_NETNS, O.RDONLY);
  try {
    call("enter the network namespace", "setns", fd, CLONE_NEWNET);
    try {
      return use();
    } finally {
      if (tryCall("setns", own, CLONE_NEWNET) < 0) host.syscall(SYS.exit_group, 125);
    }
  } finally {
    close(own);
  }
}

/** Moves this thread into a new, empty network namespace; like `unshare -n`. For tests and the demo. */
export function unshareNetns(): void {
  const result = tryCall("unshare", CLONE_NEWNET);
  if (result < 0) throw new SyscallError("unshare", -result, "make a network namespace");
}
