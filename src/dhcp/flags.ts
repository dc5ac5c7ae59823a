// The daemon's flags, as Go's package flag reads them: one dash or two, "=" or a space.

import { engine } from "../sys/engine.ts";
import { UNIX_PATH_MAX } from "../sys/unix-stream.ts";
import { DEFAULT_SOCKET } from "./config.ts";

/** How the daemon runs. All times are in milliseconds. */
export interface DaemonFlags {
  readonly pidfile: string;
  readonly hostprefix: string;
  readonly socketpath: string;
  readonly broadcast: boolean;
  /** How long the first answer is waited for. */
  readonly timeout: number;
  readonly resendmax: number;
  /** When the search for an address is given up. */
  readonly resendtimeout: number;
}

const DEFAULTS: DaemonFlags = {
  pidfile: "",
  hostprefix: "",
  socketpath: DEFAULT_SOCKET,
  broadcast: false,
  timeout: 10_000,
  resendmax: 62_000,
  resendtimeout: 208_000,
};

const READERS: Readonly<Record<keyof DaemonFlags, (text: string) => string | boolean | number | undefined>> = {
  pidfile: (text) => text,
  hostprefix: (text) => text,
  socketpath: (text) => text,
  broadcast: parseBoolean,
  timeout: parseDuration,
  resendmax: parseDuration,
  resendtimeout: parseDuration,
};

/** What `dhcp daemon -help` prints. */
export const USAGE = `Usage: dhcp daemon [flags]
  -broadcast            have servers answer by broadcast
  -hostprefix PATH      where the node's file system is: put before the socket's path and before those of namespaces
  -pidfile PATH         file for the process id; an absolute path
  -resendmax DURATION   the longest wait between two messages (62s)
  -resendtimeout DURATION  when the search for an address is given up (208s)
  -socketpath PATH      socket of the daemon (${DEFAULT_SOCKET}); one that systemd passes comes before it
  -timeout DURATION     how long the first answer is waited for (10s)`;

/** A command line that is wrong. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** Reads the words behind "daemon"; undefined where help is asked for. Throws UsageError. */
export function parseFlags(words: readonly string[]): DaemonFlags | undefined {
  const values: Record<string, string | boolean | number> = {};
  for (let at = 0; at < words.length; at++) {
    const found = /^--?([a-z]+)(?:=(.*))?$/s.exec(words[at] ?? "");
    const name = found?.[1] ?? "";
    if (name === "help" || words[at] === "-h") return undefined;
    if (!isFlag(name)) throw new UsageError(`${JSON.stringify(words[at])} is not a flag of the daemon`);
    // A boolean takes no word of its own.
    const text = found?.[2] ?? (name === "broadcast" ? "true" : words[++at]);
    if (text === undefined) throw new UsageError(`-${name} needs a value`);
    const value = READERS[name](text);
    if (value === undefined) throw new UsageError(`-${name}: ${JSON.stringify(text)} is not ${nounOf(name)}`);
    values[name] = value;
  }
  const flags = { ...DEFAULTS, ...values };
  if (flags.pidfile !== "" && !flags.pidfile.startsWith("/")) {
    throw new UsageError(`Error writing pidfile "${flags.pidfile}": path not absolute`);
  }
  const path = flags.hostprefix + flags.socketpath;
  if (engine.encode(path).length > UNIX_PATH_MAX) {
    throw new UsageError(`the socket's path ${JSON.stringify(path)} is longer than ${UNIX_PATH_MAX} bytes`);
  }
  return flags;
}

function isFlag(name: string): name is keyof DaemonFlags {
  return Object.hasOwn(READERS, name);
}

function nounOf(name: keyof DaemonFlags): string {
  return name === "broadcast" ? "true or false" : 'a duration of 10ms or more: "10s", "1m30s", "500ms"';
}

/** As Go's strconv.ParseBool. */
function parseBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|true|TRUE|True)$/.test(text)) return true;
  return /^(0|f|F|false|FALSE|False)$/.test(text) ? false : undefined;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Messages that follow each other faster than that help nobody. */
const LEAST_MS = 10;

/** As Go's time.ParseDuration, in milliseconds; undefined for what is shorter than LEAST_MS. */
function parseDuration(text: string): number | undefined {
  if (!/^\+?(\d+(\.\d*)?(ms|s|m|h))+$/.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?)(ms|s|m|h)/g)];
  const ms = parts.reduce((sum, [, number, unit = ""]) => sum + Number(number) * (UNITS[unit] ?? 0), 0);
  return ms >= LEAST_MS ? ms : undefined;
}
