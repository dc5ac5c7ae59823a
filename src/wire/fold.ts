// A quick digest of long texts. HalfSipHash takes an interpreter 5,000 instructions for each four bytes; big integers are
// multiplied in C, eight bytes at a time.

/** 2^64 / ((1 + sqrt 5) / 2), odd: the multiplier of Fibonacci hashing (Knuth, The Art of Computer Programming, 6.4). */
const MULTIPLIER = 0x9e3779b97f4a7c15n;

/**
 * 64 bits that differ for different bytes as surely as chance would have it; anybody who wants to can find two that agree.
 * The multiplication carries each bit upwards, the shift brings the upper ones down again, and no step loses any.
 */
export function fold64(data: Uint8Array): bigint {
  const padded = new Uint8Array((data.length + 7) & ~7);
  padded.set(data);
  const words = new BigUint64Array(padded.buffer);
  let sum = BigInt.asUintN(64, BigInt(data.length + 1) * MULTIPLIER); // what is padded with zeros is another
  for (let i = 0; i < words.length; i++) {
    sum = BigInt.asUintN(64, (sum ^ (words[i] ?? 0n)) * MULTIPLIER);
    sum ^= sum >> 32n;
  }
  return sum;
}
