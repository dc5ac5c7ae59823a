// A directory of network configurations as container runtimes see it (libcni/conf.go, ConfFiles).

import { CniError } from "../cni/error.ts";
import { hasCode, SyscallError } from "../sys/error.ts";
import { linkStat, readDirectory, stat } from "../sys/file.ts";
import { type FileFault, faultOfFile, faultsOfList } from "./file-faults.ts";
import type { NetworkList } from "./list.ts";
import { loadFile } from "./load.ts";

/** A file that runtimes read. */
export interface ConfiguredFile {
  readonly path: string;
  /** Undefined where runtimes, or the plugins, can't take it. */
  readonly list: NetworkList | undefined;
  /** Why this process may not read the file, or one with a plugin beside it; undefined where it may. */
  readonly closed: string | undefined;
  readonly faults: readonly FileFault[];
}

export interface ConfiguredDirectory {
  /** The names that runtimes read, in their order. */
  readonly names: readonly string[];
  /** Names that look like a configuration's, and that no runtime reads: backups of editors and package managers. */
  readonly passedOver: readonly string[];
}

/** The endings of the files that runtimes read. */
const ENDING = /\.(?:conflist|conf|json)$/;
const LIKELY = /\.(?:conflist|conf|json)(?![a-z])/;

/** The names in the directory. Directories, which may hold the plugins of a list, are neither. Throws SyscallError. */
export function listConfigured(directory: string): ConfiguredDirectory {
  const entries = readDirectory(directory)
    .sort()
    .filter((name) => !isDirectory(`${directory}/${name}`));
  return {
    names: entries.filter((name) => ENDING.test(name)),
    passedOver: entries.filter((name) => !ENDING.test(name) && LIKELY.test(name)),
  };
}

function isDirectory(path: string): boolean {
  try {
    return linkStat(path).isDirectory;
  } catch (error) {
    if (error instanceof SyscallError) return false;
    throw error;
  }
}

/** Reads one file as runtimes do, and each plugin's part as the plugin of ours of that name does. */
export function readConfigured(path: string): ConfiguredFile {
  try {
    // A FIFO would make us wait, as it does runtimes.
    if (!stat(path).isRegular) return unusable(path, "is not a file");
    const list = loadFile(path);
    const faults = faultsOfList(list, path);
    const isTaken = faults.every((fault) => fault.isTaken);
    return { path, list: isTaken ? list : undefined, closed: undefined, faults };
  } catch (error) {
    const nothing = { path, list: undefined, closed: undefined, faults: [] };
    if (hasCode(error, "EACCES", "EPERM")) return { ...nothing, closed: reasonOf(error) };
    if (error instanceof CniError) return { ...nothing, faults: [faultOfFile(error, path)] };
    if (hasCode(error, "ENOENT", "ELOOP")) return unusable(path, "is a link that leads nowhere");
    throw error;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function unusable(path: string, text: string): ConfiguredFile {
  const details = "remove it: runtimes stop at it, or wait for it";
  const fault = { path, position: undefined, text, details, isTaken: false };
  return { path, list: undefined, closed: undefined, faults: [fault] };
}
