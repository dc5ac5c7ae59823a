// The error of a failed system call, and the questions callers ask of any error that carries a code.

import { errnoName, errnoText } from "./errno.ts";

/** A system call said no. A kernel's reply over netlink is never one of these: see NetlinkError. */
export class SyscallError extends Error {
  override readonly name: string = "SyscallError";
  readonly syscall: string;
  readonly errno: number;
  /** `ENOENT` and the like. */
  readonly code: string;

  /** `operation` says what was being done, in words a person would use: `open /proc/1/ns/net`. */
  constructor(syscall: string, errno: number, operation: string) {
    super(`cannot ${operation}: ${errnoName(errno)}: ${errnoText(errno)} (${syscall})`);
    this.syscall = syscall;
    this.errno = errno;
    this.code = errnoName(errno);
  }
}

/** Whether the error, or any error that caused it, carries one of these codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string" && codes.includes(at.code)) return true;
  }
  return false;
}

/** Whether what was asked for, or what it hangs on, does not exist. */
export function isNotFound(error: unknown): boolean {
  return hasCode(error, "ENOENT", "ENODEV", "ESRCH", "ENXIO", "EADDRNOTAVAIL");
}

/** What an error says; the text of anything else that was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
