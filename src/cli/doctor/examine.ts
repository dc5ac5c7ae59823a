// All checks, one after the other: what one can't look at keeps no other from looking.

import { CniError } from "../../cni/error.ts";
import { IptablesError } from "../../iptables/program.ts";
import { NetlinkError } from "../../netlink/error.ts";
import { hasCode, SyscallError } from "../../sys/error.ts";
import type { Check, Finding } from "./finding.ts";
import { SEVERITIES } from "./finding.ts";

/** A finding, and the check that has found it. */
export interface Told extends Finding {
  readonly check: string;
}

/** What the checks find, the worst first; `begin` gets the name of each as it begins. Throws what is a mistake of ours. */
export function examine<Of>(checks: readonly Check<Of>[], of: Of, begin: (name: string) => void = () => {}): Told[] {
  const found = checks.flatMap(({ name, look }) => {
    begin(name);
    try {
      return look(of).map((finding): Told => ({ check: name, ...finding }));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return [{ check: name, ...unknown(error) }];
    }
  });
  return found.toSorted((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

function isRefusal(error: unknown): error is Error {
  return (
    error instanceof SyscallError ||
    error instanceof NetlinkError ||
    error instanceof IptablesError ||
    error instanceof CniError
  );
}

function unknown(error: Error): Finding {
  const remedy = hasCode(error, "EPERM", "EACCES") ? "run it as root" : "the reason says what stands in the way";
  return { severity: "unknown", text: `could not look: ${error.message}`, remedy };
}
