import { describe, expect, it } from "vitest";
import type { NetDevice } from "../rtnetlink/net-device.ts";
import { parseHardwareAddress } from "../wire/mac.ts";
import { isDevice } from "./identity.ts";
import type { RecordedDevice } from "./records.ts";

const mac = (last: number): string => `52:54:00:00:00:0${last}`;
const bytesOf = (text: string): Uint8Array => parseHardwareAddress(text) ?? new Uint8Array();

const CARD: RecordedDevice = {
  ...{ name: "ens5", index: 4, mac: mac(1), permanentMac: mac(1), parent: { bus: "pci", name: "0000:00:05.0" } },
  ...{ isUp: true, mtu: 1500, alternativeNames: [] },
};
const VETH: RecordedDevice = { ...CARD, permanentMac: undefined, parent: undefined, kind: "veth" };

/** A link as the kernel tells it of the recorded device, with all that a container can change of it changed. */
function changed(device: RecordedDevice, more: Partial<NetDevice> = {}): NetDevice {
  return {
    ...{ index: 9, name: "lan7", alternativeNames: [], alias: undefined, isUp: false, mtu: 1300, mac: bytesOf(mac(9)) },
    ...{ masterIndex: undefined, kind: device.kind, parent: device.parent },
    permanentMac: device.permanentMac === undefined ? undefined : bytesOf(device.permanentMac),
    ...more,
  };
}

describe("hardware", () => {
  it("is known whatever has been changed of it", () => {
    for (const where of ["node", "container"] as const) expect(isDevice(changed(CARD), CARD, where)).toBe(true);
  });

  it.each<[what: string, more: Partial<NetDevice>]>([
    ["another permanent address", { permanentMac: bytesOf(mac(2)) }],
    ["no permanent address", { permanentMac: undefined }],
    ["another parent", { parent: { bus: "pci", name: "0000:00:06.0" } }],
    ["the same name on another bus", { parent: { bus: "virtio", name: "0000:00:05.0" } }],
    ["a kind, which a container can make", { kind: "dummy" }],
  ])("is not a link with %s, though all else is the same", (_, more) => {
    const same = { index: CARD.index, name: CARD.name, alias: CARD.name, mac: bytesOf(CARD.mac) };
    expect(isDevice(changed(CARD, { ...same, ...more }), CARD, "container")).toBe(false);
  });
});

describe("a virtual device", () => {
  it.each<[more: Partial<NetDevice>, inContainer: boolean, onNode: boolean]>([
    [{ index: VETH.index }, true, false],
    [{ alias: "ens5" }, true, true],
    [{ name: "ens5", mac: bytesOf(VETH.mac) }, false, true],
    [{ name: "ens5" }, false, false],
    [{ alias: "ens5", kind: "macvlan" }, false, false],
    [{}, false, false],
  ])("that has %j is known in the container: %s, on the node: %s", (more, inContainer, onNode) => {
    const link = changed(VETH, more);
    expect([isDevice(link, VETH, "container"), isDevice(link, VETH, "node")]).toEqual([inContainer, onNode]);
  });
});
