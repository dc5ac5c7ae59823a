// Which errors a system call may give, as its page of section 2 of the manual and the kernel's code have them, besides those
// that only a fault of the caller brings about (EFAULT, EBADF, EINVAL). What a call cannot fail with is not tried.

import type { ErrnoName } from "../../src/sys/errno.ts";
import { SYS, type SyscallName } from "../../src/sys/syscalls.ts";

/** Files may lie on any file system: a full one, a broken one, one that is read-only or of the network. */
const PATH: readonly ErrnoName[] = ["ENOMEM", "EIO", "EACCES", "EPERM"];
const CHANGE: readonly ErrnoName[] = [...PATH, "ENOSPC", "EDQUOT", "EROFS", "EBUSY"];

const MAY_GIVE: Partial<Record<SyscallName, readonly ErrnoName[]>> = {
  read: ["EIO", "EINTR", "ENOMEM"],
  pread64: ["EIO", "EINTR", "ENOMEM"],
  write: ["EIO", "EINTR", "ENOSPC", "EDQUOT", "EPERM", "ENOMEM"],
  pwrite64: ["EIO", "EINTR", "ENOSPC", "EDQUOT", "EPERM", "ENOMEM"],
  close: ["EIO", "EINTR", "ENOSPC", "EDQUOT"],
  mmap: ["ENOMEM"],
  ioctl: ["ENOMEM", "EPERM", "EBUSY", "EINTR"],
  socket: ["ENOMEM", "ENOBUFS", "EMFILE", "EACCES", "EPERM"],
  connect: ["EINTR", "EACCES", "EPERM", "ENOMEM"],
  sendto: ["ENOBUFS", "ENOMEM", "EINTR", "EPERM", "EACCES"],
  recvfrom: ["ENOBUFS", "ENOMEM", "EINTR"],
  bind: ["ENOMEM", "EACCES", "EPERM"],
  getsockname: ["ENOBUFS"],
  setsockopt: ["ENOMEM", "ENOBUFS", "EPERM"],
  getsockopt: ["ENOMEM", "ENOBUFS", "EPERM"],
  flock: ["EINTR", "ENOMEM"],
  fsync: ["EIO", "EINTR", "ENOSPC", "EDQUOT", "EROFS"],
  fdatasync: ["EIO", "EINTR", "ENOSPC", "EDQUOT", "EROFS"],
  ftruncate: ["EIO", "EINTR", "EPERM", "EROFS"],
  fchmod: ["EIO", "EPERM", "EROFS", "ENOMEM"],
  statfs: ["EIO", "EACCES", "EINTR", "ENOMEM"],
  mount: ["EPERM", "EACCES", "EBUSY", "ENOMEM"],
  umount2: ["EPERM", "EBUSY", "ENOMEM"],
  getdents64: ["EIO", "EINTR", "ENOMEM"],
  openat: [...CHANGE, "EMFILE", "EINTR"],
  mkdirat: CHANGE,
  unlinkat: CHANGE,
  renameat: CHANGE,
  linkat: CHANGE,
  symlinkat: CHANGE,
  readlinkat: PATH,
  utimensat: ["EIO", "EACCES", "EPERM", "EROFS"],
  statx: ["EIO", "EACCES", "ENOMEM"],
  ppoll: ["EINTR", "ENOMEM"],
  unshare: ["ENOMEM", "ENOSPC", "EPERM"],
  pipe2: ["EMFILE", "ENOMEM"],
  setns: ["ENOMEM", "EPERM"],
  getrandom: ["EINTR"],
};

/** What can come short: a read or a write of a part of the bytes. */
const MAY_BE_SHORT: readonly SyscallName[] = ["read", "write", "pread64", "pwrite64"];

const NAMES = new Map<number, SyscallName>(Object.entries(SYS).map(([name, number]) => [number, name as SyscallName]));

/** The name of a system call by its number on this machine; the number as text for calls that bauta does not make. */
export function nameOfCall(number: number): string {
  return NAMES.get(number) ?? String(number);
}

/** What may become of the call: an error, or fewer bytes than were asked for. */
export function mishapsOf(number: number): readonly (ErrnoName | "short")[] {
  const name = NAMES.get(number);
  if (name === undefined) return [];
  return [...(MAY_GIVE[name] ?? []), ...(MAY_BE_SHORT.includes(name) ? (["short"] as const) : [])];
}
