// What nft stores beside the kernel's own data: a sequence of { u8 type; u8 length; value } (libnftnl's udata). The
// types differ from object to object. Integers are in host order.

import { engine } from "../sys/engine.ts";
import { cstring, encode, u32 } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { Writer } from "../wire/writer.ts";

/** Types of user data. Table, chain, rule, object and element all have the comment at 0; a set has it at 7. */
export const NFTNL_UDATA = { COMMENT: 0 } as const;
export const NFTNL_UDATA_SET = {
  KEYBYTEORDER: 0,
  DATABYTEORDER: 1,
  MERGE_ELEMENTS: 2,
  DATA_INTERVAL: 6,
  COMMENT: 7,
} as const;
export const NFTNL_UDATA_SET_ELEM = { COMMENT: 0, FLAGS: 1 } as const;
/** The interval that begins here has no end: it reaches to the last value there is. */
export const NFTNL_SET_ELEM_F_INTERVAL_OPEN = 0x1;

/** The longest comment that nft reads back, in bytes and without the NUL (NFTNL_UDATA_COMMENT_MAXLEN). */
export const COMMENT_MAX = 128;

/** One entry of user data. */
export interface Userdata {
  readonly type: number;
  readonly value: Uint8Array;
}

/** The entries as the kernel keeps them; undefined where there are none. */
export function encodeUserdata(entries: readonly Userdata[]): Uint8Array | undefined {
  if (entries.length === 0) return undefined;
  const out = new Writer(64);
  for (const { type, value } of entries) {
    if (value.length > 0xff) throw new RangeError(`user data ${type} is ${value.length} bytes long, over 255`);
    out.u8(type);
    out.u8(value.length);
    out.raw(value);
  }
  return out.bytes();
}

/** The entries of user data. Bytes that are not such entries, as another program may have put there, yield none. */
export function decodeUserdata(bytes: Uint8Array | undefined): Userdata[] {
  const entries: Userdata[] = [];
  if (bytes === undefined) return entries;
  for (let at = 0; at < bytes.length; ) {
    const end = at + 2 + (bytes[at + 1] ?? 0);
    if (at + 2 > bytes.length || end > bytes.length) return [];
    entries.push({ type: bytes[at] ?? 0, value: bytes.subarray(at + 2, end) });
    at = end;
  }
  return entries;
}

/** An entry that holds a number. */
export function numberEntry(type: number, value: number): Userdata {
  return { type, value: encode(u32, value) };
}

/** The number of an entry of this type, or undefined. */
export function numberOf(entries: readonly Userdata[], type: number): number | undefined {
  const value = entries.find((entry) => entry.type === type)?.value;
  return value?.length === 4 ? u32.decode(value) : undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNREADABLE = /["\u0000-\u001f\u007f]/;

/**
 * A comment. Throws RangeError for what `nft -f` could not read back from `nft list`: more than 128 bytes of UTF-8,
 * a double quote or a control character.
 */
export function commentEntry(type: number, comment: string): Userdata {
  const plain = engine.encode(`${comment}\0`);
  // What half a surrogate pair becomes is settled in cstring; most comments are ASCII.
  const value = plain.length === comment.length + 1 ? plain : encode(cstring, comment);
  if (value.length - 1 > COMMENT_MAX) {
    throw new RangeError(
      `the comment ${JSON.stringify(comment)} is ${value.length - 1} bytes long, over ${COMMENT_MAX}`,
    );
  }
  if (!isReadable(comment)) {
    throw new RangeError(`the comment ${JSON.stringify(comment)} contains a double quote or a control character`);
  }
  return { type, value };
}

/** The comment among the entries, or undefined. */
export function commentOf(entries: readonly Userdata[], type: number): string | undefined {
  const value = entries.find((entry) => entry.type === type)?.value;
  if (value === undefined) return undefined;
  try {
    return cstring.decode(value);
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

/** User data that is nothing but a comment: that of tables, chains, rules and objects. */
export function commentUserdata(comment: string | undefined): Uint8Array | undefined {
  return comment === undefined ? undefined : encodeUserdata([commentEntry(NFTNL_UDATA.COMMENT, comment)]);
}

/**
 * The text as a comment that nft can read back: of what cannot stand there each character replaced by another, and what is
 * longer than so many bytes cut off between two characters.
 */
export function fitComment(text: string, limit: number = COMMENT_MAX): string {
  if (text.length <= limit && isPlain(text)) return text;
  let fitted = "";
  let length = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    length += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    if (length > limit) break;
    if (character === '"') fitted += "'";
    else fitted += point < 0x20 || point === 0x7f ? "?" : character;
  }
  return fitted;
}

/** Whether the text is ASCII without anything that a comment cannot hold. To ask so is cheaper than to look at each character. */
function isPlain(text: string): boolean {
  return isReadable(text) && engine.encode(text).length === text.length;
}

/** Whether the text has no double quote and no control character. A backslash, too, makes JSON longer: then it takes a look. */
function isReadable(text: string): boolean {
  // JSON writes neither double quotes nor control characters as they are, and asks much less of an interpreter.
  const isAsItIs = JSON.stringify(text).length === text.length + 2 && !text.includes("\x7f");
  return isAsItIs || !UNREADABLE.test(text);
}
