// Attribute sets: sequences of `struct nlattr { u16 nla_len; u16 nla_type; }` and payload, padded to four bytes
// (include/uapi/linux/netlink.h). The vocabulary is that of the kernel's YNL specifications.

import { AttributeCursor, attributesIn } from "./attribute-cursor.ts";
import { type Codec, cstring, decodeNamed, type Infer, bytes as rawBytes } from "./codec.ts";
import { DecodeError } from "./error.ts";
import type { Writer } from "./writer.ts";

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

/** One attribute that a set knows: its number and the codec of its payload. */
export interface Attribute<T> {
  readonly type: number;
  readonly codec: Codec<T>;
}

/** An attribute that a set does not know, kept so that writing the set again loses nothing. */
export interface RawAttribute {
  /** With the flag bits. */
  readonly type: number;
  readonly payload: Uint8Array;
}

// biome-ignore lint/suspicious/noExplicitAny: an attribute may hold a value of any type; Infer gives it back
type AttributeSet = Readonly<Record<string, Attribute<any>>>;

/** The values of a set: undefined means that the attribute is not there. */
export type AttributeValues<S extends AttributeSet> = {
  readonly [K in keyof S]?: (S[K] extends Attribute<infer T> ? T : never) | undefined;
} & { readonly unknown?: readonly RawAttribute[] | undefined };

/** An entry of an attribute set. */
export function attr<T>(type: number, codec: Codec<T>): Attribute<T> {
  return { type, codec };
}

/** Writes one attribute: header, payload, padding. */
export function writeAttribute<T>(out: Writer, type: number, codec: Codec<T>, value: T): void {
  const { size } = codec;
  if (size !== undefined) {
    out.attributeOf(type, size);
    codec.encode(value, out);
    if ((size & 3) !== 0) out.align4();
    return;
  }
  const start = out.beginAttribute(codec.nested ? type | NLA_F_NESTED : type);
  codec.encode(value, out);
  const length = out.endAttribute(start);
  if (length > 0xffff) throw new RangeError(`attribute ${type} is ${length} bytes long, over 65535`);
}

/** Every attribute in the bytes, in order. Throws DecodeError where a length does not fit. */
export function readAttributes(bytes: Uint8Array): RawAttribute[] {
  const read: RawAttribute[] = [];
  const found = attributesIn(bytes);
  for (let i = 0; i < found.length; i += 3) {
    read.push({ type: found[i] as number, payload: bytes.subarray(found[i + 1], found[i + 2]) });
  }
  return read;
}

/**
 * The codec of an attribute set. Written in the order declared; read in any order, the last of a repeated attribute
 * counts (as in the kernel) unless its codec is `multi`; unknown attributes are kept in `unknown`.
 */
export function attrs<S extends AttributeSet>(set: S): Codec<AttributeValues<S>> {
  const rows = rowsOf(set);
  const byType = new Map(rows.map((row) => [row.type, row]));
  return {
    nested: true,
    encode(value, out) {
      const values: Readonly<Record<string, unknown>> = value;
      // By number: an iterator takes the engine as long as all the rest of this loop. To find out first which of a link's
      // seventeen are said takes longer.
      for (let i = 0; i < rows.length; i++) {
        const row = rows[i] as (typeof rows)[number];
        const one = values[row.name];
        if (one === undefined) continue;
        const { type, codec } = row;
        if (!codec.multi) writeAttribute(out, type, codec, one);
        else for (const element of one as readonly unknown[]) writeAttribute(out, type, codec, [element]);
      }
      const { unknown } = value;
      if (unknown !== undefined) for (const { type, payload } of unknown) writeAttribute(out, type, rawBytes, payload);
    },
    decode(bytes) {
      const values: Record<string, unknown> = {};
      const unknown: RawAttribute[] = [];
      const found = attributesIn(bytes);
      for (let i = 0; i < found.length; i += 3) {
        const type = found[i] as number;
        const row = byType.get(type & NLA_TYPE_MASK);
        if (row === undefined) {
          unknown.push({ type, payload: bytes.slice(found[i + 1], found[i + 2]) });
          continue;
        }
        const { name, codec } = row;
        const one = decodeNamed(codec, bytes.subarray(found[i + 1], found[i + 2]), name);
        const before = values[name];
        if (codec.multi && Array.isArray(before)) before.push(...(one as readonly unknown[]));
        else values[name] = one;
      }
      if (unknown.length > 0) values["unknown"] = unknown;
      return values as AttributeValues<S>;
    },
  };
}

/**
 * The codec of a few attributes of a larger set, for readers of long lists. Attributes that are not in the table are passed
 * over, and reading ends when all of the table are found, so the first of a repeated attribute counts. Reading all that
 * the kernel tells of a link takes the engine five times as long.
 */
