// This process: its input, output, environment and end.

import { call, tryCall } from "./call.ts";
import { engine } from "./engine.ts";
import { readAll, writeAll } from "./fd.ts";
import { printable } from "./printable.ts";

/** Everything on standard input; throws RangeError past `limit` bytes. */
export function readStdin(limit: number): Uint8Array {
  return readAll(0, "standard input", limit);
}

/** Writes text to standard output, all of it. */
export function writeStdout(text: string): void {
  writeAll(1, "standard output", engine.encode(text));
}

/** Writes a line for people to standard error, and nothing that a terminal would obey; a closed one is no error. */
export function logLine(line: string): void {
  const bytes = engine.encode(`${printable(line)}\n`);
  tryCall("write", 2, bytes, bytes.length);
}

/** Writes text to standard error as it is: for a terminal. A closed one is no error. */
export function drawOnStderr(text: string): void {
  const bytes = engine.encode(text);
  tryCall("write", 2, bytes, bytes.length);
}

/** Ends the process at once: nothing is torn down, the kernel does that faster. */
export function exit(status: number): never {
  call("exit", "exit_group", status);
  throw new Error("exit_group returned");
}

/** Effective user id, as the user namespace sees it. */
export function effectiveUserId(): number {
  return call("ask for the user id", "geteuid");
}

/** The id of this process in its own process-id namespace. */
export function ownProcessId(): number {
  return call("ask for the process id", "getpid");
}

/** Monotonic clock, in milliseconds; only differences mean anything. */
export function monotonicMs(): number {
  return clockMs(1); // CLOCK_MONOTONIC
}

/** Milliseconds since the boot, those asleep included: the same for all processes, whatever happens to the time of day. */
export function bootTimeMs(): number {
  return clockMs(7); // CLOCK_BOOTTIME
}

/** include/uapi/linux/time.h has the clocks. */
function clockMs(clock: number): number {
  const buffer = new Uint8Array(16); // struct __kernel_timespec
  call("read the clock", "clock_gettime", clock, buffer);
  const view = new DataView(buffer.buffer);
  return view.getUint32(0, true) * 1000 + view.getUint32(8, true) / 1e6;
}

/** The time of day, in nanoseconds since 1970: what files' times are compared with. */
export function realTimeNs(): bigint {
  const CLOCK_REALTIME = 0;
  const buffer = new Uint8Array(16); // struct __kernel_timespec
  call("read the clock", "clock_gettime", CLOCK_REALTIME, buffer);
  const view = new DataView(buffer.buffer);
  return view.getBigInt64(0, true) * 1_000_000_000n + view.getBigInt64(8, true);
}

/** Random bytes, as getrandom(2) gives them. */
export function randomBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  call("get random bytes", "getrandom", bytes, count, 0);
  return bytes;
}
