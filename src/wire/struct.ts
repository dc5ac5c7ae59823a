// Fixed C structs: fields in order, no implicit padding (write `_1: pad(2)` where the header has it).

import { type Codec, fixed, type Infer, type Placed } from "./codec.ts";
import { DecodeError } from "./error.ts";

// biome-ignore lint/suspicious/noExplicitAny: a field may hold a value of any type; Infer gives it back
type Fields = Readonly<Record<string, Codec<any>>>;

/** The fields' values; names that begin with `_` are padding and not part of it. */
export type StructValue<F extends Fields> = {
  readonly [K in keyof F as K extends `_${string}` ? never : K]: Infer<F[K]>;
};

/** The codec of a struct, from its fields in the order of the header: integers, padding, structs. */
export function struct<F extends Fields>(fields: F): Codec<StructValue<F>> & { readonly size: number } {
  let size = 0;
  const rows = Object.entries(fields).map(([name, { size: length, placed }]) => {
    if (length === undefined || placed === undefined) throw new TypeError(`the field ${name} has no fixed size`);
    const start = size;
    size += length;
    return { name, placed, start };
  });
  const named = rows.filter(({ name }) => !name.startsWith("_"));
  const whole: Placed<StructValue<F>> = {
    get(view, at) {
      const value: Record<string, unknown> = {};
      for (const { name, placed, start } of named) value[name] = placed.get(view, at + start);
      return value as StructValue<F>;
    },
    set(view, at, value) {
      const values: Readonly<Record<string, unknown>> = value;
      for (const { name, placed, start } of named) placed.set(view, at + start, values[name]);
    },
  };
  return {
    ...fixed(size, whole),
    // A newer kernel's may be longer.
    decode(bytes) {
      if (bytes.length < size) throw new DecodeError(`want ${size} bytes, got ${bytes.length}`);
      return whole.get(new DataView(bytes.buffer, bytes.byteOffset, size), 0);
    },
  };
}
