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
      const next = this.#timers.next();
      const wait = next === Infinity ? -1 : Math.max(0, next - this.now());
      for (const { fd, events } of this.#epoll.wait(wait)) {
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
