// What others change at the same time: iptables has no way to say "only if nobody has been here since I looked".

import { monotonicMs } from "../sys/process.ts";
import { IptablesError } from "./program.ts";

/** How often something is tried at most. */
const ATTEMPTS = 10;

/** A call that has waited so long for the lock of iptables-legacy does not wait for the lock a second time. */
const PATIENCE_MS = 20_000;

/**
 * Looks and changes by `work`; and again, where that fails and `isDisturbed` thinks that somebody has come in between.
 * Throws what the last attempt threw.
 */
export function undisturbed<T>(work: () => T, isDisturbed: () => boolean): T {
  const start = monotonicMs();
  for (let attempt = 1; ; attempt++) {
    try {
      return work();
    } catch (error) {
      const isOver = attempt === ATTEMPTS || monotonicMs() - start > PATIENCE_MS;
      if (isOver || !(error instanceof IptablesError) || !isDisturbed()) throw error;
    }
  }
}
