// Walking over attributes in place: struct nlattr { u16 nla_len; u16 nla_type; }, the payload, padding to four bytes
// (include/uapi/linux/netlink.h). Nothing else in this project reads an attribute's header.

import { DecodeError } from "./error.ts";

const NLA_HDRLEN = 4;
const NLA_TYPE_MASK = 0x3fff;

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
  end: number;
  // Not #private: the engine takes twice as long for such a field, and this one is read for every attribute.
  private limit: number;

  /** Stands before the first of the attributes between these offsets, of which the first is a multiple of four. */
  constructor(bytes: Uint8Array, from = 0, to: number = bytes.length) {
    this.bytes = bytes;
    this.end = from;
    this.limit = to;
  }

  /** Goes before the first of the attributes between these offsets, like a new cursor. */
  moveTo(bytes: Uint8Array, from: number, to: number): this {
    this.bytes = bytes;
    this.end = from;
    this.limit = to;
    return this;
  }

  /** Goes to the next attribute; false where there is none. Throws DecodeError where its length does not fit. */
  next(): boolean {
    const { bytes, limit } = this;
    const at = (this.end + 3) & ~3;
    if (at + NLA_HDRLEN > limit) return false; // the kernel, too, passes over up to three bytes at the end
    const end = at + ((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
    if (end < at + NLA_HDRLEN || end > limit) throw misfit(bytes, at, end, limit);
    this.type = ((bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8)) & NLA_TYPE_MASK;
    this.start = at + NLA_HDRLEN;
    this.end = end;
    return true;
  }

  /** Goes to the next attribute of this type; false where there is none. Throws DecodeError like `next`. */
  find(type: number): boolean {
    const { bytes, limit } = this;
    // Not by next(): the engine takes twice as long where each attribute on the way is a call.
    for (let at = (this.end + 3) & ~3; at + NLA_HDRLEN <= limit; ) {
      const end = at + ((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
      if (end < at + NLA_HDRLEN || end > limit) throw misfit(bytes, at, end, limit);
      if ((((bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8)) & NLA_TYPE_MASK) === type) {
        this.type = type;
        this.start = at + NLA_HDRLEN;
        this.end = end;
        return true;
      }
      at = (end + 3) & ~3;
    }
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
  for (let at = from; at + NLA_HDRLEN <= to; ) {
    const end = at + ((bytes[at] as number) | ((bytes[at + 1] as number) << 8));
    if (end < at + NLA_HDRLEN || end > to) throw misfit(bytes, at, end, to);
    const i = types.indexOf(((bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8)) & NLA_TYPE_MASK);
    if (i >= 0) {
      places[2 * i] = at + NLA_HDRLEN;
      places[2 * i + 1] = end;
    }
    at = (end + 3) & ~3;
  }
}

function misfit(bytes: Uint8Array, at: number, end: number, limit: number): DecodeError {
  const type = ((bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8)) & NLA_TYPE_MASK;
  return new DecodeError(`attribute ${type} at byte ${at} has length ${end - at} of ${limit - at} left`);
}
