// All records of live attachments at once, for what is done to a whole node. records.ts has them one by one.

import { hasCode } from "../../sys/error.ts";
import { readDirectory, readStart, stat } from "../../sys/file.ts";
import { host } from "../../sys/host.ts";
import { isRecord, type MasqueradeRecord, RECORDS, readRecordById } from "./records.ts";

/** A record, and the id of its attachment: 32 hexadecimal digits, which its file bears for a name. */
export interface LiveRecord {
  readonly id: string;
  readonly record: MasqueradeRecord;
}

const ID = /^[0-9a-f]{32}$/;

/** Records are a few hundred bytes long; whatever fills this is read by other means. */
const COMMON_SIZE = 8192;

/** The ids of live attachments: what is being removed bears a longer name. Throws SyscallError. */
export function liveIds(): Set<string> {
  try {
    return new Set(readDirectory(RECORDS).filter((name) => ID.test(name)));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return new Set();
    throw error;
  }
}

/** The records of live attachments, in no particular order. Throws SyscallError. */
export function readLiveRecords(): LiveRecord[] {
  return readRecordsOf([...liveIds()]).map(({ name, record }) => ({ id: name, record }));
}

/** The records in these files, without those that are gone or not whole. Throws SyscallError. */
export function readRecordsOf(names: readonly string[]): { name: string; record: MasqueradeRecord }[] {
  const found: { name: string; record: MasqueradeRecord }[] = [];
  const buffer = new Uint8Array(COMMON_SIZE);
  for (const name of names) {
    const record = readQuickly(name, buffer) ?? readRecordById(name);
    if (record !== undefined) found.push({ name, record });
  }
  return found;
}

/** Undefined where it takes a closer look. */
function readQuickly(name: string, buffer: Uint8Array): MasqueradeRecord | undefined {
  try {
    const bytes = readStart(`${RECORDS}/${name}`, buffer);
    if (bytes.length === buffer.length) return undefined;
    const record: unknown = JSON.parse(host.decode(bytes));
    return isRecord(record) ? record : undefined;
  } catch (error) {
    if (hasCode(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** When the attachment's record was written, in nanoseconds since 1970; undefined where it is gone. Throws SyscallError. */
export function recordTime(id: string): bigint | undefined {
  try {
    return stat(`${RECORDS}/${id}`).mtimeNs;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
