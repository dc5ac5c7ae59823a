// The plugin's side of the protocol: one call of the daemon, within a time.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { GobDecoder } from "../gob/decode.ts";
import { GobEncoder } from "../gob/encode.ts";
import type { GobStruct } from "../gob/types.ts";
import { engine } from "../sys/engine.ts";
import { hasCode, SyscallError } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { monotonicMs } from "../sys/process.ts";
import { connectUnix, readWithin, writeNow } from "../sys/unix-stream.ts";
import { DecodeError } from "../wire/error.ts";
import { CMD_ARGS, type CmdArgs, CONNECT, CONNECTED, cmdArgsToGob, REQUEST } from "./rpc.ts";

/** Within this a daemon that lives has answered the greeting. */
const GREETING_MS = 10_000;
const ANSWER_LIMIT = 8 << 20;

const START = "start the daemon on this node: dhcp daemon (systemd: dhcp.socket and dhcp.service)";

/** There is no daemon at the socket. */
export class NoDaemonError extends CniError {}

/** The daemon has answered the call with an error. */
export class DaemonError extends CniError {
  /** What the daemon said. */
  readonly said: string;

  constructor(method: string, said: string) {
    super(CNI_CODE.INTERNAL, `error calling ${method}: ${said}`);
    this.said = said;
  }

  /** Whether the daemon, upstream's say, does not know the method. */
  get isUnknownMethod(): boolean {
    return this.said.startsWith("rpc: can't find method");
  }
}

/**
 * Calls a method of the daemon at this socket and returns what it answers. Throws NoDaemonError; DaemonError; CniError 11 where
 * it does not answer in time or ends meanwhile, and 999 where it is something else than a DHCP daemon.
 */
export function askDaemon(socket: string, method: string, args: CmdArgs, timeoutMs: number): GobStruct {
  return withDaemon(socket, (stream) => {
    const encoder = new GobEncoder();
    stream.write(encoder.encode(REQUEST, { ServiceMethod: method }));
    stream.write(encoder.encode(CMD_ARGS, cmdArgsToGob(args)));
    const decoder = new GobDecoder();
    const header = stream.next(decoder, method, timeoutMs);
    const body = stream.next(decoder, method, timeoutMs);
    const { Error: said, Seq = 0 } = header;
    if (Seq !== 0) throw notDaemon(socket); // the first call has the number 0
    if (typeof said === "string" && said !== "") throw new DaemonError(method, said);
    return body;
  });
}

/** Throws NoDaemonError, or CniError, where no daemon answers the greeting. */
export function greetDaemon(socket: string): void {
  withDaemon(socket, () => undefined);
}

function withDaemon<T>(socket: string, use: (stream: Stream) => T): T {
  const stream = new Stream(socket);
  try {
    stream.write(engine.encode(CONNECT));
    stream.greeting();
    return use(stream);
  } catch (error) {
    if (error instanceof CniError) throw error;
    if (hasCode(error, "ETIMEDOUT", "EAGAIN")) throw trouble(socket, "has not answered in time", error);
    if (hasCode(error, "EPIPE", "ECONNRESET")) throw trouble(socket, "has ended in the middle of the call", error);
    if (error instanceof DecodeError) throw notDaemon(socket, error);
    throw error;
  } finally {
    stream.close();
  }
}

class Stream {
  readonly #socket: string;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(65536);

  constructor(socket: string) {
    this.#socket = socket;
    try {
      this.#fd = connectUnix("dial the DHCP daemon", socket, false, GREETING_MS);
    } catch (error) {
      if (hasCode(error, "EAGAIN")) throw trouble(socket, "has not answered in time", error);
      if (!(error instanceof SyscallError)) throw error;
      throw noDaemon(socket, error);
    }
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const count = writeNow("call the DHCP daemon", this.#fd, bytes.subarray(at));
      if (count === 0) throw trouble(this.#socket, "has not read the call in time");
      at += count;
    }
  }

  greeting(): void {
    const end = monotonicMs() + GREETING_MS;
    let said = "";
    while (said.length < CONNECTED.length && CONNECTED.startsWith(said)) {
      const more = this.#read(end, CONNECTED.length - said.length);
      if (more.length === 0) throw trouble(this.#socket, "has ended in the middle of the call");
      said += engine.decode(more);
    }
    if (said !== CONNECTED) throw notDaemon(this.#socket);
  }

  next(decoder: GobDecoder, method: string, timeoutMs: number): GobStruct {
    const end = monotonicMs() + timeoutMs;
    for (let length = 0; ; ) {
      const found = decoder.nextStruct();
      if (found !== undefined) return found;
      const more = this.#read(end);
      length += more.length;
      if (more.length === 0) throw trouble(this.#socket, `has ended in the middle of ${method}`);
      if (length > ANSWER_LIMIT) throw notDaemon(this.#socket);
      decoder.push(more);
    }
  }

  #read(end: number, limit: number = this.#buffer.length): Uint8Array {
    const buffer = this.#buffer.subarray(0, limit);
    return buffer.slice(0, readWithin("hear from the DHCP daemon", this.#fd, buffer, end - monotonicMs()));
  }

  close(): void {
    close(this.#fd);
  }
}

function trouble(socket: string, what: string, cause?: unknown): CniError {
  return new CniError(CNI_CODE.TRY_AGAIN_LATER, `the DHCP daemon at ${socket} ${what}`, START, cause);
}

function noDaemon(socket: string, cause: SyscallError): NoDaemonError {
  const problem = `error dialing DHCP daemon: dial unix ${socket}: ${cause.code}`;
  return new NoDaemonError(CNI_CODE.TRY_AGAIN_LATER, problem, START, cause);
}

function notDaemon(socket: string, cause?: unknown): CniError {
  const problem = `what answers at ${socket} is not a DHCP daemon that this plugin understands`;
  return new CniError(
    CNI_CODE.INTERNAL,
    problem,
    "is it the dhcp daemon of containernetworking/plugins, or bauta's?",
    cause,
  );
}
