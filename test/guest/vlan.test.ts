// The vlan plugin. Runs in guests only (npm run test:kernels): it takes the kernel's module 8021q.

import { describe, expect, it } from "vitest";
import { plugin as vlan } from "../../src/plugins/vlan/plugin.ts";
import { ourNode } from "../support/differential.ts";
import { succeed } from "../support/plugin.ts";
import { anotherContainer, connectUplink, giveAddresses, linkOf, linksOf, UPLINK } from "../support/uplink.ts";
import { hostLocal, reservations, runUpperSuite } from "../support/upper-suite.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations
type Json = any;

runUpperSuite({
  plugin: vlan,
  keys: (n) => ({ vlanId: 100 + n }),
  sharesMac: true,
  takesDefaultRoute: false,
  prepare(router) {
    router.ip("address flush dev lan");
    router.ip("link add link lan name lan.101 type vlan id 101");
    router.ip("link set lan.101 up");
    giveAddresses(router, "lan.101");
  },
});

const configOf = (more: Json = {}): Json => ({
  ...{ cniVersion: "1.1.0", name: "net1", type: "vlan", master: UPLINK, vlanId: 100, ...more },
});

describe("vlan's ids", () => {
  it("says who has a VLAN that is taken, and leaves nothing", () => {
    const node = ourNode(vlan);
    connectUplink(node);
    const config = configOf(hostLocal(node, "10.77.0.0/24"));
    succeed(node.call({ command: "ADD", config }));
    expect(linkOf(node.container).linkinfo.info_data).toMatchObject({ protocol: "802.1Q", id: 100 });
    const { netns, call } = anotherContainer();
    const { json } = node.call({ command: "ADD", config, ...call });
    expect(json).toMatchObject({ code: 7 });
    expect(json.msg).toContain(`VLAN 100 of "${UPLINK}" is taken by "eth0" in ${node.container.path}`);
    expect([linksOf(netns), reservations(node)]).toEqual([["lo"], ["10.77.0.10"]]);
    succeed(node.call({ command: "ADD", config: { ...config, vlanId: 4094 }, ...call }));
    expect(linkOf(netns).linkinfo.info_data).toMatchObject({ id: 4094 });
  });

  it("an ADD after one whose IPAM failed finds the VLAN free", () => {
    const node = ourNode(vlan);
    connectUplink(node);
    expect(node.call({ command: "ADD", config: configOf({ ipam: { type: "nonexist" } }) }).status).toBe(1);
    succeed(node.call({ command: "ADD", config: configOf(hostLocal(node, "10.77.0.0/24")) }));
  });

  it.each<readonly [Json, number, string]>([
    [0, 7, "vlanId: 0 is not a number from 1 to 4094"],
    [4095, 7, "vlanId: 4095 is not a number from 1 to 4094"],
    [-1, 7, "vlanId: -1 is not a number from 1 to 4094"],
    ["10", 6, 'vlanId: "10" is not a whole number'],
    [1.5, 6, "vlanId: 1.5 is not a whole number"],
    [undefined, 7, "vlanId is missing"],
  ])("refuses %j with code %i", (vlanId, code, message) => {
    const node = ourNode(vlan);
    connectUplink(node);
    const { json } = node.call({ command: "ADD", config: configOf({ ...hostLocal(node, "10.77.0.0/24"), vlanId }) });
    expect(json).toMatchObject({ code, msg: expect.stringContaining(message) });
    expect(linksOf(node.container)).toEqual(["lo"]);
  });

  it("a configuration needs a master", () => {
    const node = ourNode(vlan);
    const { json } = node.call({ command: "ADD", config: configOf({ master: undefined }) });
    expect(json).toMatchObject({ code: 7, msg: expect.stringContaining("master is missing") });
  });

  it("CHECK notices another id", () => {
    const node = ourNode(vlan);
    connectUplink(node);
    const config = configOf(hostLocal(node, "10.77.0.0/24"));
    const prevResult = succeed(node.call({ command: "ADD", config }));
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
    const { json } = node.call({ command: "CHECK", config: { ...config, vlanId: 101, prevResult } });
    expect(json.msg).toContain("has the VLAN id 100, not 101");
  });

  it("a VLAN of a bridge and one of a VLAN are made", () => {
    const node = ourNode(vlan);
    node.node.ip("link add br0 up type bridge");
    succeed(node.call({ command: "ADD", config: configOf({ master: "br0" }) }));
    node.node.ip("link add link br0 name br0.7 up type vlan id 7");
    const { netns, call } = anotherContainer();
    const config = configOf({ master: "br0.7" });
    const prevResult = succeed(node.call({ command: "ADD", config, ...call }));
    expect(linkOf(netns).linkinfo.info_data).toMatchObject({ id: 100 });
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult }, ...call }));
  });
});
