// The key under which the index has the addresses of a record.

import { host } from "../sys/host.ts";

const OWNER_TAG = 1;

/** The last record and its key: a call is about one attachment. */
let last: { readonly record: string; readonly key: Int32Array } | undefined;

/** What stands for the record in the table. */
export function ownerKey(record: string): Int32Array {
  if (last?.record !== record) last = { record, key: hash(record) };
  return last.key;
}

/** Two lanes of multiplying and shifting: a hash that is quick in an interpreter, for those who look at the file then. */
function hash(record: string): Int32Array {
  const { imul } = Math;
  const bytes = host.encode(record);
  const words = new Int32Array((bytes.length + 3) >> 2);
  new Uint8Array(words.buffer).set(bytes);
  let a = bytes.length;
  let b = ~bytes.length;
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? 0;
    a = imul(a ^ word, 0x9e3779b1); // odd numbers as good as random: the golden ratio, and one of xxHash's primes
    a ^= a >>> 15;
    b = imul(b + word, 0x85ebca77);
    b ^= b >>> 13;
  }
  return Int32Array.of(a, b, 0, OWNER_TAG << 24);
}
