// Stands between the code under test and the kernel: counts system calls, makes one fail, or ends the code at one.

import { type ErrnoName, errno } from "../../src/sys/errno.ts";
import { SYS, type SyscallName } from "../../src/sys/syscalls.ts";

const NAMES = new Map<number, SyscallName>(Object.entries(SYS).map(([name, number]) => [number, name as SyscallName]));

/** Ends the code under test as SIGKILL would: nothing after it runs. Only `dieAt` throws it. */
export class Killed extends Error {
  override readonly name: string = "Killed";
}

/** Decides about each call before it is made: undefined lets it through, an errno name fails it. */
export type Interceptor = (name: SyscallName, args: readonly unknown[]) => ErrnoName | undefined;

/** Runs `work` with every system call shown to `intercept` first, and its result to `observe`. */
export function withSyscalls<T>(
  intercept: Interceptor,
  work: () => T,
  observe: (name: SyscallName | undefined, args: readonly unknown[], result: number) => void = () => {},
): T {
  const { bautaEngine } = globalThis;
  const original = bautaEngine.syscall;
  bautaEngine.syscall = (number, ...args) => {
    const name = NAMES.get(number);
    const failure = name === undefined ? undefined : intercept(name, args);
    const result = failure === undefined ? original(number, ...args) : -errno(failure);
    observe(name, args, result);
    return result;
  };
  try {
    return work();
  } finally {
    bautaEngine.syscall = original;
  }
}

/** Runs `work`. The first `times` calls of this name return `result`, and the kernel never sees them. */
export function withResult<T>(name: SyscallName, result: number, times: number, work: () => T): T {
  const { bautaEngine } = globalThis;
  const original = bautaEngine.syscall;
  let left = times;
  bautaEngine.syscall = (number, ...args) => (number === SYS[name] && left-- > 0 ? result : original(number, ...args));
  try {
    return work();
  } finally {
    bautaEngine.syscall = original;
  }
}

/** The names of the system calls that `work` makes, in order. */
export function syscallsOf(work: () => unknown): readonly SyscallName[] {
  const names: SyscallName[] = [];
  withSyscalls((name) => {
    names.push(name);
    return undefined;
  }, work);
  return names;
}

/** What another process does, all of it just before the system call number `at` (from 0) of the code under test. */
export interface Meeting {
  readonly at: number;
  readonly other: () => unknown;
}

/**
 * Runs `work` as if the process were killed just before its system call number `nth` (from 0): no call is made from then on.
 * Files that are open then are closed, as the kernel closes them. Returns whether `work` came so far.
 */
export function dieAt(nth: number, work: () => unknown, meeting?: Meeting): boolean {
  const open = new Set<number>();
  let count = 0;
  let isMeeting = false;
  const die: Interceptor = () => {
    if (isMeeting) return undefined;
    if (count === meeting?.at) {
      isMeeting = true;
      meeting.other();
      isMeeting = false;
    }
    if (count++ >= nth) throw new Killed("killed");
    return undefined;
  };
  try {
    withSyscalls(die, work, (name, args, result) => {
      if (isMeeting) return;
      if (name === "openat" && result >= 0) open.add(result);
      if (name === "close") open.delete(Number(args[0]));
    });
  } catch (error) {
    if (count <= nth) throw error;
  }
  for (const fd of open) globalThis.bautaEngine.syscall(SYS.close, fd);
  return count > nth;
}

/** Runs `work`, and what another process does at one of its system calls. Returns whether `work` came so far. */
export const meetAt = (at: number, work: () => unknown, other: () => unknown): boolean => {
  let isMet = false;
  const meeting = {
    at,
    other(): void {
      isMet = true;
      other();
    },
  };
  dieAt(Number.POSITIVE_INFINITY, work, meeting);
  return isMet;
};

/** A system call's argument that is text. */
export function textOf(argument: unknown): string {
  return typeof argument === "string" ? argument : "";
}
