// The outside as the command needs it: start.ts has the real one, the tests have theirs.

import type { Nftables } from "../nftables/nftables.ts";
import { printable, printableJson } from "../sys/printable.ts";
import type { EventSource } from "./events.ts";
import { Progress, type Screen, screenFor } from "./progress.ts";
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
  /** Standard error as a terminal; undefined where it is none. */
  readonly screen: () => Screen | undefined;
  /** A clock, in milliseconds; only differences mean anything. */
  readonly now: () => number;
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
export interface Output extends Omit<CliIo, "write" | "screen" | "now"> {
  /** Prints lines to standard output, all at once; each stays one line whatever it holds. Throws as CliIo.write. */
  readonly print: (lines: readonly string[]) => void;
  /** Prints text of our own, help say, which ends with a line end. */
  readonly printText: (text: string) => void;
  /** Prints JSON: what JSON.stringify has made. */
  readonly printJson: (json: string) => void;
  /** Prints what was done, as `print` does, unless the command shall be quiet. */
  readonly notice: (lines: readonly string[]) => void;
  /** Writes a line to standard error that is worth knowing and no warning, unless the command shall be quiet. */
  readonly remark: (line: string) => void;
  /** Tells what is being done, on a terminal, where it takes long: "removing c1". Nothing else has to be told when it is done. */
  readonly doing: (phrase: string) => void;
  /** No line tells any more what is being done. */
  readonly end: () => void;
}

/** The one place that prints: `io` with what it is given made harmless. */
export function outputOf(io: CliIo): Output {
  const progress = new Progress(() => screenFor(io.screen, io.getenv), io.now);
  const write = (text: string): void => {
    progress.clear();
    io.write(text);
  };
  const log = (line: string): void => {
    progress.clear();
    io.log(printable(line));
  };
  const print = (lines: readonly string[]): void => write(lines.map((line) => `${terminalLine(line)}\n`).join(""));
  return {
    ...io,
    log,
    print,
    printText: (text) => print(text.replace(/\n$/, "").split("\n")),
    printJson: (json) => write(`${printableJson(json)}\n`),
    notice: print,
    remark: log,
    doing: (phrase) => progress.at(phrase),
    end: () => progress.end(),
  };
}

const nothing = (): void => {};

/** The same for a command that shall be quiet: it prints what it was asked for, and tells what is wrong. */
export function quieted(io: Output): Output {
  return { ...io, notice: nothing, remark: nothing, doing: nothing };
}
