// Walking over attributes in place: struct nlattr { u16 nla_len; u16 nla_type; }, the payload, padding to four bytes
// (include/uapi/linux/netlink.h). Nothing else in this project reads an attribute's header, and here the engine does: a third
// of an ADD's steps were spent on headers.

import { engine } from "../sys/engine.ts";
import { DecodeError } from "./error.ts";

const NLA_TYPE_MASK = 0x3fff;

/**
 * The attributes in the bytes, three numbers for each: its type with the flag bits, and the offsets where its payload begins and
 * ends. Throws DecodeError where a length does not fit.
 */
export function attributesIn(bytes: Uint8Array): readonly number[] {
  const found = engine.attributes(bytes, 0, bytes.length);
  if (found.length % 3 !== 0) throw misfit(bytes, found.at(-1) ?? 0, bytes.length);
  return found;
}

/**
 * Stands at one attribute after the other. No object is made of any of them: a list may have tens of thousands, and an
 * interpreter takes five times as long to make the objects as to look at the bytes.
 */
export class AttributeCursor {
  /** The bytes that hold the attributes; `start` and `end` are offsets in them. */
  bytes: Uint8Array;
  /** The number of the attribute, without the flag bits. */
  type = 0;
  /** Where the payload begins. */
  start = 0;
  /** The first byte behind the payload. */
  end = 0;
  // Not #private: the engine takes twice as long for such fields, and these are read for every attribute.
  private limit: number;
  /** See Engine.attributes. */
  private found: readonly number[];
  private at = 0;

  /** Stands before the first of the attributes between these offsets, of which the first is a multiple of four. */
  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.bytes = bytes;
    this.limit = to;
    this.found = engine.attributes(bytes, from, to);
  }

  /** Goes before the first of the attributes between these offsets, like a new cursor. */
  moveTo(bytes: Uint8Array, from: number, to: number): this {
    this.bytes = bytes;
    this.limit = to;
    this.found = engine.attributes(bytes, from, to);
    this.at = 0;
    return this;
  }

  /** Goes to the next attribute; false where there is none. Throws DecodeError where its length does not fit. */
  next(): boolean {
    const { found, at } = this;
    if (at + 2 >= found.length) return this.#hasEnded();
    this.type = (found[at] as number) & NLA_TYPE_MASK;
    this.start = found[at + 1] as number;
    this.end = found[at + 2] as number;
    this.at = at + 3;
    return true;
  }

  /** Goes to the next attribute of this type; false where there is none. Throws DecodeError like `next`. */
  find(type: number): boolean {
    const { found } = this;
    // Not by next(): the engine takes twice as long where each attribute on the way is a call.
    for (let { at } = this; at + 2 < found.length; at += 3) {
      if (((found[at] as number) & NLA_TYPE_MASK) !== type) continue;
      this.at = at;
      return this.next();
    }
    this.at = found.length - (found.length % 3);
    return this.#hasEnded();
  }

  #hasEnded(): false {
    const { found, at } = this;
    if (at < found.length) throw misfit(this.bytes, found[at] as number, this.limit);
    return false;
  }

  /** The number of the attribute with its flag bits, NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
  typeAndFlags(): number {
    return (this.bytes[this.start - 2] as number) | ((this.bytes[this.start - 1] as number) << 8);
  }

  /** A cursor over the attributes inside this one. */
  enter(): AttributeCursor {
    return new AttributeCursor(this.bytes, this.start, this.end);
  }

  /** The payload, as a view of the bytes. */
  payload(): Uint8Array {
    return this.bytes.subarray(this.start, this.end);
  }

  /** The payload, as bytes of its own. */
  copy(): Uint8Array {
    return this.bytes.slice(this.start, this.end);
  }
}

/**
 * Where the payloads of these types begin and end: the first offset of type `types[i]` goes to `places[2 * i]`, the offset
 * behind it to `places[2 * i + 1]`, and 0 where there is none. Of a repeated attribute the last counts. One call for a whole
 * element of a long list: a cursor's call for each attribute doubles the time. Throws DecodeError.
 */
export function locate(
  bytes: Uint8Array,
  from: number,
  to: number,
  types: readonly number[],
  places: Int32Array,
): void {
  places.fill(0);
  const found = engine.attributes(bytes, from, to);
  for (let at = 0; at < found.length; at += 3) {
    const start = found[at + 1];
    if (start === undefined) throw misfit(bytes, found[at] as number, to);
    const i = types.indexOf((found[at] as number) & NLA_TYPE_MASK);
    if (i < 0) continue;
    places[2 * i] = start;
    places[2 * i + 1] = found[at + 2] as number;
  }
}

function misfit(bytes: Uint8Array, at: number, limit: number): DecodeError {
  const length = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  const type = ((bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8)) & NLA_TYPE_MASK;
  return new DecodeError(`attribute ${type} at byte ${at} has length ${length} of ${limit - at} left`);
}
