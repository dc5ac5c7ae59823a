// The options of a message: RFC 2132, an option that stands several times joined (RFC 3396).

import { joinBytes } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import type { Writer } from "../wire/writer.ts";
import { OPTION } from "./uapi.ts";

/** Options by their number. */
export type Options = ReadonlyMap<number, Uint8Array>;

/** What one option may hold; more of it comes in another one of the same number. */
const PART_MAX = 255;

/**
 * Adds the options of one field to those that were read before, up to the option END or the end of the field. Throws
 * DecodeError for an option that is longer than what is left.
 */
export function readOptions(field: Uint8Array, into: Map<number, Uint8Array>): void {
  for (let at = 0; at < field.length; ) {
    const code = field[at] ?? 0;
    at++;
    if (code === OPTION.END) return;
    if (code === OPTION.PAD) continue;
    const length = field[at];
    if (length === undefined) throw new DecodeError(`option ${code} has no length`);
    const end = at + 1 + length;
    if (end > field.length) throw new DecodeError(`option ${code} is longer than the field that it is in`);
    const before = into.get(code);
    const part = field.slice(at + 1, end);
    into.set(code, before === undefined ? part : joinBytes(before, part));
    at = end;
  }
}

/** The options in ascending order, with END behind them: as upstream's client sends them. Throws RangeError for a number that is none. */
export function writeOptions(options: Options, out: Writer): void {
  for (const [code, value] of [...options].sort(([one], [other]) => one - other)) {
    if (code <= OPTION.PAD || code >= OPTION.END) throw new RangeError(`${code} is not the number of an option`);
    let at = 0;
    do {
      const part = value.subarray(at, at + PART_MAX);
      out.u8(code);
      out.u8(part.length);
      out.raw(part);
      at += PART_MAX;
    } while (at < value.length);
  }
  out.u8(OPTION.END);
}
