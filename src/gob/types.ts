// The types of encoding/gob, Go's own serialization: https://pkg.go.dev/encoding/gob. Of them what Go's net/rpc and structs of
// numbers, texts, bytes, structs and lists take; maps, interfaces, floats and types that encode themselves are missing.

/** What a value of gob is to us. A field that was not sent is absent: it has its zero value. */
export type GobValue = boolean | number | string | Uint8Array | readonly GobValue[] | GobStruct;

export interface GobStruct {
  readonly [field: string]: GobValue | undefined;
}

/** A type that values are written by: `fields` in the order of Go's declaration. */
export type GobType =
  | "bool"
  | "int"
  | "uint"
  | "bytes"
  | "string"
  | { readonly name: string; readonly fields: readonly (readonly [name: string, type: GobType])[] }
  | { readonly name: string; readonly element: GobType };

/** The ids that basic types have in every stream. */
export const BASIC = { bool: 1, int: 2, uint: 3, bytes: 5, string: 6 } as const;

/** The first id that a stream gives to a type of its own. */
export const FIRST_ID = 64;

/** A type as a stream describes it: others are named by their ids. */
export type WireType =
  | { readonly kind: keyof typeof BASIC }
  | { readonly kind: "struct"; readonly fields: readonly { readonly name: string; readonly id: number }[] }
  | { readonly kind: "slice"; readonly element: number };

const field = (name: string, id: number): { name: string; id: number } => ({ name, id });

/** The ids of the types that describe types (encoding/gob/type.go). */
export const WIRE = {
  WIRE_TYPE: 16,
  COMMON_TYPE: 18,
  SLICE_TYPE: 19,
  STRUCT_TYPE: 20,
  FIELD_TYPE: 21,
  FIELDS: 22,
} as const;

/** All types that need no description, by their ids. What describes arrays and maps is not understood. */
export const KNOWN: ReadonlyMap<number, WireType> = new Map<number, WireType>([
  [BASIC.bool, { kind: "bool" }],
  [BASIC.int, { kind: "int" }],
  [BASIC.uint, { kind: "uint" }],
  [BASIC.bytes, { kind: "bytes" }],
  [BASIC.string, { kind: "string" }],
  [
    WIRE.WIRE_TYPE,
    {
      kind: "struct",
      fields: [field("ArrayT", 0), field("SliceT", WIRE.SLICE_TYPE), field("StructT", WIRE.STRUCT_TYPE)],
    },
  ],
  [WIRE.COMMON_TYPE, { kind: "struct", fields: [field("Name", BASIC.string), field("Id", BASIC.int)] }],
  [WIRE.SLICE_TYPE, { kind: "struct", fields: [field("CommonType", WIRE.COMMON_TYPE), field("Elem", BASIC.int)] }],
  [WIRE.STRUCT_TYPE, { kind: "struct", fields: [field("CommonType", WIRE.COMMON_TYPE), field("Field", WIRE.FIELDS)] }],
  [WIRE.FIELD_TYPE, { kind: "struct", fields: [field("Name", BASIC.string), field("Id", BASIC.int)] }],
  [WIRE.FIELDS, { kind: "slice", element: WIRE.FIELD_TYPE }],
]);
