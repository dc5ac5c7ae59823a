// Elements that have a key, and perhaps data and a comment, but nothing else. A map may get ten thousand of them in one
// transaction, and writing them attribute by attribute takes an interpreter four times as long. element.ts says what
// each number is.

import { encode } from "../wire/codec.ts";
import { type Data, data } from "./data.ts";
import type { Element } from "./element.ts";
import { commentEntry, NFTNL_UDATA_SET_ELEM } from "./userdata.ts";

const NLA_F_NESTED = 0x80;
const HEADER = 4;
const NONE = new Uint8Array(0);

const padded = (length: number): number => (length + 3) & ~3;

export class PlainElements {
  /** Encoded verdicts by code and chain: few are used by many. */
  readonly #verdicts = new Map<string, Uint8Array>();

  /** The element as it stands in NFTA_SET_ELEM_LIST_ELEMENTS; undefined where it has anything else. */
  encode(e: Element): Uint8Array | undefined {
    if (!isPlain(e)) return undefined;
    const value = e.data === undefined ? NONE : this.#dataOf(e.data);
    const comment = e.comment === undefined ? NONE : commentEntry(NFTNL_UDATA_SET_ELEM.COMMENT, e.comment).value;
    const keyLength = 2 * HEADER + padded(e.key.length);
    const dataLength = e.data === undefined ? 0 : HEADER + padded(value.length);
    const userdataLength = e.comment === undefined ? 0 : HEADER + padded(2 + comment.length);
    const bytes = new Uint8Array(HEADER + keyLength + dataLength + userdataLength);
    header(bytes, 0, bytes.length, 1, NLA_F_NESTED); // NFTA_LIST_ELEM
    header(bytes, HEADER, keyLength, 1, NLA_F_NESTED); // NFTA_SET_ELEM_KEY
    header(bytes, 2 * HEADER, HEADER + e.key.length, 1, 0); // NFTA_DATA_VALUE
    bytes.set(e.key, 3 * HEADER);
    let at = HEADER + keyLength;
    if (e.data !== undefined) {
      header(bytes, at, HEADER + value.length, 2, NLA_F_NESTED); // NFTA_SET_ELEM_DATA
      bytes.set(value, at + HEADER);
      at += dataLength;
    }
    if (e.comment !== undefined) {
      header(bytes, at, HEADER + 2 + comment.length, 6, 0); // NFTA_SET_ELEM_USERDATA
      bytes[at + HEADER] = NFTNL_UDATA_SET_ELEM.COMMENT;
      bytes[at + HEADER + 1] = comment.length;
      bytes.set(comment, at + HEADER + 2);
    }
    return bytes;
  }

  /** The attribute inside NFTA_SET_ELEM_DATA. */
  #dataOf(value: Data): Uint8Array {
    if (value instanceof Uint8Array) {
      const bytes = new Uint8Array(HEADER + padded(value.length));
      header(bytes, 0, HEADER + value.length, 1, 0); // NFTA_DATA_VALUE
      bytes.set(value, HEADER);
      return bytes;
    }
    const key = `${value.code} ${value.chain ?? ""}`;
    const known = this.#verdicts.get(key) ?? encode(data, value);
    this.#verdicts.set(key, known);
    return known;
  }
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
    e.intervalEnd !== true &&
    e.intervalOpen !== true &&
    e.catchAll !== true &&
    e.timeout === undefined &&
    e.expiration === undefined &&
    e.expressions === undefined &&
    e.key.length < SHORT &&
    (!(e.data instanceof Uint8Array) || e.data.length < SHORT)
  );
}
