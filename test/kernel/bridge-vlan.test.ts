// VLANs of the bridge plugin: on frames, and beside upstream's. A kernel without CONFIG_BRIDGE_VLAN_FILTERING (and 8021q, for
// tagged frames) can only be asked to say so; BAUTA_REQUIRE_VLAN=1 makes it an error to have such a kernel.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { plugin as bridge } from "../../src/plugins/bridge/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { observe, ourNode, peerNode, type TestNode } from "../support/differential.ts";
import { syscallsOf, withSyscalls } from "../support/intercept-syscalls.ts";
import { makeNetns, type TestNetns } from "../support/netns.ts";
import { connectOutside, isAnswered, NODE, OUTSIDE, ping, seenAs } from "../support/outside.ts";
import { inProcess, type PluginCall, type PluginOutcome, succeed } from "../support/plugin.ts";

type Config = Readonly<Record<string, unknown>>;
// biome-ignore lint/suspicious/noExplicitAny: whatever a plugin or iproute2 prints
type Json = any;

/** Whether the kernel can do what ip(8) is asked for. */
function kernelHas(...commands: readonly string[]): boolean {
  const netns = makeNetns();
  try {
    for (const command of commands) netns.ip(command);
    return true;
  } catch {
    return false;
  } finally {
    netns.remove();
  }
}

const hasVlans = kernelHas("link add br0 type bridge vlan_filtering 1", "link add link br0 name br0.5 type vlan id 5");
if (!hasVlans && process.env["BAUTA_REQUIRE_VLAN"] === "1") throw new Error("this kernel has no VLANs");

let node: TestNode;

beforeEach(() => {
  node = ourNode(bridge);
});

const configOf = (more: Config = {}): Config => ({ cniVersion: "1.0.0", name: "net1", type: "bridge", ...more });
const hostLocal = (
  { dataDir }: TestNode,
  ranges: readonly object[] = [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00:1::/112" }]],
): Config => ({ ipam: { type: "host-local", dataDir, ranges, routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }] } });

const add = (config: Config, call: Partial<PluginCall> = {}): Json =>
  succeed(node.call({ command: "ADD", config, ...call }));

function linksIn(netns: TestNetns): string[] {
  const text = inNetns(netns.fd, () => readFileSync("/proc/thread-self/net/dev", "utf8"));
  return [...text.matchAll(/^ *([^ :|]+):/gm)].map(([, name]) => String(name));
}

function addressFiles(): readonly string[] {
  const directory = join(node.dataDir, "net1");
  return existsSync(directory) ? readdirSync(directory).filter((name) => /^[0-9a-f.:]+$/.test(name)) : [];
}

describe("a kernel", () => {
  it(`${hasVlans ? "with" : "without"} VLANs is told apart, and nothing is left where it has none`, () => {
    const outcome = node.call({ command: "ADD", config: configOf({ vlan: 100, isGateway: true, ...hostLocal(node) }) });
    expect(outcome.status).toBe(hasVlans ? 0 : 1);
    if (hasVlans) return;
    expect(outcome.json.msg).toContain("this kernel's bridges can't tell VLANs apart (CONFIG_BRIDGE_VLAN_FILTERING)");
    expect([linksIn(node.node), linksIn(node.container), addressFiles()]).toEqual([["lo"], ["lo"], []]);
  });
});

// Not skipped but absent: what a kernel can't do is no test that anybody left out.
if (hasVlans) {
  describe("containers in VLANs", framesTests);
  describe("the gateway of a VLAN", gatewayTests);
  describe("ADD does what upstream's does", peerTests);
}

/** Another container of the node, and how calls name it. */
function another(containerId: string): { readonly netns: TestNetns; readonly call: Partial<PluginCall> } {
  const netns = makeNetns();
  onTestFinished(() => netns.remove());
  return { netns, call: { containerId, netns: netns.path } };
}

/** The VLANs of the port of an attachment, as bridge(8) tells them. */
function vlansOf({ interfaces }: Json): string[] {
  const all: Json[] = JSON.parse(node.node.exec("bridge", "-j", "vlan", "show"));
  const { vlans = [] } = all.find(({ ifname }) => ifname === interfaces[1].name) ?? {};
  return vlans.map(({ vlan, vlanEnd, flags = [] }: Json) => [vlan, vlanEnd, ...flags].filter(Boolean).join(" "));
}

