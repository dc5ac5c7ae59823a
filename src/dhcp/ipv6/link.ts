// The sockets of an interface's IPv6, which are there only while something may come by them: the kernel's news, and port 546.

import { EPOLL } from "../../sys/epoll.ts";
import { errorText, hasCode } from "../../sys/error.ts";
import { type Interface, withInterface } from "../interface.ts";
import type { Loop } from "../loop.ts";
import { lookAt } from "./autoconf.ts";
import { ClientSocket } from "./client-socket.ts";
import { type Heard, KernelWatch } from "./kernel-watch.ts";
import type { Reply6, Request6 } from "./message.ts";

/** A peer that sends without a pause must not keep the daemon from all others. */
const PACKETS_A_TURN = 16;

/** Who uses the sockets. */
export interface LinkUser extends Heard {
  /** Runs what a socket has woken the daemon for. */
  readonly guard: (run: () => void) => void;
  /** The kernel has said something of IPv6. */
  readonly news: () => void;
  readonly reply: (reply: Reply6) => void;
}

/** The sockets of one interface. */
export class Link6 {
  readonly #where: Interface;
  readonly #loop: Loop;
  readonly #buffer: Uint8Array;
  readonly #user: LinkUser;
  #watch: KernelWatch | undefined;
  #socket: ClientSocket | undefined;

  constructor(where: Interface, { loop, buffer }: { loop: Loop; buffer: Uint8Array }, user: LinkUser) {
    this.#where = where;
    this.#loop = loop;
    this.#buffer = buffer;
    this.#user = user;
  }

  /** Has the user hear what the kernel says. Throws GoneError, SyscallError. */
  listen(): void {
    if (this.#watch !== undefined) return;
    const watch = new KernelWatch(this.#where);
    this.#watch = watch;
    this.#loop.watch(watch.fd, EPOLL.IN, () => this.#user.guard(() => this.#hear(watch)));
  }

  /** Hears the kernel no more. */
  deafen(): void {
    if (this.#watch === undefined) return;
    this.#loop.unwatch(this.#watch.fd);
    this.#watch.close();
    this.#watch = undefined;
  }

  /**
   * Sends a message, and has the user hear the answers from now on. Returns what is in the way, which passes: what can't be sent now
   * is lost, as packets are, and the next attempt comes. Throws GoneError; SyscallError for the rest.
   */
  send(message: Request6): string | undefined {
    try {
      const socket = this.#socket ?? this.#open();
      socket?.send(message);
      return socket === undefined ? "the link-local address can't be used" : undefined;
    } catch (error) {
      if (!hasCode(error, "ENETDOWN", "ENETUNREACH", "EADDRNOTAVAIL", "ENOBUFS", "EAGAIN", "EPERM")) throw error;
      return errorText(error);
    }
  }

  /** Hears no answers any more. */
  shut(): void {
    if (this.#socket === undefined) return;
    this.#loop.unwatch(this.#socket.fd);
    this.#socket.close();
    this.#socket = undefined;
  }

  #open(): ClientSocket | undefined {
    const { linkLocal } = withInterface(this.#where, lookAt);
    if (linkLocal === undefined) return undefined;
    const socket = new ClientSocket(this.#where, linkLocal);
    this.#socket = socket;
    this.#loop.watch(socket.fd, EPOLL.IN, () => this.#user.guard(() => this.#receive(socket)));
    return socket;
  }

  #hear(watch: KernelWatch): void {
    watch.read(this.#user);
    this.#user.news();
  }

  /** What is left makes the descriptor ready again: another one's turn comes before. */
  #receive(socket: ClientSocket): void {
    for (let count = 0; count < PACKETS_A_TURN && this.#socket === socket; count++) {
      const reply = socket.receive(this.#buffer);
      if (reply === undefined) return;
      if (reply !== "other") this.#user.reply(reply);
    }
  }
}
