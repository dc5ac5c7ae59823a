// All records of live attachments at once, for what is done to a whole node. records.ts has them one by one.

import { isJsonObject, type JsonObject, type JsonValue } from "../../cni/json.ts";
import { engine } from "../../sys/engine.ts";
import { hasCode } from "../../sys/error.ts";
import { readDirectory, readStart, stat } from "../../sys/file.ts";
import { isRecord, type MasqueradeRecord, RECORDS, readRecordById } from "./records.ts";

/** A record, and the id of its attachment: 32 hexadecimal digits, which its file bears for a name. */
export interface LiveRecord {
  readonly id: string;
  readonly record: MasqueradeRecord;
}

const ID_LENGTH = 32;

/** Records are a few hundred bytes long, with lists in their options some thousand; what fills this is read by other means. */
const COMMON_SIZE = 65536;

/** The ids of live attachments: what is being removed bears a longer name. Throws SyscallError. */
export function liveIds(): Set<string> {
  try {
    return new Set(readDirectory(RECORDS).filter((name) => name.length === ID_LENGTH));
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
  const reader = new RecordReader();
  for (const name of names) {
    const record = reader.read(name) ?? readRecordById(name);
    if (record !== undefined) found.push({ name, record });
  }
  return found;
}

const OPTIONS = ',"options":';

class RecordReader {
  readonly #buffer = new Uint8Array(COMMON_SIZE);
  /** Many attachments have the same options, and those are most of their records: each text is read once. */
  readonly #options = new Map<string, JsonObject>();

  /** Undefined where it takes a closer look. */
  read(name: string): MasqueradeRecord | undefined {
    try {
      const bytes = readStart(`${RECORDS}/${name}`, this.#buffer);
      return bytes.length === this.#buffer.length ? undefined : this.#parse(engine.decode(bytes));
    } catch (error) {
      if (hasCode(error, "ENOENT") || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  #parse(text: string): MasqueradeRecord | undefined {
    // A quote inside a string has a backslash before it, so this is a key; where it is not the last, the rest is no JSON.
    const at = text.indexOf(OPTIONS);
    const end = text.lastIndexOf("}");
    const record: unknown = JSON.parse(at < 0 ? text : `${text.slice(0, at)}}`);
    if (!isRecord(record)) return undefined;
    return at < 0 ? record : { ...record, options: this.#read(text.slice(at + OPTIONS.length, end)) };
  }

  #read(text: string): JsonObject {
    const known = this.#options.get(text);
    if (known !== undefined) return known;
    const options: JsonValue = JSON.parse(text);
    if (!isJsonObject(options)) throw new SyntaxError("options are no object");
    this.#options.set(text, options);
    return options;
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
