// What each attachment has in iptables, as small files on tmpfs beside those of ../records.ts. Two interfaces of one
// container share a chain there, and only the records tell whose address is whose.

import { hasCode } from "../../../sys/error.ts";
import { makeDirectories, readDirectory, readText, remove, replaceFile } from "../../../sys/file.ts";
import { type Cidr, formatCidr, parseCidr } from "../../../wire/ip.ts";
import { type Attachment, attachmentId, idText } from "../../attachment.ts";

/** Where the records are. */
export const IPTABLES_RECORDS = "/run/bauta/iptables";

export interface IptablesRecord {
  readonly attachment: Attachment;
  readonly addresses: readonly Cidr[];
}

function pathOf(attachment: Attachment): string {
  return `${IPTABLES_RECORDS}/${idText(attachmentId(attachment))}`;
}

/** Writes the record, whole or not at all. Throws SyscallError. */
export function writeIptablesRecord({ attachment, addresses }: IptablesRecord): void {
  makeDirectories(IPTABLES_RECORDS, 0o700);
  const text = JSON.stringify({ attachment, addresses: addresses.map(formatCidr) });
  replaceFile(pathOf(attachment), `${text}\n`, 0o600);
}

/** The record of the attachment, or undefined. Throws SyscallError. */
export function readIptablesRecord(attachment: Attachment): IptablesRecord | undefined {
  return read(pathOf(attachment));
}

/** Forgets the attachment. Throws SyscallError. */
export function removeIptablesRecord(attachment: Attachment): void {
  remove(pathOf(attachment));
}

/** All records. Throws SyscallError. */
export function listIptablesRecords(): IptablesRecord[] {
  try {
    const names = readDirectory(IPTABLES_RECORDS).filter((name) => /^[0-9a-f]{32}$/.test(name));
    return names.flatMap((name) => read(`${IPTABLES_RECORDS}/${name}`) ?? []);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** The record as JSON: addresses are text. */
interface Written {
  readonly attachment: Attachment;
  readonly addresses: readonly string[];
}

/** One that is missing or not whole counts as none: the rules are made only after it. */
function read(path: string): IptablesRecord | undefined {
  try {
    const record: unknown = JSON.parse(readText(path));
    if (!isWritten(record)) return undefined;
    const { attachment, addresses } = record;
    return { attachment, addresses: addresses.flatMap((text) => parseCidr(text) ?? []) };
  } catch (error) {
    if (hasCode(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isWritten(value: unknown): value is Written {
  if (typeof value !== "object" || value === null) return false;
  return "attachment" in value && "addresses" in value && Array.isArray(value.addresses);
}
