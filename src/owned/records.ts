// Records of what attachments own, as small files on tmpfs: written before the kernel is changed, removed after. So everything
// of ours in the kernel has a record, and teardown needs no listing; like the rules, the records end with the boot. Each
// feature has a directory of its own, with a file named after the attachment's id.

import type { Attachment } from "../cni/attachment.ts";
import { engine } from "../sys/engine.ts";
import { hasCode } from "../sys/error.ts";
import { close, readAll } from "../sys/fd.ts";
import { exists, makeDirectories, readDirectory, remove, rename, stat, writeFile } from "../sys/file.ts";
import { ownNetnsId } from "../sys/netns-id.ts";
import { OddEntryError, openRegular, readRegular } from "../sys/regular-file.ts";
import { replaceFile, UNFINISHED } from "../sys/whole-file.ts";
import { attachmentId, idText } from "./id.ts";

/** What every record tells. */
export interface BaseRecord {
  readonly attachment: Attachment;
  /** The path of the container's network namespace, for `bauta gc`; absent where nobody knew it. */
  readonly netns?: string;
}

/** How the records of a feature stand in JSON. */
export interface RecordFormat<T extends BaseRecord> {
  /** What is written. */
  toJson(record: T): object;
  /** What was read as a record; undefined where it does not tell all that it must. `attachment` is known to be one. */
  fromJson(value: WrittenRecord): T | undefined;
  /** A reader of JSON for many records, which may remember what they have in common. Throws SyntaxError. */
  readonly reader?: () => (text: string) => unknown;
}

/** An object that has the names of an attachment. */
export interface WrittenRecord {
  readonly attachment: Attachment;
  readonly [key: string]: unknown;
}

/** A record, and the id of its attachment: 32 hexadecimal digits. */
export interface StoredRecord<T> {
  readonly id: string;
  readonly record: T;
}

/** All records of a feature at one time. */
export interface Survey<T> {
  readonly live: readonly StoredRecord<T>[];
  /** Those of attachments whose removal was begun and has not ended. */
  readonly leaving: readonly StoredRecord<T>[];
  /** What could not be read as a record, each as a phrase. */
  readonly problems: readonly string[];
}

const ID = /^[0-9a-f]{32}$/;
const ID_DIGITS = 32;

// Once DEL has begun, the record carries this suffix: it no longer counts as a live one, yet a repeated DEL finds it.
const RELEASING = ".del";

/** Records are a few hundred bytes long, with lists in their options some thousand; what fills this is read by other means. */
const COMMON_SIZE = 65536;
const SIZE_LIMIT = 16 << 20;

/** Key of the network namespace that the record was made in: see ownNetnsId. Records without it are everybody's. */
const NODE_NETNS = "nodeNetns";

/** "foreign": made in another network namespace of the node, which shares the directory with this one. */
type Reading<T> = { readonly record: T } | { readonly problem: string } | "foreign" | undefined;

/**
 * The records of one feature. Those that another network namespace of the node has made in the same directory are not there
 * as far as anybody can tell, and stay as they are.
 */
export class RecordStore<T extends BaseRecord> {
  readonly directory: string;
  readonly #format: RecordFormat<T>;

  /** Where the records are: `/run/bauta/…`. On every distribution that runs containers /run is a tmpfs. */
  constructor(directory: string, format: RecordFormat<T>) {
    this.directory = directory;
    this.#format = format;
  }

  /** Writes the record, whole or not at all. Throws SyscallError. */
  write(record: T): void {
    const path = this.#pathOf(record.attachment);
    const text = this.#textOf(record);
    try {
      replaceFile(path, text, 0o600);
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
      makeDirectories(this.directory, 0o700);
      replaceFile(path, text, 0o600);
    }
  }

  /**
   * Writes the records of attachments that nobody knows of yet, so that a file which is half written after a kill is no loss:
   * several times as fast as `write`. Throws SyscallError.
   */
  writeNew(records: readonly T[]): void {
    if (records.length > 0) makeDirectories(this.directory, 0o700);
    for (const record of records) writeFile(this.#pathOf(record.attachment), this.#textOf(record), { mode: 0o600 });
  }

  #textOf(record: T): string {
    // The format's keys come last: a format may want one of its own at the end.
    return `${JSON.stringify({ [NODE_NETNS]: ownNetnsId(), ...this.#format.toJson(record) })}\n`;
  }

