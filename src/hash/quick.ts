// The key under which the index has the addresses of a record.

import { engine } from "../sys/engine.ts";

const OWNER_TAG = 1;

/** Room for the record, which is some seventy bytes long. */
const words = new Int32Array(160);
const bytes = new Uint8Array(words.buffer);
const key = new Int32Array(4);
let keyOf: string | undefined;

/** What stands for the record in the table; it holds until another is asked for. */
export function ownerKey(record: string): Int32Array {
  if (keyOf === record) return key; // a call is about one attachment
  hash(engine.encode(record));
  keyOf = record;
  return key;
}

/** A hash that is quick in an interpreter, for those who look at the file then: of one lane that multiplies, and its past. */
function hash(record: Uint8Array): void {
  const { imul } = Math;
  let a = record.length;
  let b = ~record.length;
  for (let from = 0; from < record.length; from += bytes.length) {
    const part = record.length <= bytes.length ? record : record.subarray(from, from + bytes.length);
    const count = (part.length + 3) >> 2;
    words[count - 1] = 0;
    bytes.set(part);
    for (let i = 0; i < count; i++) {
      a = imul(a ^ (words[i] ?? 0), 0x9e3779b1); // odd and as good as random: the golden ratio
      a ^= a >>> 15;
      b = ((b << 7) | (b >>> 25)) ^ a;
    }
  }
  key[0] = a;
  key[1] = b;
  key[3] = OWNER_TAG << 24;
}
