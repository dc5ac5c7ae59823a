// A field of a header that is bytes.

import { type Codec, fixed } from "../wire/codec.ts";

/** A field of `size` bytes. What is shorter is filled up with zeros. Throws RangeError where a value is longer. */
export function octets(size: number): Codec<Uint8Array> & { readonly size: number } {
  return fixed<Uint8Array>(size, {
    get: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, size).slice(),
    set(view, at, value) {
      if (value.length > size) throw new RangeError(`want up to ${size} bytes, got ${value.length}`);
      new Uint8Array(view.buffer, view.byteOffset + at, size).set(value);
    },
  });
}
