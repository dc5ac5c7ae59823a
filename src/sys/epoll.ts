// Waiting for many descriptors, of which few are ready at a time: epoll(7). The cost does not grow with their number.

import { call, tryCall } from "./call.ts";
import { SyscallError } from "./error.ts";
import { close } from "./fd.ts";
import { MACHINE } from "./machine.ts";

// include/uapi/linux/eventpoll.h
export const EPOLL = { IN: 1, OUT: 4 } as const;
const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL = { ADD: 1, DEL: 2, MOD: 3 } as const;

const DATA_AT = MACHINE.EPOLL_EVENT_DATA;
const EVENT_SIZE = DATA_AT + 8;
const MOST_EVENTS = 64;

/** A descriptor that is ready, and for what: bits of EPOLL, or others where its other end is gone. */
export interface Ready {
  readonly fd: number;
  readonly events: number;
}

/** A set of descriptors to wait for. */
export class Epoll {
  readonly #fd: number = call("wait for descriptors", "epoll_create1", EPOLL_CLOEXEC);

  /** Has `wait` tell when the descriptor is ready for these events (bits of EPOLL). Throws SyscallError. */
  add(fd: number, events: number): void {
    this.#control(EPOLL_CTL.ADD, fd, events);
  }

  /** The same, instead of the events of before. Throws SyscallError. */
  modify(fd: number, events: number): void {
    this.#control(EPOLL_CTL.MOD, fd, events);
  }

  /** Forgets the descriptor, which must be open still. Throws SyscallError. */
  remove(fd: number): void {
    this.#control(EPOLL_CTL.DEL, fd, 0);
  }

  #control(operation: number, fd: number, events: number): void {
    const event = new Uint8Array(EVENT_SIZE);
    const view = new DataView(event.buffer);
    view.setUint32(0, events, true);
    view.setInt32(DATA_AT, fd, true);
    call("watch a descriptor", "epoll_ctl", this.#fd, operation, fd, event);
  }

  /**
   * Waits until a descriptor is ready, or `timeoutMs` have passed (negative: for ever); returns those that are ready, some of
   * them where they are many. Throws SyscallError.
   */
  wait(timeoutMs: number): Ready[] {
    const events = new Uint8Array(EVENT_SIZE * MOST_EVENTS);
    const timeout = timeoutMs < 0 ? -1 : Math.min(Math.ceil(timeoutMs), 0x7fffffff);
    const count = tryCall("epoll_pwait", this.#fd, events, MOST_EVENTS, timeout, 0, 0);
    if (count < 0) throw new SyscallError("epoll_pwait", -count, "wait for a descriptor");
    const view = new DataView(events.buffer);
    return Array.from({ length: count }, (_, i) => ({
      fd: view.getInt32(i * EVENT_SIZE + DATA_AT, true),
      events: view.getUint32(i * EVENT_SIZE, true),
    }));
  }

  close(): void {
    close(this.#fd);
  }
}
