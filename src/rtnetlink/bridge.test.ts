// The two files of bridge(8): ports and their VLANs.

import { describe, expect, it } from "vitest";
import { answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { asked, expectSame, replaying, sent } from "../../test/support/rtnetlink-golden.ts";
import { Connection } from "../netlink/connection.ts";
import { setBridgePort } from "./bridge-port.ts";
import { addBridgeVlans, type BridgeVlan, deleteBridgeVlans, listBridgeVlans } from "./bridge-vlan.ts";
import { BR_STATE, BRIDGE_VLAN_INFO, IFLA, RTM } from "./uapi.ts";

const veth0 = { index: 3, name: "veth0" };
const br0 = { index: 4, name: "br0", self: true };

describe("setBridgePort", () => {
  it("says what bridge(8) says", () => {
    const settings = { hairpin: true, isolated: true, learning: false, flood: false };
    const request = setBridgePort(veth0, settings);
    expectSame("bridge-link-set", sent(request));
    expect(request.operation()).toBe("bridge link set dev veth0 hairpin on isolated on learning off flood off");
  });

  it("says what bridge(8) says for all the other options", () => {
    const settings = {
      guard: true,
      rootBlock: true,
      fastLeave: true,
      multicastFlood: false,
      broadcastFlood: false,
      neighbourSuppression: true,
      locked: true,
      cost: 7,
      priority: 9,
      state: BR_STATE.FORWARDING,
    };
    expectSame("bridge-link-set-rest", sent(setBridgePort(veth0, settings)));
  });
});

describe("addBridgeVlans and deleteBridgeVlans", () => {
  it("say what bridge(8) says for one VLAN", () => {
    expectSame("bridge-vlan-add", sent(addBridgeVlans(veth0, [{ vid: 100, pvid: true, untagged: true }])));
    expectSame("bridge-vlan-delete", sent(deleteBridgeVlans(veth0, [{ vid: 1 }])));
  });

  it("say what bridge(8) says for a range", () => {
    expectSame("bridge-vlan-add-range", sent(addBridgeVlans(veth0, [{ vid: 100, lastVid: 200 }])));
  });

  it("say what bridge(8) says for the bridge itself", () => {
    expectSame("bridge-vlan-add-self", sent(addBridgeVlans(br0, [{ vid: 5 }])));
  });

  it("tell what failed as a person would type it", () => {
    const vlans = [
      { vid: 100, pvid: true, untagged: true },
      { vid: 200, lastVid: 299 },
    ];
    expect(addBridgeVlans(veth0, vlans).operation()).toBe("bridge vlan add dev veth0 vid 100 pvid untagged,200-299");
    expect(deleteBridgeVlans(br0, [{ vid: 5 }]).operation()).toBe("bridge vlan delete dev br0 vid 5 self");
  });
});

describe("listBridgeVlans", () => {
  it("asks as bridge(8) does", () => {
    expectSame("bridge-vlan-show", asked(listBridgeVlans));
  });

  it("reads what a kernel that filters VLANs answers, the bridge's own VLANs and those of its port", () => {
    const plain = { lastVid: undefined, pvid: false, untagged: false };
    expect([...listBridgeVlans(replaying("bridge-vlan-show-filtering"))]).toEqual([
      [
        2,
        [
          { ...plain, vid: 1, pvid: true, untagged: true },
          { ...plain, vid: 5 },
        ],
      ],
      [
        4,
        [
          { ...plain, vid: 1, untagged: true },
          { ...plain, vid: 100, pvid: true, untagged: true },
          { ...plain, vid: 200, lastVid: 210 },
        ],
      ],
    ]);
  });

  /** What a kernel with these entries in a link's list answers. */
  const list = (entries: readonly (readonly [flags: number, vid: number])[]): BridgeVlan[] | undefined => {
    const payload = new Uint8Array(16 + 4 + entries.length * 8);
    const view = new DataView(payload.buffer);
    view.setUint8(0, 7);
    view.setInt32(4, 3, true);
    view.setUint16(16, 4 + entries.length * 8, true);
    view.setUint16(18, IFLA.AF_SPEC, true);
    entries.forEach(([flags, vid], i) => {
      view.setUint16(20 + i * 8, 8, true);
      view.setUint16(22 + i * 8, 2, true);
      view.setUint16(24 + i * 8, flags, true);
      view.setUint16(26 + i * 8, vid, true);
    });
    const kernel = new FakeKernel(answerWith(RTM.NEWLINK, () => [payload]));
    return listBridgeVlans(new Connection(kernel)).get(3);
  };
  const { PVID, UNTAGGED, RANGE_BEGIN, RANGE_END } = BRIDGE_VLAN_INFO;

  it("reads single VLANs and ranges", () => {
    expect(
      list([
        [PVID | UNTAGGED, 1],
        [RANGE_BEGIN | UNTAGGED, 100],
        [RANGE_END | UNTAGGED, 200],
        [0, 300],
      ]),
    ).toEqual([
      { vid: 1, lastVid: undefined, pvid: true, untagged: true },
      { vid: 100, lastVid: 200, pvid: false, untagged: true },
      { vid: 300, lastVid: undefined, pvid: false, untagged: false },
    ]);
  });

  it("finds no VLANs where the kernel lists none", () => {
    expect(list([])).toEqual([]);
  });

  it.each([
    ["an end without a beginning", [[RANGE_END, 200]]],
    [
      "a beginning without an end",
      [
        [RANGE_BEGIN, 100],
        [0, 300],
      ],
    ],
    ["a beginning and then nothing", [[RANGE_BEGIN, 100]]],
  ] as const)("refuses %s", (_what, entries) => {
    expect(() => list(entries)).toThrow(/^bridge vlan: the range that VLAN \d+ belongs to has one end only$/);
  });
});
