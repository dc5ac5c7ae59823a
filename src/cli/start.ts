// The command as a program: the real outside, and the end of the process.

import { Nftables } from "../nftables/nftables.ts";
import { engine } from "../sys/engine.ts";
import { isInInitialPidNamespace } from "../sys/pid-namespace.ts";
import { drawOnStderr, exit, logLine, monotonicMs, writeStdout } from "../sys/process.ts";
import { isTerminal, terminalColumns } from "../sys/terminal.ts";
import { openEvents } from "./events.ts";
import type { CliIo } from "./io.ts";
import { runCli } from "./main.ts";

const STDOUT = 1;
const STDERR = 2;

/** Runs the command that this process was started for, and ends it. */
export function start(): never {
  const io: CliIo = {
    args: engine.args,
    getenv: (name) => engine.getenv(name),
    write: writeStdout,
    log: logLine,
    isTerminal: () => isTerminal(STDOUT),
    columns: () => terminalColumns(STDOUT),
    screen: () => (isTerminal(STDERR) ? { columns: terminalColumns(STDERR), draw: drawOnStderr } : undefined),
    now: monotonicMs,
    mapStack: (stack) => engine.mapStack(stack),
    isInHostPids: isInInitialPidNamespace,
    openNftables: () => Nftables.open(),
    openEvents: () => openEvents(STDOUT),
  };
  exit(runCli(io));
}
