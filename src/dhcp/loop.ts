// The daemon's one thread: it waits for descriptors and for times, and calls the handlers that wait for them.

import { Epoll } from "../sys/epoll.ts";
import { bootTimeMs } from "../sys/process.ts";
import { type Timer, Timers } from "./timers.ts";

/** Waits until something is ready or due. */
export class Loop {
  readonly #epoll = new Epoll();
  readonly #handlers = new Map<number, (events: number) => void>();
  readonly #timers = new Timers();
  readonly #failed: (error: unknown) => void;
  #isEnded = false;

  /** `failed` gets what a handler has thrown: the others go on. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** The time that timers go by, in milliseconds. */
  now(): number {
    return bootTimeMs();
  }

  /** Calls `handler` whenever the descriptor is ready for these events: bits of EPOLL. */
  watch(fd: number, events: number, handler: (events: number) => void): void {
    this.#epoll.add(fd, events);
    this.#handlers.set(fd, handler);
  }

  /** The same handler for other events. */
  change(fd: number, events: number): void {
    this.#epoll.modify(fd, events);
  }

  /** Forgets the descriptor, which is open still. */
  unwatch(fd: number): void {
    this.#epoll.remove(fd);
    this.#handlers.delete(fd);
  }

  at(time: number, run: () => void): Timer {
    return this.#timers.add(time, run);
  }

  cancel(timer: Timer): void {
    this.#timers.cancel(timer);
  }

  /** Ends `run` when the handler that is running has returned. */
  end(): void {
    this.#isEnded = true;
  }

  run(): void {
    while (!this.#isEnded) {
      for (const { fd, events } of this.#epoll.wait(waitFor(this.#timers.next(), this.now()))) {
        // A handler before this one may have closed the descriptor.
        this.#guard(() => this.#handlers.get(fd)?.(events));
      }
      this.#guard(() => this.#timers.runDue(this.now()));
    }
    this.#epoll.close();
  }

  #guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#failed(error);
    }
  }
}

const LONGEST_WAIT_MS = 60_000;

/**
 * How long to wait for what is due at `next`, in milliseconds; negative: for ever. Times go on while the machine sleeps
 * (CLOCK_BOOTTIME), epoll's time-out does not: after a sleep what is due comes a minute late at the most.
 */
export function waitFor(next: number, now: number): number {
  return next === Infinity ? -1 : Math.min(LONGEST_WAIT_MS, Math.max(0, next - now));
}
