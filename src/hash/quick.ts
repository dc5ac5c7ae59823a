// The key under which the index has the addresses of a record.

import { engine } from "../sys/engine.ts";

const OWNER_TAG = 1;

/**
 * What stands for the record in the table: a hash that is quick in an interpreter, for those who look at the file then. It has
 * one lane that multiplies, and that lane's past.
 */
export function ownerKey(record: string): Int32Array {
  const { imul } = Math;
  const bytes = engine.encode(record);
  const count = (bytes.length + 3) >> 2;
  const words = new Int32Array(count);
  new Uint8Array(words.buffer).set(bytes);
  let a = bytes.length;
  let b = ~bytes.length;
  for (let i = 0; i < count; i++) {
    a = imul(a ^ (words[i] ?? 0), 0x9e3779b1); // odd and as good as random: the golden ratio
    a ^= a >>> 15;
    b = ((b << 7) | (b >>> 25)) ^ a;
  }
  return Int32Array.of(a, b, 0, OWNER_TAG << 24);
}
