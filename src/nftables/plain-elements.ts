// Elements that have a key, and perhaps data, a comment or the mark of an interval's end, but nothing else. A map may get ten
// thousand of them in one transaction, and writing them attribute by attribute takes an interpreter four times as long.
// element.ts says what each number is.

import { encode } from "../wire/codec.ts";
import { type Data, data, type Verdict } from "./data.ts";
import type { Element } from "./element.ts";
import { NFT_SET_ELEM } from "./uapi.ts";
import { commentEntry, NFTNL_UDATA_SET_ELEM } from "./userdata.ts";

const NLA_F_NESTED = 0x80;
const HEADER = 4;
const NONE = new Uint8Array(0);

const padded = (length: number): number => (length + 3) & ~3;

export class PlainElements {
  // What comes before the comment, by what it maps to: a length, or a verdict, of which few are used by many.
  readonly #beginnings = new Map<number | Verdict | undefined, Beginning>();

  /** The element as it stands in NFTA_SET_ELEM_LIST_ELEMENTS; undefined where it has anything else. */
  encode(e: Element): Uint8Array | undefined {
    if (!isPlain(e)) return undefined;
    if (e.intervalEnd === true) return encodeEnd(e.key);
    const { key, data: value, comment: text } = e;
    const { template, dataAt } = this.#beginningOf(e);
    const comment = text === undefined ? undefined : commentEntry(NFTNL_UDATA_SET_ELEM.COMMENT, text).value;
    const at = template.length;
    const bytes = new Uint8Array(at + (comment === undefined ? 0 : HEADER + padded(2 + comment.length)));
    bytes.set(template);
    bytes.set(key, KEY_AT);
    if (value instanceof Uint8Array) bytes.set(value, dataAt);
    if (comment !== undefined) {
      header(bytes, 0, bytes.length, 1, NLA_F_NESTED);
      header(bytes, at, HEADER + 2 + comment.length, 6, 0); // NFTA_SET_ELEM_USERDATA
      bytes[at + HEADER] = NFTNL_UDATA_SET_ELEM.COMMENT;
      bytes[at + HEADER + 1] = comment.length;
      bytes.set(comment, at + HEADER + 2);
    }
    return bytes;
  }

  #beginningOf({ key, data: value }: Element): Beginning {
    const kind = value instanceof Uint8Array ? value.length : value;
    const known = this.#beginnings.get(kind);
    if (known?.keyLength === key.length) return known;
    const made = beginning(key.length, value);
    this.#beginnings.set(kind, made);
    return made;
  }
}

/** Where an interval ends it has nothing but its key. */
function encodeEnd(key: Uint8Array): Uint8Array {
  const { template } = beginning(key.length, undefined);
  const bytes = new Uint8Array(template.length + 2 * HEADER);
  bytes.set(template);
  bytes.set(key, KEY_AT);
  header(bytes, 0, bytes.length, 1, NLA_F_NESTED);
  header(bytes, template.length, 2 * HEADER, 3, 0); // NFTA_SET_ELEM_FLAGS
  bytes[bytes.length - 1] = NFT_SET_ELEM.INTERVAL_END; // of a __be32
  return bytes;
}

/** How elements begin that map to the same, or to as many bytes. */
interface Beginning {
  readonly keyLength: number;
  /** All bytes, those of the key and of the value still to be filled in. */
  readonly template: Uint8Array;
  /** Where the value goes. */
  readonly dataAt: number;
}

/** Behind the headers of NFTA_LIST_ELEM, NFTA_SET_ELEM_KEY and NFTA_DATA_VALUE. */
const KEY_AT = 3 * HEADER;

function beginning(keyLength: number, value: Data | undefined): Beginning {
  const inner = value === undefined ? NONE : encode(data, value); // the attribute inside NFTA_SET_ELEM_DATA
  const keySize = 2 * HEADER + padded(keyLength);
  const dataSize = value === undefined ? 0 : HEADER + padded(inner.length);
  const template = new Uint8Array(HEADER + keySize + dataSize);
  header(template, 0, template.length, 1, NLA_F_NESTED); // NFTA_LIST_ELEM
  header(template, HEADER, keySize, 1, NLA_F_NESTED); // NFTA_SET_ELEM_KEY
  header(template, 2 * HEADER, HEADER + keyLength, 1, 0); // NFTA_DATA_VALUE
  const at = HEADER + keySize;
  if (value !== undefined) {
    header(template, at, HEADER + inner.length, 2, NLA_F_NESTED); // NFTA_SET_ELEM_DATA
    template.set(inner, at + HEADER);
  }
  return { keyLength, template, dataAt: at + 2 * HEADER };
}

function header(bytes: Uint8Array, at: number, length: number, type: number, flags: number): void {
  bytes[at] = length & 0xff;
  bytes[at + 1] = length >> 8;
  bytes[at + 2] = type;
  bytes[at + 3] = flags;
}

/** Lengths beyond any key, value or comment are left to those who check them. */
const SHORT = 256;

function isPlain(e: Element): boolean {
  return (
    e.keyEnd === undefined &&
    e.object === undefined &&
    (e.intervalEnd !== true || (e.data === undefined && e.comment === undefined)) &&
    e.intervalOpen !== true &&
    e.catchAll !== true &&
    e.timeout === undefined &&
    e.expiration === undefined &&
    e.expressions === undefined &&
    e.key.length < SHORT &&
    (!(e.data instanceof Uint8Array) || e.data.length < SHORT)
  );
}
