// The firewall plugin beside upstream's executable: where the outcomes must differ, and how either ends what the other began.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { records } from "../../src/firewall/records.ts";
import { plugin } from "../../src/plugins/firewall/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { type BridgedContainer, type BridgedNode, makeBridgedNode, OUTSIDE } from "../support/bridged-node.ts";
import { cli } from "../support/cli.ts";
import { peerDirectory } from "../support/differential.ts";
import { requireNamespaces } from "../support/netns.ts";
import { isAnswered } from "../support/outside.ts";
import { type CallPlugin, executable, inProcess, type PluginOutcome, succeed } from "../support/plugin.ts";

beforeAll(() => requireNamespaces());
afterEach(() => rmSync(records.directory, { recursive: true, force: true }));

type Config = Readonly<Record<string, unknown>>;
type Verb = (command: string, one: BridgedContainer, more?: Config) => PluginOutcome;

const upstream = executable(join(peerDirectory(), "firewall"));

/** A node with both plugins. */
function begin(): BridgedNode & { readonly ours: Verb; readonly theirs: Verb } {
  const world = makeBridgedNode();
  const verbs = (plain: CallPlugin): Verb => {
    const call = world.on(plain);
    return (command, one, more = {}) => {
      const config = { cniVersion: "1.0.0", name: "net", type: "firewall", prevResult: one.prevResult, ...more };
      return call({ command, ...one.names, config });
    };
  };
  return { ...world, ours: verbs(inProcess(plugin)), theirs: verbs(upstream) };
}

/** The rules of iptables' filter tables, in the form that the node has chosen, and the chains of plugins. */
const filter = ({ node }: BridgedNode): string[] =>
  ["iptables-save", "ip6tables-save"].flatMap((program) =>
    node
      .exec(program, "-t", "filter")
      .split("\n")
      .filter((line) => line.startsWith("-A") || line.startsWith(":CNI")),
  );

const rulesAbout = (world: BridgedNode, { 4: v4, 6: v6 }: BridgedContainer): number =>
  filter(world).filter((line) => line.includes(`${v4}/32`) || line.includes(`${v6}/128`)).length;

const without = { prevResult: undefined };

describe("upstream's outcome and ours:", () => {
  it("DEL without a prevResult leaves the rules (D28), and removes them", () => {
    const world = begin();
    const a = world.attach("br-a");
    succeed(world.theirs("ADD", a));
    succeed(world.theirs("DEL", a, without));
    expect(rulesAbout(world, a)).toBe(4);
    succeed(world.ours("ADD", a, { backend: "iptables" }));
    succeed(world.ours("DEL", a, without));
    expect(rulesAbout(world, a)).toBe(0);
  });

  it("CHECK on a clean node makes chains (D29), and nothing", () => {
    const [theirs, ours] = [begin(), begin()];
    expect(theirs.theirs("CHECK", theirs.attach("br-a")).status).toBe(1);
    expect(filter(theirs).length).toBeGreaterThan(0);
    expect(ours.ours("CHECK", ours.attach("br-a")).status).toBe(1);
    expect(ours.node.exec("nft", "list", "ruleset")).toBe("");
  });

  it("a wrong ingressPolicy leaves rules (D30), and is refused with code 7 before anything is done", () => {
    const [theirs, ours] = [begin(), begin()];
    const [a, b] = [theirs.attach("br-a"), ours.attach("br-a")];
    expect(theirs.theirs("ADD", a, { ingressPolicy: "samebridge" }).json.code).toBe(999);
    expect(rulesAbout(theirs, a)).toBe(4);
    expect(ours.ours("ADD", b, { ingressPolicy: "samebridge" }).json.code).toBe(7);
    expect(ours.node.exec("nft", "list", "ruleset")).toBe("");
  });

  it("isolated does not isolate without br_netfilter (D31), and does", () => {
    for (const [isOurs, reaches] of [
      [false, true],
      [true, false],
    ]) {
      const world = begin();
      for (const name of ["iptables", "ip6tables"])
        world.node.exec("sysctl", "-qw", `net.bridge.bridge-nf-call-${name}=0`);
      const [a, b] = [world.attach("br-a"), world.attach("br-a")];
      for (const one of [a, b])
        succeed((isOurs ? world.ours : world.theirs)("ADD", one, { ingressPolicy: "isolated" }));
      expect(isAnswered(a.netns, b[4])).toBe(reaches);
    }
  });

  it('"nftables" is iptables (D45), and nf_tables', () => {
    const [theirs, ours] = [begin(), begin()];
    const [a, b] = [theirs.attach("br-a"), ours.attach("br-a")];
    succeed(theirs.theirs("ADD", a, { backend: "nftables" }));
    expect(rulesAbout(theirs, a)).toBe(4);
    succeed(ours.ours("ADD", b, { backend: "nftables" }));
    expect(ours.node.exec("nft", "list", "tables")).toBe("table inet bauta_firewall\n");
  });

  it("a network that has changed keeps its old isolation (W8), and does not", () => {
    for (const [isOurs, reaches] of [
      [false, false],
      [true, true],
    ]) {
      const world = begin();
      for (const name of ["iptables", "ip6tables"])
        world.node.exec("sysctl", "-qw", `net.bridge.bridge-nf-call-${name}=1`);
      const verb = isOurs ? world.ours : world.theirs;
      const [a, b] = [world.attach("br-a"), world.attach("br-a")];
      isAnswered(a.netns, b[4]); // neighbours
      for (const one of [a, b]) succeed(verb("ADD", one, { ingressPolicy: "isolated" }));
      for (const one of [a, b]) succeed(verb("DEL", one, { ingressPolicy: "same-bridge" }));
      for (const one of [a, b]) succeed(verb("ADD", one, { ingressPolicy: "same-bridge" }));
      expect(isAnswered(a.netns, b[4])).toBe(reaches);
    }
  });
});

