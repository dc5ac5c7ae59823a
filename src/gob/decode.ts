// A stream of gob, read: each message describes a type or holds a value, of a type described before.

import { joinBytes } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { GobReader, unsignedAt } from "./reader.ts";
import { type GobStruct, type GobValue, KNOWN, WIRE, type WireType } from "./types.ts";

/** What no call takes: a configuration has 4 MiB at the most. */
const MESSAGE_LIMIT = 8 << 20;
const DEPTH_LIMIT = 32;
const TYPES_LIMIT = 1024;

/** Reads a stream, in whatever pieces it comes. */
export class GobDecoder {
  readonly #types = new Map(KNOWN);
  #buffered: Uint8Array = new Uint8Array(0);

  /** Takes what has come. */
  push(bytes: Uint8Array): void {
    this.#buffered = joinBytes(this.#buffered, bytes);
  }

  /** The next value; undefined until all of it has come. Throws DecodeError: nothing can be read of the stream after that. */
  next(): GobValue | undefined {
    for (;;) {
      const message = this.#message();
      if (message === undefined) return undefined;
      const id = message.signed();
      if (id >= 0) return this.#topValue(id, message);
      this.#describe(-id, message);
    }
  }

  /** The next value where it is a struct. Throws DecodeError where it is anything else. */
  nextStruct(): GobStruct | undefined {
    const value = this.next();
    if (value === undefined || isStruct(value)) return value;
    throw new DecodeError("want a struct");
  }

  #message(): GobReader | undefined {
    const length = unsignedAt(this.#buffered, 0);
    if (length === undefined) return undefined;
    if (length.value > MESSAGE_LIMIT) throw new DecodeError(`a message of ${length.value} bytes`);
    const end = length.end + length.value;
    if (end > this.#buffered.length) return undefined;
    const message = new GobReader(this.#buffered.subarray(length.end, end));
    this.#buffered = this.#buffered.slice(end);
    return message;
  }

  #describe(id: number, message: GobReader): void {
    if (KNOWN.has(id) || this.#types.size > TYPES_LIMIT) throw new DecodeError(`the type ${id} can't be described`);
    const described = this.#value(WIRE.WIRE_TYPE, message, 0);
    this.#types.set(id, wireTypeOf(described));
    requireEnd(message);
  }

  /** What is no struct comes behind a zero. */
  #topValue(id: number, message: GobReader): GobValue {
    if (this.#typeOf(id).kind !== "struct" && message.unsigned() !== 0)
      throw new DecodeError("want a zero before the value");
    const value = this.#value(id, message, 0);
    requireEnd(message);
    return value;
  }

  #typeOf(id: number): WireType {
    const type = this.#types.get(id);
    if (type === undefined) throw new DecodeError(`the type ${id} is unknown, or of a kind that is not supported`);
    return type;
  }

  #value(id: number, from: GobReader, depth: number): GobValue {
    if (depth > DEPTH_LIMIT) throw new DecodeError("values in values without end");
    const type = this.#typeOf(id);
    if (type.kind === "struct") return this.#struct(type.fields, from, depth);
    if (type.kind === "slice") return this.#slice(type.element, from, depth);
    if (type.kind === "bool") return from.unsigned() !== 0;
    if (type.kind === "int") return from.signed();
    if (type.kind === "uint") return from.unsigned();
    return type.kind === "bytes" ? from.bytes() : from.text();
  }

  /** Each field comes behind its distance from the field before; 0 ends the struct. */
  #struct(
    fields: readonly { readonly name: string; readonly id: number }[],
    from: GobReader,
    depth: number,
  ): GobStruct {
    const found: Record<string, GobValue> = Object.create(null);
    for (let at = -1; ; ) {
      const distance = from.unsigned();
      if (distance === 0) return found;
      at += distance;
      const field = fields[at];
      if (field === undefined) throw new DecodeError(`a struct of ${fields.length} fields has no field ${at}`);
      found[field.name] = this.#value(field.id, from, depth + 1);
    }
  }

  #slice(element: number, from: GobReader, depth: number): readonly GobValue[] {
    const count = from.unsigned();
    if (count > from.rest) throw new DecodeError(`a list of ${count}, with ${from.rest} bytes left`);
    return Array.from({ length: count }, () => this.#value(element, from, depth + 1));
  }
}

/** Whether the value is a struct. */
export function isStruct(value: GobValue | undefined): value is GobStruct {
  return typeof value === "object" && !Array.isArray(value) && !(value instanceof Uint8Array);
}

function requireEnd(message: GobReader): void {
  if (message.rest > 0) throw new DecodeError(`${message.rest} bytes more than the value has`);
}

function wireTypeOf(described: GobValue): WireType {
  if (!isStruct(described)) throw new DecodeError("the description of a type is no struct");
  const { SliceT, StructT } = described;
  if (isStruct(SliceT)) return { kind: "slice", element: numberOf(SliceT["Elem"]) };
  if (!isStruct(StructT)) throw new DecodeError("a type of a kind that is not supported");
  const { Field = [] } = StructT;
  if (!Array.isArray(Field)) throw new DecodeError("the fields of a struct are no list");
  const fields: readonly GobValue[] = Field;
  return {
    kind: "struct",
    fields: fields.map((one) => {
      const { Name = "", Id } = isStruct(one) ? one : {};
      if (typeof Name !== "string") throw new DecodeError("the name of a field is no text");
      return { name: Name, id: numberOf(Id) };
    }),
  };
}

function numberOf(value: GobValue | undefined): number {
  if (typeof value === "number") return value;
  throw new DecodeError("the description of a type names no type");
}
