// The daemon's loop, whose handlers a test calls itself: one event at a time.

import { Loop } from "../../src/dhcp/loop.ts";

/** A loop that does not run: what it would call is called by `ready`. */
export class WatchedLoop extends Loop {
  readonly handlers: Map<number, (events: number) => void> = new Map();
  /** What each descriptor is watched for: bits of EPOLL. */
  readonly interests: Map<number, number> = new Map();

  constructor() {
    super((error) => {
      throw error;
    });
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
}
