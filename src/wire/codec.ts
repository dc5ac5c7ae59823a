// Codecs: how one value stands as bytes. Byte order is in the name: `u32` is in host order, `u32be` big-endian.

import { engine } from "../sys/engine.ts";
import { DecodeError, withName } from "./error.ts";
import { Writer } from "./writer.ts";

/** How values of type T are written and read. `decode` is given exactly the value's bytes. */
export interface Codec<T> {
  encode(value: T, out: Writer): void;
  /** Throws DecodeError when the bytes are not such a value. */
  decode(bytes: Uint8Array): T;
  /** Size in bytes where it never varies. */
  readonly size?: number;
  /** Of a value that can be a struct's field: how it stands at some byte of a view. */
  readonly placed?: Placed<T>;
  /** Whether an attribute with this payload carries NLA_F_NESTED. */
  readonly nested?: boolean;
  /** Whether the attribute stands once for each element of the array. */
  readonly multi?: boolean;
}

/** A value that takes the same number of bytes always. */
export interface Placed<T> {
  get(view: DataView, at: number): T;
  set(view: DataView, at: number, value: T): void;
}

/** Whether two byte strings are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** All bytes of both, one behind the other. */
export function joinBytes(one: Uint8Array, other: Uint8Array): Uint8Array {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

/** Negative, zero or positive as `a` comes before, with or after `b`; a shorter byte string comes before every longer one. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const { length } = a;
  if (length !== b.length) return length - b.length;
  let i = 0;
  while (i < length && a[i] === b[i]) i++;
  return i === length ? 0 : (a[i] ?? 0) - (b[i] ?? 0);
}

/** The type of the values of a codec. */
export type Infer<C> = C extends Codec<infer T> ? T : never;

/** The bytes of one value. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const out = new Writer(64);
  codec.encode(value, out);
  return out.bytes();
}

/** One value from its bytes; what cannot be decoded is told with this name in front. */
export function decodeNamed<T>(codec: Codec<T>, bytes: Uint8Array, name: string): T {
  try {
    return codec.decode(bytes);
  } catch (error) {
    throw withName(error, name);
  }
}

function viewOf(bytes: Uint8Array, size: number): DataView {
  if (bytes.length !== size) throw new DecodeError(`want ${size} bytes, got ${bytes.length}`);
  return new DataView(bytes.buffer, bytes.byteOffset, size);
}

function inRange(value: number, low: number, high: number): number {
  if (value >= low && value <= high && value % 1 === 0) return value;
  throw new RangeError(`${value} is not an integer from ${low} to ${high}`);
}

/** The codec of values that always take `size` bytes. */
export function fixed<T>(size: number, placed: Placed<T>): Codec<T> & { readonly size: number } {
  return {
    size,
    placed,
    encode(value, out) {
      const at = out.zeros(size);
      placed.set(out.view, at, value);
    },
    decode: (bytes) => placed.get(viewOf(bytes, size), 0),
  };
}

export const u8: Codec<number> = fixed(1, {
  get: (view, at) => view.getUint8(at),
  set: (view, at, value) => view.setUint8(at, inRange(value, 0, 0xff)),
});

const unsigned16 = (littleEndian: boolean): Codec<number> =>
  fixed(2, {
    get: (view, at) => view.getUint16(at, littleEndian),
    set: (view, at, value) => view.setUint16(at, inRange(value, 0, 0xffff), littleEndian),
  });

const unsigned32 = (littleEndian: boolean): Codec<number> =>
  fixed(4, {
    get: (view, at) => view.getUint32(at, littleEndian),
    set: (view, at, value) => view.setUint32(at, inRange(value, 0, 0xffffffff), littleEndian),
  });

const signed32 = (littleEndian: boolean): Codec<number> =>
  fixed(4, {
    get: (view, at) => view.getInt32(at, littleEndian),
    set: (view, at, value) => view.setInt32(at, inRange(value, -0x80000000, 0x7fffffff), littleEndian),
  });

const unsigned64 = (littleEndian: boolean): Codec<bigint> =>
  fixed(8, {
    get: (view, at) => view.getBigUint64(at, littleEndian),
    set(view, at, value) {
      if (value < 0n || value > 0xffffffffffffffffn) throw new RangeError(`${value} is not an unsigned 64-bit integer`);
      view.setBigUint64(at, value, littleEndian);
    },
  });

export const u16: Codec<number> = unsigned16(true);
export const u16be: Codec<number> = unsigned16(false);
export const u32: Codec<number> = unsigned32(true);
export const u32be: Codec<number> = unsigned32(false);
export const s32: Codec<number> = signed32(true);
export const s32be: Codec<number> = signed32(false);
export const u64: Codec<bigint> = unsigned64(true);
export const u64be: Codec<bigint> = unsigned64(false);

/** Bytes as they are. */
export const bytes: Codec<Uint8Array> = {
  encode: (value, out) => out.raw(value),
  decode: (value) => value.slice(),
};

/** An attribute without payload, whose presence is the value (NLA_FLAG). */
export const flag: Codec<true> = {
  encode() {},
  decode(value) {
    if (value.length !== 0) throw new DecodeError(`want an empty flag, got ${value.length} bytes`);
    return true;
  },
};

/** The bytes of names: the same table is in every message of a transaction. The bytes are copied, never handed out. */
const names = new Map<string, Uint8Array>();
const NAME_LENGTH = 64;
const NAMES_MAX = 64;

/** Text that ends with a NUL (NLA_NUL_STRING); a missing NUL is accepted, as the kernel accepts it for NLA_STRING. */
export const cstring: Codec<string> = {
  encode(value, out) {
    const known = names.get(value);
    if (known !== undefined) {
      out.raw(known);
      return;
    }
    if (value.includes("\0")) throw new RangeError(`${JSON.stringify(value)} contains a NUL character`);
    const start = out.length;
    writeUtf8(value, out);
    out.u8(0);
    if (value.length <= NAME_LENGTH && names.size < NAMES_MAX) names.set(value, out.bytes().slice(start));
  },
  decode(value) {
    const end = value.indexOf(0);
    return engine.decode(end < 0 ? value : value.subarray(0, end));
  },
};

/** Zeros that nobody reads: padding inside a struct. */
export function pad(size: number): Codec<undefined> {
  return fixed(size, { get: () => undefined, set() {} });
}

// wire/ is pure and has no host to ask for UTF-8; names are ASCII but for comments and network names.

function writeUtf8(text: string, out: Writer): void {
  if (out.ascii(text)) return;
  for (const character of text) {
    let point = character.codePointAt(0) ?? 0;
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd; // half of a surrogate pair
    if (point < 0x80) out.u8(point);
    else if (point < 0x800) {
      out.u8(0xc0 | (point >> 6));
      out.u8(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
      out.u8(0xe0 | (point >> 12));
      out.u8(0x80 | ((point >> 6) & 0x3f));
      out.u8(0x80 | (point & 0x3f));
    } else {
      out.u8(0xf0 | (point >> 18));
      out.u8(0x80 | ((point >> 12) & 0x3f));
      out.u8(0x80 | ((point >> 6) & 0x3f));
      out.u8(0x80 | (point & 0x3f));
    }
  }
}
