// The same input to upstream's ptp and to ours: same results, same state of the kernel.

import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { plugin as ptp } from "../../src/plugins/ptp/plugin.ts";
import { observe, ourNode, peerNode, peerOn, type TestNode } from "../support/differential.ts";
import type { NetnsState } from "../support/node-state.ts";
import { succeed } from "../support/plugin.ts";

type Config = Readonly<Record<string, unknown>>;

const v1 = { cniVersion: "1.1.0", name: "net1", type: "ptp" };
const range = (subnet: string): readonly unknown[] => [{ subnet }];
const defaults = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];
const fixed = (addresses: readonly unknown[], more: Config = {}): Config => ({
  ...v1,
  ipam: { type: "static", addresses, ...more },
});

interface Case {
  readonly what: string;
  readonly config: (dataDir: string) => Config;
  readonly prepare?: (node: TestNode) => void;
}

const FIXED = fixed([{ address: "10.1.0.5/24", gateway: "10.1.0.1" }]);
const FIXED_IPV6 = fixed([{ address: "fd00:1::5/64", gateway: "fd00:1::1" }]);
const WITH_DNS = fixed([{ address: "10.1.0.5/24", gateway: "10.1.0.1" }], { dns: { nameservers: ["192.0.2.53"] } });

const WORKING: readonly Case[] = [
  {
    what: "a range of each family with default routes",
    config: (dataDir) => ({
      ...v1,
      ipam: { type: "host-local", dataDir, ranges: [range("10.1.0.0/17"), range("fd00:1::/112")], routes: defaults },
    }),
  },
  {
    what: "an IPv4 range alone, an MTU and DNS in the result of version 0.2.0",
    config: (dataDir) => ({
      ...v1,
      cniVersion: "0.2.0",
      mtu: 1400,
      dns: { nameservers: ["192.0.2.53"], search: ["example.org"] },
      ipam: { type: "host-local", dataDir, subnet: "10.1.0.0/24", routes: [{ dst: "0.0.0.0/0" }] },
    }),
  },
  {
    what: "an IPv6 range alone in the result of version 0.4.0",
    config: (dataDir) => ({
      ...v1,
      cniVersion: "0.4.0",
      mtu: 1280,
      ipam: { type: "host-local", dataDir, ranges: [range("fd00:1::/64")], routes: [{ dst: "::/0" }] },
    }),
  },
  {
    what: "two ranges of each family and default routes by either",
    config: (dataDir) => ({
      ...v1,
      ipam: {
        type: "host-local",
        dataDir,
        ranges: ["10.1.0.0/24", "10.2.0.0/24", "fd00:1::/112", "fd00:2::/112"].map(range),
        routes: [
          ...defaults,
          { dst: "0.0.0.0/0", gw: "10.2.0.1" },
          { dst: "::/0", gw: "fd00:2::1" },
          { dst: "192.0.2.0/24", gw: "10.2.0.1", priority: 7, table: 100, scope: 0 },
          { dst: "2001:db8::/32", priority: 9, table: 1000 },
        ],
      },
    }),
  },
  { what: "a /31", config: () => fixed([{ address: "10.1.0.1/31", gateway: "10.1.0.0" }]) },
  {
    what: "a /128 whose gateway is outside",
    config: () => fixed([{ address: "fd00:1::5/128", gateway: "fd00:2::1" }]),
  },
  { what: "an empty list of name servers", config: () => ({ ...WITH_DNS, dns: { nameservers: [] } }) },
  { what: "name servers that IPAM gives", config: () => WITH_DNS },
  {
    what: "a namespace in which IPv6 is disabled",
    config: () => FIXED_IPV6,
    prepare: ({ container }) => void container.exec("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"),
  },
];

/** What neither serves. */
const FAILING: readonly Case[] = [
  { what: "no IPAM plugin", config: () => v1 },
  { what: "an IPAM plugin that isn't there", config: () => ({ ...v1, ipam: { type: "nonsuch" } }) },
  { what: "an IPAM plugin that gives no address", config: () => fixed([]) },
  { what: "an address without a gateway", config: () => fixed([{ address: "10.1.0.5/24" }]) },
  { what: "an unknown back end", config: () => ({ ...FIXED, ipMasq: true, ipMasqBackend: "pf" }) },
  { what: "an MTU that no link can have", config: () => ({ ...FIXED, mtu: 20 }) },
  { what: "an MTU too small for IPv6", config: () => ({ ...FIXED_IPV6, mtu: 1000 }) },
  {
    what: "an interface name that is taken",
    config: () => FIXED,
    prepare: ({ container }) => void container.ip("link add eth0 type bridge"),
  },
];

describe("ptp beside upstream's", () => {
  it.each(WORKING)("makes the same of $what", ({ config, prepare }) => {
    const [ours, theirs] = [ourNode(ptp), peerNode("ptp")].map((node) => {
      prepare?.(node);
      return addOn(node, config(node.dataDir));
    });
    expect(ours).toEqual(theirs);
  });

  it("makes the same where the kernel looks for duplicates of addresses, but switches that off", () => {
    const config = FIXED_IPV6;
    const options = { detectsDuplicates: true };
    const [ours, theirs] = [ourNode(ptp, options), peerNode("ptp", options)].map((node) => addOn(node, config));
    expect(ours?.node.parameters["ipv6/conf/VETH0/accept_dad"]).toBe("0");
    expect(ours?.container.parameters["ipv6/conf/eth0/accept_dad"]).toBe("0");
    expect(ours).toEqual({
      ...theirs,
      node: withoutDetection(theirs?.node),
      container: withoutDetection(theirs?.container),
    });
  });

  it.each(FAILING)("refuses as upstream's does: $what", ({ config, prepare }) => {
    for (const node of [ourNode(ptp), peerNode("ptp")]) {
      prepare?.(node);
      const { status, json } = node.call({ command: "ADD", config: config(node.dataDir) });
      expect([status, typeof json.code, typeof json.msg]).toEqual([1, "number", "string"]);
    }
  });

  it("deletes what upstream's ADD made, and upstream's deletes what ours made", () => {
    const node = ourNode(ptp);
    const config = {
      ...v1,
      ipam: { type: "host-local", dataDir: node.dataDir, ranges: [range("10.1.0.0/24")], routes: defaults },
    };
    const theirs = peerOn(node, "ptp");
    for (const [add, del] of [
      [node.call, theirs],
      [theirs, node.call],
    ] as const) {
      const prevResult = succeed(add({ command: "ADD", config }));
      for (const call of [add, del]) succeed(call({ command: "CHECK", config: { ...config, prevResult } }));
      succeed(del({ command: "DEL", config: { ...config, prevResult } }));
      expect(node.node.ipJson("link show type veth")).toEqual([]);
      expect(readdirSync(`${node.dataDir}/net1`).filter((name) => /^[0-9]/.test(name))).toEqual([]);
    }
  });
});

function addOn(node: TestNode, config: Config): ReturnType<typeof observe> {
  const outcome = node.call({ command: "ADD", config });
  succeed(outcome);
  return observe(node, outcome);
}

function withoutDetection(state: NetnsState | undefined): unknown {
  const parameters = { ...state?.parameters };
  for (const name of ["ipv6/conf/VETH0/accept_dad", "ipv6/conf/eth0/accept_dad"])
    if (name in parameters) parameters[name] = "0";
  return { ...state, parameters };
}
