// HalfSipHash-2-4 with 64 bits of output (Aumasson and Bernstein; also lib/siphash.c in the kernel): a keyed hash of
// 32-bit operations, which an interpreter does quickly.

/** Eight bytes of hash. The key is two 32-bit words. */
export function halfSipHash(data: Uint8Array, key0: number, key1: number): Uint8Array {
  const hash = new Uint8Array(8);
  const view = new DataView(hash.buffer);
  const length = data.length;
  const words = (length >> 2) + 1;
  let v0 = key0;
  let v1 = key1 ^ 0xee;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;
  // One loop around one copy of the rounds: a function of its own would cost an interpreter half as much again.
  for (let step = 0; step < words + 2; step++) {
    let word = 0;
    let rounds = 4;
    if (step < words) {
      const at = step << 2;
      word = (data[at] ?? 0) | ((data[at + 1] ?? 0) << 8) | ((data[at + 2] ?? 0) << 16) | ((data[at + 3] ?? 0) << 24);
      if (step === words - 1) word |= length << 24; // the last word ends with the length
      v3 ^= word;
      rounds = 2;
    } else if (step === words) {
      v2 ^= 0xee;
    } else {
      view.setInt32(0, v1 ^ v3, true);
      v1 ^= 0xdd;
    }
    for (; rounds > 0; rounds--) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    v0 ^= word;
  }
  view.setInt32(4, v1 ^ v3, true);
  return hash;
}