  /** The record of a live attachment, or undefined. Throws SyscallError. */
  read(attachment: Attachment): T | undefined {
    return recordIn(this.#load(this.#pathOf(attachment)));
  }

  /** The record of the live attachment with this id (32 hexadecimal digits), or undefined. Throws SyscallError. */
  byId(id: string): T | undefined {
    return recordIn(this.#load(this.#path(id)));
  }

  /** Whether there is a record of the live attachment, legible or not. Throws SyscallError. */
  has(attachment: Attachment): boolean {
    return this.#isOwn(this.#pathOf(attachment));
  }

  /** The same, or a record of the attachment as one whose removal was begun and has not ended. Throws SyscallError. */
  hasAny(attachment: Attachment): boolean {
    const path = this.#pathOf(attachment);
    return this.#isOwn(path) || this.#isOwn(path + RELEASING);
  }

  #isOwn(path: string): boolean {
    const reading = this.#load(path);
    return reading !== undefined && reading !== "foreign";
  }

  /** The record of a live attachment, or of one whose removal was begun and has not ended. Throws SyscallError. */
  find(attachment: Attachment): StoredRecord<T> | undefined {
    const path = this.#pathOf(attachment);
    const record = recordIn(this.#load(path)) ?? recordIn(this.#load(path + RELEASING));
    return record === undefined ? undefined : { id: idText(attachmentId(attachment)), record };
  }

  /** When the attachment's record was written, in nanoseconds since 1970; undefined where it is gone. Throws SyscallError. */
  time(id: string): bigint | undefined {
    return timeOf(this.#path(id)) ?? timeOf(this.#path(id) + RELEASING);
  }

  /**
   * The record of an attachment that is being removed, whether or not an earlier attempt has begun on it; "illegible" where
   * there is one that does not tell what the attachment owns. Throws SyscallError.
   */
  beginRelease(attachment: Attachment): T | "illegible" | undefined {
    const path = this.#pathOf(attachment);
    if (this.has(attachment)) this.#renameToLeaving(path);
    const reading = this.#load(path + RELEASING);
    if (reading === undefined || reading === "foreign") return undefined;
    return "record" in reading ? reading.record : "illegible";
  }

  #renameToLeaving(path: string): void {
    try {
      rename(path, path + RELEASING);
    } catch (error) {
      // A file system that is read-only says so before it looks whether there is such a file.
      if (!hasCode(error, "ENOENT") && exists(path)) throw error;
    }
  }

  /** Forgets the attachment whose removal was begun. Throws SyscallError. */
  endRelease(attachment: Attachment): void {
    const path = this.#pathOf(attachment);
    if (this.#load(path + RELEASING) !== "foreign") removeIfAny(path + RELEASING);
    removeIfAny(path + UNFINISHED); // of an ADD that was killed
  }

  /** Forgets the live attachment: for a change that is taken back. Throws SyscallError. */
  forget(id: string): void {
    removeIfAny(this.#path(id));
    removeIfAny(this.#path(id) + UNFINISHED);
  }

  /** Whether records are kept here at all: where someone has swept them away, only the kernel knows what is owned. */
  isKept(): boolean {
    return exists(this.directory);
  }

  /**
   * All records, or those of the ids that are wanted. An attachment that was made anew after a removal that never ended is
   * live. Throws SyscallError.
   */
  survey(isWanted: (id: string) => boolean = () => true): Survey<T> {
    const names = this.#names().filter((name) => isWanted(name.slice(0, ID_DIGITS)));
    const live = names.filter((name) => name.length === ID_DIGITS);
    const isLive = new Set(live);
    const leaving = names.filter((name) => name.length !== ID_DIGITS && !isLive.has(name.slice(0, ID_DIGITS)));
    const problems: string[] = [];
    const load = this.#loader();
    const readAll = (some: readonly string[]): StoredRecord<T>[] =>
      some.flatMap((name) => {
        const reading = load(name);
        if (reading === undefined || reading === "foreign") return [];
        if ("problem" in reading) problems.push(reading.problem);
        return "record" in reading ? [{ id: name.slice(0, ID_DIGITS), record: reading.record }] : [];
      });
    return { live: readAll(live), leaving: readAll(leaving), problems };
  }

  /** The ids of live attachments, by the names of their files alone. Throws SyscallError. */
  liveIds(): ReadonlySet<string> {
    return new Set(this.#names().filter((name) => name.length === ID_DIGITS));
  }

  /** The records of live attachments, in no particular order. Throws SyscallError. */
  listLive(): readonly StoredRecord<T>[] {
    return this.survey().live;
  }

  /** All records, those of attachments being removed included. Throws SyscallError. */
  list(): readonly StoredRecord<T>[] {
    const { live, leaving } = this.survey();
    return [...live, ...leaving];
  }

  /** The attachments of the network that have a record and are not among the valid ones, for GC. Throws SyscallError. */
  stale(network: string, valid: readonly Attachment[]): readonly Attachment[] {
    const validIds = new Set(valid.map((attachment) => idText(attachmentId(attachment))));
    return this.list().flatMap(({ id, record: { attachment } }) =>
      attachment.network === network && !validIds.has(id) ? [attachment] : [],
    );
  }

  #names(): string[] {
    try {
      return readDirectory(this.directory).filter((name) => ID.test(withoutSuffix(name)));
    } catch (error) {
      if (hasCode(error, "ENOENT")) return [];
      throw error;
    }
  }

  /** Reads many by name, into the same memory. */
  #loader(): (name: string) => Reading<T> {
    const buffer = new Uint8Array(COMMON_SIZE);
    const parse = this.#format.reader?.() ?? JSON.parse;
    const node = ownNetnsId();
    return (name) => {
      const path = `${this.directory}/${name}`;
      try {
        return this.#parse(path, engine.decode(readRegular(path, buffer)), parse, node);
      } catch (error) {
        if (error instanceof OddEntryError) return this.#loadAny(path); // larger than most, or odd
        if (hasCode(error, "ENOENT")) return undefined;
        throw error;
      }
    };
  }

  /** The same for one of many, which must not keep the others from being read. */
  #loadAny(path: string): Reading<T> {
    try {
      return this.#load(path);
    } catch (error) {
      if (error instanceof OddEntryError) return { problem: error.message };
      throw error;
    }
  }

  /** Throws also where the kernel does not let the file be read: whoever asks for one record must not take it for none. */
  #load(path: string): Reading<T> {
    try {
      const fd = openRegular(path);
      try {
        return this.#parse(path, engine.decode(readAll(fd, path, SIZE_LIMIT)), JSON.parse, ownNetnsId());
      } finally {
        close(fd);
      }
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      // Too large, or a directory, say: what a record never is.
      const isNone = error instanceof RangeError || (error instanceof OddEntryError && error.cause === undefined);
      if (isNone) return { problem: error.message };
      throw error;
    }
  }

  #parse(path: string, text: string, parse: (text: string) => unknown, node: string): Reading<T> {
    const value = parsed(text, parse);
    if (isWritten(value)) {
      const madeIn = value[NODE_NETNS];
      if (madeIn !== undefined && madeIn !== node) return "foreign";
      const record = this.#format.fromJson(value);
      if (record !== undefined) return { record };
    }
    return { problem: `${path} is not a record of bauta's` };
  }

  #path(id: string): string {
    return `${this.directory}/${id}`;
  }

  #pathOf(attachment: Attachment): string {
    return this.#path(idText(attachmentId(attachment)));
  }
}

function recordIn<T>(reading: Reading<T>): T | undefined {
  return reading !== undefined && reading !== "foreign" && "record" in reading ? reading.record : undefined;
}

function withoutSuffix(name: string): string {
  return name.endsWith(RELEASING) ? name.slice(0, -RELEASING.length) : name;
}

function parsed(text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isWritten(value: unknown): value is WrittenRecord {
  return hasTexts(value, []) && hasTexts(Reflect.get(value, "attachment"), ["network", "containerId", "ifname"]);
}

/** Whether the value is an object that has a text for each of these keys. */
export function hasTexts(value: unknown, keys: readonly string[]): value is object {
  if (typeof value !== "object" || value === null) return false;
  return keys.every((key) => typeof Reflect.get(value, key) === "string");
}

function timeOf(path: string): bigint | undefined {
  try {
    return stat(path).mtimeNs;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Also where nothing can be removed, and nothing is there to be. */
function removeIfAny(path: string): void {
  try {
    remove(path);
  } catch (error) {
    if (exists(path)) throw error;
  }
}
