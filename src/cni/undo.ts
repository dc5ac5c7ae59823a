// The undo stack of an ADD: what has been done so far, and how to take it back.

import type { Invocation } from "./plugin.ts";

/** Steps to take back, newest first, unless all went well. */
export class Undo {
  readonly #steps: (() => void)[] = [];

  /** Notes how to take back what has just been done. */
  defer(step: () => void): void {
    this.#steps.push(step);
  }

  /** Runs every step, newest first; one that fails does not keep the others from running. Returns what they threw. */
  unwind(): unknown[] {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        step();
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }
}

/**
 * Runs `work`; if it throws, takes back all that it deferred and throws the same error. What could not be taken back is
 * told to `log`, a line each: it is left behind, and the error that is thrown says nothing of it.
 */
export function undoOnFailure<T>(log: Invocation["log"], work: (undo: Undo) => T): T {
  const undo = new Undo();
  try {
    return work(undo);
  } catch (error) {
    for (const left of undo.unwind()) {
      log(`cannot undo a step of what failed: ${left instanceof Error ? toldWithCauses(left) : String(left)}`);
    }
    throw error;
  }
}

function toldWithCauses(error: Error): string {
  const messages = error instanceof AggregateError ? error.errors.map(String) : [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) messages.push(at.message);
  return [...new Set(messages)].join(": ");
}

/**
 * Runs every step of a teardown whatever becomes of the others. Throws the one error, or an AggregateError of several,
 * after the last.
 */
export function runAll(steps: readonly (() => void)[]): void {
  const undo = new Undo();
  for (const step of steps.toReversed()) undo.defer(step);
  const errors = undo.unwind();
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, "several steps of the clean-up failed");
}

/** Takes away something that the configuration, as it now is, may not ask for: then, that it can't be is only logged. */
export function orLog(invocation: Invocation, what: string, isWanted: boolean, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (isWanted || !(error instanceof Error)) throw error;
    invocation.log(`${what}, which the configuration does not ask for, is left alone: ${error.message}`);
  }
}
