// As much of protobuf's wire format as a client of the CRI needs: messages, strings and numbers
// (protobuf.dev/programming-guides/encoding).

const VARINT = 0;
const LENGTH_DELIMITED = 2;

/** A message to be sent: values by field number. An array is a repeated field. */
export interface Fields {
  readonly [number: number]: Value | readonly Value[];
}
type Value = string | number | Fields;

export function encode(fields: Fields): Buffer {
  const parts: Buffer[] = [];
  for (const [number, values] of Object.entries(fields)) {
    for (const value of Array.isArray(values) ? values : [values]) parts.push(encodeField(Number(number), value));
  }
  return Buffer.concat(parts);
}

function encodeField(number: number, value: Value): Buffer {
  if (typeof value === "number") return Buffer.concat([varint(number * 8 + VARINT), varint(value)]);
  const content = typeof value === "string" ? Buffer.from(value) : encode(value);
  return Buffer.concat([varint(number * 8 + LENGTH_DELIMITED), varint(content.length), content]);
}

function varint(value: number): Buffer {
  const bytes = [];
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128);
  return Buffer.from([...bytes, value]);
}

/** What was received: the contents of fields with a length, by number, in order. The others are left out. */
export function decode(message: Buffer): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>();
  for (let at = 0; at < message.length; ) {
    const number = (): number => {
      let value = 0;
      for (let factor = 1; ; factor *= 128) {
        const byte = message[at++] ?? 0;
        value += (byte % 128) * factor;
        if (byte < 128) return value;
      }
    };
    const key = number();
    const value = number();
    if (key % 8 === VARINT) continue;
    if (key % 8 !== LENGTH_DELIMITED) throw new Error(`field ${Math.floor(key / 8)} is of wire type ${key % 8}`);
    const field = Math.floor(key / 8);
    found.set(field, [...(found.get(field) ?? []), message.subarray(at, at + value)]);
    at += value;
  }
  return found;
}
