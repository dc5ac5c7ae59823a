// Kernel parameters under /proc/sys (Documentation/networking/ip-sysctl.rst), in the network namespace of this thread.
//
// There are three ways to give a parameter a value. No way fails because /proc/sys is read-only while the parameter already
// has the value.
//   setSysctl     writes at once: for a parameter that has another value as a rule
//   ensureSysctl  reads first: for a parameter that has the value as a rule
//   trySetSysctl  writes, and passes over a refusal: for what is good to have but not worth failing for

import { engine } from "./engine.ts";
import { hasCode, SyscallError } from "./error.ts";
import { O, withOpen, writeAll } from "./fd.ts";
import { readStart, readText } from "./file.ts";

/** `net/ipv4/ip_forward`: with slashes, because an interface name may have dots in it. */
export type SysctlName = `net/${string}`;

/** The value without its newline, or undefined where this kernel has no such parameter. Throws SyscallError. */
export function readSysctl(name: SysctlName): string | undefined {
  try {
    const start = readStart(pathOf(name), new Uint8Array(VALUE_SIZE));
    return (start.length < VALUE_SIZE ? engine.decode(start) : readText(pathOf(name))).trimEnd();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** More than most values under /proc/sys/net take: numbers, a few to a line. A list of ports may be longer. */
const VALUE_SIZE = 256;

/** Whether two values say the same: the kernel puts tabs between numbers where people write blanks. */
export function isSameValue(one: string, other: string): boolean {
  const words = (value: string): string => value.trim().replace(/\s+/g, " ");
  return one === other || words(one) === words(other);
}

/**
 * Like `sysctl -w`, without a look at the present value first. Returns whether this kernel has such a parameter. Throws
 * SyscallError where the parameter can't be set and has another value.
 */
export function setSysctl(name: SysctlName, value: string): boolean {
  const path = pathOf(name);
  try {
    withOpen(path, O.WRONLY, (fd) => writeAll(fd, path, engine.encode(value)));
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    if (hasCode(error, ...REFUSALS) && has(name, value)) return true;
    throw error;
  }
}

/** A read-only mount, a namespace of another user's, a security module. */
const REFUSALS = ["EROFS", "EACCES", "EPERM"] as const;

/** Whether the parameter has the value; false also where the parameter can't be read. */
function has(name: SysctlName, value: string): boolean {
  try {
    return isSameValue(readSysctl(name) ?? "", value);
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}

/**
 * Like `sysctl -w`, but writes only what differs. Returns whether this kernel has such a parameter. Throws SyscallError where
 * the parameter can't be read, or can't be set and has another value.
 */
export function ensureSysctl(name: SysctlName, value: string): boolean {
  const present = readSysctl(name);
  if (present === undefined) return false;
  return isSameValue(present, value) || setSysctl(name, value);
}

/** Like setSysctl, for what is good to have set but not worth failing for. */
export function trySetSysctl(name: SysctlName, value: string): void {
  try {
    setSysctl(name, value);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
}

function pathOf(name: SysctlName): string {
  return `/proc/sys/${name}`;
}
