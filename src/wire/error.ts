// The error of bytes that do not say what they should.

/** Bytes could not be decoded. `path` names the place from the outside in: `NEWLINK/linkinfo/data`. */
export class DecodeError extends RangeError {
  override readonly name: string = "DecodeError";
  readonly path: string;
  readonly reason: string;

  constructor(reason: string, path = "") {
    super(path === "" ? reason : `${path}: ${reason}`);
    this.reason = reason;
    this.path = path;
  }

  /** The same error, seen from one level further out. */
  within(name: string): DecodeError {
    return new DecodeError(this.reason, this.path === "" ? name : `${name}/${this.path}`);
  }
}

/** Runs a decoder; what it cannot decode is told with this name in front. */
export function decodeWithin<T>(name: string, decode: () => T): T {
  try {
    return decode();
  } catch (error) {
    throw withName(error, name);
  }
}

/** The error, told with this name in front where it is one of decoding. */
export function withName(error: unknown, name: string): unknown {
  return error instanceof DecodeError ? error.within(name) : error;
}

/** Throws DecodeError with this problem where something does not hold that the bytes must. */
export function mustHold(holds: boolean, problem: string): void {
  if (!holds) throw new DecodeError(problem);
}
