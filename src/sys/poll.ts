// Waiting for descriptors to be ready.

import { call } from "./call.ts";

// include/uapi/asm-generic/poll.h
export const POLL = { IN: 1, OUT: 4, ERR: 8, HUP: 16 } as const;

/** A descriptor, and what is waited for: bits of POLL. */
interface Awaited {
  readonly fd: number;
  readonly events: number;
}

/** Hears of waits. */
let watcher: (() => void) | undefined;
/** How often it does. */
const WATCH_MS = 250;

/** Has `watch` called again and again while this process waits, until it is given undefined. */
export function whileWaiting(watch: (() => void) | undefined): void {
  watcher = watch;
}

/**
 * ppoll(2): waits until one of the descriptors is ready or `timeoutMs` have passed (negative: for ever).
 * Returns the ready events of each, in order; all 0 on a time-out.
 */
export function poll(fds: readonly Awaited[], timeoutMs: number): number[] {
  if (watcher === undefined) return pollOnce(fds, timeoutMs);
  for (let left = timeoutMs < 0 ? Number.POSITIVE_INFINITY : timeoutMs; ; left -= WATCH_MS) {
    const ready = pollOnce(fds, Math.min(left, WATCH_MS));
    if (ready.some((events) => events !== 0)) return ready;
    watcher?.();
    if (left <= WATCH_MS) return ready;
  }
}

function pollOnce(fds: readonly Awaited[], timeoutMs: number): number[] {
  const table = new Uint8Array(fds.length * 8); // struct pollfd { int fd; short events; short revents; }
  const view = new DataView(table.buffer);
  fds.forEach(({ fd, events }, i) => {
    view.setInt32(i * 8, fd, true);
    view.setInt16(i * 8 + 4, events, true);
  });
  const timeout = new Uint8Array(16); // struct __kernel_timespec; ppoll writes the time left back into it
  const time = new DataView(timeout.buffer);
  time.setInt32(0, Math.floor(timeoutMs / 1000), true);
  time.setInt32(8, Math.floor((timeoutMs % 1000) * 1e6), true);
  call("wait for a descriptor", "ppoll", table, fds.length, timeoutMs < 0 ? 0 : timeout, 0, 0);
  return fds.map((_, i) => view.getInt16(i * 8 + 6, true));
}
