// Interval sets of plain keys hold where each interval begins and where the next value after it is: an element and
// one with NFT_SET_ELEM_INTERVAL_END, as nft 1.0.6 writes them. (With concatenated keys one element holds both: keyEnd.)

import { type Cidr, compareIp, lastOf, networkOf, offsetIp } from "../wire/ip.ts";
import type { Element } from "./element.ts";

/** From the first key to the last, both included; and in a map what they map to. Keys are in network order. */
export interface Interval extends Omit<Element, "key" | "keyEnd" | "intervalEnd" | "intervalOpen" | "catchAll"> {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/** The interval of a prefix: 10.0.0.0 to 10.255.255.255. */
export function prefixInterval(prefix: Cidr): { readonly first: Uint8Array; readonly last: Uint8Array } {
  return { first: networkOf(prefix).ip, last: lastOf(prefix) };
}

/**
 * The elements of intervals, to be added or deleted; ordered, so that where one interval ends and the next begins at
 * the same key the end comes first. Throws RangeError where an interval is reversed or overlaps another.
 */
export function intervalElements(intervals: readonly Interval[]): Element[] {
  const ordered = intervals.toSorted((a, b) => compareIp(a.first, b.first));
  return ordered.flatMap(({ first, last, ...rest }, i): Element[] => {
    const next = ordered[i + 1];
    if (compareIp(first, last) > 0) throw new RangeError("an interval's last key comes before its first");
    if (next !== undefined && compareIp(last, next.first) >= 0) throw new RangeError("two intervals overlap");
    const end = offsetIp(last, 1);
    // After the last key there is none: nft then notes with the beginning that there is no end.
    if (end === undefined) return [{ ...rest, key: first, intervalOpen: true }];
    return [
      { ...rest, key: first },
      { key: end, intervalEnd: true },
    ];
  });
}

/** The intervals among the elements of a listing, in order. */
export function intervalsOf(elements: readonly Element[]): Interval[] {
  const ends = (e: Element): number => (e.intervalEnd === true ? 0 : 1);
  const ordered = elements.toSorted((a, b) => compareIp(a.key, b.key) || ends(a) - ends(b));
  const intervals: Interval[] = [];
  let open: Element | undefined;
  const close = (last: Uint8Array): void => {
    if (open === undefined) return;
    const { key, keyEnd, intervalEnd, intervalOpen, catchAll, ...rest } = open;
    intervals.push({ ...rest, first: key, last });
    open = undefined;
  };
  for (const element of ordered) {
    if (element.catchAll === true) continue;
    close(offsetIp(element.key, -1) ?? element.key);
    if (element.intervalEnd !== true) open = element;
  }
  if (open !== undefined) close(new Uint8Array(open.key.length).fill(0xff));
  return intervals;
}
