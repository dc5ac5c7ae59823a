// Kernel parameters under /proc/sys, in the network namespace of this thread.

import { engine } from "./engine.ts";
import { hasCode } from "./error.ts";
import { O, withOpen, writeAll } from "./fd.ts";
import { readStart } from "./file.ts";

/** `net/ipv4/ip_forward`: slashes, because an interface name may have dots in it. */
export type SysctlName = `net/${string}`;

/** The value without its newline, or undefined where this kernel has no such parameter. */
export function readSysctl(name: SysctlName): string | undefined {
  try {
    return engine.decode(readStart(`/proc/sys/${name}`, new Uint8Array(VALUE_SIZE))).trimEnd();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** More than any value under /proc/sys/net takes: those are numbers, a few to a line. */
const VALUE_SIZE = 256;

/**
 * Like `sysctl -w`; writes only what differs, so that a read-only /proc/sys that already agrees is no error. Returns whether
 * this kernel has such a parameter.
 */
export function writeSysctl(name: SysctlName, value: string): boolean {
  const present = readSysctl(name);
  if (present === undefined) return false;
  if (present !== value) write(name, value);
  return true;
}

function write(name: SysctlName, value: string): void {
  withOpen(`/proc/sys/${name}`, O.WRONLY, (fd) => writeAll(fd, `/proc/sys/${name}`, engine.encode(value)));
}
