// HalfSipHash-2-4 with 64 bits of output (Aumasson and Bernstein; also lib/siphash.c in the kernel): a keyed hash of
// 32-bit operations, which an interpreter does quickly.

/** Eight bytes of hash. The key is two 32-bit words. */
export function halfSipHash(data: Uint8Array, key0: number, key1: number): Uint8Array {
  let v0 = key0;
  let v1 = key1 ^ 0xee;
  let v2 = key0 ^ 0x6c796765;
  let v3 = key1 ^ 0x74656462;

  const rounds = (count: number): void => {
    for (let i = 0; i < count; i++) {
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
  };

  const length = data.length;
  for (let at = 0; at <= length; at += 4) {
    let word = 0;
    for (let i = 0; i < 4; i++) word |= (data[at + i] ?? 0) << (8 * i);
    if (at + 4 > length) word |= length << 24; // the last word ends with the length
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  v2 ^= 0xee;
  rounds(4);
  const hash = new Uint8Array(8);
  const view = new DataView(hash.buffer);
  view.setInt32(0, v1 ^ v3, true);
  v1 ^= 0xdd;
  rounds(4);
  view.setInt32(4, v1 ^ v3, true);
  return hash;
}
