// A file of a few bytes that is read and then overwritten, through one descriptor.

import { call, tryCall } from "./call.ts";
import { hasCode, SyscallError } from "./error.ts";
import { close, O, writeAt } from "./fd.ts";
import { openRegular } from "./regular-file.ts";

/** More than fits is not read. */
const LIMIT = 64;

export class SmallFile {
  readonly #path: string;
  readonly #fd: number;
  #content: Uint8Array;

  private constructor(path: string, fd: number, content: Uint8Array) {
    this.#path = path;
    this.#fd = fd;
    this.#content = content;
  }

  /** Opens the file and reads it; undefined where there is none. Throws SyscallError, and OddEntryError: see openRegular. */
  static open(path: string): SmallFile | undefined {
    const fd = openIfThere(path);
    if (fd === undefined) return undefined;
    const bytes = new Uint8Array(LIMIT);
    const count = tryCall("pread64", fd, bytes, bytes.length, 0);
    if (count < 0) close(fd);
    if (count < 0) throw new SyscallError("pread64", -count, `read ${path}`);
    return new SmallFile(path, fd, bytes.subarray(0, count));
  }

  /** Opens the file, which is made where there is none, to overwrite it. Throws as `open`. */
  static create(path: string, mode: number): SmallFile {
    return new SmallFile(path, openRegular(path, O.RDWR | O.CREAT, mode), new Uint8Array(LIMIT));
  }

  /** What was read, or written since. */
  get content(): Uint8Array {
    return this.#content;
  }

  /**
   * Overwrites the content in place, which is far cheaper than a rename (ext4 writes a replaced file out at once: 0.2 ms)
   * and not atomic: after a kill it may hold a part of the old content. For what may be lost without harm. Throws
   * SyscallError.
   */
  overwrite(content: Uint8Array): void {
    writeAt(this.#fd, this.#path, content, 0);
    // It takes as long as the writing. A file that was not read, or not whole, may be longer than is known.
    const isShorter = content.length < this.#content.length || this.#content.length === LIMIT;
    if (isShorter) call(`write ${this.#path}`, "ftruncate", this.#fd, content.length);
    this.#content = content;
  }

  close(): void {
    close(this.#fd);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openRegular(path, O.RDWR);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}