export function pick<S extends AttributeSet>(set: S): Codec<AttributeValues<S>> {
  const rows = rowsOf(set);
  const byType = new Map(rows.map((row) => [row.type, row]));
  return {
    ...attrs(set),
    decode(bytes) {
      const values: Record<string, unknown> = {};
      let missing = rows.length;
      const found = attributesIn(bytes);
      for (let i = 0; missing > 0 && i < found.length; i += 3) {
        const row = byType.get((found[i] as number) & NLA_TYPE_MASK);
        if (row === undefined || Object.hasOwn(values, row.name)) continue;
        values[row.name] = decodeNamed(row.codec, bytes.subarray(found[i + 1], found[i + 2]), row.name);
        missing--;
      }
      return values as AttributeValues<S>;
    },
  };
}

/** A row of a table, with its name. */
interface Row {
  readonly name: string;
  readonly type: number;
  readonly codec: Codec<unknown>;
}

function rowsOf(set: AttributeSet): Row[] {
  return Object.entries(set).map(([name, { type, codec }]) => ({ name, type, codec }));
}

/** An attribute that stands once for each element of an array (YNL's multi-attr). */
export function multi<T>(codec: Codec<T>): Codec<readonly T[]> {
  return {
    multi: true,
    nested: codec.nested ?? false,
    encode(values, out) {
      for (const value of values) codec.encode(value, out);
    },
    decode: (bytes) => [codec.decode(bytes)],
  };
}

/** A nest that holds nothing but attributes of one type, NFTA_LIST_ELEM say; its value is an array. */
export function list<T>(type: number, codec: Codec<T>): Codec<readonly T[]> {
  return {
    nested: true,
    encode(values, out) {
      for (const value of values) writeAttribute(out, type, codec, value);
    },
    decode: (bytes) =>
      readAttributes(bytes).map((raw, i) => {
        if ((raw.type & NLA_TYPE_MASK) !== type) throw new DecodeError(`want attribute ${type}, got ${raw.type}`);
        return decodeNamed(codec, raw.payload, String(i));
      }),
  };
}

type Variants = Readonly<Record<string, Codec<object>>>;

/** A value of one of the variants, which `kind` names; a kind that is not among them keeps its bytes. */
export type SubmessageValue<V extends Variants> =
  | { readonly [K in keyof V & string]: { readonly kind: K } & Infer<V[K]> }[keyof V & string]
  | UnknownSubmessage;

/** A submessage of a kind that the table of variants does not have. */
export interface UnknownSubmessage {
  readonly kind: "unknown";
  readonly name: string;
  readonly data: Uint8Array | undefined;
}

/**
 * A nest of a name and of data whose layout the name selects (YNL's sub-message): an nf_tables expression, or
 * IFLA_LINKINFO. `types` are the numbers of the two attributes.
 */
export function submessage<V extends Variants>(
  types: { readonly name: number; readonly data: number },
  variants: V,
): Codec<SubmessageValue<V>> {
  return {
    nested: true,
    encode(value, out) {
      const name = value.kind === "unknown" ? (value as UnknownSubmessage).name : value.kind;
      writeAttribute(out, types.name, cstring, name);
      if (value.kind !== "unknown") {
        const codec = variants[name];
        if (codec === undefined) throw new TypeError(`no variant ${name}`);
        writeAttribute(out, types.data, codec, value);
      } else {
        const { data } = value as UnknownSubmessage;
        if (data !== undefined) writeAttribute(out, types.data | NLA_F_NESTED, rawBytes, data);
      }
    },
    decode(bytes) {
      let name: Uint8Array | undefined;
      let data: Uint8Array | undefined;
      for (const cursor = new AttributeCursor(bytes); cursor.next(); ) {
        if (cursor.type === types.name) name = cursor.payload();
        else if (cursor.type === types.data) data = cursor.payload();
      }
      if (name === undefined) throw new DecodeError(`the attribute ${types.name} that names the kind is missing`);
      return decodeVariant(variants, cstring.decode(name), data);
    },
  };
}

/** Reads the data of a submessage whose kind is known already. */
export function decodeVariant<V extends Variants>(
  variants: V,
  name: string,
  data: Uint8Array | undefined,
): SubmessageValue<V> {
  const codec = Object.hasOwn(variants, name) ? variants[name] : undefined;
  if (codec === undefined) return { kind: "unknown", name, data: data?.slice() };
  const value = decodeNamed(codec, data ?? new Uint8Array(0), name);
  return { kind: name, ...value } as SubmessageValue<V>;
}
