// A connection to a bus of D-Bus (specification 0.43): authentication as the user that we are (EXTERNAL), then calls one after the
// other. Signals, and whatever else is not the answer, are passed over.

import { engine } from "../sys/engine.ts";
import { close, writeAll } from "../sys/fd.ts";
import { effectiveUserId, monotonicMs } from "../sys/process.ts";
import { connectUnix, readWithin } from "../sys/unix-stream.ts";
import { type Call, decodeReply, encodeCall, messageLength, type Reply, TYPE } from "./message.ts";

/** What the other end of a call has answered instead of a result, or why there is no bus. */
export class DBusError extends Error {
  override readonly name: string = "DBusError";
  /** `org.freedesktop.DBus.Error.ServiceUnknown`; empty where it is not from the bus. */
  readonly errorName: string;

  constructor(message: string, errorName = "", cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.errorName = errorName;
  }
}

const DEFAULT_ADDRESS = "unix:path=/var/run/dbus/system_bus_socket";

/** A message is at most this long; longer ones than any that we ask for. */
const MESSAGE_MAX = 1 << 20;

const DBUS = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
} as const;

export class Bus {
  readonly #fd: number;
  readonly #timeoutMs: number;
  #received: Uint8Array = new Uint8Array(0);
  #serial = 0;

  private constructor(fd: number, timeoutMs: number) {
    this.#fd = fd;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Connects to the system bus: DBUS_SYSTEM_BUS_ADDRESS, or else its well-known place. Each call is given up after `timeoutMs`.
   * Throws DBusError or SyscallError.
   */
  static openSystem(timeoutMs: number): Bus {
    const address = engine.getenv("DBUS_SYSTEM_BUS_ADDRESS") || DEFAULT_ADDRESS;
    const bus = new Bus(connectTo(address), timeoutMs);
    try {
      bus.#authenticate();
      bus.call({ ...DBUS, member: "Hello", texts: [] });
      return bus;
    } catch (error) {
      bus.close();
      throw error;
    }
  }

  close(): void {
    close(this.#fd);
  }

  /** Whether somebody on the bus has this well-known name. Throws DBusError or SyscallError. */
  hasOwner(name: string): boolean {
    try {
      this.call({ ...DBUS, member: "GetNameOwner", texts: [name] });
      return true;
    } catch (error) {
      if (error instanceof DBusError && error.errorName === "org.freedesktop.DBus.Error.NameHasNoOwner") return false;
      throw error;
    }
  }

  /** Calls a method, and returns its first value where that is a text or a boolean. Throws DBusError or SyscallError. */
  call(call: Call): string | boolean | undefined {
    const serial = ++this.#serial;
    writeAll(this.#fd, "the bus", encodeCall(call, serial));
    const deadline = monotonicMs() + this.#timeoutMs;
    const operation = `wait for ${call.interface}.${call.member} of D-Bus`;
    for (;;) {
      const reply = this.#next(operation, deadline);
      if (reply.replySerial !== serial) continue;
      if (reply.type === TYPE.METHOD_RETURN) return reply.value;
      const { errorName = "", value } = reply;
      throw new DBusError(`${call.interface}.${call.member}: ${errorName}: ${String(value ?? "")}`, errorName);
    }
  }

  #next(operation: string, deadline: number): Reply {
    for (;;) {
      const length = messageLength(this.#received);
      if (length !== undefined && length > MESSAGE_MAX)
        throw new DBusError(`${operation}: a message of ${length} bytes`);
      if (length !== undefined && this.#received.length >= length) {
        const message = this.#received.slice(0, length);
        this.#received = this.#received.slice(length);
        return decodeReply(message);
      }
      this.#receive(operation, deadline);
    }
  }

  #receive(operation: string, deadline: number): void {
    const buffer = new Uint8Array(4096);
    const count = readWithin(operation, this.#fd, buffer, deadline - monotonicMs());
    if (count === 0) throw new DBusError(`${operation}: the bus has ended the connection`);
    const all = new Uint8Array(this.#received.length + count);
    all.set(this.#received);
    all.set(buffer.subarray(0, count), this.#received.length);
    this.#received = all;
  }

  /** "Authentication Protocol": a NUL, lines, and after BEGIN messages. The user id is told as the hexadecimal of its digits. */
  #authenticate(): void {
    const id = Array.from(String(effectiveUserId()), (digit) => digit.charCodeAt(0).toString(16)).join("");
    writeAll(this.#fd, "the bus", engine.encode(`\0AUTH EXTERNAL ${id}\r\n`));
    const deadline = monotonicMs() + this.#timeoutMs;
    let answer = "";
    while (!answer.endsWith("\r\n")) {
      this.#receive("wait for the bus of D-Bus", deadline);
      answer = engine.decode(this.#received);
      if (answer.length > 1024) break;
    }
    this.#received = new Uint8Array(0);
    if (!answer.startsWith("OK ")) throw new DBusError(`the bus of D-Bus refuses us: ${answer.trim().slice(0, 80)}`);
    writeAll(this.#fd, "the bus", engine.encode("BEGIN\r\n"));
  }
}

/** Tries the parts of an address (`unix:path=…;unix:abstract=…`) in turn. */
function connectTo(address: string): number {
  const operation = "connect to the system bus of D-Bus";
  let last: unknown;
  for (const part of address.split(";")) {
    const [, key, value = ""] = /^unix:(?:.*,)?(path|abstract)=([^,]*)/.exec(part) ?? [];
    if (key === undefined) continue;
    try {
      return connectUnix(operation, unescaped(value), key === "abstract");
    } catch (error) {
      last = error;
    }
  }
  throw last ?? new DBusError(`no part of the address ${JSON.stringify(address)} is a socket of this machine`);
}

/** `%20` is a byte in hexadecimal digits. */
function unescaped(value: string): string {
  return value.replace(/%([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
