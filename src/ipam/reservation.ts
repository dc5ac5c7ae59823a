// One address that is taken: a file named by the address that says whose it is. Names and contents are those of
// containernetworking/plugins, so that either implementation can take over the other's directory.

import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { remove } from "../sys/file.ts";
import { OddEntryError, readRegular } from "../sys/regular-file.ts";
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

/** Whether it is a record of an old version. */
export function isOld(record: string): boolean {
  return !record.includes("\n");
}

/** The address that a file name stands for; undefined for the other files of the directory. */
export function addressOf(name: string): Ip | undefined {
  const first = name.charCodeAt(0);
  const isDigit = first >= 0x30 && first <= 0x39;
  if (!isDigit && !name.includes(":")) return undefined;
  const ip = parseIp(name);
  if (ip === undefined) return undefined;
  // Of IPv4 addresses parseIp takes but one spelling, of IPv6 addresses like fd00::2 too; this is for many.
  return ip.length === 4 || isPlain(name) || formatIp(ip) === name ? ip : undefined;
}

/** Whether an IPv6 address is surely in its canonical spelling (RFC 5952). */
function isPlain(name: string): boolean {
  return !MAYBE_OTHERWISE.test(name);
}

/** A capital, a group that begins with 0, a dot, or so many groups that "::" might stand for one. */
const MAYBE_OTHERWISE = /[A-F.]|(?:^|:)0|^(?:[^:]*:){7}/;

/** Longer than any record: container ids end at 255 characters, interface names at 15. */
const RECORD_LIMIT = 512;

/**
 * Whose the address of this file name is: the record, or undefined where there is none. A file without content is none:
 * the plugin that made it died before it wrote (upstream's does so in two steps), or the power failed. An entry that can't
 * be a record, a directory say, is returned as the error that tells what it is: nobody can take its address.
 */
export function readReservation(
  directory: string,
  name: string,
  buffer: Uint8Array = new Uint8Array(RECORD_LIMIT),
): string | OddEntryError | undefined {
  try {
    const text = engine.decode(readRegular(`${directory}/${name}`, buffer));
    const record = (text.includes("\0") ? text.replaceAll("\0", "") : text).trim();
    return record === "" ? undefined : record;
  } catch (error) {
    if (error instanceof OddEntryError) return error;
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Shows `visit` each entry of these names that an address stands for, and what readReservation says of it. */
export function eachReservation(
  directory: string,
  names: readonly string[],
  visit: (ip: Ip, record: string | OddEntryError | undefined) => void,
): void {
  const buffer = new Uint8Array(RECORD_LIMIT);
  for (const name of names) {
    const ip = addressOf(name);
    if (ip !== undefined) visit(ip, readReservation(directory, name, buffer));
  }
}

/** Takes the address for the record; false where it is taken, or where an odd entry has its name. */
export function createReservation(directory: string, ip: Ip, record: string): boolean {
  const name = formatIp(ip);
  const create = (): boolean =>
    createWhole(directory, name, engine.encode(record), { mode: RECORD_MODE, spare: SPARE });
  if (create()) return true;
  if (readReservation(directory, name) !== undefined) return false;
  removeReservation(directory, ip); // without content, or gone since
  return create();
}

/** Gives the address back; returns whether it was taken. */
export function removeReservation(directory: string, ip: Ip): boolean {
  return remove(`${directory}/${formatIp(ip)}`);
}
