// Intervals as one: of a set with intervals the kernel tells where one begins and where it ends as two events.

import type { Element } from "../../nftables/element.ts";
import type { NftEvent } from "../../nftables/monitor.ts";
import { compareIp, offsetIp } from "../../wire/ip.ts";

/** The same events, with `keyEnd` where the beginning of an interval and its end come one after the other. */
export function joinIntervals(events: readonly NftEvent[]): NftEvent[] {
  const joined: NftEvent[] = [];
  for (const event of events) {
    const last = joined.at(-1);
    const both = last === undefined ? undefined : joinTwo(last, event);
    if (both !== undefined) joined.pop();
    joined.push(both ?? event);
  }
  return joined;
}

function joinTwo(a: NftEvent, b: NftEvent): NftEvent | undefined {
  if (a.kind !== "elements" || b.kind !== "elements" || a.change !== b.change) return undefined;
  const { family, table, set } = a.elements;
  if (family !== b.elements.family || table !== b.elements.table || set !== b.elements.set) return undefined;
  const [one, more] = a.elements.elements;
  const [other, others] = b.elements.elements;
  if (one === undefined || other === undefined || more !== undefined || others !== undefined) return undefined;
  const element = intervalOf(one, other) ?? intervalOf(other, one);
  return element && { ...a, elements: { ...a.elements, elements: [element] } };
}

function intervalOf(start: Element, end: Element): Element | undefined {
  const isStart = start.intervalEnd !== true && start.keyEnd === undefined;
  if (!isStart || end.intervalEnd !== true || compareIp(start.key, end.key) >= 0) return undefined;
  return { ...start, keyEnd: offsetIp(end.key, -1) };
}
