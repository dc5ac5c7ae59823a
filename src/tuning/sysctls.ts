// Kernel parameters of the container: setting them, taking that back, and comparing. The thread must be in the container's
// network namespace.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { hasCode, SyscallError } from "../sys/error.ts";
import { isSameValue, readSysctl, type SysctlName, setSysctl } from "../sys/sysctl.ts";
import type { Sysctl } from "./sysctl-keys.ts";

/** Values by the name of the parameter. */
export type Values = ReadonlyMap<SysctlName, string>;

/** The present values; without those that can be written only. Throws CniError 7 for a parameter that is not there. */
export function presentValues(sysctls: readonly Sysctl[]): Values {
  const values = new Map<SysctlName, string>();
  for (const { at, name } of sysctls) {
    const value = readIfLegible(name);
    if (value === undefined) continue;
    if (value === "absent") throw absent(at, name);
    values.set(name, value.text);
  }
  return values;
}

/** "absent" where there is no such parameter, undefined where nobody may read it (net.ipv4.route.flush). */
function readIfLegible(name: SysctlName): { readonly text: string } | "absent" | undefined {
  try {
    const text = readSysctl(name);
    return text === undefined ? "absent" : { text };
  } catch (error) {
    if (hasCode(error, "EACCES", "EPERM")) return undefined;
    if (hasCode(error, "ENOTDIR", "EISDIR", "ENAMETOOLONG")) return "absent";
    throw error;
  }
}

function absent(at: string, name: SysctlName): CniError {
  const problem = `${at}: there is no parameter /proc/sys/${name} in the container's network namespace`;
  return new CniError(
    CNI_CODE.INVALID_CONFIG,
    problem,
    "this kernel has none of the name, or has one for the whole node",
  );
}

/** What the kernel says of a value. */
const REFUSALS = ["EINVAL", "ERANGE", "E2BIG", "EOPNOTSUPP", "EADDRNOTAVAIL"] as const;

/** Sets the parameters in this order. Throws CniError 7 where the kernel does not take a value, and an Error that a SyscallError caused. */
export function setSysctls(sysctls: readonly Sysctl[]): void {
  for (const { at, name, value } of sysctls) {
    try {
      if (!setSysctl(name, written(value))) throw absent(at, name);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      const problem = `${at}: the kernel does not take the value ${shown(value)}`;
      if (hasCode(error, ...REFUSALS)) throw CniError.because(error, CNI_CODE.INVALID_CONFIG, problem);
      throw new Error(`${at} cannot be set to ${shown(value)}`, { cause: error });
    }
  }
}

/** Gives the parameters these values, the last first; all are tried. Throws the first SyscallError after the last. */
export function resetSysctls(values: Values): void {
  const errors: unknown[] = [];
  for (const [name, value] of [...values].reverse()) {
    try {
      setSysctl(name, written(value));
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** A list is emptied by an empty line, as sysctl(8) writes it; to write nothing at all does nothing. */
function written(value: string): string {
  return value === "" ? "\n" : value;
}

/** What is not as it was set, as phrases. */
export function sysctlFaults(sysctls: readonly Sysctl[]): string[] {
  return sysctls.flatMap(({ name, value }) => {
    const present = readIfLegible(name);
    if (present === undefined) return [];
    if (present === "absent") return [`/proc/sys/${name} is not there`];
    const { text } = present;
    return isSameValue(text, value) ? [] : [`/proc/sys/${name} is ${shown(text)}, not ${shown(value)}`];
  });
}

function shown(value: string): string {
  return JSON.stringify(value.trim().slice(0, 80));
}