describe("the same of both:", () => {
  it("the result is that of the plugins before", () => {
    const world = begin();
    const a = world.attach("br-a");
    const theirs = succeed(world.theirs("ADD", a));
    expect(succeed(world.ours("ADD", a))).toEqual(theirs);
  });

  it("a configuration of 0.3.1 is refused", () => {
    const world = begin();
    const a = world.attach("br-a");
    const [theirs, ours] = [world.theirs, world.ours].map((verb) => verb("ADD", a, { cniVersion: "0.3.1" }).json);
    expect([ours.code, ours.msg, ours.details]).toEqual([theirs.code, theirs.msg, theirs.details]);
  });

  it("what is made with iptables is what upstream's DEL removes, and the reverse", () => {
    const world = begin();
    const a = world.attach("br-a");
    succeed(world.ours("ADD", a, { backend: "iptables" }));
    expect(rulesAbout(world, a)).toBe(4);
    expect(world.theirs("CHECK", a).status).toBe(0);
    succeed(world.theirs("DEL", a));
    expect(rulesAbout(world, a)).toBe(0);
    succeed(world.ours("DEL", a));
    succeed(world.theirs("ADD", a));
    expect(world.ours("CHECK", a, { backend: "iptables" }).json.msg).toContain("table inet bauta_firewall is missing");
    succeed(world.ours("DEL", a));
    expect(rulesAbout(world, a)).toBe(0);
  });
});

