// The commands that run a plugin through interfere.c.

import { type ErrnoName, errno } from "../../src/sys/errno.ts";
import { buildProgram } from "./c-program.ts";

const buildInterfere = (): string => buildProgram("interfere");

/** A program that this command runs finds no nf_tables: socket(2) refuses NETLINK_NETFILTER with EPROTONOSUPPORT. */
export function withoutNetfilter(): readonly string[] {
  return [buildInterfere(), "refuse-netfilter"];
}

/** A program that this command runs is killed just before its `count`th system call. The exit status is 137 then. */
export function killedBefore(count: number): readonly string[] {
  return [buildInterfere(), "kill-before", String(count)];
}

/**
 * The `count`th system call of a program that this command runs fails with this errno. Standard error names the call by its
 * number, `interfere: system call 257`; it is empty where the program makes fewer calls.
 */
export function failingAt(count: number, error: ErrnoName): readonly string[] {
  return [buildInterfere(), "fail-at", String(count), String(errno(error))];
}

/** The `count`th system call of a program that this command runs writes half of the bytes, or reads five at most. */
export function shortenedAt(count: number): readonly string[] {
  return [buildInterfere(), "shorten-at", String(count)];
}

/** Standard error of a program that this command runs ends with the numbers of its system calls: see systemCallsIn. */
export function listingCalls(): readonly string[] {
  return [buildInterfere(), "list"];
}

/** The numbers of system calls that interfere has told of, in order: all calls, or the one that it has interfered with. */
export function systemCallsIn(stderr: string): readonly number[] {
  const [, numbers = ""] = /^interfere: system calls? ([\d ]+)$/m.exec(stderr) ?? [];
  return numbers.split(" ").filter(Boolean).map(Number);
}

/** The exit status of a program that was killed. */
export const KILLED = 137;
