// A growing byte buffer. Lengths that are known only afterwards are patched in.

/** Bytes under construction. Integers without a suffix are in host order, which is little-endian on all our machines. */
export class Writer {
  // Not #private: each access to such a field takes the engine twice as long, and half of what an ADD computes is here.
  private buffer: Uint8Array;
  /** All that has been written and what is to come, until the next growth; where in it, `zeros` says. */
  view: DataView;
  private end = 0;
  /** The buffer's length, which to ask it for is a call. */
  private capacity: number;

  constructor(capacity = 1024) {
    this.capacity = capacity;
    this.buffer = new Uint8Array(capacity);
    this.view = new DataView(this.buffer.buffer);
  }

  /** How many bytes have been written; also the offset of the next. */
  get length(): number {
    return this.end;
  }

  /** What has been written so far. The view is valid until the next write. */
  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.end);
  }

  /** Begins anew in the same memory. */
  reset(): void {
    this.buffer.fill(0, 0, this.end); // what is reserved has to be zeros
    this.end = 0;
  }

  private reserve(count: number): number {
    const at = this.end;
    const end = at + count;
    if (end > this.capacity) this.grow(end);
    this.end = end;
    return at;
  }

  private grow(end: number): void {
    this.capacity = Math.max(end, this.capacity * 2);
    const larger = new Uint8Array(this.capacity);
    larger.set(this.buffer);
    this.buffer = larger;
    this.view = new DataView(larger.buffer);
  }

  u8(value: number): void {
    const at = this.reserve(1); // first: growing replaces the bytes
    this.buffer[at] = value;
  }

  u16(value: number, littleEndian = true): void {
    const at = this.reserve(2);
    this.view.setUint16(at, value, littleEndian);
  }

  u32(value: number, littleEndian = true): void {
    const at = this.end; // as reserve does it, without the call: most of what is written is this and attributes
    if (at + 4 > this.capacity) this.grow(at + 4);
    this.end = at + 4;
    this.view.setUint32(at, value, littleEndian);
  }

  /** Text of ASCII characters; returns false, and writes nothing, where there are others. */
  ascii(text: string): boolean {
    const { length } = text;
    const at = this.reserve(length);
    const bytes = this.buffer;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        bytes.fill(0, at, at + i); // what is reserved again has to be zeros
        this.end = at;
        return false;
      }
      bytes[at + i] = code;
    }
    return true;
  }

  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.buffer.set(bytes, at);
  }

  /** Zeros, or room for what is going to be set in `view`: returns where in it they begin. */
  zeros(count: number): number {
    return this.reserve(count); // a Uint8Array begins as zeros, and what is given back is made so
  }

  /** Zeros up to the next multiple of four: `NLMSG_ALIGN(len) ( ((len)+4-1) & ~(4-1) )`. */
  align4(): void {
    const rest = -this.end & 3;
    if (rest !== 0) this.reserve(rest);
  }

  /** The header of an attribute, struct nlattr, but for its length; returns where it is, for endAttribute. */
  beginAttribute(type: number): number {
    const at = this.end;
    if (at + 4 > this.capacity) this.grow(at + 4);
    this.end = at + 4;
    const bytes = this.buffer;
    bytes[at + 2] = type; // of a number, its lowest eight bits
    bytes[at + 3] = type >> 8;
    return at;
  }

  /** The whole header of an attribute whose payload is going to have this size; it is not padded. */
  attributeOf(type: number, size: number): void {
    this.u32((size + 4) | (type << 16));
  }

  /** Ends the attribute: sets its length, which it returns, and pads it. */
  endAttribute(at: number): number {
    const length = this.end - at;
    const bytes = this.buffer;
    bytes[at] = length;
    bytes[at + 1] = length >> 8;
    const rest = -length & 3;
    if (rest !== 0) this.reserve(rest);
    return length;
  }

  /** Room for the header of a message, struct nlmsghdr; returns where it is, for endMessage. */
  beginMessage(): number {
    return this.reserve(16);
  }

  /** Ends the message: fills in its header, with 0 for the port id, as the kernel knows the sender, and pads it. */
  endMessage(at: number, type: number, flags: number, sequence: number): void {
    const view = this.view;
    view.setUint32(at, this.end - at, true);
    view.setUint32(at + 4, type | (flags << 16), true);
    view.setUint32(at + 8, sequence, true);
    this.align4();
  }
}