describe("isolation by iptables", () => {
  const IPTABLES = { backend: "iptables" };
  const about = (world: BridgedNode, bridge: string): string[] =>
    filter(world).filter((line) => new RegExp(`-[io] ${bridge} `).test(line));

  it.each(["same-bridge", "isolated"])("of %s has upstream's rules, in upstream's order", (ingressPolicy) => {
    const [theirs, ours] = [begin(), begin()];
    for (const [world, verb] of [
      [theirs, theirs.theirs],
      [ours, ours.ours],
    ] as const) {
      for (const bridge of ["br-a", "br-b"]) succeed(verb("ADD", world.attach(bridge), { ...IPTABLES, ingressPolicy }));
    }
    expect(filter(ours)).toEqual(filter(theirs));
    expect(about(ours, "br-a").length).toBeGreaterThan(0);
  });

  it("comes before what lets containers through, also where somebody has turned them round", () => {
    const world = begin();
    const a = world.attach("br-a");
    const config = { ...IPTABLES, ingressPolicy: "same-bridge" };
    succeed(world.ours("ADD", a, config));
    const forward = (): string[] => filter(world).flatMap((line) => /^-A FORWARD .*-j (CNI-.*)$/.exec(line)?.[1] ?? []);
    const right = ["CNI-ISOLATION-STAGE-1", "CNI-FORWARD"];
    expect(forward()).toEqual([...right, ...right]);
    for (const program of ["iptables", "ip6tables"]) {
      const lead = ["-m", "comment", "--comment", "CNI firewall plugin rules", "-j", "CNI-FORWARD"];
      world.node.exec(program, "-D", "FORWARD", ...lead);
      world.node.exec(program, "-I", "FORWARD", "1", ...lead);
    }
    expect(world.ours("CHECK", a, config).json.msg).toContain("-I FORWARD 1");
    expect(inNetns(world.node.fd, () => cli(["restore"]))).toMatchObject({ status: 0 });
    expect(forward()).toEqual([...right, ...right]);
    succeed(world.ours("CHECK", a, config));
  });

  it("holds between our networks and upstream's, in both directions", () => {
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-b")];
    for (const family of [4, 6] as const) expect(isAnswered(a.netns, b[family])).toBe(true);
    succeed(world.theirs("ADD", a, { ingressPolicy: "same-bridge" }));
    succeed(world.ours("ADD", b, { ...IPTABLES, ingressPolicy: "same-bridge", name: "other" }));
    for (const family of [4, 6] as const) {
      expect([isAnswered(a.netns, b[family]), isAnswered(b.netns, a[family])]).toEqual([false, false]);
      expect(isAnswered(b.netns, OUTSIDE[family])).toBe(true);
    }
    // Of our tables it takes none.
    world.node.exec("nft", "delete", "table", "inet", "bauta_firewall");
    expect([isAnswered(a.netns, b[4]), isAnswered(b.netns, a[6])]).toEqual([false, false]);
  });

  it.each(["ours", "theirs"] as const)("as %s has made it, ends with the last container of the bridge", (whose) => {
    const world = begin();
    const [a, second, b] = [world.attach("br-a"), world.attach("br-a"), world.attach("br-b")];
    const config = { ...IPTABLES, ingressPolicy: "isolated" };
    for (const one of [a, second, b]) succeed(world[whose]("ADD", one, config));
    const before = about(world, "br-a");
    succeed(world.ours("DEL", a, config));
    expect(about(world, "br-a")).toEqual(before);
    world.node.ip(`link delete ${a.port}`);
    succeed(world.ours("DEL", second, config));
    expect([about(world, "br-a"), about(world, "br-b").length]).toEqual([[], before.length]);
    expect(isAnswered(b.netns, OUTSIDE[4])).toBe(true);
    // Without a port of its own there is nobody whom the rules could be for.
    world.node.ip("link delete br-b");
    succeed(world.ours("DEL", b, config));
    expect(about(world, "br-b")).toEqual([]);
  });

  it("ends by GC, too", () => {
    const world = begin();
    const a = world.attach("br-a");
    succeed(world.ours("ADD", a, { ...IPTABLES, ingressPolicy: "same-bridge" }));
    world.node.ip(`link delete ${a.port}`);
    const config = { cniVersion: "1.1.0", name: "net", type: "firewall" };
    succeed(world.on(inProcess(plugin))({ command: "GC", config }));
    expect([about(world, "br-a"), rulesAbout(world, a)]).toEqual([[], 0]);
  });

  it("follows a network that has changed (W8)", () => {
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-a")];
    const kinds = (): string[] => [
      ...new Set(about(world, "br-a").flatMap((line) => /ingressPolicy: ([^)]*)\)" -j/.exec(line)?.[1] ?? [])),
    ];
    succeed(world.ours("ADD", a, { ...IPTABLES, ingressPolicy: "isolated" }));
    expect(kinds()).toContain("isolated");
    succeed(world.ours("ADD", b, { ...IPTABLES, ingressPolicy: "same-bridge" }));
    expect(kinds().sort()).toEqual(["same-bridge", "same-bridge|isolated"]);
    succeed(world.ours("ADD", a, { ...IPTABLES, ingressPolicy: "open" }));
    expect(about(world, "br-a")).toEqual([]);
  });

  it("stays where another network isolates the bridge", () => {
    const world = begin();
    const [a, b] = [world.attach("br-a"), world.attach("br-a")];
    succeed(world.ours("ADD", a, { ...IPTABLES, ingressPolicy: "isolated" }));
    succeed(world.ours("ADD", b, { ...IPTABLES, ingressPolicy: "isolated", name: "other" }));
    const before = about(world, "br-a");
    world.node.ip(`link delete ${b.port}`);
    succeed(world.ours("ADD", a, { ...IPTABLES, ingressPolicy: "open" }));
    expect(about(world, "br-a")).toEqual(before);
  });
});

