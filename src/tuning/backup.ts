// What an interface was like before tuning: upstream's backup file, byte by byte, so that either implementation restores what
// the other has changed. A directory has a file for each container and interface.

import { CniError } from "../cni/error.ts";
import { mac as macText } from "../cni/fields.ts";
import { boolean, integer, object, optional, record, string } from "../cni/schema.ts";
import { hasCode } from "../sys/error.ts";
import { makeDirectories } from "../sys/file.ts";
import { readRegularText } from "../sys/regular-file.ts";
import { removeReplaced, replaceFile } from "../sys/whole-file.ts";
import { formatMac, type Mac } from "../wire/mac.ts";

/** The directory unless a configuration has another. */
export const DATA_DIR = "/run/cni/tuning";

/** Only what was tuned is there. */
export interface Backup {
  readonly mac?: Mac | undefined;
  readonly promisc?: boolean | undefined;
  readonly mtu?: number | undefined;
  readonly allmulti?: boolean | undefined;
  readonly txQLen?: number | undefined;
  /** Kernel parameters by their name with slashes: ours alone, and only where the configuration asks to have them restored. */
  readonly sysctl?: ReadonlyMap<string, string> | undefined;
}

const LIMIT = 0xffffffff;

/** Go's reader finds keys whatever their case, and so does this. */
const fileSchema = object({
  mac: optional(macText()),
  promisc: optional(boolean()),
  mtu: optional(integer(0, LIMIT)),
  allmulti: optional(boolean()),
  txQLen: optional(integer(0, LIMIT)),
  sysctl: optional(record(string())),
});

const FILE_LIMIT = 1 << 20;
const MODE = 0o600;

/** Where the backup of a container's interface is. */
export function backupFile(directory: string, containerId: string, ifname: string): string {
  return `${directory}/${containerId}_${ifname}.json`;
}

/**
 * The backup in the file: undefined where there is no file, "illegible" where the file is no backup. Throws SyscallError, and
 * OddEntryError where the file is no regular one.
 */
export function readBackup(path: string): Backup | "illegible" | undefined {
  let text: string;
  try {
    text = readRegularText(path, FILE_LIMIT);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ENAMETOOLONG")) return undefined;
    throw error;
  }
  return parseBackup(text) ?? "illegible";
}

/** Undefined where the text is no backup, whatever it is: nothing of it is told. */
function parseBackup(text: string): Backup | undefined {
  try {
    return fileSchema.read(JSON.parse(text), "");
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof CniError) return undefined;
    throw error;
  }
}

/**
 * Notes what there was before, unless the file has noted that already: the first of several tunings knows what there was.
 * Returns how to take that back. Throws SyscallError, and OddEntryError where something else has the file's name.
 */
export function keepBackup(path: string, now: Backup): () => void {
  const found = readBackup(path);
  if (found === undefined || found === "illegible") {
    write(path, now);
    return () => void removeReplaced(path);
  }
  write(path, joined(found, now));
  return () => write(path, found);
}

/** What was noted first counts, also among kernel parameters. */
function joined(first: Backup, second: Backup): Backup {
  const noted = Object.fromEntries(Object.entries(first).filter(([, value]) => value !== undefined));
  const parameters = [...(second.sysctl ?? []), ...(first.sysctl ?? [])];
  return { ...second, ...noted, sysctl: parameters.length === 0 ? undefined : new Map(parameters) };
}

/** The file appears whole or not at all. What has its name is replaced, and not opened. Throws SyscallError. */
function write(path: string, backup: Backup): void {
  const replace = (): void => replaceFile(path, formatBackup(backup), MODE);
  try {
    replace();
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    makeDirectories(path.slice(0, path.lastIndexOf("/")), 0o700);
    replace();
  }
}

/** As Go's json.MarshalIndent writes it. */
export function formatBackup({ mac, promisc, mtu, allmulti, txQLen, sysctl }: Backup): string {
  const parameters = sysctl === undefined ? undefined : Object.fromEntries(sysctl);
  const address = mac === undefined || mac.length === 0 ? undefined : formatMac(mac);
  return JSON.stringify({ mac: address, promisc, mtu, allmulti, txQLen, sysctl: parameters }, undefined, 1);
}
