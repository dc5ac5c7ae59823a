// Containers' packets on nodes where something drops what is forwarded: iptables in its two forms, firewalls of others in
// nf_tables. Real packets are the witnesses.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { records } from "../../src/firewall/records.ts";
import { plugin } from "../../src/plugins/firewall/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { type BridgedContainer, makeBridgedNode, OUTSIDE } from "../support/bridged-node.ts";
import { cli } from "../support/cli.ts";
import { withSyscalls } from "../support/intercept-syscalls.ts";
import { ALL_SBIN, haveAll, haveOnly, isolateSbin } from "../support/iptables-form.ts";
import { isAnswered } from "../support/outside.ts";
import { inProcess, type PluginOutcome, succeed } from "../support/plugin.ts";

beforeAll(() => isolateSbin());
afterEach(() => rmSync(records.directory, { recursive: true, force: true }));

type Config = Readonly<Record<string, unknown>>;

function begin() {
  const world = makeBridgedNode();
  const call = world.on(inProcess(plugin));
  const verb =
    (command: string) =>
    (one: BridgedContainer, more: Config = {}): PluginOutcome => {
      const config = { cniVersion: "1.0.0", name: "net", type: "firewall", prevResult: one.prevResult, ...more };
      return call({ command, ...one.names, config });
    };
  const nft = (command: string): string => world.node.exec("nft", command);
  const status = (more: Config = {}): PluginOutcome =>
    call({ command: "STATUS", config: { cniVersion: "1.1.0", name: "net", type: "firewall", ...more } });
  return { ...world, add: verb("ADD"), check: verb("CHECK"), del: verb("DEL"), status, nft };
}

type World = ReturnType<typeof begin>;

const FAMILIES = [4, 6] as const;

const getsOut = ({ netns }: BridgedContainer): boolean[] =>
  FAMILIES.map((family) => isAnswered(netns, OUTSIDE[family]));

/** The program that serves one form of iptables, whatever the node has chosen. */
const multi = (form: "legacy" | "nft"): string => join(ALL_SBIN, `xtables-${form}-multi`);

/** Carries out commands of iptables and ip6tables, in one of their forms. */
function iptables({ node }: World, form: "legacy" | "nft", ...commands: readonly string[]): void {
  for (const program of ["iptables", "ip6tables"])
    for (const command of commands) node.exec(multi(form), program, ...command.split(" "));
}

/** Chains and rules of the filter table that were not there to begin with. */
function filterRules({ node }: World, form: "legacy" | "nft", family: 4 | 6): string[] {
  return node
    .exec(multi(form), `${family === 4 ? "iptables" : "ip6tables"}-save`, "-t", "filter")
    .split("\n")
    .filter((line) => line.startsWith("-A") || line.startsWith(":CNI"))
    .map((line) => line.replace(/ \[\d+:\d+\]$/, ""));
}

const CHAINS = [
  ":CNI-ADMIN -",
  ":CNI-FORWARD -",
  '-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD',
  '-A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN',
];

