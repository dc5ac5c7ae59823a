import { describe, expect, it } from "vitest";
import type { Link } from "../rtnetlink/link.ts";
import { joinVlans } from "./bridge-vlan.ts";

const link: Link = {
  index: 2,
  name: "cni0",
  alternativeNames: [],
  alias: undefined,
  flags: 0,
  isUp: true,
  operState: 6,
  mtu: 1500,
  mac: new Uint8Array(6),
  masterIndex: undefined,
  linkIndex: undefined,
  linkNetnsId: undefined,
  txQueueLength: 1000,
  promiscuity: 0,
  addressGenerationMode: undefined,
  kind: "bridge",
  info: { kind: "bridge", vlanDefaultPvid: 1 },
  port: undefined,
};
const port = { index: 3, name: "veth0" };

const operations = (vlans: Partial<Parameters<typeof joinVlans>[2]>, bridge = link): string[] =>
  joinVlans(bridge, port, { native: undefined, trunk: [], keepDefault: false, ...vlans }).map((one) => one.operation());

describe("joinVlans()", () => {
  it("asks for nothing where nothing is said of VLANs", () => {
    expect(operations({})).toEqual([]);
  });

  it("moves the port from the bridge's default VLAN to its own", () => {
    expect(operations({ native: 100 })).toEqual([
      "bridge vlan delete dev veth0 vid 1",
      "bridge vlan add dev veth0 vid 100 pvid untagged",
    ]);
  });

  it("leaves the default VLAN to the port that shall keep it", () => {
    expect(operations({ native: 100, keepDefault: true })).toEqual(["bridge vlan add dev veth0 vid 100 pvid untagged"]);
  });

  it.each([0, undefined])("has no default VLAN to leave where the bridge's is %s", (vlanDefaultPvid) => {
    const bridge = { ...link, info: { kind: "bridge", vlanDefaultPvid } as const };
    expect(operations({ native: 100 }, bridge)).toEqual(["bridge vlan add dev veth0 vid 100 pvid untagged"]);
  });

  it("adds the native VLAN last, so that being in the trunk, too, does not tag its frames", () => {
    const trunk = [
      { vid: 100, lastVid: 110 },
      { vid: 200, lastVid: 200 },
    ];
    expect(operations({ native: 100, trunk })).toEqual([
      "bridge vlan delete dev veth0 vid 1",
      "bridge vlan add dev veth0 vid 100-110,200-200",
      "bridge vlan add dev veth0 vid 100 pvid untagged",
    ]);
  });

  it("makes VLAN 1 the native one of a trunk without, as upstream", () => {
    expect(operations({ trunk: [{ vid: 7 }] }).at(-1)).toBe("bridge vlan add dev veth0 vid 1 pvid untagged");
  });
});
