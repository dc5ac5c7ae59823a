// What a check of `bauta doctor` finds.

import type { Position } from "../../cni/json-positions.ts";

/**
 * `problem`: containers can't be attached, or can't reach what they should. `warning`: it works, and may soon not, or not as people
 * expect. `note`: worth knowing. `unknown`: it could not be looked at.
 */
export const SEVERITIES = ["problem", "warning", "note", "unknown"] as const;
export type Severity = (typeof SEVERITIES)[number];

export interface Finding {
  readonly severity: Severity;
  /** What is so, in a sentence without a full stop. */
  readonly text: string;
  /** What to do about it. */
  readonly remedy: string;
  /** The file that it is about, and the place in it, where there is one. */
  readonly file?: string;
  readonly position?: Position | undefined;
}

/** One thing that is looked at. */
export interface Check<Of> {
  /** A word or two, for people and for programs: `forwarding`. */
  readonly name: string;
  /** Changes nothing. Throws SyscallError or NetlinkError, which makes the check unknown. */
  readonly look: (of: Of) => readonly Finding[];
}
