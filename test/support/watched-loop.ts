// The daemon's loop, whose time passes and whose handlers are called as a test says: one event at a time.

import { Loop } from "../../src/dhcp/loop.ts";
import { type Timer, Timers } from "../../src/dhcp/timers.ts";

/** A loop that does not run: what it would call is called by `ready` and `pass`. */
export class WatchedLoop extends Loop {
  readonly handlers: Map<number, (events: number) => void> = new Map();
  /** What each descriptor is watched for: bits of EPOLL. */
  readonly interests: Map<number, number> = new Map();
  readonly #timers = new Timers();
  #ahead = 0;

  constructor() {
    super((error) => {
      throw error;
    });
  }

  override now(): number {
    return super.now() + this.#ahead;
  }

  override at(time: number, run: () => void): Timer {
    return this.#timers.add(time, run);
  }

  override cancel(timer: Timer): void {
    this.#timers.cancel(timer);
  }

  override watch(fd: number, events: number, handler: (events: number) => void): void {
    super.watch(fd, events, handler);
    this.handlers.set(fd, handler);
    this.interests.set(fd, events);
  }

  override change(fd: number, events: number): void {
    super.change(fd, events);
    this.interests.set(fd, events);
  }

  override unwatch(fd: number): void {
    super.unwatch(fd);
    this.handlers.delete(fd);
    this.interests.delete(fd);
  }

  /** Tells the handler of the descriptor, once, that it is ready. */
  ready(fd: number, events: number): void {
    const handler = this.handlers.get(fd);
    if (handler === undefined) throw new Error(`nothing waits for the descriptor ${fd}`);
    handler(events);
  }

  /** Lets so many milliseconds pass, and runs what is due then. */
  pass(ms: number): void {
    this.#ahead += ms;
    this.#timers.runDue(this.now());
  }
}
