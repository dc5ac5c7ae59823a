// What each attachment has in iptables, as small files on tmpfs beside those of ../records.ts. Two interfaces of one
// container share a chain there, and only the records tell whose address is whose.

import type { Attachment } from "../../cni/attachment.ts";
import { attachmentId, idText } from "../../owned/id.ts";
import { hasCode } from "../../sys/error.ts";
import { exists, makeDirectories, readDirectory, readText, remove, rename, replaceFile, stat } from "../../sys/file.ts";
import { type Cidr, formatCidr, parseCidr } from "../../wire/ip.ts";

/** Where the records are. */
export const IPTABLES_RECORDS = "/run/bauta/iptables";

export interface IptablesRecord {
  readonly attachment: Attachment;
  readonly addresses: readonly Cidr[];
  /** The path of the container's network namespace, for `bauta gc`; absent where nobody knew it. */
  readonly netns?: string;
}

// Once DEL has begun, the record carries this suffix: it is no longer that of a live attachment.
const RELEASING = ".del";

function pathOf(attachment: Attachment): string {
  return `${IPTABLES_RECORDS}/${idText(attachmentId(attachment))}`;
}

/** Writes the record, whole or not at all. Throws SyscallError. */
export function writeIptablesRecord({ attachment, addresses, netns }: IptablesRecord): void {
  makeDirectories(IPTABLES_RECORDS, 0o700);
  const text = JSON.stringify({ attachment, addresses: addresses.map(formatCidr), netns });
  replaceFile(pathOf(attachment), `${text}\n`, 0o600);
}

/** The record of the live attachment, or undefined. Throws SyscallError. */
export function readIptablesRecord(attachment: Attachment): IptablesRecord | undefined {
  return read(pathOf(attachment));
}

/** Whether there is a record of the live attachment, legible or not. */
export function hasIptablesRecord(attachment: Attachment): boolean {
  return exists(pathOf(attachment));
}

/** The record of the attachment, also of one whose removal was begun and has not ended, and when it was written. */
export interface DatedRecord {
  readonly record: IptablesRecord;
  /** In nanoseconds since 1970. */
  readonly written: bigint;
}

/** Undefined where there is none. Throws SyscallError. */
export function findIptablesRecord(attachment: Attachment): DatedRecord | undefined {
  const path = pathOf(attachment);
  return readDated(path) ?? readDated(path + RELEASING);
}

function readDated(path: string): DatedRecord | undefined {
  const record = read(path);
  try {
    return record === undefined ? undefined : { record, written: stat(path).mtimeNs };
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The record of an attachment that is being removed, whether or not an earlier attempt has begun on it. Throws SyscallError. */
export function beginIptablesRelease(attachment: Attachment): IptablesRecord | undefined {
  const path = pathOf(attachment);
  try {
    rename(path, path + RELEASING);
  } catch (error) {
    // A file system that is read-only says so before it looks whether there is such a file.
    if (!hasCode(error, "ENOENT") && exists(path)) throw error;
  }
  return read(path + RELEASING);
}

/** Forgets the attachment. Throws SyscallError. */
export function endIptablesRelease(attachment: Attachment): void {
  const path = pathOf(attachment) + RELEASING;
  try {
    remove(path);
  } catch (error) {
    if (exists(path)) throw error;
  }
}

const LIVE = /^[0-9a-f]{32}$/;
const LEAVING = /^[0-9a-f]{32}\.del$/;

/** The records of live attachments. Throws SyscallError. */
export function listIptablesRecords(): IptablesRecord[] {
  return list(LIVE);
}

/** The records of attachments whose removal was begun and has not ended. Throws SyscallError. */
export function listLeavingIptablesRecords(): IptablesRecord[] {
  return list(LEAVING);
}

function list(names: RegExp): IptablesRecord[] {
  try {
    const found = readDirectory(IPTABLES_RECORDS).filter((name) => names.test(name));
    return found.flatMap((name) => read(`${IPTABLES_RECORDS}/${name}`) ?? []);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** The record as JSON: addresses are text. */
interface Written {
  readonly attachment: Attachment;
  readonly addresses: readonly string[];
  readonly netns?: string;
}

/** One that is missing or not whole counts as none: the rules are made only after it. */
function read(path: string): IptablesRecord | undefined {
  try {
    const record: unknown = JSON.parse(readText(path));
    if (!isWritten(record)) return undefined;
    const { attachment, addresses, netns } = record;
    const known = { attachment, addresses: addresses.flatMap((text) => parseCidr(text) ?? []) };
    return netns === undefined ? known : { ...known, netns };
  } catch (error) {
    if (hasCode(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isWritten(value: unknown): value is Written {
  if (typeof value !== "object" || value === null) return false;
  return "attachment" in value && "addresses" in value && Array.isArray(value.addresses);
}
