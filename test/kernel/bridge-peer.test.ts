// The bridge plugin beside containernetworking/plugins' own: the same calls, each on a node of its own, must print the same
// results and make the same interfaces, addresses, routes and parameters.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { plugin as bridge } from "../../src/plugins/bridge/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import {
  type NodeOptions,
  type Observed,
  observe,
  ourNode,
  peerNode,
  peerOn,
  type TestNode,
} from "../support/differential.ts";
import { poll, requireNamespaces } from "../support/netns.ts";
import { type NetnsState, settledState } from "../support/node-state.ts";
import { type CallPlugin, inProcess, type PluginCall, type PluginOutcome, succeed } from "../support/plugin.ts";

beforeAll(() => requireNamespaces());

const IPV4 = [{ subnet: "10.1.0.0/24" }];
const IPV6 = [{ subnet: "fd00:1::/64" }];

const hostLocal = (node: TestNode, ranges: object[][], more: object = {}): object => ({
  ipam: { type: "host-local", dataDir: node.dataDir, ranges, ...more },
});

/** The keys of a configuration, which may need the node's own directory. */
type Keys = (node: TestNode) => object;

const configOf = (keys: object): object => ({ cniVersion: "1.0.0", name: "net", type: "bridge", ...keys });

function add(node: TestNode, keys: Keys, call: Partial<PluginCall> = {}): PluginOutcome {
  return node.call({ command: "ADD", config: configOf(keys(node)), ...call });
}

interface Setting {
  readonly call?: Partial<PluginCall>;
  readonly prepare?: (node: TestNode) => void;
  readonly options?: NodeOptions;
}

/** Prepares both nodes, ADDs on both, and returns what can be seen of each. */
function both(
  keys: Keys,
  { call = {}, prepare = () => {}, options = {} }: Setting = {},
): { ours: Observed; theirs: Observed; nodes: readonly [TestNode, TestNode] } {
  const nodes = [ourNode(bridge, options), peerNode("bridge", options)] as const;
  const [ours, theirs] = nodes.map((node) => {
    prepare(node);
    const outcome = add(node, keys, call);
    succeed(outcome);
    return observe(node, outcome);
  });
  if (ours === undefined || theirs === undefined) throw new Error("two nodes");
  return { ours, theirs, nodes };
}

/** In an order that does not depend on what is random. */
function inOrder(state: NetnsState): NetnsState {
  const sort = <T>(values: readonly T[]): T[] =>
    [...values].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  return { ...state, links: sort(state.links), addresses: sort(state.addresses), routes: sort(state.routes) };
}

function comparable<T extends Observed>(observed: T): T {
  return { ...observed, node: inOrder(observed.node), container: inOrder(observed.container) };
}

function expectSame({ ours, theirs }: { ours: Observed; theirs: Observed }): void {
  expect(comparable(ours)).toEqual(comparable(theirs));
}

/** Our plugin on a node that has upstream's. */
function oursOn({ node, container }: TestNode): CallPlugin {
  const call = inProcess(bridge);
  const attachment = { containerId: "container-1", netns: container.path, ifname: "eth0" };
  return (given) => inNetns(node.fd, () => call({ ...attachment, ...given }));
}

