// Numbers, texts and byte strings as gob writes them, read one after the other.

import { engine } from "../sys/engine.ts";
import { DecodeError } from "../wire/error.ts";

/** Numbers up to this one take a byte. */
const SMALL_MAX = 127;
const LONGEST = 8;

/** Reads the bytes of one message. Every method throws DecodeError where they are too short, or not what they should be. */
export class GobReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How many bytes are left. */
  get rest(): number {
    return this.#bytes.length - this.#at;
  }

  unsigned(): number {
    const found = unsignedAt(this.#bytes, this.#at);
    if (found === undefined) throw new DecodeError("the message ends within a number");
    this.#at = found.end;
    return found.value;
  }

  /** The sign is the lowest bit; then the others are inverted. */
  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? value / 2 : -(value - 1) / 2 - 1;
  }

  take(count: number): Uint8Array {
    if (count > this.rest) throw new DecodeError(`want ${count} bytes, got ${this.rest}`);
    const taken = this.#bytes.slice(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }

  bytes(): Uint8Array {
    return this.take(this.unsigned());
  }

  text(): string {
    return engine.decode(this.bytes());
  }
}

/**
 * The number that begins at an offset, and where it ends; undefined where bytes are missing. Below 128 it is a byte. Otherwise
 * the first byte is the negated count of those that follow, big-endian. Throws DecodeError for a number that JavaScript can't
 * hold exactly, or that gob has not.
 */
export function unsignedAt(
  bytes: Uint8Array,
  at: number,
): { readonly value: number; readonly end: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first <= SMALL_MAX) return { value: first, end: at + 1 };
  const count = 256 - first;
  if (count > LONGEST) throw new DecodeError(`a number of ${count} bytes`);
  const end = at + 1 + count;
  if (end > bytes.length) return undefined;
  let value = 0;
  for (let i = at + 1; i < end; i++) value = value * 256 + (bytes[i] ?? 0);
  if (!Number.isSafeInteger(value)) throw new DecodeError("a number beyond 53 bits");
  return { value, end };
}
