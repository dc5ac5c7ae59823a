// The vrf plugin. Runs in guests only (npm run test:kernels): it takes the kernel's module vrf.

import { rmSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { plugin as vrf } from "../../src/plugins/vrf/plugin.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { attachList, type List } from "../support/list-in-process.ts";
import { connect, DUAL, type Link, OTHER, routesOf } from "../support/multihomed.ts";
import type { TestNetns } from "../support/netns.ts";
import { ping } from "../support/outside.ts";
import { type PluginCall, type PluginOutcome, succeed } from "../support/plugin.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results of any kind
type Json = any;

afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

const RED = { vrfname: "red" };

/** A container whose interface eth0 has addresses of both families, and the calls about it. */
class World {
  readonly node: TestNode = ourNode(vrf);
  readonly eth0: Link = connect(this.node, "eth0", DUAL);

  get container(): TestNetns {
    return this.node.container;
  }

  call(command: string, keys: Json = RED, more: Partial<PluginCall> = {}, link: Link = this.eth0): PluginOutcome {
    const config = { cniVersion: "1.1.0", name: "net", type: "vrf", prevResult: link.prevResult, ...keys };
    return this.node.call({ command, config, ...more });
  }

  add(keys: Json = RED, more: Partial<PluginCall> = {}, link: Link = this.eth0): void {
    expect(succeed(this.call("ADD", keys, more, link))).toEqual(link.prevResult);
  }

  fault(keys: Json = RED): string {
    const { status, json } = this.call("CHECK", keys);
    expect(status).toBe(1);
    return json.msg;
  }

  /** The VRFs by their names, each with its table and its ports. */
  get vrfs(): Json {
    const links: Json[] = this.container.ipJson("link show");
    return Object.fromEntries(
      links
        .filter(({ linkinfo }) => linkinfo?.info_kind === "vrf")
        .map(({ ifname, linkinfo }) => [
          ifname,
          [linkinfo.info_data.table, links.filter(({ master }) => master === ifname).map((one) => one.ifname)],
        ]),
    );
  }

  get addresses(): Json {
    const links: Json[] = this.container.ipJson("address show scope global");
    return links.flatMap(({ ifname, addr_info = [] }) =>
      addr_info
        .filter(({ local }: Json) => local)
        .map(({ local, prefixlen }: Json) => `${ifname} ${local}/${prefixlen}`),
    );
  }

  /** All that an ADD changes. */
  get state(): Json {
    return { vrfs: this.vrfs, addresses: this.addresses, main: routesOf(this.container).toSorted() };
  }
}

const ENDS = ["unreachable default dev lo", "unreachable ::/0 dev lo"];
const isEnd = (route: string): boolean => route.startsWith("unreachable");
const through = (container: TestNetns, table: number): string[] =>
  routesOf(container, table).filter((route) => !isEnd(route) && !route.startsWith("fe80::"));

/** What a command prints, or the error that it ends with. */
function said(command: () => string): string {
  try {
    return command();
  } catch (error) {
    return String(error);
  }
}

describe("an ADD of vrf", () => {
  it("puts the interface into a new VRF, with its addresses and routes in both families", () => {
    const world = new World();
    const before = world.state;
    world.add();
    expect(world.vrfs).toEqual({ red: [1, ["eth0"]] });
    expect(world.addresses).toEqual(before.addresses);
    expect(routesOf(world.container)).toEqual([]);
    expect(through(world.container, 1)).toEqual([
      "default via 10.7.0.1 dev eth0",
      "10.7.0.0/24 dev eth0 src 10.7.0.2",
      "fd07::/64 dev eth0",
      "::/0 via fd07::1 dev eth0",
    ]);
    for (const gateway of ["10.7.0.1", "fd07::1"]) ping(world.container, gateway, "red");
    succeed(world.call("CHECK"));
    const after = world.state;
    world.add(); // again: there is nothing to do
    expect(world.state).toEqual(after);
    for (let i = 0; i < 2; i++) {
      succeed(world.call("DEL"));
      expect(world.state).toEqual(before);
    }
    expect(routesOf(world.container, 1)).toEqual([]);
  });

  it("joins a VRF that is there, which goes with the last of them", () => {
    const world = new World();
    const eth1 = connect(world.node, "eth1", OTHER);
    world.add({ ...RED, table: 4294967295 });
    world.add(RED, { ifname: "eth1" }, eth1);
    expect(world.vrfs).toEqual({ red: [4294967295, ["eth0", "eth1"]] });
    // The newest default route of IPv4 counts, and the older one stays; IPv6 makes one route of both.
    const defaults = through(world.container, 4294967295).filter((route) => /^(default|::\/0)/.test(route));
    expect(defaults.slice(0, 2)).toEqual(["default via 10.9.0.1 dev eth1", "default via 10.7.0.1 dev eth0"]);
    expect(defaults.slice(2).toSorted()).toEqual(["::/0 via fd07::1 dev eth0", "::/0 via fd09::1 dev eth1"]);
    succeed(world.call("CHECK"));
    succeed(world.call("CHECK", RED, { ifname: "eth1" }, eth1));
    succeed(world.call("DEL"));
    expect(world.vrfs).toEqual({ red: [4294967295, ["eth1"]] });
    ping(world.container, "fd09::1", "red");
    succeed(world.call("DEL", RED, { ifname: "eth1" }, eth1));
    expect(world.vrfs).toEqual({});
  });

  it("keeps VRFs apart that have the same subnets", () => {
    const world = new World();
    const eth1 = connect(world.node, "eth1", DUAL);
    world.add();
    world.add({ vrfname: "blue" }, { ifname: "eth1" }, eth1);
    expect(world.vrfs).toEqual({ red: [1, ["eth0"]], blue: [2, ["eth1"]] });
    for (const name of ["red", "blue"])
      for (const gateway of ["10.7.0.1", "fd07::1"]) ping(world.container, gateway, name);
  });

  it("takes a table that nothing uses (W3)", () => {
    const world = new World();
    world.container.ip("rule add from 192.0.2.1 lookup 1");
    world.container.ip("-6 rule add from 2001:db8::1 lookup 2");
    world.container.ip("route add blackhole 192.0.2.0/24 table 3");
    world.container.ip("link add other type vrf table 4");
    world.add();
    expect(world.vrfs).toMatchObject({ red: [5, ["eth0"]] });
  });

  it("moves its next hop of a default route that the kernel has made one with another's (W2, D42)", () => {
    const world = new World();
    const eth1 = connect(world.node, "eth1", OTHER);
    world.container.ip("route add 192.0.2.0/24 nexthop via 10.7.0.1 dev eth0 nexthop via 10.9.0.1 dev eth1");
    world.add(RED, { ifname: "eth1" }, eth1);
    const main = routesOf(world.container);
    expect(main).toContain("::/0 via fd07::1 dev eth0");
    expect(main).toContain("192.0.2.0/24 via 10.7.0.1 dev eth0");
    expect(main.filter((route) => route.includes("eth1"))).toEqual([]);
    expect(through(world.container, 1)).toEqual(
      expect.arrayContaining(["::/0 via fd09::1 dev eth1", "192.0.2.0/24 via 10.9.0.1 dev eth1"]),
    );
    ping(world.container, "fd07::1", "fd07::2");
    succeed(world.call("DEL", RED, { ifname: "eth1" }, eth1));
    expect(routesOf(world.container).filter((route) => route.startsWith("::/0"))).toEqual([
      "::/0 via fd07::1 dev eth0",
    ]);
  });

  it("lets nothing out of the VRF that the VRF has no route for (W4)", () => {
    const world = new World();
    const eth1 = connect(world.node, "eth1", [{ address: "10.9.0.2/24" }, { address: "fd09::2/64" }]);
    world.add(RED, { ifname: "eth1" }, eth1);
    expect(routesOf(world.container, 1).filter(isEnd)).toEqual([ENDS[0]?.replace(" dev lo", ""), ENDS[1]]);
    for (const address of ["192.0.2.1", "2001:db8::1"]) {
      expect(said(() => world.container.ip(`route get ${address} vrf red`))).toMatch(/unreachable|No route to host/);
      expect(world.container.ip(`route get ${address}`)).toContain("eth0");
    }
  });

  it("keeps addresses as they were, with their lifetimes and without asking for duplicates again (W7)", () => {
    const world = new World();
    world.container.exec("sysctl", "-qw", "net.ipv6.conf.eth0.keep_addr_on_down=0", "net.ipv6.conf.eth0.accept_dad=1");
    world.container.ip("address add fd08::2/64 dev eth0 nodad valid_lft 5000 preferred_lft 4000");
    const shown = (): Json =>
      world.container
        .ipJson("-6 address show dev eth0 scope global")[0]
        .addr_info.map(({ local, tentative, valid_life_time: life }: Json) => [
          local,
          tentative,
          life > 4000 && life <= 5000,
        ])
        .toSorted();
    const before = shown();
    world.add();
    expect(shown()).toEqual(before);
    expect(before).toContainEqual(["fd08::2", undefined, true]);
    const values = ["keep_addr_on_down", "accept_dad"].map((name) => world.container.exec("cat", `/proc/sys/net/ipv6/conf/eth0/${name}`).trim()); // biome-ignore format: one list
    expect(values).toEqual(["0", "1"]);
  });

  it("moves routes with all that they have (W8)", () => {
    const world = new World();
    world.container.ip(
      "route add 192.0.2.0/24 via 10.7.0.1 src 10.7.0.2 metric 7 mtu lock 1300 advmss 1200 hoplimit 9 proto static",
    );
    world.container.ip("-6 route add 2001:db8::/32 via fd07::1 src fd07::2 metric 7 mtu 1300 pref high proto static");
    world.container.ip("route add 198.51.100.0/24 dev eth0 scope link");
    const shown = (table: string): Json => [
      world.container.ipJson(`route show table ${table} 192.0.2.0/24`)[0],
      world.container.ipJson(`-6 route show table ${table} 2001:db8::/32`)[0],
      world.container.ipJson(`route show table ${table} 198.51.100.0/24`)[0],
    ];
    const before = shown("main");
    world.add();
    expect(shown("1")).toEqual(before);
  });

  it.each<[what: string, prepare: string | undefined, keys: Json, code: number, says: readonly string[]]>([
    ["no name", undefined, {}, 7, ["vrfname is missing"]],
    ["an empty name", undefined, { vrfname: "" }, 7, ["vrfname"]],
    ["a name of 16 bytes", undefined, { vrfname: "sixteen-letters-" }, 7, ["sixteen-letters-", "15 bytes"]],
    ["a number for a name", undefined, { vrfname: 5 }, 6, ["vrfname: 5"]],
    ["a table below 0", undefined, { ...RED, table: -1 }, 7, ["table: -1", "0 to 4294967295"]],
    ["a table of 33 bits", undefined, { ...RED, table: 4294967296 }, 7, ["table: 4294967296"]],
    ["the main table", undefined, { ...RED, table: 254 }, 7, ["table: 254", "kernel's own"]],
    ["a table in quotes", undefined, { ...RED, table: "5" }, 6, ['table: "5"']],
    ["the name of another interface", undefined, { vrfname: "lo" }, 7, ["lo", "is not a VRF"]],
    ["a bridge's name", "link add br0 type bridge", { vrfname: "br0" }, 7, ["br0", "is not a VRF but bridge"]],
    [
      "another table than the VRF has",
      "link add red type vrf table 7",
      { ...RED, table: 8 },
      7,
      ["table: 8", "red", "7"],
    ],
    [
      "an interface that is a port",
      "link add br0 type bridge; link set eth0 master br0",
      RED,
      7,
      ["eth0", "a port of br0"],
    ],
  ])("%s is refused, and nothing has changed (W5)", (_, prepare, keys, code, says) => {
    const world = new World();
    for (const command of prepare?.split("; ") ?? []) world.container.ip(command);
    const before = world.state;
    const { status, json } = world.call("ADD", keys);
    expect([status, json.code]).toEqual([1, code]);
    for (const text of says) expect(json.msg).toContain(text);
    expect(world.state).toEqual(before);
    succeed(world.call("DEL", keys));
    expect(world.state).toEqual(before);
  });

  it("names an interface that is not there, and leaves no VRF", () => {
    const world = new World();
    const { json } = world.call("ADD", RED, { ifname: "eth9" });
    expect(json).toMatchObject({ code: 7, msg: expect.stringContaining("the container has no interface eth9") });
    expect(world.vrfs).toEqual({});
  });
});

describe("DEL of vrf", () => {
  it("succeeds where the interface, the VRF or the namespace has gone (W1, D41)", () => {
    for (const [gone, left] of [
      ["link delete eth0", {}],
      ["link delete red", {}],
      ["link set eth0 nomaster", {}],
    ] as const) {
      const world = new World();
      world.add();
      world.container.ip(gone);
      succeed(world.call("DEL"));
      expect([gone, world.vrfs]).toEqual([gone, left]);
    }
    const world = new World();
    world.add();
    for (const netns of ["", `${world.container.path}-gone`]) succeed(world.call("DEL", RED, { netns }));
    expect(world.vrfs).toEqual({ red: [1, ["eth0"]] });
  });

  it("creates nothing, and leaves a VRF alone that the interface was never in", () => {
    const world = new World();
    world.container.ip("link add red type vrf table 7");
    const before = world.state;
    succeed(world.call("DEL"));
    succeed(world.call("DEL", { vrfname: "blue" }));
    expect(world.state).toEqual(before);
  });
});

describe("CHECK of vrf", () => {
  const FAULTS: readonly (readonly [change: string, says: string, keys?: Json])[] = [
    ["link set eth0 nomaster", "eth0 is not a port of the VRF red"],
    ["link delete red", "the container has no VRF red"],
    ["link set red down", "the VRF red is down"],
    ["route delete default table 1", "route to 0.0.0.0/0 via 10.7.0.1 not found"],
    ["-6 address delete fd07::2/64 dev eth0", "address fd07::2/64 is not on interface eth0"],
    ["link show", "table: 9", { ...RED, table: 9 }],
  ];
  it.each(FAULTS)("after %s fails", (change, says, keys = RED) => {
    const world = new World();
    world.add();
    world.container.ip(change);
    expect(world.fault(keys)).toContain(says);
  });
});

const ipamOf = ({ dataDir }: TestNode): Json => ({
  type: "host-local",
  dataDir,
  ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd01::/112" }]],
  routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
});

describe.each(["bridge", "ptp"])("CHECK of %s", (type) => {
  it("is content after vrf has moved the routes, and finds one that has gone (W6)", () => {
    const node = ourNode(vrf);
    const first = { type, bridge: "br0", isGateway: true, ipam: ipamOf(node) };
    const list: List = { name: "red", plugins: [first, { type: "vrf", ...RED }] };
    const attached = attachList(node, list);
    expect(attached.fault()).toBeUndefined();
    for (const gateway of ["10.1.0.1", "fd01::1"]) ping(node.container, gateway, "red");
    node.container.ip("route replace default via 10.1.0.77 dev eth0 onlink table 1");
    expect(attached.fault()).toContain("route to 0.0.0.0/0 via 10.1.0.1 not found");
    attached.detach();
    expect(node.container.ipJson("link show")).toHaveLength(1);
  });
});