const CASES: readonly (readonly [what: string, keys: Keys, call?: Partial<PluginCall>])[] = [
  ["no keys: a bridge that only carries frames", () => ({})],
  ["bridge and mtu", () => ({ bridge: "br7", mtu: 1400 })],
  ["addresses on a bridge that is no gateway", (node) => hostLocal(node, [IPV4, IPV6])],
  ["isGateway", (node) => ({ isGateway: true, ...hostLocal(node, [IPV4, IPV6]) })],
  ["isDefaultGateway", (node) => ({ isDefaultGateway: true, ...hostLocal(node, [IPV4, IPV6]) })],
  [
    "ipMasq and the routes of a usual network",
    (node) => ({
      isGateway: true,
      ipMasq: true,
      ipMasqBackend: "nftables",
      ...hostLocal(node, [IPV4, IPV6], { routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }] }),
    }),
  ],
  [
    "one IPv4 and five IPv6 ranges",
    (node) => ({
      isDefaultGateway: true,
      ...hostLocal(node, [IPV4, ...[1, 2, 3, 4, 5].map((n) => [{ subnet: `fd00:${n}::/64` }])]),
    }),
  ],
  [
    "gateways that the ranges name",
    (node) => ({
      isGateway: true,
      ...hostLocal(node, [[{ ...IPV4[0], gateway: "10.1.0.254" }], [{ ...IPV6[0], gateway: "fd00:1::fe" }]]),
    }),
  ],
  ["hairpinMode", (node) => ({ hairpinMode: true, isGateway: true, ...hostLocal(node, [IPV4]) })],
  ["promiscMode", (node) => ({ promiscMode: true, isGateway: true, ...hostLocal(node, [IPV4]) })],
  ["macspoofchk", (node) => ({ macspoofchk: true, isGateway: true, ...hostLocal(node, [IPV4]) })],
  ["portIsolation", () => ({ portIsolation: true })],
  ["disableContainerInterface", () => ({ disableContainerInterface: true })],
  [
    "forceAddress where nothing is in the way",
    (node) => ({ forceAddress: true, isGateway: true, ...hostLocal(node, [IPV4]) }),
  ],
  ["a MAC address by runtimeConfig", () => ({ runtimeConfig: { mac: "0a:00:00:00:00:01" } })],
  ["a MAC address by args", () => ({ args: { cni: { mac: "0A-00-00-00-00-02" } } })],
  ["a MAC address by CNI_ARGS", () => ({}), { args: "IgnoreUnknown=1;K8S_POD_NAME=p;MAC=0a00.0000.0003" }],
  [
    "routes with every attribute",
    (node) => ({
      isGateway: true,
      ...hostLocal(node, [IPV4, IPV6], {
        routes: [
          { dst: "192.0.2.0/24", gw: "10.1.0.7" },
          { dst: "198.51.100.0/24", priority: 7 },
          { dst: "192.0.2.0/24", table: 7 },
          { dst: "2001:db8:1::/48", gw: "fd00:1::7", priority: 9 },
        ],
      }),
    }),
  ],
  [
    "dns of its own",
    (node) => ({ dns: { nameservers: ["192.0.2.53"], search: ["example"] }, ...hostLocal(node, [IPV4]) }),
  ],
  [
    "static IPAM without gateways",
    () => ({
      ipam: {
        type: "static",
        addresses: [{ address: "10.9.0.7/24" }, { address: "fd00:9::7/64" }],
        routes: [{ dst: "192.0.2.0/24", scope: 253 }],
      },
    }),
  ],
  [
    "static IPAM on a gateway",
    () => ({
      isDefaultGateway: true,
      ipam: {
        type: "static",
        addresses: [{ address: "10.9.0.7/24", gateway: "10.9.0.3" }, { address: "fd00:9::7/64" }],
      },
    }),
  ],
  ["version 0.3.1", (node) => ({ cniVersion: "0.3.1", isGateway: true, ...hostLocal(node, [IPV4, IPV6]) })],
  ["version 0.4.0", (node) => ({ cniVersion: "0.4.0", isGateway: true, ...hostLocal(node, [IPV4, IPV6]) })],
  ["version 0.2.0", (node) => ({ cniVersion: "0.2.0", isDefaultGateway: true, ...hostLocal(node, [IPV4, IPV6]) })],
  ["version 1.1.0", (node) => ({ cniVersion: "1.1.0", isGateway: true, ...hostLocal(node, [IPV4, IPV6]) })],
];

