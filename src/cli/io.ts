// The outside as the command needs it: start.ts has the real one, the tests have theirs.

import type { Nftables } from "../nftables/batch.ts";
import type { EventSource } from "./events.ts";

export interface CliIo {
  /** The command line, beginning with the name that the executable was called by. */
  readonly args: readonly string[];
  readonly getenv: (name: string) => string | undefined;
  /** Writes to standard output, all of it at once. Throws SyscallError, EPIPE where nobody reads any more. */
  readonly write: (text: string) => void;
  /** Writes a line to standard error; never fails. */
  readonly log: (line: string) => void;
  /** Whether standard output is a terminal. */
  readonly isTerminal: () => boolean;
  /** The terminal's width; undefined where standard output is none. */
  readonly columns: () => number | undefined;
  /** Whether this process is in the initial process-id namespace, whose process ids nf_tables tells. */
  readonly isInHostPids: () => boolean;
  /** Makes a stack trace name the lines of the source. */
  readonly mapStack: (stack: string) => string;
  /** Opens nf_tables in this process's network namespace. Throws SyscallError. */
  readonly openNftables: () => Nftables;
  /** Begins to listen there. Throws SyscallError. */
  readonly openEvents: () => EventSource;
}
