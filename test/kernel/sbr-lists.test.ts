// sbr behind the plugins that make interfaces: answers leave by the interface that was asked, and the CHECK of the whole list
// is content with a healthy container and with no other.

import { rmSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { plugin as sbr } from "../../src/plugins/sbr/plugin.ts";
import { ourNode, peerOn, type TestNode } from "../support/differential.ts";
import { attachList, type List } from "../support/list-in-process.ts";
import { rulesOf } from "../support/multihomed.ts";
import { requireNamespaces } from "../support/netns.ts";
import { connectOutside, isAnswered, OUTSIDE, ping } from "../support/outside.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results of any kind
type Json = any;

beforeAll(() => requireNamespaces());
afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

const DEFAULTS = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];

const ipamOf = ({ dataDir }: TestNode, ...subnets: readonly string[]): Json => ({
  ipam: { type: "host-local", dataDir, ranges: subnets.map((subnet) => [{ subnet }]), routes: DEFAULTS },
});

const bridgeList = (node: TestNode, ...more: readonly Json[]): List => ({
  name: "bridged",
  plugins: [{ type: "bridge", bridge: "br0", isGateway: true, ...ipamOf(node, "10.1.0.0/24", "fd01::/112") }, ...more],
});

const ptpList = (node: TestNode, ...more: readonly Json[]): List => ({
  name: "direct",
  ifname: "net1",
  plugins: [{ type: "ptp", ...ipamOf(node, "10.2.0.0/24", "fd02::/112") }, ...more],
});

const nodeOf = (): TestNode => ourNode(sbr);

describe("a container on a bridge that has a second interface", () => {
  it("answers by the interface that it was asked at, in both families", async () => {
    const node = nodeOf();
    const outside = await connectOutside(node.node);
    outside.ip("route add default via 192.0.2.1");
    outside.ip("-6 route add default via 2001:db8::1");
    attachList(node, bridgeList(node, { type: "sbr" }));
    const second = attachList(node, ptpList(node, { type: "sbr" }));
    const nodeEnd = second.result.interfaces[0].name;
    const own = { br0: ["10.1.0.2", "fd01::2"], [nodeEnd]: ["10.2.0.2", "fd02::2"] };
    const everything = [...(own.br0 ?? []), ...(own[nodeEnd] ?? [])];
    for (const address of everything) ping(outside, address);
    for (const address of everything) ping(node.container, OUTSIDE[address.includes(":") ? 6 : 4], address);
    // What comes by one of the two goes nowhere: the answers that are seen have come by the other.
    for (const [closed, open] of [
      ["br0", nodeEnd],
      [nodeEnd, "br0"],
    ] as const) {
      // biome-ignore format: one list
      for (const family of ["-4", "-6"]) node.node.ip(`${family} rule add priority 10 iif ${closed} blackhole`);
      for (const address of own[open] ?? []) ping(outside, address);
      for (const address of own[closed] ?? [])
        expect([address, isAnswered(outside, address)]).toEqual([address, false]);
      for (const family of ["-4", "-6"]) node.node.ip(`${family} rule delete priority 10`);
    }
  });

  it("answers by the wrong one without sbr, so that the test above can fail", async () => {
    const node = nodeOf();
    const outside = await connectOutside(node.node);
    outside.ip("route add default via 192.0.2.1");
    attachList(node, bridgeList(node));
    attachList(node, ptpList(node));
    node.node.ip("rule add priority 10 iif br0 blackhole");
    const [byBridge, direct] = ["10.1.0.2", "10.2.0.2"].map((address) => isAnswered(outside, address));
    expect([byBridge, direct]).not.toEqual([false, false]); // the default route in front takes all answers
    expect([byBridge, direct]).toContain(true);
  });

  it("is given back as it was, list by list", () => {
    const node = nodeOf();
    const first = attachList(node, bridgeList(node, { type: "sbr" }));
    const second = attachList(node, ptpList(node, { type: "sbr" }));
    expect(rulesOf(node.container)).toHaveLength(4);
    expect([first.fault(), second.fault()]).toEqual([undefined, undefined]);
    second.detach();
    expect(rulesOf(node.container)).toHaveLength(2);
    expect(first.fault()).toBeUndefined();
    ping(node.container, "10.1.0.1", "10.1.0.2");
    first.detach();
    expect([rulesOf(node.container), node.container.ipJson("link show")]).toEqual([[], [expect.anything()]]);
  });
});

