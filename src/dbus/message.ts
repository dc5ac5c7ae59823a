// Messages of D-Bus (specification 0.43, "Message Protocol"): a method that is called by texts alone, and what comes back. All
// numbers are in host order, which is little-endian on all our machines.

import { engine } from "../sys/engine.ts";
import { DecodeError } from "../wire/error.ts";
import { Writer } from "../wire/writer.ts";

const LITTLE_ENDIAN = 0x6c; // "l"
const PROTOCOL = 1;

export const TYPE = { METHOD_CALL: 1, METHOD_RETURN: 2, ERROR: 3, SIGNAL: 4 } as const;

/** The fields of a header: their codes, and the types of their values. */
const FIELDS = {
  path: { code: 1, type: "o" },
  interface: { code: 2, type: "s" },
  member: { code: 3, type: "s" },
  errorName: { code: 4, type: "s" },
  replySerial: { code: 5, type: "u" },
  destination: { code: 6, type: "s" },
  signature: { code: 8, type: "g" },
} as const;

type FieldName = keyof typeof FIELDS;

/** byte order, type, flags, protocol; u32 length of the body, serial, length of the fields */
const FIXED_SIZE = 16;
const LENGTHS = { body: 4, serial: 8, fields: 12 } as const;

/** A method of an object. */
export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  /** Its arguments, of the type STRING. */
  readonly texts: readonly string[];
}

/** The bytes of a call. `serial` is what the reply refers to, not 0. */
export function encodeCall(call: Call, serial: number): Uint8Array {
  const { texts, ...named } = call;
  const body = new Writer();
  for (const one of texts) writeText(body, one);
  const out = new Writer();
  for (const byte of [LITTLE_ENDIAN, TYPE.METHOD_CALL, 0, PROTOCOL]) out.u8(byte);
  out.u32(body.length);
  out.u32(serial);
  out.u32(0); // the length of the fields, once it is known
  writeField(out, "path", named.path);
  writeField(out, "destination", named.destination);
  writeField(out, "interface", named.interface);
  writeField(out, "member", named.member);
  if (texts.length > 0) writeField(out, "signature", "s".repeat(texts.length));
  out.view.setUint32(LENGTHS.fields, out.length - FIXED_SIZE, true);
  align(out, 8);
  out.raw(body.bytes());
  return out.bytes().slice();
}

/** A field is a struct, so it begins at a multiple of eight: its code, and a variant. */
function writeField(out: Writer, name: FieldName, value: string): void {
  const { code, type } = FIELDS[name];
  align(out, 8);
  out.u8(code);
  writeSignature(out, type);
  if (type === "g") writeSignature(out, value);
  else writeText(out, value);
}

/** STRING and OBJECT_PATH: u32 length, the text, NUL. */
function writeText(out: Writer, text: string): void {
  const bytes = engine.encode(text);
  align(out, 4);
  out.u32(bytes.length);
  out.raw(bytes);
  out.u8(0);
}

/** SIGNATURE: u8 length, the text, NUL. */
function writeSignature(out: Writer, text: string): void {
  out.u8(text.length);
  out.ascii(text);
  out.u8(0);
}

function align(out: Writer, to: number): void {
  out.zeros(-out.length & (to - 1));
}

/** A message that has come. */
export interface Reply {
  /** Of TYPE. */
  readonly type: number;
  /** The serial of the call that it answers; undefined where it answers none. */
  readonly replySerial: number | undefined;
  readonly errorName: string | undefined;
  /** Its first value, where that is a STRING or a BOOLEAN. */
  readonly value: string | boolean | undefined;
}

/** How long a message is whose beginning this is; undefined where that can't be told yet. Throws DecodeError. */
export function messageLength(bytes: Uint8Array): number | undefined {
  if (bytes.length < FIXED_SIZE) return undefined;
  if (bytes[0] !== LITTLE_ENDIAN) throw new DecodeError("not a message of D-Bus in this machine's byte order");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fields = view.getUint32(LENGTHS.fields, true);
  return ((FIXED_SIZE + fields + 7) & ~7) + view.getUint32(LENGTHS.body, true);
}

/** Reads a whole message. Throws DecodeError. */
export function decodeReply(bytes: Uint8Array): Reply {
  const reader = new Reader(bytes);
  const end = FIXED_SIZE + reader.u32At(LENGTHS.fields);
  const fields = new Map<number, string | number>();
  for (reader.at = FIXED_SIZE; reader.at < end; ) {
    reader.align(8);
    const code = reader.u8();
    const type = reader.signature();
    fields.set(code, reader.value(type));
  }
  reader.at = end;
  reader.align(8);
  const signature = fields.get(FIELDS.signature.code);
  const first = typeof signature === "string" ? signature[0] : undefined;
  const serial = fields.get(FIELDS.replySerial.code);
  const name = fields.get(FIELDS.errorName.code);
  return {
    type: bytes[1] ?? 0,
    replySerial: typeof serial === "number" ? serial : undefined,
    errorName: typeof name === "string" ? name : undefined,
    value: first === "s" ? reader.text() : first === "b" ? reader.u32() !== 0 : undefined,
  };
}

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  align(to: number): void {
    this.at = (this.at + to - 1) & ~(to - 1);
  }

  u8(): number {
    this.#require(1);
    return this.#bytes[this.at++] ?? 0;
  }

  u32(): number {
    this.align(4);
    this.#require(4);
    this.at += 4;
    return this.#view.getUint32(this.at - 4, true);
  }

  u32At(offset: number): number {
    this.at = offset;
    return this.u32();
  }

  text(): string {
    return this.#chars(this.u32());
  }

  signature(): string {
    return this.#chars(this.u8());
  }

  /** A value of one of the types that fields of headers have. */
  value(type: string): string | number {
    if (type === "s" || type === "o") return this.text();
    if (type === "g") return this.signature();
    if (type === "u") return this.u32();
    throw new DecodeError(`a field of the type ${JSON.stringify(type)} is none of D-Bus's`);
  }

  /** As many bytes of text, and the NUL behind them. */
  #chars(length: number): string {
    this.#require(length + 1);
    const text = engine.decode(this.#bytes.subarray(this.at, this.at + length));
    this.at += length + 1;
    return text;
  }

  #require(length: number): void {
    if (this.at + length > this.#bytes.length) throw new DecodeError("the message of D-Bus is cut");
  }
}
