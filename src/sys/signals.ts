// Signals as something to read: signalfd(2).

import { call } from "./call.ts";

/** include/uapi/asm-generic/signal.h */
export const SIG = { INT: 2, TERM: 15 } as const;

const SIG_BLOCK = 0;
const SFD_FLAGS = 0o2004000; // SFD_CLOEXEC | SFD_NONBLOCK
const SIGSET_SIZE = 8;

/**
 * Has these signals do nothing any more but make a descriptor readable, which it returns. Throws SyscallError. There is no way
 * back: for a program that ends after the first of them.
 */
export function openSignals(signals: readonly number[]): number {
  const set = new Uint8Array(SIGSET_SIZE);
  for (const signal of signals) {
    const bit = signal - 1;
    set[bit >> 3] = (set[bit >> 3] ?? 0) | (1 << (bit & 7));
  }
  call("block signals", "rt_sigprocmask", SIG_BLOCK, set, 0, SIGSET_SIZE);
  return call("receive signals", "signalfd4", -1, set, SIGSET_SIZE, SFD_FLAGS);
}
