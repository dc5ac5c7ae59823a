// The outside as the command needs it: start.ts has the real one, the tests have theirs.

import type { Nftables } from "../nftables/nftables.ts";
import { printable, printableJson } from "../sys/printable.ts";
import type { EventSource } from "./events.ts";
import { terminalLine } from "./terminal-text.ts";

/** What the command is given. Verbs get an Output in its place: see outputOf. */
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

/** The outside as a verb sees it. Nothing is printed but through here, and nothing that a terminal would obey gets through. */
export interface Output extends Omit<CliIo, "write"> {
  /** Prints lines to standard output, all at once; each stays one line whatever it holds. Throws as CliIo.write. */
  readonly print: (lines: readonly string[]) => void;
  /** Prints text of our own, help say, which ends with a line end. */
  readonly printText: (text: string) => void;
  /** Prints JSON: what JSON.stringify has made. */
  readonly printJson: (json: string) => void;
}

/** The one place that prints: `io` with what it is given made harmless. */
export function outputOf(io: CliIo): Output {
  const print = (lines: readonly string[]): void => io.write(lines.map((line) => `${terminalLine(line)}\n`).join(""));
  return {
    ...io,
    log: (line) => io.log(printable(line)),
    print,
    printText: (text) => print(text.replace(/\n$/, "").split("\n")),
    printJson: (json) => io.write(`${printableJson(json)}\n`),
  };
}
