// The same input to upstream's ptp and to ours: same results, same state of the kernel.

import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ptp } from "../../src/plugins/ptp.ts";
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

const WORKING: readonly (readonly [what: string, config: (dataDir: string) => Config])[] = [
  [
    "a range of each family with default routes",
    (dataDir) => ({
      ...v1,
      ipam: { type: "host-local", dataDir, ranges: [range("10.1.0.0/17"), range("fd00:1::/112")], routes: defaults },
    }),
  ],
  [
    "an IPv4 range alone, an MTU and DNS in the result of version 0.2.0",
    (dataDir) => ({
      ...v1,
      cniVersion: "0.2.0",
      mtu: 1400,
      dns: { nameservers: ["192.0.2.53"], search: ["example.org"] },
      ipam: { type: "host-local", dataDir, subnet: "10.1.0.0/24", routes: [{ dst: "0.0.0.0/0" }] },
    }),
  ],
  [
    "an IPv6 range alone in the result of version 0.4.0",
    (dataDir) => ({
      ...v1,
      cniVersion: "0.4.0",
      mtu: 1280,
      ipam: { type: "host-local", dataDir, ranges: [range("fd00:1::/64")], routes: [{ dst: "::/0" }] },
    }),
  ],
  [
    "two ranges of each family and default routes by either",
    (dataDir) => ({
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
  ],
  ["a /31", () => fixed([{ address: "10.1.0.1/31", gateway: "10.1.0.0" }])],
  ["a /128 whose gateway is outside", () => fixed([{ address: "fd00:1::5/128", gateway: "fd00:2::1" }])],
  [
    "an empty list of name servers, which takes IPAM's away",
    () => ({
      ...fixed([{ address: "10.1.0.5/24", gateway: "10.1.0.1" }], { dns: { nameservers: ["192.0.2.53"] } }),
      dns: { nameservers: [] },
    }),
  ],
  [
    "DNS of IPAM's where the configuration has none",
    () => fixed([{ address: "10.1.0.5/24", gateway: "10.1.0.1" }], { dns: { nameservers: ["192.0.2.53"] } }),
  ],
];

/** What neither serves. */
const FAILING: readonly (readonly [
  what: string,
  config: (dataDir: string) => Config,
  prepare?: (node: TestNode) => void,
])[] = [
  ["no IPAM plugin", () => v1],
  ["an IPAM plugin that isn't there", () => ({ ...v1, ipam: { type: "nonsuch" } })],
  ["an IPAM plugin that gives no address", () => fixed([])],
  ["an address without a gateway", () => fixed([{ address: "10.1.0.5/24" }])],
  [
    "an unknown back end",
    () => ({ ...fixed([{ address: "10.1.0.5/24", gateway: "10.1.0.1" }]), ipMasq: true, ipMasqBackend: "pf" }),
  ],
  ["an MTU that no link can have", () => ({ ...fixed([{ address: "10.1.0.5/24", gateway: "10.1.0.1" }]), mtu: 20 })],
  ["an MTU too small for IPv6", () => ({ ...fixed([{ address: "fd00:1::5/64", gateway: "fd00:1::1" }]), mtu: 1000 })],
  [
    "an interface name that is taken",
    () => fixed([{ address: "10.1.0.5/24", gateway: "10.1.0.1" }]),
    ({ container }) => container.ip("link add eth0 type bridge"),
  ],
];

describe("ptp beside upstream's", () => {
  it.each(WORKING)("makes the same of %s", (_, config) => {
    const [ours, theirs] = [ourNode(ptp), peerNode("ptp")].map((node) => addOn(node, config(node.dataDir)));
    expect(ours).toEqual(theirs);
  });

  it("makes the same where the kernel looks for duplicates of addresses, but switches that off", () => {
    const config = fixed([{ address: "fd00:1::5/64", gateway: "fd00:1::1" }]);
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

  it.each(FAILING)("refuses as upstream's does: %s", (_, config, prepare) => {
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
