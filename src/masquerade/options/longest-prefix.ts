// Prefixes as intervals that do not overlap: for each address the longest prefix that contains it decides.

import { type Cidr, compareIp, type Family, type Ip, lastOf, offsetIp } from "../../wire/ip.ts";
import type { AddressRange } from "./options.ts";

/** A prefix, and whether the addresses in it are meant. */
export interface PrefixEntry {
  readonly prefix: Cidr;
  readonly isIn: boolean;
}

/**
 * The addresses of the family that are meant, as intervals in order. `isInElsewhere` says whether the addresses that no prefix
 * contains are. No prefix may be given twice. Prefixes nest or are apart, so going through them in the order of their
 * first addresses takes no more than a stack of those around.
 */
export function intervalsOf(entries: readonly PrefixEntry[], family: Family, isInElsewhere: boolean): AddressRange[] {
  const first = new Uint8Array(family === 4 ? 4 : 16);
  const whole: PrefixEntry = { prefix: { ip: first, prefixLength: 0 }, isIn: isInElsewhere };
  const ordered = entries.toSorted(
    (a, b) => compareIp(a.prefix.ip, b.prefix.ip) || a.prefix.prefixLength - b.prefix.prefixLength,
  );
  const sweep = new Sweep(first);
  const around: PrefixEntry[] = []; // the prefixes that contain the address of the sweep, the longest last
  for (const entry of [whole, ...ordered]) {
    for (let top = around.at(-1); top !== undefined && endsBefore(top, entry); top = around.at(-1)) {
      sweep.advance(lastOf(top.prefix), top.isIn);
      around.pop();
    }
    const before = offsetIp(entry.prefix.ip, -1);
    if (before !== undefined) sweep.advance(before, around.at(-1)?.isIn === true);
    around.push(entry);
  }
  for (let top = around.pop(); top !== undefined; top = around.pop()) sweep.advance(lastOf(top.prefix), top.isIn);
  return sweep.found;
}

function endsBefore({ prefix }: PrefixEntry, next: PrefixEntry): boolean {
  return compareIp(lastOf(prefix), next.prefix.ip) < 0;
}

/** Goes from the first address to the last, and gathers the intervals that are meant. */
class Sweep {
  readonly found: AddressRange[] = [];
  /** The first address that has not been gone over; undefined behind the last one of the family. */
  #at: Ip | undefined;

  constructor(first: Ip) {
    this.#at = first;
  }

  /** Goes over the addresses up to `end`, which are meant or not; over none where `end` is behind. */
  advance(end: Ip, isIn: boolean): void {
    const first = this.#at;
    if (first === undefined || compareIp(first, end) > 0) return;
    if (isIn) this.#add(first, end);
    this.#at = offsetIp(end, 1);
  }

  /** Adds an interval, which goes on with the interval before where no address is between them. */
  #add(first: Ip, last: Ip): void {
    const before = this.found.at(-1);
    if (before !== undefined && compareIp(offsetIp(before.last, 1) ?? before.last, first) === 0)
      this.found[this.found.length - 1] = { first: before.first, last };
    else this.found.push({ first, last });
  }
}
