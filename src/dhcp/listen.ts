// The daemon's socket: the one that systemd passes, or one of its own. Two daemons have neither one socket nor one set of leases.

import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { exists, linkStat, makeDirectories, remove } from "../sys/file.ts";
import { openLocked } from "../sys/flock.ts";
import { ownProcessId } from "../sys/process.ts";
import { connectUnix, listenUnix, pathOfSocket } from "../sys/unix-stream.ts";
import type { DaemonFlags } from "./flags.ts";

/** What systemd passes begins here (sd_listen_fds(3)). */
const LISTEN_FDS_START = 3;
/** A daemon that ends, ends within this. */
const LOCK_MS = 1000;
/** Within this a daemon that lives has taken a connection into its queue. */
const PROBE_MS = 1000;

/** A socket that the daemon listens at. */
export interface Listening {
  readonly fd: number;
  /** The path that the daemon's other files are named after. */
  readonly path: string;
  /** Closes the socket, and takes its file away where the daemon has made it. */
  readonly close: () => void;
}

/** Throws SyscallError or Error where nobody can listen there, and LockedError where another daemon does. */
export function listen({ hostprefix, socketpath }: DaemonFlags): Listening {
  const own = hostprefix + socketpath;
  const passed = passedSockets();
  if (passed > 1) throw new Error(`Too many (${passed}) FDs passed through socket activation`);
  const path = passed === 1 ? pathOfPassed(own) : own;
  const end = path.lastIndexOf("/");
  if (end > 0) makeDirectories(path.slice(0, end), 0o700);
  const lock = openLocked(`${path}.lock`, { timeoutMs: LOCK_MS });
  try {
    return passed === 1 ? listening(LISTEN_FDS_START, path, lock, undefined) : listenAnew(path, lock);
  } catch (error) {
    close(lock);
    throw error;
  }
}

/** A socket that a daemon has left behind which was killed is taken away. Anything else at its path is not. */
function listenAnew(path: string, lock: number): Listening {
  if (isDeserted(path)) remove(path);
  const fd = listenUnix(`listen at ${path}`, path);
  return listening(fd, path, lock, linkStat(path).inode);
}

/** `inode`: of the file that the daemon has made. A socket that systemd has made is systemd's: the next daemon gets it, too. */
function listening(fd: number, path: string, lock: number, inode: bigint | undefined): Listening {
  return {
    fd,
    path,
    close() {
      if (inode !== undefined && exists(path) && linkStat(path).inode === inode) remove(path);
      close(fd);
      close(lock);
    },
  };
}

/** Whether a socket is there that nobody listens at. Throws Error where something else than a socket is there. */
function isDeserted(path: string): boolean {
  try {
    if (!linkStat(path).isSocket) throw new Error(`cannot listen at ${path}: what is there is not a socket`);
    close(connectUnix("look who listens", path, false, PROBE_MS));
    return false;
  } catch (error) {
    if (hasCode(error, "ENOENT", "EAGAIN")) return false;
    if (hasCode(error, "ECONNREFUSED")) return true;
    throw error;
  }
}

/** An abstract socket has a name and no path: leases are where they are without systemd. */
function pathOfPassed(own: string): string {
  const path = pathOfSocket("ask for the path of the passed socket", LISTEN_FDS_START);
  return path === "" || path.startsWith("@") ? own : path;
}

function passedSockets(): number {
  const isForUs = Number(engine.getenv("LISTEN_PID")) === ownProcessId();
  return isForUs ? Number(engine.getenv("LISTEN_FDS") ?? "0") || 0 : 0;
}
