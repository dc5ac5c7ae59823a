// Messages of protobuf without their schema, as a client of the CRI needs them: strings, numbers and messages by the number
// of their field.

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A message to be sent: values by field number. An array is a repeated field. */
export interface Fields {
  readonly [number: number]: Value | readonly Value[];
}
type Value = string | number | Fields;

export function encode(fields: Fields): Uint8Array {
  const writer = new BinaryWriter();
  for (const [number, values] of Object.entries(fields)) {
    for (const value of Array.isArray(values) ? values : [values]) writeField(writer, Number(number), value);
  }
  return writer.finish();
}

function writeField(writer: BinaryWriter, number: number, value: Value): void {
  if (typeof value === "number") writer.tag(number, WireType.Varint).uint64(value);
  else if (typeof value === "string") writer.tag(number, WireType.LengthDelimited).string(value);
  else writer.tag(number, WireType.LengthDelimited).bytes(encode(value));
}

/** The contents of the fields that have a length, by number, in the order in which they were received. */
export function decode(message: Uint8Array): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>();
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.LengthDelimited)
      found.set(number, [...(found.get(number) ?? []), Buffer.from(reader.bytes())]);
    else reader.skip(type);
  }
  return found;
}