describe("ADD does what upstream's does", () => {
  for (const [what, keys, call = {}] of CASES) it(`with ${what}`, () => expectSame(both(keys, { call })));

  it("on a bridge that is there, down, and accepts router advertisements", () => {
    const prepare = ({ node }: TestNode): void => {
      node.ip("link add cni0 type bridge");
      node.exec("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/cni0/accept_ra");
    };
    const found = both((node) => ({ isGateway: true, mtu: 1400, ...hostLocal(node, [IPV4, IPV6]) }), { prepare });
    expectSame(found);
    expect(found.ours.node.parameters["ipv6/conf/cni0/accept_ra"]).toBe("0");
  });

  it("on a bridge that has the gateway's address already, and others that are not in its way", () => {
    const prepare = ({ node }: TestNode): void => {
      node.ip("link add cni0 up address 0a:00:00:00:00:0b type bridge");
      node.ip("addr add 10.1.0.1/24 brd + dev cni0");
      node.ip("addr add fd00:7::1/64 dev cni0 nodad");
    };
    const keys: Keys = (node) => ({ isGateway: true, ...hostLocal(node, [IPV4, IPV6]) });
    expectSame(both(keys, { prepare }));
  });

  it("with forceAddress where other addresses are in the way", () => {
    const prepare = ({ node }: TestNode): void => {
      node.ip("link add cni0 up type bridge");
      node.ip("addr add 10.7.0.1/24 dev cni0");
      node.ip("addr add fd00:1::99/48 dev cni0 nodad");
      node.ip("addr add fd00:7::1/64 dev cni0 nodad");
    };
    const keys: Keys = (node) => ({ forceAddress: true, isGateway: true, ...hostLocal(node, [IPV4, IPV6]) });
    expectSame(both(keys, { prepare }));
  });

  it("for a second and a third container", () => {
    const [ours, theirs] = [ourNode(bridge), peerNode("bridge")].map((node) => {
      const keys: Keys = () => ({ isDefaultGateway: true, portIsolation: true, ...hostLocal(node, [IPV4, IPV6]) });
      const results = ["eth0", "eth1", "eth2"].map((ifname) =>
        succeed(add(node, keys, { ifname, containerId: ifname })),
      );
      const observed = comparable(observe(node, { status: 0, stdout: "", stderr: "", json: undefined }));
      // Which port is whose is a matter of chance.
      const links = observed.node.links.map(({ ifname, mac, ...link }) => ({
        ...link,
        isPort: ifname.startsWith("VETH"),
      }));
      return { results: results.map(({ ips, routes }) => ({ ips, routes })), links, container: observed.container };
    });
    expect(ours).toEqual(theirs);
    expect(ours?.links).toHaveLength(5);
  });

  it("with enabledad", () => {
    const keys: Keys = (node) => ({ enabledad: true, isGateway: true, ...hostLocal(node, [IPV4, IPV6]) });
    expectSame(both(keys, { options: { detectsDuplicates: true } }));
  });

  it("but for duplicate address detection on a gateway that is new, which can use its link-local address at once", () => {
    const keys: Keys = (node) => ({ isGateway: true, ...hostLocal(node, [IPV4, IPV6]) });
    const { ours, theirs } = both(keys, { options: { detectsDuplicates: true } });
    const name = "ipv6/conf/cni0/accept_dad";
    expect([ours.node.parameters[name], theirs.node.parameters[name]]).toEqual(["0", "1"]);
    const parameters = { ...ours.node.parameters, [name]: "1" };
    expectSame({ ours: { ...ours, node: { ...ours.node, parameters } }, theirs });
  });
});

describe("DEL leaves what upstream's leaves", () => {
  it("of a bridge with a gateway", () => {
    const keys: Keys = (node) => ({ isGateway: true, macspoofchk: true, ...hostLocal(node, [IPV4, IPV6]) });
    const { nodes } = both(keys);
    const states = nodes.map((node) => {
      succeed(node.call({ command: "DEL", config: configOf(keys(node)) }));
      poll("the bridge sees that it has no port", () => node.node.ipJson("link show cni0")[0].operstate === "DOWN");
      return comparable(observe(node, { status: 0, stdout: "", stderr: "", json: undefined }));
    });
    expect(states[0]).toEqual(states[1]);
    expect(states[0]?.container.links).toHaveLength(1);
  });
});

