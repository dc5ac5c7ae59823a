// The sbr plugin against the kernel: what it makes of a container's routing, what it takes back, and what CHECK finds.

import { existsSync, readdirSync, rmSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { plugin as sbr } from "../../src/plugins/sbr/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { startBeside } from "../support/background.ts";
import { cli } from "../support/cli.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { withSyscalls } from "../support/intercept-syscalls.ts";
import { connect, DUAL, type Home, type Link, OTHER, routesOf, rulesOf } from "../support/multihomed.ts";
import { requireNamespaces } from "../support/netns.ts";
import { isAnswered, ping } from "../support/outside.ts";
import { type PluginCall, type PluginOutcome, succeed } from "../support/plugin.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results of any kind
type Json = any;

const RECORDS = "/run/bauta/sbr";

beforeAll(() => requireNamespaces());
afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

/** A container whose interface eth0 has these addresses, and the calls about it. */
class World {
  readonly node: TestNode = ourNode(sbr);
  readonly eth0: Link;

  constructor(homes: readonly Home[] = DUAL, options: Parameters<typeof connect>[3] = {}) {
    this.eth0 = connect(this.node, "eth0", homes, options);
  }

  get container(): TestNode["container"] {
    return this.node.container;
  }

  call(command: string, keys: Json = {}, more: Partial<PluginCall> = {}, link: Link = this.eth0): PluginOutcome {
    const { prevResult } = link;
    const config = { cniVersion: "1.1.0", name: "net", type: "sbr", ...keys };
    return this.node.call({ command, config: { prevResult, ...config }, ...more });
  }

  add(keys: Json = {}, more: Partial<PluginCall> = {}, link: Link = this.eth0): void {
    expect(succeed(this.call("ADD", keys, more, link))).toEqual(link.prevResult);
  }

  del(keys: Json = {}, more: Partial<PluginCall> = {}): void {
    succeed(this.call("DEL", keys, more));
  }

  fault(keys: Json = {}, more: Partial<PluginCall> = {}): string {
    const { status, json } = this.call("CHECK", keys, more);
    expect(status).toBe(1);
    return json.msg;
  }

  /** All that an ADD changes. */
  get state(): Json {
    const { container } = this;
    const records = existsSync(RECORDS) ? readdirSync(RECORDS) : [];
    return { rules: rulesOf(container), routes: routesOf(container, "all"), records };
  }
}

describe("an ADD of sbr", () => {
  it("does not mind a route that goes away at any moment of it", () => {
    const world = new World();
    const route = "172.16.0.0/16 dev eth0";
    const addWithout = (nth: number): number => {
      let sent = 0;
      world.container.ip(`route replace ${route}`);
      withSyscalls(
        (name) => {
          if (name === "sendto" && sent++ === nth) world.container.ip(`route delete ${route}`);
          return undefined;
        },
        () => world.add(),
      );
      world.del();
      return sent;
    };
    const all = addWithout(-1);
    for (let nth = 0; nth < all; nth++) addWithout(nth);
    expect(all).toBeGreaterThan(5);
  });

  it("makes a rule for each address, and a table for each rule", () => {
    const world = new World([...DUAL, { address: "10.8.0.2/24" }]);
    world.container.ip("route add 172.16.0.0/16 via 10.8.0.9");
    world.add();
    expect(rulesOf(world.container)).toEqual([
      "from 10.8.0.2 lookup 102",
      "from 10.7.0.2 lookup 100",
      "from fd07::2 lookup 101",
    ]);
    expect(routesOf(world.container, 100)).toEqual([
      "default via 10.7.0.1 dev eth0",
      "10.7.0.0/24 dev eth0 src 10.7.0.2",
    ]);
    const own6 = ["fd07::/64 dev eth0", "fe80::/64 dev eth0", "::/0 via fd07::1 dev eth0"];
    expect(routesOf(world.container, 101)).toEqual(own6);
    expect(routesOf(world.container, 102)).toEqual([
      "10.8.0.0/24 dev eth0 src 10.8.0.2",
      "172.16.0.0/16 via 10.8.0.9 dev eth0",
    ]);
    expect(routesOf(world.container)).toEqual(["fe80::/64 dev eth0"]);
  });

  it("keeps link-local addresses and multicast reachable (W3, D39)", () => {
    const world = new World();
    const [{ addr_info }] = world.eth0.router.ipJson("-6 address show dev to-container scope link");
    const neighbour = `${addr_info.find(({ local }: Json) => local)?.local}%eth0`;
    const all = "ff02::1%eth0";
    for (const address of [neighbour, all]) ping(world.container, address);
    world.add();
    for (const address of [neighbour, all]) ping(world.container, address);
  });

  it("puts no IPv6 routes where an IPv4 address leads (W4)", () => {
    const world = new World();
    world.add();
    expect(routesOf(world.container, 100).filter((text) => text.includes(":"))).toEqual([]);
  });

  it("copies a default route whose gateway is no address's, and one by a link-local gateway (W5, W6)", () => {
    const world = new World([{ address: "10.7.0.2/32" }, { address: "fd07::2/64" }], { hasDefault: false });
    world.container.ip("route add default via 169.254.1.1 dev eth0 onlink");
    world.container.ip("-6 route add default via fe80::1 dev eth0");
    world.add();
    expect(routesOf(world.container, 100)).toEqual(["default via 169.254.1.1 dev eth0"]);
    expect(routesOf(world.container, 101)).toContain("::/0 via fe80::1 dev eth0");
    expect(routesOf(world.container)).toEqual(["fe80::/64 dev eth0"]);
    expect(world.container.ipJson("route show table 100")[0].flags).toContain("onlink");
  });

  it("takes the gateway of a single address that has its gateway elsewhere", () => {
    const world = new World([{ address: "10.7.0.2/32", gateway: "169.254.1.1" }], { hasDefault: false });
    world.add();
    expect(routesOf(world.container, 100)).toEqual(["default via 169.254.1.1 dev eth0"]);
  });

  it("moves its next hop of a route that has several, and leaves the others' (W7)", () => {
    const world = new World();
    connect(world.node, "eth1", OTHER, { hasDefault: false });
    world.container.ip("-6 route append default via fd09::1 dev eth1");
    world.container.ip("route add 192.0.2.0/24 nexthop via 10.7.0.1 dev eth0 nexthop via 10.9.0.1 dev eth1");
    world.container.ip(
      "route add 198.51.100.0/24 nexthop via 10.7.0.1 dev eth0 nexthop via 10.7.0.9 dev eth0 weight 3",
    );
    world.add();
    expect(routesOf(world.container).filter((text) => !text.startsWith("fe80"))).toEqual([
      "10.9.0.0/24 dev eth1 src 10.9.0.2",
      "192.0.2.0/24 via 10.9.0.1 dev eth1",
      "fd09::/64 dev eth1",
      "::/0 via fd09::1 dev eth1",
    ]);
    expect(routesOf(world.container, 100)).toEqual([
      "default via 10.7.0.1 dev eth0",
      "10.7.0.0/24 dev eth0 src 10.7.0.2",
      "192.0.2.0/24 via 10.7.0.1 dev eth0",
      "198.51.100.0/24 via 10.7.0.1 dev eth0",
      "198.51.100.0/24 via 10.7.0.9 dev eth0",
    ]);
    const weights = world.container.ipJson("route show table 100 198.51.100.0/24")[0].nexthops;
    expect(weights.map(({ weight }: Json) => weight)).toEqual([1, 3]);
    expect(routesOf(world.container, 101)).toContain("::/0 via fd07::1 dev eth0");
  });

  it("moves routes with all that they have", () => {
    const world = new World();
    world.container.ip(
      "route add 192.0.2.0/24 via 10.7.0.1 src 10.7.0.2 metric 7 mtu lock 1300 advmss 1200 hoplimit 9 initcwnd 20 proto static",
    );
    world.container.ip("-6 route add 2001:db8::/32 via fd07::1 metric 7 mtu 1300 pref high proto static");
    const shown = (four: string, six: string): Json => [
      world.container.ipJson(`route show table ${four} 192.0.2.0/24`)[0],
      world.container.ipJson(`-6 route show table ${six} 2001:db8::/32`)[0],
    ];
    const before = shown("main", "main");
    world.add();
    expect(shown("100", "101")).toEqual(before);
  });

  it("takes tables that nothing uses: no rule, no route, no VRF (W8)", () => {
    const world = new World();
    world.container.ip("link add other type veth peer name other-peer");
    world.container.ip("link set other up");
    world.container.ip("rule add from 192.0.2.1 lookup 100");
    world.container.ip("-6 rule add from 2001:db8::1 lookup 101");
    world.container.ip("route add 192.0.2.0/24 dev other table 102");
    world.container.ip("-6 route add 2001:db8::/32 dev other table 104");
    world.add();
    expect(rulesOf(world.container).filter((text) => /from (10|fd07)/.test(text))).toEqual([
      "from 10.7.0.2 lookup 103",
      "from fd07::2 lookup 105",
    ]);
  });

  it("goes on beyond table 255, and passes over the kernel's own", () => {
    const world = new World();
    for (let table = 100; table < 256; table++) {
      if (table < 252) world.container.ip(`rule add from 192.0.2.1 lookup ${table}`);
    }
    world.add();
    const own = rulesOf(world.container).filter((text) => /from (10|fd07)/.test(text));
    expect(own).toEqual(["from 10.7.0.2 lookup 256", "from fd07::2 lookup 257"]);
    expect(routesOf(world.container, 256)).toHaveLength(2);
    succeed(world.call("CHECK"));
    world.del();
    expect(routesOf(world.container, 256)).toEqual([]);
  });

  it("changes nothing when it is done again (W2, D40)", () => {
    const world = new World();
    world.add();
    const before = world.state;
    world.add();
    expect(world.state).toEqual(before);
    succeed(world.call("CHECK"));
  });

  it("follows a configuration that has changed in between", () => {
    const world = new World();
    world.add({ gateways: ["10.7.0.9"] });
    expect(routesOf(world.container, 100)).toContain("default via 10.7.0.9 dev eth0");
    world.add({ gateways: ["10.7.0.8"], priority: 500 });
    expect(routesOf(world.container, 100).filter((text) => text.startsWith("default"))).toEqual([
      "default via 10.7.0.8 dev eth0",
    ]);
    expect(world.container.ipJson("rule show").filter(({ src }: Json) => src === "10.7.0.2")).toMatchObject([
      { priority: 500 },
    ]);
    world.add({ table: 4000 });
    expect(rulesOf(world.container)).toEqual(["from 10.7.0.2 lookup 4000", "from fd07::2 lookup 4000"]);
  });

  it("serves several interfaces of a container, one after the other and at once", () => {
    const world = new World();
    const eth1 = connect(world.node, "eth1", OTHER);
    const withBoth = world.state;
    world.add();
    world.add({}, { ifname: "eth1" }, eth1);
    expect(rulesOf(world.container).toSorted()).toEqual([
      "from 10.7.0.2 lookup 100",
      "from 10.9.0.2 lookup 102",
      "from fd07::2 lookup 101",
      "from fd09::2 lookup 103",
    ]);
    for (const [
      source,
      gateway,
    ] of [["10.7.0.2", "10.7.0.1"], ["10.9.0.2", "10.9.0.1"], ["fd07::2", "fd07::1"], ["fd09::2", "fd09::1"]] as const) // biome-ignore format: one list
      ping(world.container, gateway, source);
    world.del();
    expect(rulesOf(world.container).toSorted()).toEqual(["from 10.9.0.2 lookup 102", "from fd09::2 lookup 103"]);
    succeed(world.call("CHECK", {}, { ifname: "eth1" }, eth1));
    succeed(world.call("DEL", {}, { ifname: "eth1" }, eth1));
    // Of two default routes of one metric, main has the one that was given back first.
    const routes = withBoth.routes.filter((text: string) => !/^(default|::\/0).*eth1/.test(text)).toSorted();
    expect({ ...world.state, routes: world.state.routes.toSorted() }).toEqual({ ...withBoth, routes });
  });
});

describe("the keys of sbr", () => {
  it("table: adds rules that lead there, and leaves routes alone", () => {
    const world = new World();
    const routes = routesOf(world.container, "all");
    world.add({ table: 4294967295, gateways: ["nonsense"] });
    expect(rulesOf(world.container)).toEqual(["from 10.7.0.2 lookup 4294967295", "from fd07::2 lookup 4294967295"]);
    expect(routesOf(world.container, "all")).toEqual(routes);
    succeed(world.call("CHECK", { table: 4294967295 }));
    expect(world.fault({ table: 5 })).toContain("no rule leads packets from 10.7.0.2 to 5");
    world.del({ table: 4294967295 });
    expect(rulesOf(world.container)).toEqual([]);
  });

  it("gateways: come before those of the addresses and before the default route that there is", () => {
    const world = new World();
    world.eth0.router.ip("address add 10.7.0.254/24 dev to-container");
    world.eth0.router.ip("address add fd07::fe/64 dev to-container nodad");
    world.add({ gateways: ["10.7.0.254", "fd07::fe"] });
    expect(routesOf(world.container, 100)).toEqual([
      "default via 10.7.0.254 dev eth0",
      "10.7.0.0/24 dev eth0 src 10.7.0.2",
    ]);
    expect(routesOf(world.container, 101)).toContain("::/0 via fd07::fe dev eth0");
    expect(routesOf(world.container).filter((text) => /default|::\/0/.test(text))).toEqual([]);
    succeed(world.call("CHECK", { gateways: ["10.7.0.254", "fd07::fe"] }));
    expect(world.fault({ gateways: ["10.7.0.253"] })).toContain("table 100 has no default route via 10.7.0.253");
    world.del();
  });

  it("gateways: may be outside of every subnet", () => {
    const world = new World();
    world.add({ gateways: ["192.0.2.254"] });
    expect(routesOf(world.container, 100)).toContain("default via 192.0.2.254 dev eth0");
  });

  it("addSourceHints: keeps the routes to the subnets in the main table, with the address as source", () => {
    const world = new World();
    world.container.ip("route add 172.16.0.0/16 via 10.7.0.9");
    const before = world.state;
    world.add({ addSourceHints: true });
    expect(routesOf(world.container)).toEqual([
      "10.7.0.0/24 dev eth0 src 10.7.0.2",
      "fd07::/64 dev eth0 src fd07::2",
      "fe80::/64 dev eth0",
    ]);
    expect(routesOf(world.container, 100)).toContain("172.16.0.0/16 via 10.7.0.9 dev eth0");
    ping(world.container, "10.7.0.1");
    ping(world.container, "fd07::1");
    const after = world.state;
    world.add({ addSourceHints: true });
    expect(world.state).toEqual(after);
    succeed(world.call("CHECK", { addSourceHints: true }));
    world.del();
    expect(world.state).toEqual(before);
  });

  it("priority: is that of all rules, which CHECK looks at", () => {
    const world = new World();
    world.add({ priority: 700 });
    const priorities = ["-4", "-6"].flatMap((family) => world.container.ipJson(`${family} rule show`));
    expect(
      priorities.filter(({ srclen, src }: Json) => srclen ?? src !== "all").map(({ priority }: Json) => priority),
    ).toEqual([700, 700]);
    succeed(world.call("CHECK", { priority: 700 }));
    expect(world.fault({ priority: 701 })).toContain("has the priority 700, not 701");
    world.del();
    expect(rulesOf(world.container)).toEqual([]);
  });

  it.each<[what: string, keys: Json, code: number, says: readonly string[]]>([
    ["table 0", { table: 0 }, 7, ["table: 0", "1 to 4294967295"]],
    ["a table below 0", { table: -1 }, 7, ["table: -1"]],
    ["a table of 33 bits", { table: 4294967296 }, 7, ["table: 4294967296"]],
    ["a table in quotes", { table: "100" }, 6, ['table: "100"']],
    ["half a table", { table: 1.5 }, 6, ["table: 1.5"]],
    ["a gateway that is no address", { gateways: ["10.7.0"] }, 7, ["gateways[0]", "10.7.0"]],
    ["an empty gateway", { gateways: [""] }, 7, ["gateways[0]"]],
    [
      "two gateways of a family",
      { gateways: ["10.7.0.1", "10.7.0.2"] },
      7,
      ["gateways: 10.7.0.1 and 10.7.0.2", "IPv4"],
    ],
    ["three gateways", { gateways: ["fd07::1", "10.7.0.1", "fd07::2"] }, 7, ["gateways: fd07::1 and fd07::2", "IPv6"]],
    ["gateways that are no list", { gateways: "10.7.0.1" }, 6, ["gateways"]],
    ["a priority of 0", { priority: 0 }, 7, ["priority: 0"]],
    ["the priority of the main table", { priority: 32766 }, 7, ["priority: 32766"]],
    ["a word for addSourceHints", { addSourceHints: "yes" }, 6, ["addSourceHints"]],
    [
      "no addresses",
      { prevResult: { cniVersion: "1.1.0", interfaces: [{ name: "eth0" }] } },
      7,
      ["eth0", "IP addresses"],
    ],
  ])("%s is refused, and nothing has changed", (_, keys, code, says) => {
    const world = new World();
    const before = world.state;
    const { status, json } = world.call("ADD", keys);
    expect([status, json.code]).toEqual([1, code]);
    for (const text of says) expect(json.msg).toContain(text);
    expect(world.state).toEqual(before);
    world.del(keys);
    expect(world.state).toEqual(before);
  });

  it("an interface that is not there is refused by name", () => {
    const world = new World();
    const { json } = world.call(
      "ADD",
      {},
      { ifname: "eth9" },
      { ...world.eth0, prevResult: { ...world.eth0.prevResult, interfaces: [] } },
    );
    expect(json).toMatchObject({ code: 7, msg: expect.stringContaining("the container has no interface eth9") });
    expect(world.state.records).toEqual([]);
  });
});

describe("a failed ADD of sbr", () => {
  it("leaves everything as it was", () => {
    const world = new World();
    const before = world.state;
    // A route through an interface that is down is refused.
    world.container.ip("route add 192.0.2.0/24 via 10.7.0.1 table 100");
    const broken = {
      ...world.eth0.prevResult,
      ips: [{ address: "10.7.0.2/24", gateway: "255.255.255.255", interface: 0 }],
    };
    world.container.ip("route delete default");
    const withoutDefault = world.state;
    const { status, json } = world.call("ADD", { prevResult: broken });
    expect([status, json.msg]).toEqual([1, expect.stringContaining("default via 255.255.255.255")]);
    expect(world.state).toEqual(withoutDefault);
    expect(before.records).toEqual([]);
  });
});

describe("DEL of sbr", () => {
  it("leaves the routing as it was, also without a result", () => {
    for (const keys of [{}, { prevResult: null }]) {
      const world = new World();
      const before = world.state;
      world.add();
      world.del(keys);
      expect(world.state).toEqual(before);
      world.del(keys);
      expect(world.state).toEqual(before);
    }
  });

  it("creates nothing where the namespace is gone (W1, D38)", () => {
    const world = new World();
    world.add();
    const path = `${world.container.path}-gone`;
    world.del({}, { netns: path });
    expect([existsSync(path), world.state.records]).toEqual([false, []]);
    world.del({}, { netns: "" });
    world.del({}, { netns: path });
    expect(existsSync(path)).toBe(false);
  });

  it("takes rules away where the runtime does not name the namespace", () => {
    const world = new World();
    const before = world.state;
    world.add();
    world.del({}, { netns: "" });
    expect(world.state).toEqual(before);
  });

  it("takes rules away where the addresses or the interface are gone, and there is no result (W11)", () => {
    for (const gone of ["address flush dev eth0", "link delete eth0"]) {
      const world = new World();
      world.add();
      world.container.ip(gone);
      world.del({ prevResult: null });
      expect([gone, world.state]).toEqual([gone, { rules: [], routes: expect.anything(), records: [] }]);
      expect(routesOf(world.container, 100)).toEqual([]);
    }
  });

  it("leaves other rules alone, and the route that main has meanwhile", () => {
    const world = new World();
    world.add();
    world.container.ip("rule add from 10.7.0.2 fwmark 1 lookup 5");
    world.container.ip("rule add from 10.7.0.0/24 lookup 6");
    const eth1 = connect(world.node, "eth1", OTHER);
    expect(eth1.router).toBeDefined();
    world.del();
    expect(rulesOf(world.container)).toEqual(["from 10.7.0.0/24 lookup 6", "from 10.7.0.2 lookup 5"]);
    const defaults = routesOf(world.container).filter((text) => /^(default|::\/0)/.test(text));
    expect(defaults).toEqual(["default via 10.9.0.1 dev eth1", "::/0 via fd09::1 dev eth1"]);
  });

  it("of another container that has the path by now touches nothing", () => {
    const world = new World();
    world.add();
    const { state } = world;
    const other = new World(DUAL);
    other.add({}, { containerId: "other", netns: other.container.path });
    const theirs = other.state.rules;
    // As if the namespace of the first were now the other's.
    succeed(world.call("DEL", {}, { netns: other.container.path }));
    expect(other.state.rules).toEqual(theirs);
    expect(state.rules).toHaveLength(2);
  });

  it("is not kept waiting for long by a process of the container that locks the namespace", async () => {
    const world = new World();
    const before = world.state;
    world.add();
    const locked = ["--exclusive", "--no-fork", world.container.path, "sh", "-c", "echo locked; sleep 600"];
    await startBeside("flock", locked).prints(/locked/);
    world.del();
    expect(world.state).toEqual(before);
  });
});

describe("CHECK of sbr", () => {
  const FAULTS: readonly (readonly [change: string, says: string])[] = [
    ["rule delete from 10.7.0.2", "no rule leads packets from 10.7.0.2 to 100"],
    ["-6 rule delete from fd07::2", "no rule leads packets from fd07::2 to 101"],
    ["route delete default table 100", "table 100 has no default route via 10.7.0.1"],
    ["-6 route flush table 101", "table 101 has no default route via fd07::1"],
    ["route delete 10.7.0.0/24 table 100", "table 100 has no route to 10.7.0.0/24"],
    ["link delete eth0", "the interface is not there"],
  ];
  it.each(FAULTS)("after %s fails (W10, D40)", (change, says) => {
    const world = new World();
    world.add();
    succeed(world.call("CHECK"));
    world.container.ip(change);
    expect(world.fault()).toContain(says);
  });

  it("fails where a rule leads elsewhere", () => {
    const world = new World();
    world.add();
    world.container.ip("rule delete from 10.7.0.2");
    world.container.ip("rule add from 10.7.0.2 lookup 7");
    expect(world.fault()).toContain("no rule leads packets from 10.7.0.2 to 100");
  });
});

describe("the bauta command and sbr", () => {
  const bauta = ({ node }: World, ...args: readonly string[]): Json => inNetns(node.node.fd, () => cli(args));

  it("lists the rules, restores those that are missing, and removes those of containers that are gone", () => {
    const world = new World();
    world.add();
    const { state } = world;
    const items = (): Json => JSON.parse(bauta(world, "list", "--json").stdout);
    expect(JSON.stringify(items())).toContain("sbr table 100");
    world.container.ip("rule delete from 10.7.0.2");
    expect(JSON.stringify(items())).toContain("missing");
    expect(bauta(world, "restore")).toMatchObject({ status: 0 });
    expect(world.state.rules.toSorted()).toEqual(state.rules.toSorted());
    succeed(world.call("GC", { "cni.dev/valid-attachments": [{ containerID: "container-1", ifname: "eth0" }] }));
    expect(world.state.rules).toHaveLength(2);
    succeed(world.call("GC", { "cni.dev/valid-attachments": [] }));
    expect([world.state.rules, world.state.records]).toEqual([[], []]);
    expect(isAnswered(world.container, "10.7.0.1")).toBe(true);
  });
});
