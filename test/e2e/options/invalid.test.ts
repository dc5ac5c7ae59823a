// "dropInvalid": what conntrack finds invalid passes no nat chain, and so leaves with the container's own address.

import { beforeAll, expect, it } from "vitest";
import { FAMILIES } from "../../../src/wire/ip.ts";
import { poll, run, type TestNetns } from "../../support/netns.ts";
import { NODE } from "../masquerade/node.ts";
import { attach, check, del } from "../masquerade/runtime.ts";
import { hasSegment, listenForSegments, STRAY, sendSegment, sourceOfSegment } from "./segments.ts";
import { addressOf, becomeNodeInWorld, left, networkWith, PUBLIC, seenAt } from "./world.ts";

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNodeInWorld();
});

/** Packets that the rule of the family has dropped. */
function dropped(family: 4 | 6): number {
  const chain = run("nft", "list", "chain", family === 4 ? "ip" : "ip6", "bauta_masquerade", "forward");
  return Number(/counter packets (\d+)/.exec(chain)?.[1]);
}

it("leaves stray segments untranslated where it is off, which is why it is there", () => {
  const attached = attach(networkWith("ptp", { dropInvalid: false }));
  for (const family of FAMILIES) {
    const listener = listenForSegments(outside, family);
    const own = addressOf(attached, family);
    for (const [i, flags] of Object.values(STRAY).entries()) {
      sendSegment(attached.container, own, PUBLIC[family], 1000 + i, flags);
      expect(sourceOfSegment(listener, 1000 + i)).toBe(own);
    }
    listener.close();
  }
});

it("drops the container's stray segments and nothing else", () => {
  const config = networkWith("ptp", { dropInvalid: true });
  const [strict, lax] = [attach(config), attach(networkWith("ptp", {}, { ipam: { ...config.ipam, ranges: OTHERS } }))];
  for (const family of FAMILIES) {
    const listener = listenForSegments(outside, family);
    for (const [i, flags] of Object.values(STRAY).entries()) {
      const before = dropped(family);
      sendSegment(strict.container, addressOf(strict, family), PUBLIC[family], 2000 + i, flags);
      poll("the counter of dropped packets", () => dropped(family) === before + 1);
      expect(hasSegment(listener, 2000 + i)).toBe(false);
      // Another network has not asked for it.
      sendSegment(lax.container, addressOf(lax, family), PUBLIC[family], 2100 + i, flags);
      expect(sourceOfSegment(listener, 2100 + i)).toBe(addressOf(lax, family));
    }
    expect(seenAt(strict, outside, PUBLIC[family], "tcp")).toBe(NODE[family]);
    expect(seenAt(strict, outside, PUBLIC[family], "icmp")).toBe(NODE[family]);
    expect(dropped(family)).toBe(Object.keys(STRAY).length);
    listener.close();
  }
  expect(check(config, strict.container, strict.result)).toMatchObject({ status: 0 });
});

it("goes with the last container that has it, and leaves the others' masquerade", () => {
  const config = networkWith("ptp", { dropInvalid: true });
  const plain = networkWith("ptp", {}, { ipam: { ...config.ipam, ranges: OTHERS } });
  const [strict, lax] = [attach(config), attach(plain)];
  del(config, strict.container);
  expect(run("nft", "list", "ruleset")).not.toMatch(/forward|strict/);
  expect(check(plain, lax.container, lax.result)).toMatchObject({ status: 0 });
  for (const family of FAMILIES) expect(seenAt(lax, outside, PUBLIC[family])).toBe(NODE[family]);
  del(plain, lax.container);
  expect(left()).toEqual([]);
});

const OTHERS = [[{ subnet: "198.19.0.0/24" }], [{ subnet: "fd61:7465:6d65:2000::/112" }]];
