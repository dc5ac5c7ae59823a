// Kernel parameters under /proc/sys, in the network namespace of this thread.

import { hasCode } from "./error.ts";
import { O, withOpen, writeAll } from "./fd.ts";
import { readText } from "./file.ts";
import { host } from "./host.ts";

/** `net/ipv4/ip_forward`: slashes, because an interface name may have dots in it. */
export type SysctlName = `net/${string}`;

/** The value without its newline, or undefined where this kernel has no such parameter. */
export function readSysctl(name: SysctlName): string | undefined {
  try {
    return readText(`/proc/sys/${name}`).trimEnd();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Like `sysctl -w`; writes only what differs, so that a read-only /proc/sys that already agrees is no error. */
export function writeSysctl(name: SysctlName, value: string): void {
  if (readSysctl(name) === value) return;
  withOpen(`/proc/sys/${name}`, O.WRONLY, (fd) => writeAll(fd, `/proc/sys/${name}`, host.encode(value)));
}