function framesTests(): void {
  const attach = (containerId: string, ip: string, config: Config): { netns: TestNetns; result: Json } => {
    const { netns, call } = another(containerId);
    const result = add(configOf(config), call);
    netns.ip(`addr add ${ip}/24 dev eth0`);
    return { netns, result };
  };

  it("reach those in the same VLAN only", () => {
    const a = attach("a", "10.9.0.1", { vlan: 100 });
    const b = attach("b", "10.9.0.2", { vlan: 100 });
    const c = attach("c", "10.9.0.3", { vlan: 200 });
    attach("d", "10.9.0.4", {});
    expect([vlansOf(a.result), vlansOf(c.result)]).toEqual([
      ["100 PVID Egress Untagged"],
      ["200 PVID Egress Untagged"],
    ]);
    expect(node.node.ipJson("link show cni0")[0].linkinfo.info_data.vlan_filtering).toBe(1);
    ping(a.netns, "10.9.0.2");
    ping(b.netns, "10.9.0.1");
    expect(["10.9.0.3", "10.9.0.4"].map((address) => isAnswered(a.netns, address))).toEqual([false, false]);
  });

  it("see the VLANs of their trunk tagged", () => {
    const trunk = attach("a", "10.9.0.1", { vlanTrunk: [{ id: 101 }, { minID: 200, maxID: 210 }] });
    expect(vlansOf(trunk.result)).toEqual([
      "1 PVID Egress Untagged",
      "101",
      ...Array.from({ length: 11 }, (_, i) => String(200 + i)),
    ]);
    const access = attach("b", "10.8.0.2", { vlan: 205 });
    const elsewhere = attach("c", "10.8.0.3", { vlan: 300 });
    trunk.netns.ip("link add link eth0 name eth0.205 up type vlan id 205");
    trunk.netns.ip("addr add 10.8.0.1/24 dev eth0.205");
    ping(trunk.netns, "10.8.0.2");
    ping(access.netns, "10.8.0.1");
    expect(isAnswered(elsewhere.netns, "10.8.0.1")).toBe(false);
    // Untagged, it is in VLAN 1 with those that are in none.
    attach("d", "10.9.0.4", { preserveDefaultVlan: true });
    ping(trunk.netns, "10.9.0.4");
  });

  it("keep their native VLAN untagged when it is in the trunk, too", () => {
    const a = attach("a", "10.9.0.1", { vlan: 100, vlanTrunk: [{ minID: 99, maxID: 101 }] });
    const b = attach("b", "10.9.0.2", { vlan: 100 });
    expect(vlansOf(a.result)).toEqual(["99", "100 PVID Egress Untagged", "101"]);
    ping(a.netns, "10.9.0.2");
    ping(b.netns, "10.9.0.1");
  });

  it("are told when the bridge was made without VLANs", () => {
    node.node.ip("link add cni0 up type bridge");
    const { status, stderr } = node.call({ command: "ADD", config: configOf({ vlan: 100 }) });
    expect([status, stderr]).toEqual([
      0,
      "bridge: cni0 was made without vlan_filtering, so it does not keep VLANs apart\n",
    ]);
  });
}

function gatewayTests(): void {
  it("is an interface of the node, one for all containers, which they reach, and the outside by way of it", async () => {
    await connectOutside(node.node);
    const config = configOf({ vlan: 100, isGateway: true, ipMasq: true, ...hostLocal(node) });
    const first = add(config);
    const other = another("container-2");
    const second = add(config, other.call);
    const [{ address: mac }] = node.node.ipJson("link show cni0.100");
    expect(first.interfaces[3]).toEqual({ name: "cni0.100", mac });
    expect(second.interfaces[3]).toEqual(first.interfaces[3]);
    for (const address of ["10.1.0.1", "10.1.0.3", "fd00:1::1", "fd00:1::3"]) ping(node.container, address);
    for (const family of [4, 6] as const) {
      expect(seenAs(other.netns, "tcp", OUTSIDE[family])).toBe(NODE[family]);
    }
    const { addr_info } = node.node.ipJson("addr show dev cni0")[0];
    expect(addr_info.filter(({ scope }: Json) => scope === "global")).toEqual([]);
  });

  it("stays when an attachment goes whose namespace nobody knows any more", () => {
    const config = configOf({ vlan: 100, isGateway: true, ...hostLocal(node) });
    const prevResult = add(config);
    succeed(node.call({ command: "DEL", config: { ...config, prevResult }, netns: "" }));
    expect(linksIn(node.node)).toContain("cni0.100");
    expect([linksIn(node.container), addressFiles()]).toEqual([["lo"], []]);
  });

  it("is looked after by CHECK", () => {
    const config = configOf({ vlan: 100, isGateway: true, ...hostLocal(node) });
    const prevResult = add(config);
    const check = (): PluginOutcome => node.call({ command: "CHECK", config: { ...config, prevResult } });
    succeed(check());
    node.node.ip("addr del 10.1.0.1/24 dev cni0.100");
    expect(check().json.msg).toContain("10.1.0.1/24 are missing on cni0.100");
    node.node.ip("link delete cni0.100");
    expect(check().json.msg).toContain("interface cni0.100 on the node not found");
  });

  it("has the gateways of every range", () => {
    const subnets = ["10.1.0.0/24", "10.2.0.0/24", "fd00:1::/112", "fd00:2::/112"];
    const ranges = subnets.map((subnet) => [{ subnet }]);
    add(configOf({ vlan: 100, isDefaultGateway: true, ...hostLocal(node, ranges) }));
    for (const address of ["10.1.0.1", "10.2.0.1", "fd00:1::1", "fd00:2::1"]) ping(node.container, address);
  });

  it("leaves nothing of its own half made, whichever system call fails", () => {
    const config = configOf({ vlan: 100, isGateway: true, ...hostLocal(node) });
    const { path: netns } = node.container;
    const serve = (): PluginOutcome =>
      inProcess(bridge)({ command: "ADD", containerId: "container-1", netns, ifname: "eth0", config });
    const onNode = <T>(work: () => T): T => inNetns(node.node.fd, work);
    const calls = onNode(() => syscallsOf(serve));
    const clear = (): void => {
      succeed(node.call({ command: "DEL", config }));
      if (linksIn(node.node).includes("cni0.100")) node.node.ip("link delete cni0.100");
    };
    clear();
    calls.forEach((name, nth) => {
      let count = 0;
      let switches = 0;
      onNode(() =>
        withSyscalls((one) => {
          const isExempt = one === "close" || (one === "setns" && switches++ % 2 === 1);
          return count++ === nth && !isExempt ? "EIO" : undefined;
        }, serve),
      );
      // A gateway is there with the port that it hangs on and is in its VLAN, or not at all.
      const ports = linksIn(node.node).filter((one) => one.startsWith("veth")).length;
      const attached = linksIn(node.container).length - 1;
      const gateways = linksIn(node.node).filter((one) => one === "cni0.100").length;
      expect([nth, name, ports]).toEqual([nth, name, attached + gateways]);
      const vlans: Json[] = JSON.parse(node.node.exec("bridge", "-j", "vlan", "show"));
      const own = vlans.filter(({ ifname }) => ifname.startsWith("veth")).map(({ vlans: [only] }) => only.vlan);
      expect([nth, name, own]).toEqual([nth, name, own.map(() => 100)]);
      clear();
      expect([nth, name, linksIn(node.node), addressFiles()]).toEqual([nth, name, ["lo", "cni0"], []]);
    });
  });
}

