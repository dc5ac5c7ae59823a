// Fixed C structs: fields in order, no implicit padding (write `_1: pad(2)` where the header has it).

import { type Codec, decodeNamed, type Infer } from "./codec.ts";
import { DecodeError } from "./error.ts";

// biome-ignore lint/suspicious/noExplicitAny: a field may hold a value of any type; Infer gives it back
type Fields = Readonly<Record<string, Codec<any>>>;

/** The fields' values; names that begin with `_` are padding and not part of it. */
export type StructValue<F extends Fields> = {
  readonly [K in keyof F as K extends `_${string}` ? never : K]: Infer<F[K]>;
};

/** The codec of a struct, from its fields in the order of the header. Each field's codec must have a fixed size. */
export function struct<F extends Fields>(fields: F): Codec<StructValue<F>> & { readonly size: number } {
  let size = 0;
  const rows = Object.entries(fields).map(([name, codec]) => {
    if (codec.size === undefined) throw new TypeError(`the field ${name} has no fixed size`);
    const start = size;
    size += codec.size;
    return { name, codec, start, end: size };
  });
  const named = rows.filter(({ name }) => !name.startsWith("_"));
  return {
    size,
    encode(value, out) {
      const values: Readonly<Record<string, unknown>> = value;
      for (const { name, codec } of rows) codec.encode(values[name], out);
    },
    decode(bytes) {
      if (bytes.length < size) throw new DecodeError(`want ${size} bytes, got ${bytes.length}`);
      const value: Record<string, unknown> = {};
      for (const { name, codec, start, end } of named) {
        value[name] = decodeNamed(codec, bytes.subarray(start, end), name);
      }
      return value as StructValue<F>;
    },
  };
}
