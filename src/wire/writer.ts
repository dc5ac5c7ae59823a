// A growing byte buffer. Lengths that are known only afterwards are patched in.

/** Bytes under construction. Integers without a suffix are in host order, which is little-endian on all our machines. */
export class Writer {
  #bytes: Uint8Array;
  #view: DataView;
  #length = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  /** How many bytes have been written; also the offset of the next. */
  get length(): number {
    return this.#length;
  }

  /** What has been written so far. The view is valid until the next write. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(count: number): number {
    const at = this.#length;
    const end = at + count;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#length = end;
    return at;
  }

  u8(value: number): void {
    const at = this.#reserve(1); // first: growing replaces the bytes
    this.#bytes[at] = value;
  }

  u16(value: number, littleEndian = true): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, littleEndian);
  }

  u32(value: number, littleEndian = true): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, littleEndian);
  }

  u64(value: bigint, littleEndian = true): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value, littleEndian);
  }

  /** Text of ASCII characters; returns false, and writes nothing, where there are others. */
  ascii(text: string): boolean {
    const { length } = text;
    const at = this.#reserve(length);
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        bytes.fill(0, at, at + i); // what is reserved again has to be zeros
        this.#length = at;
        return false;
      }
      bytes[at + i] = code;
    }
    return true;
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  zeros(count: number): void {
    this.#reserve(count); // a Uint8Array begins as zeros, and what is given back is made so
  }

  /** Zeros up to the next multiple of four: `NLMSG_ALIGN(len) ( ((len)+4-1) & ~(4-1) )`. */
  align4(): void {
    const rest = -this.#length & 3;
    if (rest !== 0) this.#reserve(rest);
  }

  /** The header of an attribute, struct nlattr, but for its length; returns where it is, for endAttribute. */
  beginAttribute(type: number): number {
    const at = this.#reserve(4);
    const bytes = this.#bytes;
    bytes[at + 2] = type; // of a number, its lowest eight bits
    bytes[at + 3] = type >> 8;
    return at;
  }

  /** Ends the attribute: sets its length, which it returns, and pads it. */
  endAttribute(at: number): number {
    const length = this.#length - at;
    const bytes = this.#bytes;
    bytes[at] = length;
    bytes[at + 1] = length >> 8;
    const rest = -length & 3;
    if (rest !== 0) this.#reserve(rest);
    return length;
  }

  patchU32(at: number, value: number): void {
    this.#view.setUint32(at, value, true);
  }
}