const rulesOf = ({ 4: v4, 6: v6 }: BridgedContainer, family: 4 | 6): string[] => {
  const address = family === 4 ? `${v4}/32` : `${v6}/128`;
  return [
    `-A CNI-FORWARD -d ${address} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
    `-A CNI-FORWARD -s ${address} -j ACCEPT`,
  ];
};

describe.each(["legacy", "nft"] as const)("where iptables-%s drops what is forwarded", (form) => {
  it("upstream's rules let the container through, and no other", () => {
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-a")];
    iptables(world, form, "-P FORWARD DROP");
    expect(getsOut(a)).toEqual([false, false]);
    const { status, stderr } = world.add(a);
    expect([status, stderr]).toEqual([0, ""]);
    expect([getsOut(a), getsOut(b)]).toEqual([
      [true, true],
      [false, false],
    ]);
    for (const family of FAMILIES)
      expect(filterRules(world, form, family).sort()).toEqual([...CHAINS, ...rulesOf(a, family)].sort());
    expect(world.check(a).status).toBe(0);
    succeed(world.add(b));
    succeed(world.del(a, { prevResult: undefined }));
    for (const family of FAMILIES)
      expect(filterRules(world, form, family).sort()).toEqual([...CHAINS, ...rulesOf(b, family)].sort());
    expect([getsOut(a), getsOut(b)]).toEqual([
      [false, false],
      [true, true],
    ]);
  });

  it("CHECK tells what is missing, and bauta restore puts it back", () => {
    const world = begin();
    const a = world.attach("br-a");
    iptables(world, form, "-P FORWARD DROP");
    succeed(world.add(a));
    iptables(world, form, "-D CNI-FORWARD 2");
    const { status, json } = world.check(a);
    expect([status, json.msg]).toEqual([1, expect.stringContaining("-A CNI-FORWARD -d")]);
    inNetns(world.node.fd, () => cli(["restore"]));
    expect(world.check(a).status).toBe(0);
    expect(getsOut(a)).toEqual([true, true]);
  });

  it("what an administrator has in CNI-ADMIN comes first, and stays", () => {
    const world = begin();
    const a = world.attach("br-a");
    iptables(world, form, "-P FORWARD DROP", "-N CNI-ADMIN", "-A CNI-ADMIN -i br-a -j DROP");
    succeed(world.add(a));
    expect(getsOut(a)).toEqual([false, false]);
    succeed(world.del(a));
    expect(filterRules(world, form, 4)).toContain("-A CNI-ADMIN -i br-a -j DROP");
  });

  it.each([
    ["a rule for all", ["-A FORWARD -j REJECT"], true],
    ["a rule behind others", ["-N X", "-A FORWARD -j X", "-A X -p tcp -j RETURN", "-A X -j DROP"], true],
    ["what comes in by an interface", ["-A FORWARD -i uplink -j DROP"], true],
    ["invalid packets", ["-A FORWARD -m conntrack --ctstate INVALID -j DROP"], false],
    ["a port", ["-A FORWARD -p tcp --dport 25 -j REJECT"], false],
    [
      "what goes out by another bridge",
      ["-A FORWARD -i br-a -o br-z -p udp -j DROP", "-A FORWARD -i br-y -o br-z -j DROP"],
      false,
    ],
    [
      "nothing that is accepted",
      ["-A FORWARD -i br-a -j ACCEPT", "-A FORWARD -o br-a -j ACCEPT", "-A FORWARD -j DROP"],
      false,
    ],
  ])("and drops %s, rules are made only where they are needed", (_, commands, isNeeded) => {
    const world = begin();
    const a = world.attach("br-a");
    iptables(world, form, ...commands);
    succeed(world.add(a));
    expect(getsOut(a)).toEqual([true, true]);
    expect(filterRules(world, form, 4).some((line) => line.includes(a[4]))).toBe(isNeeded);
    expect(filterRules(world, form, 6).some((line) => line.includes(a[6]))).toBe(isNeeded);
  });

  it("an address that has another attachment by now stays let through", () => {
    const world = begin();
    const a = world.attach("br-a");
    iptables(world, form, "-P FORWARD DROP");
    const old = { ...a, names: { ...a.names, containerId: "old" } };
    succeed(world.add(old));
    succeed(world.add(a));
    succeed(world.del(old));
    expect(getsOut(a)).toEqual([true, true]);
  });
});

describe("where nothing drops what is forwarded", () => {
  it("iptables has nothing of ours, and is not even loaded", () => {
    const world = begin();
    const a = world.attach("br-a");
    succeed(world.add(a));
    expect(world.nft("list tables")).toBe("table inet bauta_firewall\n");
    expect(world.node.exec("cat", "/proc/net/ip_tables_names")).toBe("");
  });
});

describe("where somebody's own chain of nf_tables drops what is forwarded", () => {
  const THEIRS =
    "add table inet theirs; add chain inet theirs fw { type filter hook forward priority 0; policy drop; }";

  it("ADD tells which chain it is and what to do, and attaches the container", () => {
    const world = begin();
    const a = world.attach("br-a");
    world.nft(THEIRS);
    const { status, stderr } = world.add(a);
    expect(status).toBe(0);
    expect(stderr).toContain(`firewall: chain inet theirs fw (policy drop) drops forwarded packets of ${a[4]}`);
    expect(stderr).toContain('`nft insert rule inet theirs fw iifname "br-a" accept`');
    expect(getsOut(a)).toEqual([false, false]);
    world.nft('insert rule inet theirs fw iifname "br-a" accept');
    world.nft('insert rule inet theirs fw oifname "br-a" accept');
    expect(getsOut(a)).toEqual([true, true]);
  });

  it.each([
    ["accepts the bridge's", 'iifname "br-*" accept; add rule inet theirs fw oifname "br-*" accept'],
    [
      "accepts by an interface that nobody knows",
      'oifname "uplink" accept; add rule inet theirs fw iifname "uplink" accept',
    ],
    [
      "accepts by a set",
      'iifname { "br-a", "br-b" } accept; add rule inet theirs fw ct state established,related accept',
    ],
  ])("and %s, nothing is told", (_, rules) => {
    const world = begin();
    const a = world.attach("br-a");
    world.nft(`${THEIRS}; add rule inet theirs fw ${rules}`);
    expect(world.add(a)).toMatchObject({ status: 0, stderr: "" });
    expect(getsOut(a)).toEqual([true, true]);
  });

  it.each([
    ["a reject behind all others", "inet", "ct state established accept; add rule inet theirs fw reject"],
    ["a drop of the address", "ip", "ip saddr 10.60.0.0/16 counter drop"],
  ])("by %s, this is told", (_, family, rule) => {
    const world = begin();
    const a = world.attach("br-a");
    world.nft(`${THEIRS.replaceAll("inet", family).replace("drop", "accept")}; add rule ${family} theirs fw ${rule}`);
    const { status, stderr } = world.add(a);
    expect([status, stderr]).toEqual([0, expect.stringContaining(`chain ${family} theirs fw (rule handle `)]);
  });
});

describe('the back end "iptables"', () => {
  it("makes upstream's rules wherever, and says what is missing where there is no iptables", () => {
    const world = begin();
    const a = world.attach("br-a");
    haveOnly("nft");
    try {
      succeed(world.add(a, { backend: "iptables" }));
    } finally {
      haveAll();
    }
    for (const family of FAMILIES)
      expect(filterRules(world, "nft", family).sort()).toEqual([...CHAINS, ...rulesOf(a, family)].sort());
    expect(world.check(a, { backend: "iptables" }).status).toBe(0);
    succeed(world.del(a, { backend: "nftables", prevResult: undefined }));
    expect(filterRules(world, "nft", 4).sort()).toEqual([...CHAINS].sort());
    haveOnly(undefined);
    try {
      const { status, json } = world.add(a, { backend: "iptables" });
      expect([status, json.msg]).toEqual([1, expect.stringContaining("this node has no iptables-save")]);
      expect(world.nft("list ruleset")).not.toContain("bauta_");
      succeed(world.del(a, { backend: "iptables" }));
      succeed(world.add(a));
    } finally {
      haveAll();
    }
  });
});

describe("where the package iptables has been removed", () => {
  it("DEL ends all the same, and the rules that isolate the bridge stay, as upstream's do", () => {
    const world = begin();
    const [a, b, c] = [world.attach("br-a"), world.attach("br-b"), world.attach("br-c")];
    const keys = { ingressPolicy: "same-bridge" };
    haveOnly("nft");
    try {
      succeed(world.add(a, { ...keys, backend: "iptables" }));
    } finally {
      haveAll();
    }
    const isolation = (): string[] => filterRules(world, "nft", 4).filter((line) => line.includes("br-a"));
    const before = isolation();
    expect(before).toHaveLength(2);
    haveOnly(undefined);
    try {
      succeed(world.add(b, keys));
      succeed(world.add(c));
      for (const one of [b, c]) succeed(world.del(one));
      succeed(world.del(a, { ...keys, backend: "iptables" }));
      expect([records.list(), world.nft("list tables").includes("bauta_")]).toEqual([[], false]);
    } finally {
      haveAll();
    }
    expect(isolation()).toEqual(before);
  });
});

describe("on a kernel without nf_tables", () => {
  const NETLINK_NETFILTER = 12; // include/uapi/linux/netlink.h
  const withoutNetfilter = <T>(work: () => T): T =>
    withSyscalls(
      (name, [, , protocol]) => (name === "socket" && protocol === NETLINK_NETFILTER ? "EPROTONOSUPPORT" : undefined),
      work,
    );

  it("iptables isolates bridges and lets containers through, until the last has gone", () => {
    haveOnly("legacy");
    onTestFinished(haveAll);
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-b")];
    expect(isAnswered(a.netns, b[4])).toBe(true);
    const keys = { ingressPolicy: "same-bridge" };
    withoutNetfilter(() => {
      for (const more of [{}, keys, { ...keys, backend: "iptables" }]) succeed(world.status(more));
      for (const one of [a, b]) succeed(world.add(one, keys));
      succeed(world.check(a, keys));
    });
    expect([isAnswered(a.netns, b[4]), isAnswered(b.netns, a[6])]).toEqual([false, false]);
    expect(getsOut(a)).toEqual([true, true]);
    iptables(world, "legacy", "-D CNI-ISOLATION-STAGE-1 1");
    withoutNetfilter(() => {
      expect([a, b].map((one) => world.check(one, keys).status)).toEqual([0, 1]);
      for (const one of [a, b]) succeed(world.del(one, keys));
    });
    for (const family of FAMILIES)
      expect(filterRules(world, "legacy", family).join()).not.toMatch(/br-[ab]|10\.60|fd00/);
    expect(isAnswered(a.netns, b[4])).toBe(true);
    expect(world.nft("list ruleset")).toBe("");
  });

  it("bauta restore puts back the rules of all networks that isolate one bridge", () => {
    haveOnly("legacy");
    onTestFinished(haveAll);
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-a")];
    withoutNetfilter(() => {
      succeed(world.add(a, { name: "strict", ingressPolicy: "isolated" }));
      succeed(world.add(b, { name: "lax", ingressPolicy: "same-bridge" }));
    });
    const rules = (): string[] => FAMILIES.flatMap((family) => filterRules(world, "legacy", family).sort());
    const before = rules();
    expect(before.filter((line) => line.includes("br-a"))).toHaveLength(8);
    iptables(world, "legacy", "-F CNI-ISOLATION-STAGE-1", "-F CNI-ISOLATION-STAGE-2");
    withoutNetfilter(() => inNetns(world.node.fd, () => cli(["restore"])));
    expect(rules()).toEqual(before);
  });

  it("STATUS has code 50 where iptables can't take the place of nf_tables, either", () => {
    const world = begin();
    const refused = (more: Config): unknown[] => {
      const { json } = withoutNetfilter(() => world.status(more));
      return [json?.code, `${json?.msg}: ${json?.details}`];
    };
    for (const keys of [{ backend: "nftables" }, { backend: "firewalld", ingressPolicy: "isolated" }])
      expect(refused(keys)[0]).toBe(50);
    haveOnly(undefined);
    onTestFinished(haveAll);
    expect(refused({ ingressPolicy: "same-bridge" })).toEqual([50, expect.stringContaining("no nf_tables, and ")]);
  });

  it('"nftables" is refused, and nothing is left', () => {
    const world = begin();
    const a = world.attach("br-a");
    const { json } = withoutNetfilter(() => world.add(a, { backend: "nftables" }));
    expect(json.msg).toContain('no nf_tables, which backend "nftables" takes');
    expect([world.nft("list ruleset"), records.list()]).toEqual(["", []]);
  });
});
