// Network namespaces. Sockets remember the namespace they were opened in, so switching is needed only to open one
// and to reach its /proc/sys; the switch is synchronous and always undone.

import { call, tryCall } from "./call.ts";
import { engine } from "./engine.ts";
import { errno } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { close, O, open } from "./fd.ts";
import { identify, isSame } from "./file.ts";
import { SYS } from "./syscalls.ts";

const CLONE_NEWNET = 0x40000000;
/** Where this thread finds the namespace that it is in. */
export const OWN_NETNS = "/proc/thread-self/ns/net";
const NS_GET_NSTYPE = 0xb703; // include/uapi/linux/nsfs.h: _IO(NSIO, 0x3), since Linux 4.11

/** The path names something that is not a network namespace. */
export class NotNetnsError extends Error {
  override readonly name: string = "NotNetnsError";
}

/** Opens a namespace by path, `/run/netns/x` say. Throws SyscallError, or NotNetnsError for any other kind of file. */
export function openNetns(path: string): number {
  const fd = open(path, O.RDONLY | O.NONBLOCK); // a FIFO of that name must not make us wait
  // Other kinds of namespace answer with their own flag, any other kind of file with an error of its own.
  const type = tryCall("ioctl", fd, NS_GET_NSTYPE, 0);
  if (type === CLONE_NEWNET) return fd;
  close(fd);
  if (NO_ANSWERS.includes(type)) throw new SyscallError("ioctl", -type, `find out whether ${path} is a namespace`);
  throw new NotNetnsError(`${path} is not a network namespace`);
}

/** What the kernel, or a security module, may say of a file of any kind: a DEL must not take that for a namespace that is gone. */
const NO_ANSWERS: readonly number[] = (["EPERM", "EACCES", "ENOMEM", "EIO", "EBUSY"] as const).map(
  (name) => -errno(name),
);

/** Whether the path is the namespace that this process is in. */
export function isOwnNetns(path: string): boolean {
  return isSame(identify(path), identify(OWN_NETNS));
}

/**
 * Whether both paths lead to one namespace: /var/run/netns/x and /run/netns/x do as a rule. A path that can't be followed
 * leads to the same namespace as its own text only.
 */
export function isSameNetns(one: string, other: string): boolean {
  if (one === other) return true;
  try {
    return isSame(identify(one), identify(other));
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}

/**
 * Runs `use` inside the namespace and comes back, whatever happens. Throws SyscallError when the switch is refused.
 * Where the way back is refused again and again the process ends: going on in the wrong namespace could do harm.
 */
export function inNetns<T>(fd: number, use: () => T): T {
  const own = open(OWN_NETNS, O.RDONLY);
  try {
    call("enter the network namespace", "setns", fd, CLONE_NEWNET);
    try {
      return use();
    } finally {
      goBack(own);
    }
  } finally {
    close(own);
  }
}

const WAY_BACK_ATTEMPTS = 5;

/** The switch takes memory, which the kernel may lack for a moment, and this process can go nowhere else. */
function goBack(own: number): void {
  for (let attempt = 0; attempt < WAY_BACK_ATTEMPTS; attempt++) {
    if (tryCall("setns", own, CLONE_NEWNET) >= 0) return;
  }
  engine.syscall(SYS.exit_group, 125);
}

/** Runs `use` inside a new network namespace, which goes afterwards. Throws SyscallError where none can be made. */
export function inNewNetns<T>(use: () => T): T {
  const own = open(OWN_NETNS, O.RDONLY);
  try {
    return inNetns(own, () => {
      unshareNetns();
      return use();
    });
  } finally {
    close(own);
  }
}

/** Moves this thread into a new, empty network namespace; like `unshare -n`. For tests and the demo. */
export function unshareNetns(): void {
  const result = tryCall("unshare", CLONE_NEWNET);
  if (result < 0) throw new SyscallError("unshare", -result, "make a network namespace");
}
