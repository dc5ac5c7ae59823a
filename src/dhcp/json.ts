// Bytes in JSON.

import base64 from "base64-js";

/** The bytes that a key has as a text in base64; undefined where it has none. */
export function bytesOf(value: object, key: string): Uint8Array | undefined {
  return decoded(String(Reflect.get(value, key)));
}

/** The bytes of a text in base64; undefined where it is none. */
export function decoded(text: string): Uint8Array | undefined {
  try {
    return base64.toByteArray(text);
  } catch {
    return undefined; // not base64
  }
}
