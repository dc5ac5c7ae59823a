// SHA-512 (FIPS 180-4) of names: upstream's plugins name chains and comments by it, and so do we, because nobody can find
// two texts with the same digest. docs/adr/0012-digests.md has the figures.

import { engine } from "../sys/engine.ts";

/** The first `size` bytes, at most 64, of the digest of the text in UTF-8. */
export function sha512(text: string, size: number): Uint8Array {
  return engine.sha512(engine.encode(text)).subarray(0, size);
}

/** The first `digits` hexadecimal digits, at most 128, of the digest of the text in UTF-8. */
export function sha512Hex(text: string, digits: number): string {
  let hex = "";
  for (const byte of sha512(text, (digits + 1) >> 1)) hex += byte.toString(16).padStart(2, "0");
  return hex.slice(0, digits);
}
