// The daemon as a program: its socket, its files, and its end.

import { engine } from "../sys/engine.ts";
import { EPOLL } from "../sys/epoll.ts";
import { hasCode } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { makeDirectories, remove, writeFile } from "../sys/file.ts";
import { ownProcessId } from "../sys/process.ts";
import { openSignals, SIG } from "../sys/signals.ts";
import { connectUnix, listenUnix, pathOfSocket } from "../sys/unix-stream.ts";
import { acceptCallers } from "./callers.ts";
import { Daemon } from "./daemon.ts";
import { type DaemonFlags, parseFlags, USAGE, UsageError } from "./flags.ts";
import { Loop } from "./loop.ts";
import { leaseRecords } from "./records.ts";

/** What systemd passes begins here (sd_listen_fds(3)). */
const LISTEN_FDS_START = 3;

/** Runs until SIGINT or SIGTERM. Returns the exit status. Leases stay: the next daemon goes on with them. */
export function runDaemon(words: readonly string[], log: (line: string) => void): number {
  try {
    const flags = parseFlags(words);
    if (flags === undefined) log(USAGE);
    else serve(flags, (line) => log(`dhcp: ${line}`));
    return 0;
  } catch (error) {
    log(`dhcp: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof UsageError) log(USAGE);
    return error instanceof UsageError ? 2 : 1;
  }
}

function serve(flags: DaemonFlags, log: (line: string) => void): void {
  const { fd, path, isOurs } = listen(flags);
  const { pidfile } = flags;
  try {
    if (pidfile !== "") writeFile(pidfile, String(ownProcessId()));
    const loop = new Loop((error) => log(describe(error)));
    const signals = openSignals([SIG.INT, SIG.TERM]);
    loop.watch(signals, EPOLL.IN, () => loop.end());
    const daemon = new Daemon(flags, loop, leaseRecords(path), log);
    daemon.resume();
    acceptCallers(loop, fd, (call) => daemon.serve(call), log);
    loop.run();
  } finally {
    // A socket that systemd has made is systemd's: the next daemon gets it, too.
    if (isOurs) remove(path);
    if (pidfile !== "") remove(pidfile);
    close(fd);
  }
}

/** The socket that systemd passes, or one of our own. */
function listen({ hostprefix, socketpath }: DaemonFlags): {
  readonly fd: number;
  readonly path: string;
  readonly isOurs: boolean;
} {
  const passed = passedSockets();
  if (passed > 1) throw new Error(`Too many (${passed}) FDs passed through socket activation`);
  if (passed === 1) {
    const operation = "ask for the path of the passed socket";
    return { fd: LISTEN_FDS_START, path: pathOfSocket(operation, LISTEN_FDS_START), isOurs: false };
  }
  const path = hostprefix + socketpath;
  const end = path.lastIndexOf("/");
  if (end > 0) makeDirectories(path.slice(0, end), 0o700);
  return { fd: listenAnew(path), path, isOurs: true };
}

/** A socket that a daemon has left behind which was killed is taken away. One that a daemon listens at is not. */
function listenAnew(path: string): number {
  const operation = `listen at ${path}`;
  try {
    return listenUnix(operation, path);
  } catch (error) {
    if (!hasCode(error, "EADDRINUSE") || !isDeserted(path)) throw error;
  }
  remove(path);
  return listenUnix(operation, path);
}

function isDeserted(path: string): boolean {
  try {
    close(connectUnix("look who listens", path, false));
    return false;
  } catch (error) {
    return hasCode(error, "ECONNREFUSED");
  }
}

function passedSockets(): number {
  const isForUs = Number(engine.getenv("LISTEN_PID")) === ownProcessId();
  return isForUs ? Number(engine.getenv("LISTEN_FDS") ?? "0") || 0 : 0;
}

/** A mistake of ours brings the place where it was made. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isMistake = /^(Type|Reference|Range|Syntax|Internal)Error$/.test(error.name);
  return isMistake ? `${error.name}: ${error.message}\n${engine.mapStack(error.stack ?? "")}` : error.message;
}
