// One system call: number by name, retried on EINTR, a failure thrown as SyscallError.

import { engine } from "./engine.ts";
import { errno } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { SYS, type SyscallName } from "./syscalls.ts";

/** Text, a path say, goes to the kernel as UTF-8 that ends with a NUL. */
export type Argument = number | string | Uint8Array | Int32Array;

const INTERRUPTED = -errno("EINTR");

/** The kernel's answer as it is: a result, or the negated errno. EINTR never comes out. */
export function tryCall(
  name: SyscallName,
  // One by one: to gather and spread them takes the engine longer than all the rest.
  a?: Argument,
  b?: Argument,
  c?: Argument,
  d?: Argument,
  e?: Argument,
  f?: Argument,
): number {
  const number = SYS[name];
  let result: number;
  do result = engine.syscall(number, a, b, c, d, e, f);
  while (result === INTERRUPTED);
  return result;
}

/** The result of the call, which was made in order to `operation`; throws SyscallError. */
export function call(
  operation: string,
  name: SyscallName,
  a?: Argument,
  b?: Argument,
  c?: Argument,
  d?: Argument,
  e?: Argument,
  f?: Argument,
): number {
  const result = tryCall(name, a, b, c, d, e, f);
  if (result < 0) throw new SyscallError(name, -result, operation);
  return result;
}