const LISTS: readonly (readonly [type: string, list: (node: TestNode, ...more: readonly Json[]) => List])[] = [
  ["bridge", bridgeList],
  ["ptp", ptpList],
];

describe.each(LISTS)("CHECK of %s", (_, listOf) => {
  const moved: readonly (readonly [string, Json])[] = [
    ["sbr", { type: "sbr" }],
    ["sbr with a table", { type: "sbr", table: 100 }],
    ["sbr with hints", { type: "sbr", addSourceHints: true }],
    ["sbr with gateways", { type: "sbr", gateways: ["10.1.0.9", "fd01::9"] }],
  ];
  it.each(moved)("is content after %s has moved the routes (D6)", (_name, plugin) => {
    const node = nodeOf();
    const attached = attachList(node, listOf(node, plugin));
    expect(attached.fault()).toBeUndefined();
    attached.detach();
  });

  it("is content after upstream's sbr has moved the routes", () => {
    const node = nodeOf();
    const ifname = listOf(node).ifname ?? "eth0";
    const upstream = peerOn(node, "sbr");
    const theirs = attachList(node, listOf(node, { type: "sbr" }), { sbr: (call) => upstream({ ...call, ifname }) });
    expect(theirs.fault()).toBeUndefined();
  });

  it("finds a route that sbr has moved and somebody has removed", () => {
    const node = nodeOf();
    const { ifname = "eth0", ...list } = listOf(node, { type: "sbr" });
    const attached = attachList(node, { ...list, ifname });
    node.container.ip("route delete default table 100");
    expect(attached.fault()).toMatch(/route to 0\.0\.0\.0\/0 via 10\.[12]\.0\.1 not found/);
  });

  it("fails where the default route goes by another gateway, or another interface (D7)", () => {
    for (const plugins of [[], [{ type: "sbr" }]]) {
      const node = nodeOf();
      const { ifname = "eth0", ...list } = listOf(node, ...plugins);
      const attached = attachList(node, { ...list, ifname });
      const table = plugins.length > 0 ? "100" : "main";
      const gateway = ifname === "eth0" ? "10.1.0" : "10.2.0";
      node.container.ip("link set lo up");
      node.container.ip(`route replace default via ${gateway}.1 dev ${ifname} table ${table}`);
      expect(attached.fault()).toBeUndefined();
      node.container.ip(`route replace default via ${gateway}.1 dev lo onlink table ${table}`);
      expect(attached.fault()).toContain("route to 0.0.0.0/0");
      node.container.ip(`route replace default via ${gateway}.77 dev ${ifname} onlink table ${table}`);
      expect(attached.fault()).toContain("route to 0.0.0.0/0");
    }
  });
});

describe("CHECK of an address of a single host", () => {
  it.each([
    ["bridge", "10.1.0.5/32", "169.254.1.1"],
    ["ptp", "10.1.0.5/32", "10.1.0.1"],
    ["bridge", "fd01::5/128", "fe80::1"],
    ["ptp", "fd01::5/128", "fd01::1"],
  ])("of %s %s is content, with sbr and without", (type, address, gateway) => {
    for (const plugins of [[], [{ type: "sbr" }]]) {
      const node = nodeOf();
      const ipam = {
        type: "static",
        addresses: [{ address, gateway }],
        routes: DEFAULTS.slice(address.includes(":") ? 1 : 0, address.includes(":") ? 2 : 1),
      };
      const attached = attachList(node, {
        name: "single",
        plugins: [{ type, isGateway: true, bridge: "br0", ipam }, ...plugins],
      });
      expect(attached.fault()).toBeUndefined();
      attached.detach();
    }
  });
});
