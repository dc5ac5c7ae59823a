// What each attachment claims, as small files on tmpfs: written before its rules are, removed after they are. So every
// element in the kernel has a record, and teardown needs no listing; like the rules, the records end with the boot.

import type { Attachment } from "../../cni/attachment.ts";
import type { JsonObject } from "../../cni/json.ts";
import { attachmentId, idText } from "../../owned/id.ts";
import { hasCode } from "../../sys/error.ts";
import { exists, makeDirectories, readDirectory, readText, remove, rename, replaceFile } from "../../sys/file.ts";

/** Where the records are. On every distribution that runs containers /run is a tmpfs. */
export const RECORDS = "/run/bauta/masquerade";

/** One address under masquerade. */
export interface ClaimedAddress {
  /** With its prefix length: `10.22.0.5/16`. */
  readonly cidr: string;
  /** The policy chain that it goes to. */
  readonly policy: string;
  /** Whether its invalid packets are dropped; absent where not. */
  readonly isStrict?: boolean;
}

/** An address that was another attachment's when this one took it; it goes back if that attachment outlives this one. */
export interface DisplacedClaim extends ClaimedAddress {
  /** The attachment's id, 32 hexadecimal digits: its record bears that name while it lives. */
  readonly owner: string;
}

export interface MasqueradeRecord {
  readonly attachment: Attachment;
  readonly addresses: readonly ClaimedAddress[];
  /** The path of the container's network namespace, for `bauta gc`; absent where nobody knew it. */
  readonly netns?: string;
  /** The latest holder first. */
  readonly displaced: readonly DisplacedClaim[];
  /** The "ipMasqOptions" in force; absent where there were none. Last, for those who read them once for many records. */
  readonly options?: JsonObject;
}

// Once DEL has begun, the record carries this suffix: it no longer counts as a live claim, yet a repeated DEL finds it.
const RELEASING = ".del";

/** What replaceFile writes to first. */
const UNFINISHED = ".tmp";

function pathOf(attachment: Attachment): string {
  return `${RECORDS}/${idText(attachmentId(attachment))}`;
}

/** Writes the record, whole or not at all. Throws SyscallError. */
export function writeRecord(record: MasqueradeRecord): void {
  const path = pathOf(record.attachment);
  const text = `${JSON.stringify(record)}\n`;
  try {
    replaceFile(path, text, 0o600);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
    makeDirectories(RECORDS, 0o700);
    replaceFile(path, text, 0o600);
  }
}

/** The record of a live attachment, or undefined. */
export function readRecord(attachment: Attachment): MasqueradeRecord | undefined {
  return parse(pathOf(attachment));
}

/** The record of the live attachment with this id (32 hexadecimal digits), or undefined. */
export function readRecordById(id: string): MasqueradeRecord | undefined {
  return parse(`${RECORDS}/${id}`);
}

/** Whether there is a record of the attachment, legible or not. */
export function hasRecord(attachment: Attachment): boolean {
  return exists(pathOf(attachment));
}

/**
 * The record of an attachment that is being removed, whether or not an earlier attempt has begun on it; "illegible" where
 * there is one that doesn't tell what the attachment holds.
 */
export function beginRelease(attachment: Attachment): MasqueradeRecord | "illegible" | undefined {
  const path = pathOf(attachment);
  try {
    rename(path, path + RELEASING);
  } catch (error) {
    // A file system that is read-only says so before it looks whether there is such a file.
    if (!hasCode(error, "ENOENT") && exists(path)) throw error;
  }
  return parse(path + RELEASING) ?? (exists(path + RELEASING) ? "illegible" : undefined);
}

/** Forgets the attachment. */
export function endRelease(attachment: Attachment): void {
  const path = pathOf(attachment);
  removeIfAny(path + RELEASING);
  removeIfAny(path + UNFINISHED); // of an ADD that was killed
}

/** Also where nothing can be removed, and nothing is there to be. */
function removeIfAny(path: string): void {
  try {
    remove(path);
  } catch (error) {
    if (exists(path)) throw error;
  }
}

/** All records, those of attachments being removed included. */
export function listRecords(): MasqueradeRecord[] {
  return names().flatMap((name) => parse(`${RECORDS}/${name}`) ?? []);
}

/** Whether records are kept here at all: where someone has swept them away, a claim is known only to the kernel. */
export function haveRecords(): boolean {
  return exists(RECORDS);
}

function names(): string[] {
  try {
    return readDirectory(RECORDS).filter((name) => !name.endsWith(UNFINISHED));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** A record that is missing or not whole counts as none. */
function parse(path: string): MasqueradeRecord | undefined {
  try {
    const record: unknown = JSON.parse(readText(path));
    return isRecord(record) ? record : undefined;
  } catch (error) {
    if (hasCode(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Whether what a file holds tells all that a record must. */
export function isRecord(value: unknown): value is MasqueradeRecord {
  if (!hasTexts(value, []) || !("attachment" in value && "addresses" in value && "displaced" in value)) return false;
  const { attachment, addresses, displaced } = value;
  if (!Array.isArray(addresses) || !Array.isArray(displaced)) return false;
  return (
    hasTexts(attachment, ["network", "containerId", "ifname"]) &&
    addresses.every((one: unknown) => hasTexts(one, ["cidr", "policy"])) &&
    displaced.every((one: unknown) => hasTexts(one, ["cidr", "policy", "owner"]))
  );
}

/** Whether the value is an object that has a text for each of these keys. */
function hasTexts(value: unknown, keys: readonly string[]): value is object {
  if (typeof value !== "object" || value === null) return false;
  return keys.every((key) => typeof Reflect.get(value, key) === "string");
}
