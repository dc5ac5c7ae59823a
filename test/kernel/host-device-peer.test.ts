// The host-device plugin beside containernetworking/plugins' own: the same results, each gives back what the other has moved, and
// where upstream's is wrong.

import { existsSync, readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { plugin } from "../../src/plugins/host-device/plugin.ts";
import { ourNode, peerNode, peerOn, type TestNode } from "../support/differential.ts";
import { type CallPlugin, succeed } from "../support/plugin.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations, results, and what ip(8) prints
type Json = any;

const MAC = "0a:00:00:00:00:05";

const configOf = (more: Json = {}): Json => ({
  ...{ cniVersion: "1.1.0", name: "net1", type: "host-device", device: "ens5" },
  ...more,
});
const ipamOf = ({ dataDir }: TestNode): Json => ({
  ipam: { type: "host-local", dataDir, subnet: "10.9.0.0/24", routes: [{ dst: "0.0.0.0/0" }] },
});
const reservations = ({ dataDir }: TestNode): string[] =>
  existsSync(`${dataDir}/net1`) ? readdirSync(`${dataDir}/net1`).filter((name) => /^\d+\./.test(name)) : [];

function withLink(node: TestNode): TestNode {
  node.node.ip(`link add ens5 address ${MAC} type veth peer name other`);
  return node;
}
const nodes = (): TestNode[] => [ourNode(plugin), peerNode("host-device")].map(withLink);

interface State {
  readonly result: Json;
  readonly container: Json;
  readonly node: Json;
}

/** What there is to see of the device, on both sides. */
function stateOf({ node, container }: TestNode, result: Json): State {
  const seen = (links: Json): Json =>
    links.map(({ ifname, address, ifalias, mtu, flags }: Json) => {
      return { ifname, ifalias, mtu, isUp: flags.includes("UP"), address: ifname === "other" ? "" : address };
    });
  const sandboxed = result?.interfaces?.map((one: Json) => ({ ...one, sandbox: one.sandbox === container.path }));
  return {
    result: { ...result, interfaces: sandboxed },
    container: { links: seen(container.ipJson("link show")), routes: container.ipJson("route show") },
    node: seen(node.ipJson("link show")),
  };
}

/** ADD, CHECK and DEL by the implementations that `calls` names. */
function live(node: TestNode, keys: Json, calls: { readonly add: CallPlugin; readonly del: CallPlugin }): State[] {
  const config = configOf(keys);
  const result = succeed(calls.add({ command: "ADD", config }));
  const added = stateOf(node, result);
  succeed(calls.del({ command: "CHECK", config: { ...config, prevResult: result } }));
  succeed(calls.del({ command: "DEL", config: { ...config, prevResult: result } }));
  return [added, stateOf(node, undefined)];
}

describe("host-device beside upstream's", () => {
  it.each<[what: string, keys: (node: TestNode) => Json]>([
    ["no IPAM", () => ({})],
    ["addresses", ipamOf],
    ["addresses and dns", (node) => ({ ...ipamOf(node), dns: { nameservers: ["192.0.2.53"] } })],
    ["the device by its address", () => ({ device: "", hwaddr: MAC })],
    ["the device before its address", () => ({ hwaddr: "zz" })],
    ["keys in other cases", () => ({ device: undefined, DEVICE: "ens5" })],
  ])("does the same, and gives back what the other has moved: %s", (_, keysOf) => {
    const [ours, theirs] = nodes().map((node) => live(node, keysOf(node), { add: node.call, del: node.call }));
    expect(ours).toEqual(theirs);
    const mixed = [true, false].map((isOursFirst) => {
      const node = withLink(ourNode(plugin));
      const peer = peerOn(node, "host-device");
      return live(node, keysOf(node), isOursFirst ? { add: node.call, del: peer } : { add: peer, del: node.call });
    });
    for (const one of mixed) expect(one).toEqual(theirs);
  });

  it("gives back what upstream's has moved and the container has renamed (W3)", () => {
    const node = withLink(ourNode(plugin));
    const prevResult = succeed(peerOn(node, "host-device")({ command: "ADD", config: configOf() }));
    node.container.ip("link set eth0 down");
    node.container.ip("link set eth0 name lan7");
    succeed(node.call({ command: "DEL", config: { ...configOf(), prevResult } }));
    expect(node.node.ipJson("link show dev ens5")[0].ifalias).toBeUndefined();
  });

  it("forgets what upstream's has given back", () => {
    const node = withLink(ourNode(plugin));
    const config = configOf();
    const prevResult = succeed(node.call({ command: "ADD", config }));
    succeed(peerOn(node, "host-device")({ command: "DEL", config: { ...config, prevResult } }));
    expect(readdirSync("/run/bauta/host-device")).toHaveLength(1);
    succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
    expect(readdirSync("/run/bauta/host-device")).toHaveLength(0);
    succeed(node.call({ command: "ADD", config }));
  });
});

describe("where upstream's is wrong", () => {
  /** The status of DEL after `prepare`, and the addresses that are still reserved, ours and upstream's. */
  function compare(prepare: (node: TestNode) => Json): Json[] {
    return nodes().map((node) => {
      const config = configOf(ipamOf(node));
      const prevResult = succeed(node.call({ command: "ADD", config }));
      const call = prepare(node);
      const { status } = node.call({ command: "DEL", config: { ...config, prevResult }, ...call });
      return [status, reservations(node).length];
    });
  }

  it("releases the addresses where there is no namespace (W1)", () => {
    expect(compare(() => ({ netns: "" }))).toEqual([
      [0, 0],
      [0, 1],
    ]);
    expect(compare(() => ({ netns: "/run/netns/nowhere" }))).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });

  it("succeeds where the device is gone, twice (W2, D10)", () => {
    const gone = ({ container }: TestNode): Json => void container.ip("link delete eth0");
    expect(compare(gone)).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it("succeeds where the name is taken on the node (W5)", () => {
    const taken = ({ node }: TestNode): Json => void node.ip("link add ens5 type bridge");
    expect(compare(taken)).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  it("moves the device back where IPAM fails (W6)", () => {
    const links = nodes().map((node) => {
      expect(node.call({ command: "ADD", config: configOf({ ipam: { type: "nonexist" } }) }).status).toBe(1);
      return node.node.ipJson("link show").some(({ ifname }: Json) => ifname === "ens5");
    });
    expect(links).toEqual([true, false]);
  });

  it("returns the network's dns, or IPAM's (W7)", () => {
    const dns = { nameservers: ["192.0.2.53"] };
    const found = nodes().map((node) => {
      const addresses = [{ address: "10.9.0.5/24" }];
      const plain = succeed(node.call({ command: "ADD", config: configOf({ dns }) })).dns;
      succeed(node.call({ command: "DEL", config: configOf() }));
      const ipam = { type: "static", addresses, dns: { nameservers: ["192.0.2.54"] } };
      return [plain, succeed(node.call({ command: "ADD", config: configOf({ ipam }) })).dns];
    });
    expect(found).toEqual([
      [dns, { nameservers: ["192.0.2.54"] }],
      [undefined, undefined],
    ]);
  });

  it("gives the device back up, with its alias (W8)", () => {
    const states = nodes().map((node) => {
      node.node.ip("link set ens5 up");
      node.node.exec("ip", "link", "set", "ens5", "alias", "uplink");
      const config = configOf();
      const prevResult = succeed(node.call({ command: "ADD", config }));
      succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
      const [{ flags, ifalias }] = node.node.ipJson("link show dev ens5");
      return [flags.includes("UP"), ifalias];
    });
    expect(states).toEqual([
      [true, "uplink"],
      [false, undefined],
    ]);
  });

  it("refuses the namespace that the plugin runs in, before anything is done (D1)", () => {
    for (const [i, node] of nodes().entries()) {
      const { status, stdout } = node.call({ command: "ADD", config: configOf(), netns: node.node.path });
      expect([status, stdout.split('"code": 8').length]).toEqual([1, 2]);
      const isLeft = node.node.ipJson("link show").some(({ ifname }: Json) => ifname === "ens5");
      expect(isLeft).toBe(i === 0);
    }
  });
});