describe("bauta adopt", () => {
  afterEach(() => rmSync("/var/lib/cni/results", { recursive: true, force: true }));

  /** Keeps the result of a container as libcni does. */
  function keep({ prevResult, names }: BridgedContainer, own: Config): void {
    const list = { cniVersion: "1.0.0", name: "net", plugins: [{ type: "bridge" }, { type: "firewall", ...own }] };
    mkdirSync("/var/lib/cni/results", { recursive: true });
    const kept = {
      kind: "cniCacheV1",
      containerId: names.containerId,
      config: Buffer.from(JSON.stringify(list)).toString("base64"),
      ifName: names.ifname,
      networkName: "net",
      netns: names.netns,
      result: prevResult,
    };
    writeFileSync(`/var/lib/cni/results/net-${names.containerId}-${names.ifname}`, JSON.stringify(kept));
  }

  it("takes upstream's containers and isolation over, and leaves what nobody knows", () => {
    const world = begin();
    const [a, b, unknown] = [world.attach("br-a"), world.attach("br-b"), world.attach("br-c")];
    for (const one of [a, b]) {
      succeed(world.theirs("ADD", one, { ingressPolicy: "same-bridge" }));
      keep(one, { ingressPolicy: "same-bridge" });
    }
    succeed(world.theirs("ADD", unknown));
    const adopt = (...options: readonly string[]) => inNetns(world.node.fd, () => cli(["adopt", ...options]));
    expect(adopt("--dry-run").stdout).toContain("would adopt 2 attachments");
    expect(rulesAbout(world, a)).toBe(4);
    const { status, stdout, stderr } = adopt();
    expect([status, stdout]).toEqual([1, expect.stringContaining(`net ${a.names.containerId} eth0 ${a[4]} ${a[6]}`)]);
    expect(stderr).toContain(`the rules of iptables for ${unknown[4]} stay`);
    expect([a, b, unknown].map((one) => rulesAbout(world, one))).toEqual([0, 0, 4]);
    expect(filter(world).filter((line) => /-[io] br-[ab]/.test(line))).toEqual([]);
    for (const one of [a, b])
      expect(world.ours("CHECK", one, { ingressPolicy: "same-bridge" })).toMatchObject({ status: 0 });
    expect(isAnswered(a.netns, b[4])).toBe(false);
    succeed(world.ours("DEL", a, without));
    succeed(world.ours("DEL", b, without));
    expect(world.node.exec("nft", "list", "tables")).not.toContain("bauta_");
  });

  it("leaves the rules where iptables drops what is forwarded", () => {
    const world = begin();
    const a = world.attach("br-a");
    succeed(world.theirs("ADD", a));
    keep(a, {});
    world.node.exec("iptables", "-P", "FORWARD", "DROP");
    expect(inNetns(world.node.fd, () => cli(["adopt"]))).toMatchObject({ status: 0 });
    expect(rulesAbout(world, a)).toBe(4);
    expect(isAnswered(a.netns, OUTSIDE[4])).toBe(true);
    succeed(world.ours("DEL", a, without));
    expect(rulesAbout(world, a)).toBe(0);
  });
});
