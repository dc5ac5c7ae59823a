// ioctl(2), for the devices that have no other interface.

import { call } from "./call.ts";

/** Asks the driver behind the descriptor. `operation` is what for, in words: `make the tap eth0`. Throws SyscallError. */
export function ioctl(fd: number, request: number, argument: number | Uint8Array, operation: string): number {
  return call(operation, "ioctl", fd, request, argument);
}
