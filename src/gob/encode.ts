// A stream of gob, written.

import { engine } from "../sys/engine.ts";
import { Writer } from "../wire/writer.ts";
import { BASIC, FIRST_ID, type GobStruct, type GobType, type GobValue } from "./types.ts";

type Named = Exclude<GobType, string>;

interface StructType {
  readonly name: string;
  readonly fields: readonly (readonly [name: string, type: GobType])[];
}

/** Writes a stream: each type is described once, before its first value. */
export class GobEncoder {
  readonly #ids = new Map<Named, number>();

  /** The messages of one value, descriptions of types that are new first. Throws TypeError where the value is not of the type. */
  encode(type: Named, value: GobValue): Uint8Array {
    const messages = new Writer(256);
    const id = this.#idOf(type, messages);
    const payload = new Writer(256);
    putSigned(payload, id);
    if (!("fields" in type)) payload.u8(0);
    putValue(payload, type, value);
    putBytes(messages, payload.bytes());
    return messages.bytes().slice();
  }

  #idOf(type: GobType, messages: Writer): number {
    if (typeof type === "string") return BASIC[type];
    const known = this.#ids.get(type);
    if (known !== undefined) return known;
    const id = FIRST_ID + this.#ids.size + 1;
    this.#ids.set(type, id);
    const inner = new Writer(256);
    const payload = new Writer(256);
    putSigned(payload, -id);
    putStruct(payload, WIRE_TYPE, this.#describe(type, id, inner));
    putBytes(messages, payload.bytes());
    messages.raw(inner.bytes());
    return id;
  }

  #describe(type: Named, id: number, inner: Writer): GobStruct {
    const CommonType = { Name: type.name, Id: id };
    if ("element" in type) return { SliceT: { CommonType, Elem: this.#idOf(type.element, inner) } };
    const Field = type.fields.map(([name, one]) => ({ Name: name, Id: this.#idOf(one, inner) }));
    return { StructT: { CommonType, Field } };
  }
}

/** What describes a type (encoding/gob/type.go). */
const COMMON_TYPE: Named = {
  name: "CommonType",
  fields: [
    ["Name", "string"],
    ["Id", "int"],
  ],
};
const FIELDS: Named = {
  name: "",
  element: {
    name: "fieldType",
    fields: [
      ["Name", "string"],
      ["Id", "int"],
    ],
  },
};
const WIRE_TYPE: StructType = {
  name: "wireType",
  fields: [
    ["ArrayT", "bytes"],
    [
      "SliceT",
      {
        name: "sliceType",
        fields: [
          ["CommonType", COMMON_TYPE],
          ["Elem", "int"],
        ],
      },
    ],
    [
      "StructT",
      {
        name: "structType",
        fields: [
          ["CommonType", COMMON_TYPE],
          ["Field", FIELDS],
        ],
      },
    ],
  ],
};

function putValue(out: Writer, type: GobType, value: GobValue): void {
  if (type === "bool" && typeof value === "boolean") out.u8(value ? 1 : 0);
  else if (type === "int" && typeof value === "number") putSigned(out, value);
  else if (type === "uint" && typeof value === "number") putUnsigned(out, value);
  else if (type === "bytes" && value instanceof Uint8Array) putBytes(out, value);
  else if (type === "string" && typeof value === "string") putBytes(out, engine.encode(value));
  else if (typeof type === "object" && "element" in type && Array.isArray(value)) putSlice(out, type.element, value);
  else if (typeof type === "object" && "fields" in type && typeof value === "object") {
    putStruct(out, type, value as GobStruct);
  } else throw new TypeError(`the value is not of the gob type ${typeof type === "string" ? type : type.name}`);
}

/** Zero values are not sent. An empty struct is one, too, but is sent where the caller has it. */
function putStruct(out: Writer, { fields }: StructType, value: GobStruct): void {
  let last = -1;
  fields.forEach(([name, type], at) => {
    const one = value[name];
    if (one === undefined || isZero(one)) return;
    putUnsigned(out, at - last);
    putValue(out, type, one);
    last = at;
  });
  out.u8(0);
}

function putSlice(out: Writer, element: GobType, values: readonly GobValue[]): void {
  putUnsigned(out, values.length);
  for (const value of values) putValue(out, element, value);
}

function isZero(value: GobValue): boolean {
  if (typeof value === "object") return (value instanceof Uint8Array || Array.isArray(value)) && value.length === 0;
  return value === 0 || value === "" || value === false;
}

function putBytes(out: Writer, bytes: Uint8Array): void {
  putUnsigned(out, bytes.length);
  out.raw(bytes);
}

function putSigned(out: Writer, value: number): void {
  putUnsigned(out, value < 0 ? -(value + 1) * 2 + 1 : value * 2);
}

/** Throws RangeError for what gob, or JavaScript, has no exact number of. */
function putUnsigned(out: Writer, value: number): void {
  if (value < 0 || !Number.isSafeInteger(value)) throw new RangeError(`${value} can't be written as a number of gob`);
  if (value < 128) {
    out.u8(value);
    return;
  }
  const digits: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  out.raw(Uint8Array.of(256 - digits.length, ...digits));
}
