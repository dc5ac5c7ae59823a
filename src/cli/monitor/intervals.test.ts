import { describe, expect, it } from "vitest";
import type { Element } from "../../nftables/element.ts";
import type { NftEvent } from "../../nftables/monitor.ts";
import { joinIntervals } from "./intervals.ts";

const address = (last: number): Uint8Array => Uint8Array.of(10, 0, 0, last);
const event = (element: Element, set = "s", change: "new" | "delete" = "new"): NftEvent => ({
  kind: "elements",
  change,
  elements: { family: 2, table: "t", set, elements: [element] },
});
const start = (last: number): Element => ({ key: address(last), data: address(99) });
const end = (last: number): Element => ({ key: address(last), intervalEnd: true });
const elementsIn = (events: readonly NftEvent[]): (readonly Element[])[] =>
  joinIntervals(events).map((one) => (one.kind === "elements" ? one.elements.elements : []));

describe("joinIntervals()", () => {
  it("makes one of where an interval begins and where it ends, in either order", () => {
    const whole = { ...start(4), keyEnd: address(7) };
    expect(elementsIn([event(start(4)), event(end(8))])).toEqual([[whole]]);
    expect(elementsIn([event(end(8)), event(start(4))])).toEqual([[whole]]);
    expect(elementsIn([event(start(4)), event(end(8)), event(start(16)), event(end(32))])).toEqual([
      [whole],
      [{ ...start(16), keyEnd: address(31) }],
    ]);
  });

  it("leaves alone what does not belong together", () => {
    const table: NftEvent = {
      kind: "table",
      change: "new",
      table: { family: 2, name: "t", handle: 1n, use: 0, flags: 0, owner: undefined, comment: undefined },
    };
    for (const events of [
      [event(start(4)), event(start(5))],
      [event(end(4)), event(end(8))],
      [event(start(8)), event(end(4))],
      [event(start(4)), event(end(8), "other")],
      [event(start(4)), event(end(8), "s", "delete")],
      [event(start(4)), table, event(end(8))],
      [table, event(start(4))],
    ])
      expect(joinIntervals(events)).toEqual(events);
  });
});
