// Streams of the local machine: unix(7).

import { tryCall } from "./call.ts";
import { engine } from "./engine.ts";
import { errno } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { close } from "./fd.ts";
import { POLL, poll } from "./poll.ts";
import { AF, connect, openSocket, SOCK } from "./socket.ts";

/** sizeof(sun_path) of struct sockaddr_un, without the NUL. */
const PATH_MAX = 107;

/**
 * Connects to a socket by its path, or by its name in the abstract namespace. Returns the descriptor. Throws SyscallError;
 * RangeError for a name that is too long.
 */
export function connectUnix(operation: string, name: string, isAbstract: boolean): number {
  const text = engine.encode(name);
  if (text.length > PATH_MAX) throw new RangeError(`${name} is too long to be the name of a socket`);
  // struct sockaddr_un { sa_family_t sun_family; char sun_path[108]; }: an abstract name begins with a NUL, and has none behind.
  const address = new Uint8Array(2 + text.length + 1);
  address[0] = AF.UNIX;
  address.set(text, isAbstract ? 3 : 2);
  const fd = openSocket(operation, { family: AF.UNIX, type: SOCK.STREAM, protocol: 0 });
  try {
    connect(operation, fd, address);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
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