describe("either plugin takes over what the other has made", () => {
  const keys: Keys = (node) => ({ isDefaultGateway: true, hairpinMode: true, ...hostLocal(node, [IPV4, IPV6]) });

  it.each([
    ["ours", () => peerNode("bridge"), oursOn],
    ["upstream's", () => ourNode(bridge), (node: TestNode) => peerOn(node, "bridge")],
  ])("%s CHECKs and DELs what the other has ADDed", (_, makeNode, makeOther) => {
    const node = makeNode();
    const other = makeOther(node);
    const bare = settledState(node.container);
    const prevResult = succeed(add(node, keys));
    const config = configOf({ ...keys(node), prevResult });
    succeed(other({ command: "CHECK", config }));
    succeed(other({ command: "DEL", config }));
    expect(settledState(node.container)).toEqual(bare);
    expect(node.node.ipJson("link show").map(({ ifname }: { ifname: string }) => ifname)).toEqual(["lo", "cni0"]);
    expect(readdirSync(join(node.dataDir, "net")).filter((name) => /^[0-9a-f]+[.:]/.test(name))).toEqual([]);
  });
});

describe("what upstream's refuses, ours refuses", () => {
  const CASES: readonly (readonly [
    what: string,
    keys: Keys,
    call?: Partial<PluginCall>,
    prepare?: (node: TestNode) => void,
  ])[] = [
    ["hairpinMode with promiscMode", () => ({ hairpinMode: true, promiscMode: true })],
    [
      "disableContainerInterface with ipam",
      (node) => ({ disableContainerInterface: true, ...hostLocal(node, [IPV4]) }),
    ],
    ["a VLAN out of range", () => ({ vlan: 4095 })],
    ["a trunk out of range", () => ({ vlanTrunk: [{ id: 0 }] })],
    ["half a range in a trunk", () => ({ vlanTrunk: [{ minID: 4 }] })],
    ["a reversed range in a trunk", () => ({ vlanTrunk: [{ minID: 4, maxID: 3 }] })],
    ["an unknown back end", (node) => ({ ipMasq: true, ipMasqBackend: "pf", ...hostLocal(node, [IPV4]) })],
    ["CNI_ARGS that it doesn't know", () => ({}), { args: "FOO=BAR" }],
    ["a MAC address that is none", () => ({}), { args: "MAC=nonsense" }],
    ["a multicast MAC address", () => ({ runtimeConfig: { mac: "01:00:5e:00:00:01" } })],
    ["an interface that the container has", () => ({}), { ifname: "lo" }],
    ["a namespace that isn't there", () => ({}), { netns: "/run/netns/nowhere" }],
    ["a namespace that is none", () => ({}), { netns: "/proc/version" }],
    [
      "a bridge that is none",
      () => ({ bridge: "v0" }),
      {},
      ({ node }) => void node.ip("link add v0 type veth peer v1"),
    ],
    [
      "a bridge with another IPv4 address",
      (node) => ({ isGateway: true, ...hostLocal(node, [IPV4]) }),
      {},
      ({ node }) => {
        node.ip("link add cni0 up type bridge");
        node.ip("addr add 10.7.0.1/24 dev cni0");
      },
    ],
    [
      "a bridge with an IPv6 address whose subnet overlaps",
      (node) => ({ isGateway: true, ...hostLocal(node, [IPV6]) }),
      {},
      ({ node }) => {
        node.ip("link add cni0 up type bridge");
        node.ip("addr add fd00:1::7/48 dev cni0 nodad");
      },
    ],
  ];
  for (const [what, keys, call = {}, prepare = () => {}] of CASES) {
    it(what, () => {
      const outcomes = [ourNode(bridge), peerNode("bridge")].map((node) => {
        prepare(node);
        return add(node, keys, call);
      });
      expect(outcomes.map(({ status }) => status)).toEqual([1, 1]);
    });
  }
});
