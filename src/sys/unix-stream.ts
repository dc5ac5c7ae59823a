// Streams of the local machine: unix(7).

import { call, tryCall } from "./call.ts";
import { engine } from "./engine.ts";
import { errno } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { close } from "./fd.ts";
import { POLL, poll } from "./poll.ts";
import { AF, bind, connect, openSocket, SO, SOCK, SOL, setOption } from "./socket.ts";

/** sizeof(sun_path) of struct sockaddr_un, without the NUL. */
export const UNIX_PATH_MAX = 107;

/**
 * Connects to a socket by its path, or by its name in the abstract namespace. Returns the descriptor. With `timeoutMs` neither
 * the connecting nor a write takes longer (EAGAIN). Throws SyscallError; RangeError for a name that is too long.
 */
export function connectUnix(operation: string, name: string, isAbstract: boolean, timeoutMs = 0): number {
  const address = unixAddress(name, isAbstract);
  const fd = openSocket(operation, { family: AF.UNIX, type: SOCK.STREAM, protocol: 0 });
  try {
    if (timeoutMs > 0) setOption(operation, fd, SOL.SOCKET, SO.SNDTIMEO, timeval(timeoutMs));
    connect(operation, fd, address);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** struct __kernel_old_timeval, of two longs. */
function timeval(ms: number): Int32Array {
  return Int32Array.of(Math.floor(ms / 1000), 0, (ms % 1000) * 1000, 0);
}

/** struct sockaddr_un { sa_family_t sun_family; char sun_path[108]; }: an abstract name begins with a NUL, and has none behind. */
function unixAddress(name: string, isAbstract: boolean): Uint8Array {
  const text = engine.encode(name);
  if (text.length > UNIX_PATH_MAX) throw new RangeError(`${name} is too long to be the name of a socket`);
  const address = new Uint8Array(2 + text.length + 1);
  address[0] = AF.UNIX;
  address.set(text, isAbstract ? 3 : 2);
  return address;
}

const BACKLOG = 4096; // SOMAXCONN, include/linux/socket.h

/**
 * Makes a socket file that others connect to, and listens. Returns the descriptor, which does not wait. Throws SyscallError,
 * EADDRINUSE where something has the path.
 */
export function listenUnix(operation: string, path: string): number {
  const fd = openSocket(operation, { family: AF.UNIX, type: SOCK.STREAM | SOCK.NONBLOCK, protocol: 0 });
  try {
    bind(operation, fd, unixAddress(path, false));
    call(operation, "listen", fd, BACKLOG);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** The path of a listening socket; "@" and the name of one that is abstract; "" where it has neither. Throws SyscallError. */
export function pathOfSocket(operation: string, fd: number): string {
  const address = new Uint8Array(2 + UNIX_PATH_MAX + 1);
  const length = new Int32Array([address.length]);
  call(operation, "getsockname", fd, address, length);
  const path = address.subarray(2, Math.min(length[0] ?? 2, address.length));
  if (path.length > 1 && path[0] === 0) return `@${engine.decode(path.subarray(1))}`;
  const end = path.indexOf(0);
  return engine.decode(end < 0 ? path : path.subarray(0, end));
}

/** The connection that somebody waits for, as a descriptor that does not wait; undefined where nobody does. Throws SyscallError. */
export function acceptUnix(operation: string, fd: number): number | undefined {
  const accepted = tryCall("accept4", fd, 0, 0, ACCEPTED_FLAGS);
  if (accepted === -errno("EAGAIN") || accepted === -errno("ECONNABORTED")) return undefined;
  if (accepted < 0) throw new SyscallError("accept4", -accepted, operation);
  return accepted;
}

const ACCEPTED_FLAGS = 0o2004000; // SOCK_CLOEXEC | SOCK_NONBLOCK

/** What has come, up to the length of `buffer`: how much, 0 at the end of the stream, undefined where nothing has. Throws SyscallError. */
export function readNow(operation: string, fd: number, buffer: Uint8Array): number | undefined {
  const count = tryCall("read", fd, buffer, buffer.length);
  if (count === -errno("EAGAIN")) return undefined;
  if (count < 0) throw new SyscallError("read", -count, operation);
  return count;
}

/** Writes as much as the stream takes now: how much, 0 where it takes nothing. Throws SyscallError. */
export function writeNow(operation: string, fd: number, bytes: Uint8Array): number {
  const MSG_NOSIGNAL = 0x4000; // include/linux/socket.h: a peer that has gone is an error, not the end of this process
  const count = tryCall("sendto", fd, bytes, bytes.length, MSG_NOSIGNAL, 0, 0);
  if (count === -errno("EAGAIN")) return 0;
  if (count < 0) throw new SyscallError("sendto", -count, operation);
  return count;
}

/**
 * Reads what has come into `buffer`, and waits up to `timeoutMs` where nothing has; returns how much, 0 at the end of the stream.
 * Throws SyscallError, ETIMEDOUT when the time is up.
 */
export function readWithin(operation: string, fd: number, buffer: Uint8Array, timeoutMs: number): number {
  const [ready = 0] = poll([{ fd, events: POLL.IN }], Math.max(0, timeoutMs));
  if (ready === 0) throw new SyscallError("ppoll", errno("ETIMEDOUT"), operation);
  const count = tryCall("read", fd, buffer, buffer.length);
  if (count < 0) throw new SyscallError("read", -count, operation);
  return count;
}
