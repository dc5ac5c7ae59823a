// The firewall plugin with its back end nf_tables: nft(8) and real packets are the witnesses.

import { rmSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { records } from "../../src/firewall/records.ts";
import { plugin } from "../../src/plugins/firewall/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { type BridgedContainer, makeBridgedNode, OUTSIDE } from "../support/bridged-node.ts";
import { cli } from "../support/cli.ts";
import { poll, requireNamespaces, type TestNetns } from "../support/netns.ts";
import { isAnswered, ping } from "../support/outside.ts";
import { inProcess, type PluginOutcome, succeed } from "../support/plugin.ts";

beforeAll(() => requireNamespaces());
afterEach(() => rmSync(records.directory, { recursive: true, force: true }));

type Config = Readonly<Record<string, unknown>>;

/** A node, and the plugin's verbs on it. */
function begin() {
  const world = makeBridgedNode();
  const call = world.on(inProcess(plugin));
  const configOf = (one: BridgedContainer, more: Config): Config => {
    return { cniVersion: "1.1.0", name: "net", type: "firewall", prevResult: one.prevResult, ...more };
  };
  const verb =
    (command: string) =>
    (one: BridgedContainer, more: Config = {}): PluginOutcome =>
      call({ command, ...one.names, config: configOf(one, more) });
  const ruleset = (): string => world.node.exec("nft", "list", "ruleset").replaceAll("\t", "  ");
  return { ...world, call, tryAdd: verb("ADD"), tryCheck: verb("CHECK"), tryDel: verb("DEL"), ruleset };
}

type World = ReturnType<typeof begin>;

function add(world: World, one: BridgedContainer, more: Config = {}): void {
  succeed(world.tryAdd(one, more));
}

function del(world: World, one: BridgedContainer, more: Config = {}): void {
  succeed(world.tryDel(one, more));
}

const FAMILIES = [4, 6] as const;

/** Whether pings get from one container to another, in each family. */
const reaches = (from: BridgedContainer, to: BridgedContainer): boolean[] =>
  FAMILIES.map((family) => isAnswered(from.netns, to[family]));

const BOTH = [true, true];
const NEITHER = [false, false];

function reachOutside({ netns }: BridgedContainer): void {
  for (const family of FAMILIES) ping(netns, OUTSIDE[family]);
}

/** Has bridged packets pass the rules of IP, or not. */
function bridgeNetfilter(node: TestNetns, value: 0 | 1): void {
  for (const name of ["iptables", "ip6tables"])
    node.exec("sysctl", "-qw", `net.bridge.bridge-nf-call-${name}=${value}`);
}

describe("the tables", () => {
  it("are what nft lists", () => {
    const world = begin();
    add(world, world.attach("br-a"), { ingressPolicy: "isolated" });
    const text = world
      .ruleset()
      .replace(/segment-[0-9a-f]{32}/g, "segment-S")
      .replace(/(elements = \{ )[0-9a-f:]+ (comment "net eth0 c2"|: "br-a")/g, "$1ID $2")
      .replace(/( : )[0-9a-f]{1,4}:[0-9a-f:]+/g, "$1ID");
    expect(text).toBe(`table inet bauta_firewall {
  comment "what containers may send and get"
  map attachments {
    type ipv6_addr : verdict
    elements = { ID comment "net eth0 c2" : goto segment-S }
  }

  map owners4 {
    type ipv4_addr : ipv6_addr
    elements = { 10.60.1.2 comment "net eth0 10.60.1.2 c2" : ID }
  }

  map owners6 {
    type ipv6_addr : ipv6_addr
    elements = { fd00:60:1::2 comment "net eth0 fd00:60:1::2 c2" : ID }
  }

  map segments {
    type ipv6_addr : ifname . ifname
    elements = { ID : "br-a" . "isolated" }
  }

  map bridges {
    type ifname : verdict
    elements = { "br-a" : jump bridge-br-a }
  }

  set isolated {
    type ifname
    elements = { "br-a" }
  }

  chain forward {
    type filter hook forward priority filter - 10; policy accept;
    iifname vmap @bridges
  }

  chain CNI-ADMIN {
    type filter hook forward priority filter - 9; policy accept;
  }

  chain segment-S {
    oifname @isolated counter packets 0 bytes 0 drop
  }

  chain bridge-br-a {
    jump segment-S
  }
}
table bridge bauta_firewall {
  comment "ports of bridges that don't reach each other"
  map ports {
    type ifname : ipv6_addr
    elements = { "veth2" comment "net eth0 c2" : ID }
  }

  set isolated {
    type ifname
    elements = { "veth2" }
  }

  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname @isolated oifname @isolated counter packets 0 bytes 0 drop
  }
}
`);
  });

  it("survive nft list ruleset into a file and back, and go with the last attachment", () => {
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-b")];
    add(world, a, { ingressPolicy: "isolated" });
    add(world, b, { ingressPolicy: "same-bridge" });
    const before = world.ruleset();
    world.node.exec("bash", "-c", "nft list ruleset > /run/saved && nft flush ruleset && nft -f /run/saved");
    expect(world.ruleset()).toBe(before);
    expect(world.tryCheck(a, { ingressPolicy: "isolated" })).toMatchObject({ status: 0 });
    del(world, a);
    expect(world.ruleset()).not.toContain("br-a");
    expect(world.ruleset()).not.toContain("table bridge");
    del(world, b);
    expect(world.ruleset()).toBe("");
  });
});

describe("packets", () => {
  it.each(["open", "same-bridge", "isolated"])("get out and back with ingressPolicy %s", (ingressPolicy) => {
    const world = begin();
    const a = world.attach("br-a");
    add(world, a, { ingressPolicy });
    reachOutside(a);
  });

  it.each([0, 1] as const)("come from other containers as ingressPolicy says, bridge-nf-call-iptables=%i", (value) => {
    const world = begin();
    bridgeNetfilter(world.node, value);
    const [a1, a2, b1, b2, c] = ["br-a", "br-a", "br-b", "br-b", "br-c"].map(world.attach) as [
      ...[BridgedContainer, BridgedContainer, BridgedContainer, BridgedContainer, BridgedContainer],
    ];
    for (const one of [a1, a2]) add(world, one, { name: "a", ingressPolicy: "same-bridge" });
    for (const one of [b1, b2]) add(world, one, { name: "b", ingressPolicy: "isolated" });
    add(world, c, { name: "c" });
    expect([reaches(a1, a2), reaches(b1, b2)]).toEqual([BOTH, NEITHER]);
    expect([reaches(a1, b1), reaches(b1, a1)]).toEqual([NEITHER, NEITHER]);
    // As upstream: what does not come from an isolated bridge is let in, so that its answers must be let out. They aren't.
    expect([reaches(a1, c), reaches(c, a1)]).toEqual([BOTH, BOTH]);
    for (const one of [a1, a2, b1, b2, c]) reachOutside(one);
    for (const family of FAMILIES) ping(b1.netns, family === 4 ? "10.60.2.1" : "fd00:60:2::1");
  });

  it("that the administrator drops in the chain CNI-ADMIN, or in another that is named, are dropped, and the rules stay", () => {
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-a")];
    add(world, a);
    add(world, b, { iptablesAdminChainName: "MINE" });
    for (const chain of ["CNI-ADMIN", "MINE"]) {
      world.node.exec(
        "nft",
        `add rule inet bauta_firewall ${chain} ip saddr ${chain === "MINE" ? b[4] : a[4]} counter drop`,
      );
    }
    expect([a, b].map(({ netns }) => isAnswered(netns, OUTSIDE[4]))).toEqual(NEITHER);
    for (const { netns } of [a, b]) ping(netns, OUTSIDE[6]);
    del(world, a);
    del(world, b);
    expect(world.ruleset()).toContain(`ip saddr ${a[4]} counter`);
    add(world, a);
    expect(isAnswered(a.netns, OUTSIDE[4])).toBe(false);
    expect(world.tryCheck(a)).toMatchObject({ status: 0 });
  });
});

describe("an attachment", () => {
  it("follows a configuration that has changed", () => {
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-a")];
    add(world, a, { ingressPolicy: "isolated" });
    add(world, b, { ingressPolicy: "isolated" });
    expect(reaches(a, b)).toEqual(NEITHER);
    del(world, b);
    add(world, b, { ingressPolicy: "same-bridge" });
    // Neighbours that have not answered before are asked again after a while.
    poll("the ports reach each other", () => reaches(a, b).every((isReached) => isReached));
    expect(world.ruleset()).not.toContain("table bridge");
    expect(world.tryCheck(a, { ingressPolicy: "same-bridge" })).toMatchObject({ status: 0 });
    del(world, b);
    add(world, b, { ingressPolicy: "open" });
    expect(world.ruleset()).not.toMatch(/ drop$/m);
    del(world, a);
    del(world, b);
    expect(world.ruleset()).toBe("");
  });

  it("is added twice as once", () => {
    const world = begin();
    const a = world.attach("br-a");
    add(world, a, { ingressPolicy: "isolated" });
    const before = world.ruleset();
    add(world, a, { ingressPolicy: "isolated" });
    expect(world.ruleset()).toBe(before);
    rmSync(records.directory, { recursive: true });
    add(world, a, { ingressPolicy: "isolated" });
    expect(world.ruleset()).toBe(before);
  });

  it("takes an address over, and the DEL of the one that had it takes nothing away", () => {
    const world = begin();
    const a = world.attach("br-a");
    const old = { ...a, names: { ...a.names, containerId: "old" } };
    add(world, old);
    add(world, a);
    del(world, old);
    expect(world.tryCheck(a)).toMatchObject({ status: 0 });
    del(world, a);
    expect(world.ruleset()).toBe("");
  });

  it("goes with its record, with its prevResult, or with neither where /run has been swept", () => {
    const world = begin();
    const a = world.attach("br-a");
    const without = { prevResult: undefined };
    for (const sweep of [false, true]) {
      for (const more of [{}, without]) {
        add(world, a, { ingressPolicy: "same-bridge" });
        if (sweep) rmSync(records.directory, { recursive: true });
        del(world, a, more);
        expect(world.ruleset()).toBe("");
        del(world, a, more);
      }
    }
  });

  it("leaves two networks on one bridge with the stricter policy", () => {
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-a")];
    add(world, a, { name: "strict", ingressPolicy: "isolated" });
    add(world, b, { name: "lax", ingressPolicy: "same-bridge" });
    expect(reaches(a, b)).toEqual(NEITHER);
    del(world, a, { name: "strict" });
    poll("the ports reach each other", () => reaches(a, b).every((isReached) => isReached));
  });

  it("of ptp is apart from all others, and leaves nothing", () => {
    const world = begin();
    const a = world.attach("br-a");
    const interfaces = [{ name: a.port }, { name: "eth0", sandbox: a.netns.path }];
    const prevResult = { ...a.prevResult, interfaces };
    add(world, a, { prevResult, ingressPolicy: "same-bridge" });
    expect(world.ruleset()).toContain(`oifname != "${a.port}"`);
    del(world, a, { prevResult });
    expect(world.ruleset()).toBe("");
  });
});

describe("CHECK", () => {
  it("makes nothing on a clean node, and says what is missing", () => {
    const world = begin();
    const { status, json } = world.tryCheck(world.attach("br-a"));
    expect([status, json.msg]).toEqual([1, expect.stringContaining("table inet bauta_firewall is missing")]);
    expect(world.ruleset()).toBe("");
  });

  it.each([
    ["flush map inet bauta_firewall attachments", "the element of map attachments is missing"],
    ["flush map inet bauta_firewall owners4", "is missing in map owners4"],
    ["flush map inet bauta_firewall segments", "the segment's element of map segments is missing"],
    ["flush map inet bauta_firewall bridges", "map bridges does not lead br-a to chain bridge-br-a"],
    ["flush set inet bauta_firewall isolated", "set isolated does not have br-a"],
    ["flush chain inet bauta_firewall bridge-br-a", "does not lead to chain segment-"],
    ["flush chain inet bauta_firewall forward", "chain forward of table inet bauta_firewall has been altered"],
    ["delete chain inet bauta_firewall CNI-ADMIN", "the administrator's chain CNI-ADMIN is missing"],
    ["flush set bridge bauta_firewall isolated", "is missing in set isolated of table bridge bauta_firewall"],
    ["flush map bridge bauta_firewall ports", "is missing in map ports of table bridge bauta_firewall"],
    ["flush chain bridge bauta_firewall forward", "chain forward of table bridge bauta_firewall has been altered"],
    ["delete table bridge bauta_firewall", "table bridge bauta_firewall is missing"],
    ["delete table inet bauta_firewall", "table inet bauta_firewall is missing"],
  ])("finds %j, and bauta restore mends that", (command, fault) => {
    const world = begin();
    const a = world.attach("br-a");
    add(world, a, { ingressPolicy: "isolated" });
    const before = sorted(world.ruleset());
    world.node.exec("nft", command);
    const { status, json } = world.tryCheck(a, { ingressPolicy: "isolated" });
    expect([status, json.msg]).toEqual([1, expect.stringContaining(fault)]);
    inNetns(world.node.fd, () => cli(["restore"]));
    expect(sorted(world.ruleset())).toEqual(before);
    expect(world.tryCheck(a, { ingressPolicy: "isolated" })).toMatchObject({ status: 0 });
  });
});

describe("the command", () => {
  it("lists attachments, with policy, bridge and state", () => {
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-b")];
    add(world, a, { ingressPolicy: "same-bridge" });
    add(world, b);
    const listed = (): string[] =>
      inNetns(world.node.fd, () => cli(["list"]))
        .stdout.split("\n")
        .slice(1)
        .map((line) => line.trim().split(/ +/).join(" "));
    expect(listed()).toEqual([
      `net c2 eth0 ${a[4]} firewall same-bridge br-a - -`,
      `net c2 eth0 ${a[6]} firewall same-bridge br-a - -`,
      `net c3 eth0 ${b[4]} firewall open - -`,
      `net c3 eth0 ${b[6]} firewall open - -`,
      "",
    ]);
    world.node.exec("nft", "flush", "map", "inet", "bauta_firewall", "owners6");
    expect(listed().filter((line) => line.endsWith("missing"))).toHaveLength(2);
  });

  it("puts all back after nft flush ruleset, of several networks, in one transaction", () => {
    const world = begin();
    const all = ["br-a", "br-a", "br-b", "br-c"].map(world.attach);
    all.forEach((one, i) => {
      add(world, one, { name: one.bridge, ingressPolicy: ["same-bridge", "same-bridge", "isolated", "open"][i] });
    });
    const before = sorted(world.ruleset());
    world.node.exec("nft", "flush", "ruleset");
    const { stdout, status } = inNetns(world.node.fd, () => cli(["restore"]));
    expect([status, stdout]).toEqual([0, expect.stringContaining("put back 4 addresses (4 live attachments)")]);
    expect(sorted(world.ruleset())).toEqual(before);
  });

  it("gc removes what is of containers that are gone", () => {
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-a")];
    add(world, { ...a, names: { ...a.names, netns: "/run/netns/long-gone" } });
    add(world, b);
    const { stdout } = inNetns(world.node.fd, () => cli(["gc", "--grace", "0s"]));
    expect(stdout).toContain("removed 1 attachment");
    expect(world.ruleset()).not.toContain(a[4]);
    expect(world.tryCheck(b)).toMatchObject({ status: 0 });
  });
});

/** Sets are listed in the order of their hashes, and chains and tables as they were made. */
const sorted = (text: string): string[] =>
  text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .sort();

describe("GC", () => {
  it("removes the network's attachments that are not valid, with records or without", () => {
    const world = begin();
    const [a, b, c] = [world.attach("br-a"), world.attach("br-a"), world.attach("br-c")];
    add(world, a);
    add(world, b);
    add(world, c, { name: "other" });
    const gc = (valid: readonly BridgedContainer[]): void => {
      const list = valid.map(({ names }) => ({ containerID: names.containerId, ifname: names.ifname }));
      const config = { cniVersion: "1.1.0", name: "net", type: "firewall", "cni.dev/valid-attachments": list };
      succeed(world.call({ command: "GC", config }));
    };
    gc([b]);
    expect(world.ruleset()).not.toContain(a[4]);
    expect(world.tryCheck(b)).toMatchObject({ status: 0 });
    rmSync(records.directory, { recursive: true });
    gc([]);
    expect(world.ruleset()).not.toContain(b[4]);
    expect(world.ruleset()).toContain(c[4]);
  });
});

describe("a wrong configuration", () => {
  const world = (): { readonly one: BridgedContainer } & World => {
    const made = begin();
    return { ...made, one: made.attach("br-a") };
  };

  it.each([
    ["ingressPolicy", "samebridge", 7],
    ["ingressPolicy", 5, 6],
    ["backend", "nftable", 7],
    ["backend", true, 6],
    ["iptablesAdminChainName", "-A", 7],
    ["iptablesAdminChainName", "forward", 7],
    ["iptablesAdminChainName", "x".repeat(29), 7],
    ["iptablesAdminChainName", 5, 6],
    ["firewalldZone", "no zone", 7],
    ["firewalldZone", [], 6],
  ])("with %s %j is refused before anything is done, and its DEL succeeds", (key, value, code) => {
    const { tryAdd, tryDel, ruleset, one } = world();
    const { status, json } = tryAdd(one, { [key]: value });
    expect([status, json.code, json.msg]).toEqual([1, code, expect.stringContaining(key)]);
    expect(ruleset()).toBe("");
    expect(tryDel(one, { [key]: value }).status).toBe(0);
  });

  it.each([
    ["without interfaces", { ips: [{ address: "10.60.1.2/24" }] }],
    ["whose first interface is the container's", { interfaces: [{ name: "eth0", sandbox: "/run/netns/x" }] }],
    ["whose first interface has no name", { interfaces: [{ name: "" }] }],
    ["whose first interface has an impossible name", { interfaces: [{ name: "x".repeat(16) }] }],
  ])("with a prevResult %s is served, unless a bridge is to be isolated", (_, prevResult) => {
    const { tryAdd, tryDel, ruleset, one } = world();
    for (const ingressPolicy of ["same-bridge", "isolated"]) {
      const { status, json } = tryAdd(one, { prevResult, ingressPolicy });
      expect([status, json.code, json.msg]).toEqual([1, 7, expect.stringContaining("prevResult.interfaces")]);
      expect(ruleset()).toBe("");
    }
    expect(tryAdd(one, { prevResult }).status).toBe(0);
    expect(tryDel(one, { prevResult }).status).toBe(0);
    expect(ruleset()).toBe("");
  });
});
