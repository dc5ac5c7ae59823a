// The daemon's side of one connection: the greeting, calls one after the other, and the end of the caller.

import { GobDecoder } from "../gob/decode.ts";
import { GobEncoder } from "../gob/encode.ts";
import type { GobStruct, GobType, GobValue } from "../gob/types.ts";
import { engine } from "../sys/engine.ts";
import { EPOLL } from "../sys/epoll.ts";
import { SyscallError } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { readNow, writeNow } from "../sys/unix-stream.ts";
import { joinBytes } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import type { Loop } from "./loop.ts";
import { CONNECT, CONNECTED, NOTHING, RESPONSE } from "./rpc.ts";

/** What a call is answered: a value of a type, or an error. */
export type Answer = { readonly type: Exclude<GobType, string>; readonly value: GobValue } | Error;

/** A call that has come. It is answered once, by `answer`. */
export class Call {
  readonly method: string;
  readonly args: GobStruct;
  /** Called where the caller goes before it is answered. */
  onGone: () => void = () => undefined;
  #reply: ((answer: Answer) => void) | undefined;

  constructor(method: string, args: GobStruct, reply: (answer: Answer) => void) {
    this.method = method;
    this.args = args;
    this.#reply = reply;
  }

  /** Answers; nothing where the caller has gone. */
  answer(answer: Answer): void {
    const reply = this.#reply;
    this.end();
    reply?.(answer);
  }

  /** Lets go of all that waits for it: what the call holds must not hold the call, as circles stay in memory for long. */
  end(): void {
    this.#reply = undefined;
    this.onGone = () => undefined;
  }
}

const BUFFER_SIZE = 65536;
/** That wait for their answers, of one connection. A plugin makes one call. */
const MOST_CALLS = 64;
/** A request line of HTTP, and headers that nobody reads. */
const GREETING_MAX = 8192;

/** Serves what comes over an accepted connection, until its other end closes. */
export class RpcConnection {
  readonly #loop: Loop;
  readonly #fd: number;
  readonly #serve: (call: Call) => void;
  readonly #decoder = new GobDecoder();
  readonly #encoder = new GobEncoder();
  #greeting = "";
  #isGreeted = false;
  #header: GobStruct | undefined;
  readonly #calls = new Set<Call>();
  #output: Uint8Array = new Uint8Array(0);
  #isOpen = true;
  /** Whether nothing is to come any more but what has been written. */
  #isLast = false;

  constructor(loop: Loop, fd: number, serve: (call: Call) => void) {
    this.#loop = loop;
    this.#fd = fd;
    this.#serve = serve;
    loop.watch(fd, EPOLL.IN, (events) => this.#handle(events));
  }

  #handle(events: number): void {
    try {
      if ((events & EPOLL.OUT) !== 0) this.#flush();
      if (this.#isOpen && (events & ~EPOLL.OUT) !== 0) this.#read();
    } catch (error) {
      // A client that sends something else than calls gets no answer.
      this.#close();
      if (!(error instanceof SyscallError || error instanceof DecodeError)) throw error;
    }
  }

  /** One part at a time: what is left makes the descriptor ready again, after the others. */
  #read(): void {
    const buffer = new Uint8Array(BUFFER_SIZE);
    const count = readNow("read a call", this.#fd, buffer);
    if (count === 0) this.#close();
    else if (count !== undefined) this.#take(buffer.subarray(0, count));
  }

  #take(bytes: Uint8Array): void {
    if (this.#isLast) return;
    const rest = this.#isGreeted ? bytes : this.#greet(bytes);
    if (rest === undefined) return;
    this.#decoder.push(rest);
    for (;;) {
      const value = this.#decoder.nextStruct();
      if (value === undefined || !this.#isOpen) return;
      if (this.#header === undefined) this.#header = value;
      else this.#begin(this.#header, value);
    }
  }

  /** The greeting is over at an empty line. Returns what stands behind it. */
  #greet(bytes: Uint8Array): Uint8Array | undefined {
    // The greeting is ASCII: a character is a byte.
    let text = "";
    for (const byte of bytes) text += String.fromCharCode(byte);
    this.#greeting += text;
    const end = /\r?\n\r?\n/.exec(this.#greeting);
    if (end === null) {
      if (this.#greeting.length > GREETING_MAX) this.#close();
      return undefined;
    }
    const after = end.index + end[0].length;
    const behind = this.#greeting.length - after;
    const [method, path] = (this.#greeting.split("\n")[0] ?? "").split(" ");
    if (path !== CONNECT.split(" ")[1]) return this.#refuse("404 Not Found", "404 page not found\n");
    if (method !== "CONNECT") return this.#refuse("405 Method Not Allowed", "405 must CONNECT\n");
    this.#isGreeted = true;
    this.#write(engine.encode(CONNECTED));
    return bytes.subarray(bytes.length - behind);
  }

  #refuse(status: string, text: string): undefined {
    const head = `HTTP/1.0 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\n\r\n`;
    this.#isLast = true;
    this.#write(engine.encode(head + text));
  }

  #begin(header: GobStruct, args: GobStruct): void {
    this.#header = undefined;
    const { ServiceMethod: method = "", Seq = 0 } = header;
    if (typeof method !== "string" || typeof Seq !== "number")
      throw new DecodeError("a call without a method or a number");
    if (this.#calls.size >= MOST_CALLS) throw new DecodeError("more calls at one time than anybody makes");
    const call = new Call(method, args, (answer) => {
      this.#calls.delete(call);
      this.#answer(method, Seq, answer);
    });
    this.#calls.add(call);
    this.#serve(call);
  }

  #answer(method: string, seq: number, answer: Answer): void {
    const failed = answer instanceof Error;
    const response = { ServiceMethod: method, Seq: seq, Error: failed ? answer.message : "" };
    this.#write(this.#encoder.encode(RESPONSE, response));
    this.#write(failed ? this.#encoder.encode(NOTHING, {}) : this.#encoder.encode(answer.type, answer.value));
  }

  #write(bytes: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#output = joinBytes(this.#output, bytes);
    try {
      this.#flush();
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.#close();
    }
  }

  #flush(): void {
    const before = this.#output.length;
    if (before > 0) this.#output = this.#output.slice(writeNow("answer a call", this.#fd, this.#output));
    const isDone = this.#output.length === 0;
    if (isDone && this.#isLast) this.#close();
    // A peer that does not read its answers is not read either, so that what is kept for it has a limit.
    else this.#loop.change(this.#fd, isDone ? EPOLL.IN : EPOLL.OUT);
  }

  #close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#loop.unwatch(this.#fd);
    close(this.#fd);
    const calls = [...this.#calls];
    this.#calls.clear();
    for (const call of calls) {
      const { onGone } = call;
      call.end();
      onGone();
    }
  }
}
