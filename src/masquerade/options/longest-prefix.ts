// Prefixes as intervals that do not overlap: for each address the longest prefix that contains it decides.

import { type Cidr, compareIp, type Family, lastOf, offsetIp } from "../../wire/ip.ts";
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
  const whole: PrefixEntry = {
    prefix: { ip: new Uint8Array(family === 4 ? 4 : 16), prefixLength: 0 },
    isIn: isInElsewhere,
  };
  const ordered = entries.toSorted(
    (a, b) => compareIp(a.prefix.ip, b.prefix.ip) || a.prefix.prefixLength - b.prefix.prefixLength,
  );
  const found: AddressRange[] = [];
  const around: PrefixEntry[] = [];
  let at: Uint8Array | undefined = whole.prefix.ip;
  /** Everything from where we are to `end` is as the innermost prefix around says. */
  const advance = (end: Uint8Array): void => {
    const innermost = around.at(-1);
    if (at === undefined || compareIp(at, end) > 0) return;
    const last = found.at(-1);
    if (innermost?.isIn) {
      if (last !== undefined && compareIp(offsetIp(last.last, 1) ?? last.last, at) === 0)
        found[found.length - 1] = { first: last.first, last: end };
      else found.push({ first: at, last: end });
    }
    at = offsetIp(end, 1);
  };
  for (const entry of [whole, ...ordered]) {
    for (
      let top = around.at(-1);
      top !== undefined && compareIp(lastOf(top.prefix), entry.prefix.ip) < 0;
      top = around.at(-1)
    ) {
      advance(lastOf(top.prefix));
      around.pop();
    }
    const before = offsetIp(entry.prefix.ip, -1);
    if (before !== undefined) advance(before);
    around.push(entry);
  }
  for (let top = around.pop(); top !== undefined; top = around.pop()) {
    around.push(top);
    advance(lastOf(top.prefix));
    around.pop();
  }
  return found;
}
