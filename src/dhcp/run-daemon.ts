// The daemon as a program: its socket, its files, and its end.

import { engine } from "../sys/engine.ts";
import { EPOLL } from "../sys/epoll.ts";
import { errorText } from "../sys/error.ts";
import { remove, writeFile } from "../sys/file.ts";
import { ownProcessId } from "../sys/process.ts";
import { openSignals, SIG } from "../sys/signals.ts";
import { acceptCallers } from "./callers.ts";
import { Daemon } from "./daemon.ts";
import { type DaemonFlags, parseFlags, USAGE, UsageError } from "./flags.ts";
import { listen } from "./listen.ts";
import { Loop } from "./loop.ts";
import { leaseRecords } from "./records.ts";

/** Runs until SIGINT or SIGTERM. Returns the exit status. Leases stay: the next daemon goes on with them. */
export function runDaemon(words: readonly string[], log: (line: string) => void): number {
  try {
    const flags = parseFlags(words);
    if (flags === undefined) log(USAGE);
    else serve(flags, (line) => log(`dhcp: ${line}`));
    return 0;
  } catch (error) {
    log(`dhcp: ${errorText(error)}`);
    if (error instanceof UsageError) log(USAGE);
    return error instanceof UsageError ? 2 : 1;
  }
}

function serve(flags: DaemonFlags, log: (line: string) => void): void {
  // First of all: a signal that comes before it can be read must not leave the files behind.
  const signals = openSignals([SIG.INT, SIG.TERM]);
  const socket = listen(flags);
  const { pidfile } = flags;
  try {
    if (pidfile !== "") writeFile(pidfile, String(ownProcessId()));
    const loop = new Loop((error) => log(describe(error)));
    loop.watch(signals, EPOLL.IN, () => loop.end());
    const daemon = new Daemon(flags, loop, leaseRecords(socket.path), log);
    daemon.resume();
    acceptCallers(loop, socket.fd, (call) => daemon.serve(call), log);
    loop.run();
  } finally {
    if (pidfile !== "") remove(pidfile);
    socket.close();
  }
}

/** A mistake of ours brings the place where it was made. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isMistake = /^(Type|Reference|Range|Syntax|Internal)Error$/.test(error.name);
  return isMistake ? `${error.name}: ${error.message}\n${engine.mapStack(error.stack ?? "")}` : error.message;
}
