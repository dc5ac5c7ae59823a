// The tap plugin beside containernetworking/plugins' own: the same device for each key, and where upstream's is wrong.

import { describe, expect, it } from "vitest";
import { plugin } from "../../src/plugins/tap/plugin.ts";
import { ourNode, peerNode, peerOn, type TestNode } from "../support/differential.ts";
import { type PluginCall, succeed } from "../support/plugin.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations, results, and what ip(8) prints
type Json = any;

const MAC = "0a:00:00:00:00:05";
const configOf = (more: Json = {}): Json => ({ cniVersion: "1.1.0", name: "net1", type: "tap", ...more });
const nodes = (): TestNode[] => [ourNode(plugin), peerNode("tap")];
const names = ({ container }: TestNode): string[] => container.ipJson("link show").map(({ ifname }: Json) => ifname);

/** What there is to see of the tap; an address that is chance is none. */
function stateOf({ container }: TestNode, isChance: boolean): Json {
  const [{ address, mtu, master, flags, linkinfo, txqlen }] = container.ipJson("link show dev eth0");
  const info = { ...linkinfo.info_data };
  return { address: isChance ? "" : address, mtu, master, isUp: flags.includes("UP"), info, txqlen };
}

interface Row {
  readonly what: string;
  readonly keys: Json;
  readonly call?: Partial<PluginCall>;
}

const ROWS: readonly Row[] = [
  { what: "nothing", keys: {} },
  { what: "several queues", keys: { multiQueue: true } },
  { what: "an owner", keys: { owner: 1000 } },
  { what: "owner 0", keys: { owner: 0 } },
  { what: "a group, and several queues", keys: { group: 1000, multiQueue: true } },
  { what: "an MTU", keys: { mtu: 1400 } },
  { what: "an address", keys: { mac: MAC } },
  { what: "the address of CNI_ARGS before that", keys: { mac: "02:00:00:00:00:01" }, call: { args: `MAC=${MAC}` } },
  {
    what: "the runtime's address before both",
    keys: { mac: "02:00:00:00:00:01", runtimeConfig: { mac: MAC } },
    call: { args: "MAC=02:00:00:00:00:02" },
  },
  { what: "a bridge", keys: { bridge: "br0" } },
  { what: "addresses", keys: { mac: MAC, ipam: { type: "static", addresses: [{ address: "10.9.0.2/24" }] } } },
  { what: "keys in other cases, and dns", keys: { MultiQueue: true, MTU: 1400, dns: { nameservers: ["192.0.2.53"] } } },
];

describe("tap beside upstream's", () => {
  it.each(ROWS)("makes the same device, and removes the other's: $what", ({ keys, call = {} }) => {
    const isChance = !JSON.stringify([keys, call]).includes(MAC);
    const [ours, theirs] = nodes().map((node) => {
      node.container.ip("link add br0 type bridge");
      const config = configOf(keys);
      const result = succeed(node.call({ command: "ADD", config, ...call }));
      const state = stateOf(node, isChance);
      succeed(node.call({ command: "CHECK", config: { ...config, prevResult: result }, ...call }));
      const remove = peerOn(node, "tap");
      succeed(remove({ command: "DEL", config: { ...config, prevResult: result }, ...call }));
      expect(names(node)).toEqual(["lo", "br0"]);
      const [{ name, mac }] = result.interfaces;
      return { state, result: { ...result, interfaces: [{ name, mac: isChance ? "" : mac }] } };
    });
    expect(ours).toEqual(theirs);
  });

  it("checks and removes what upstream's has made", () => {
    const node = ourNode(plugin);
    const config = configOf({ mac: MAC });
    const prevResult = succeed(peerOn(node, "tap")({ command: "ADD", config }));
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
    expect(names(node)).toEqual(["lo"]);
  });
});

describe("where upstream's is wrong", () => {
  it("MTU and address beside owner and group (W1), and one device with owner and without (W2, D12, D47)", () => {
    const keys = { owner: 1, group: 1, mtu: 1400, mac: MAC };
    const [ours, theirs] = nodes().map((node) => {
      succeed(node.call({ command: "ADD", config: configOf(keys) }));
      const { mtu, address, info } = stateOf(node, false);
      return { mtu, isAsked: address === MAC, pi: info.pi, vnetHdr: info.vnet_hdr };
    });
    expect(ours).toEqual({ mtu: 1400, isAsked: true, pi: false, vnetHdr: false });
    expect(theirs).toEqual({ mtu: 1500, isAsked: false, pi: true, vnetHdr: true });
  });

  it("takes no ip(8) (W3)", () => {
    const path = process.env["PATH"];
    const statuses = nodes().map((node) => {
      try {
        process.env["PATH"] = "/nonexistent";
        return node.call({ command: "ADD", config: configOf() }).status;
      } finally {
        process.env["PATH"] = path;
      }
    });
    expect(statuses).toEqual([0, 1]);
  });

  it("leaves nothing where the name is taken (W4)", () => {
    const [ours, theirs] = nodes().map((node) => {
      node.container.ip("link add eth0 type bridge");
      const { status } = node.call({ command: "ADD", config: configOf() });
      return { status, links: names(node).length };
    });
    expect(ours).toEqual({ status: 1, links: 2 });
    expect(theirs).toEqual({ status: 0, links: 3 });
  });

  it("leaves nothing where IPAM fails (W5, D2)", () => {
    const left = nodes().map((node) => {
      expect(node.call({ command: "ADD", config: configOf({ ipam: { type: "nonexist" } }) }).status).toBe(1);
      return names(node);
    });
    expect(left).toEqual([["lo"], ["lo", "eth0"]]);
  });

  it("tells of IPv6 addresses, too (W6)", () => {
    const ipam = { type: "static", addresses: [{ address: "fd09::2/64" }] };
    const notify = nodes().map((node) => {
      succeed(node.call({ command: "ADD", config: configOf({ ipam }) }));
      return node.container.exec("cat", "/proc/sys/net/ipv6/conf/eth0/ndisc_notify");
    });
    expect(notify).toEqual(["1\n", "0\n"]);
  });

  it("CHECK sees that another kind of link has the name (W7)", () => {
    const statuses = nodes().map((node) => {
      const config = configOf({ ipam: { type: "static", addresses: [{ address: "10.9.0.2/24" }] } });
      const prevResult = succeed(node.call({ command: "ADD", config }));
      const { address } = stateOf(node, false);
      node.container.ip("link delete eth0");
      node.container.ip(`link add eth0 address ${address} type bridge`);
      node.container.ip("link set eth0 up");
      node.container.ip("address add 10.9.0.2/24 dev eth0");
      return node.call({ command: "CHECK", config: { ...config, prevResult } }).status;
    });
    expect(statuses).toEqual([1, 0]);
  });
});
