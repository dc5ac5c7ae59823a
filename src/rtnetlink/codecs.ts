// Payloads that only rtnetlink has.

import { bytes, type Codec, cstring, encode } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import { ALTIFNAMSIZ, IFNAMSIZ } from "../wire/ifname.ts";
import type { Ip } from "../wire/ip.ts";

/** An address of either family; the header says which. */
export const ip: Codec<Ip> = {
  encode: bytes.encode,
  decode(value) {
    if (value.length !== 4 && value.length !== 16) throw new DecodeError(`want 4 or 16 bytes, got ${value.length}`);
    return value.slice();
  },
};

/** A byte that is 0 or 1; like the kernel, any other counts as 1. */
export const bool8: Codec<boolean> = {
  size: 1,
  encode: (value, out) => out.u8(value ? 1 : 0),
  decode(value) {
    if (value.length !== 1) throw new DecodeError(`want 1 byte, got ${value.length}`);
    return value[0] !== 0;
  },
};

/** A nest whose layout something else decides. */
export const rawNest: Codec<Uint8Array> = { ...bytes, nested: true };

/** Text that the kernel keeps by its length, without a NUL (an alias: an empty one takes it away). */
export const unterminated: Codec<string> = {
  encode: (value, out) => out.raw(encode(cstring, value).subarray(0, -1)),
  decode: cstring.decode,
};

/** The name of a link: the kernel counts bytes, not characters. */
export const linkName: Codec<string> = nameOf(IFNAMSIZ);

/** An alternative name of a link. */
export const alternativeName: Codec<string> = nameOf(ALTIFNAMSIZ);

function nameOf(size: number): Codec<string> {
  return {
    encode(value, out) {
      const start = out.length;
      cstring.encode(value, out);
      const length = out.length - start;
      if (length < 2 || length > size) {
        throw new RangeError(`the link name ${JSON.stringify(value)} is not 1 to ${size - 1} bytes long`);
      }
    },
    decode: cstring.decode,
  };
}
