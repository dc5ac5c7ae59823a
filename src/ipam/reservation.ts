// One address that is taken: a file named by the address that says whose it is. Names and contents are those of
// containernetworking/plugins, so that either implementation can take over the other's directory.

import { hasCode } from "../sys/error.ts";
import { readText, remove } from "../sys/file.ts";
import { host } from "../sys/host.ts";
import { createWhole } from "../sys/whole-file.ts";
import { formatIp, type Ip, parseIp } from "../wire/ip.ts";

const LINE_BREAK = "\r\n";
const RECORD_MODE = 0o600;

/** For file systems on which a file can't be made without a name. It isn't an address, so nobody takes it for one. */
const SPARE = ".bauta.new";

/** The record of an attachment. Those of old versions (before 0.8.0) are the container's id and nothing more. */
export function recordOf(containerId: string, ifname: string): string {
  return `${containerId}${LINE_BREAK}${ifname}`;
}

/** The address that a file name stands for; undefined for the other files of the directory. */
export function addressOf(name: string): Ip | undefined {
  const first = name.charCodeAt(0);
  const isDigit = first >= 0x30 && first <= 0x39;
  if (!isDigit && !name.includes(":")) return undefined;
  const ip = parseIp(name);
  return ip !== undefined && formatIp(ip) === name ? ip : undefined;
}

/**
 * Whose the address is: the record, or undefined where there is none. A file without content is none: the plugin that
 * made it died before it wrote (upstream's does so in two steps), or the power failed.
 */
export function readReservation(directory: string, ip: Ip): string | undefined {
  try {
    const record = readText(pathOf(directory, ip)).replaceAll("\0", "").trim();
    return record === "" ? undefined : record;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Takes the address for the record; false where it is taken. */
export function createReservation(directory: string, ip: Ip, record: string): boolean {
  const create = (): boolean =>
    createWhole(directory, formatIp(ip), host.encode(record), { mode: RECORD_MODE, spare: SPARE });
  if (create()) return true;
  if (readReservation(directory, ip) !== undefined) return false;
  removeReservation(directory, ip); // without content, or gone since
  return create();
}

/** Gives the address back; returns whether it was taken. */
export function removeReservation(directory: string, ip: Ip): boolean {
  return remove(pathOf(directory, ip));
}

function pathOf(directory: string, ip: Ip): string {
  return `${directory}/${formatIp(ip)}`;
}