function peerTests(): void {
  const CASES: readonly (readonly [what: string, keys: (node: TestNode) => Config])[] = [
    ["vlan", () => ({ vlan: 100 })],
    ["vlan 1, the bridge's default", () => ({ vlan: 1 })],
    ["vlan and preserveDefaultVlan", () => ({ vlan: 100, preserveDefaultVlan: true })],
    ["vlan on a bridge that is no gateway", (of) => ({ vlan: 100, ...hostLocal(of) })],
    ["vlan on a gateway", (of) => ({ vlan: 100, isGateway: true, ...hostLocal(of) })],
    [
      "vlan and mtu on a default gateway",
      ({ dataDir }) => {
        const ipam = {
          type: "host-local",
          dataDir,
          ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00:1::/112" }]],
        };
        return { vlan: 100, mtu: 1400, isDefaultGateway: true, ipam };
      },
    ],
    [
      "vlan and preserveDefaultVlan on a gateway",
      (of) => ({ vlan: 100, preserveDefaultVlan: true, isGateway: true, ...hostLocal(of) }),
    ],
    ["vlanTrunk", () => ({ vlanTrunk: [{ id: 101 }, { minID: 200, maxID: 210 }, { id: 4094 }] })],
    ["an empty vlanTrunk", () => ({ vlanTrunk: [] })],
    ["vlan and vlanTrunk", () => ({ vlan: 100, vlanTrunk: [{ minID: 101, maxID: 103 }, { id: 7 }] })],
    ["vlanTrunk and preserveDefaultVlan", () => ({ vlanTrunk: [{ id: 101 }], preserveDefaultVlan: true })],
    ["vlanTrunk with VLAN 1", () => ({ vlanTrunk: [{ minID: 1, maxID: 3 }] })],
    ["vlan, hairpinMode and portIsolation", () => ({ vlan: 100, hairpinMode: true, portIsolation: true })],
  ];

  for (const [what, keys] of CASES) {
    it(`with ${what}`, () => {
      const [ours, theirs] = [ourNode(bridge), peerNode("bridge")].map((one) => {
        const outcome = one.call({ command: "ADD", config: configOf(keys(one)) });
        succeed(outcome);
        return observe(one, outcome);
      });
      // The veths of the gateway and of the container come in an order that is a matter of chance.
      const shape = (state: typeof ours): unknown => ({
        container: state?.container,
        interfaces: Object(state?.result).interfaces.map(({ name }: Json) => String(name).replace(/\d+$/, "")),
        parameters: Object.keys(state?.node.parameters ?? {}).length,
        links: sorted(state?.node.links.map(({ ifname, mac, ...link }) => ({ ...link, name: withoutNumber(ifname) }))),
        vlans: sorted(state?.node.vlans.map(({ ifname, vlans }) => ({ name: withoutNumber(ifname), vlans }))),
        addresses: sorted(state?.node.addresses.filter(({ scope }) => scope !== "link")),
      });
      expect(shape(ours)).toEqual(shape(theirs));
    });
  }
}

const withoutNumber = (name: string): string => name.replace(/^VETH\d+$/, "VETH");

function sorted(values: readonly unknown[] = []): string[] {
  return values.map((value) => JSON.stringify(value)).sort();
}
