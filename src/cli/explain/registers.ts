// The registers that a rule computes in, and which of their bytes are known.

const REGISTER_SIZE = 16;
const WORDS_FROM = 8; // NFT_REG32_00: from here on registers are words

export class Registers {
  // Register 0 is the verdict's; it has 16 bytes as well.
  readonly #bytes = new Uint8Array(5 * REGISTER_SIZE);
  readonly #known = new Uint8Array(5 * REGISTER_SIZE);

  /** Puts a value there, padded to whole words; undefined: nobody knows what is there now. */
  set(register: number, value: Uint8Array | undefined, length: number = value?.length ?? REGISTER_SIZE): void {
    const at = offsetOf(register);
    const end = at + ((length + 3) & ~3);
    this.#bytes.fill(0, at, end);
    this.#known.fill(value === undefined ? 0 : 1, at, end);
    if (value !== undefined) this.#bytes.set(value, at);
  }

  /** So many bytes from there, or undefined where some are not known. */
  get(register: number, length: number): Uint8Array | undefined {
    const at = offsetOf(register);
    if (this.#known.subarray(at, at + length).includes(0)) return undefined;
    return this.#bytes.slice(at, at + length);
  }
}

function offsetOf(register: number): number {
  if (register < WORDS_FROM) return register * REGISTER_SIZE;
  return REGISTER_SIZE + (register - WORDS_FROM) * 4;
}
