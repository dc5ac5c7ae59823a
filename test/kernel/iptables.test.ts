// ipMasqBackend "iptables" beside upstream's executables, where iptables has one form only.

import { existsSync, readdirSync, rmSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { restoreNat } from "../../src/iptables/program.ts";
import { setUpIptables, tearDownIptables } from "../../src/masquerade/iptables/iptables.ts";
import { IPTABLES_RECORDS } from "../../src/masquerade/iptables/records.ts";
import { plugin as bridge } from "../../src/plugins/bridge/plugin.ts";
import { plugin as ptp } from "../../src/plugins/ptp/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { parseCidr } from "../../src/wire/ip.ts";
import { ourNode, peerNode, peerOn, type TestNode } from "../support/differential.ts";
import { haveAll, haveOnly, type IptablesForm, isolateSbin, natRules } from "../support/iptables-form.ts";
import { connectOutside, NODE, OUTSIDE, seenAs } from "../support/outside.ts";
import { type CallPlugin, type PluginOutcome, succeed } from "../support/plugin.ts";

type Config = Readonly<Record<string, unknown>>;

beforeAll(() => isolateSbin());
afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

const ADDRESSES = [
  { address: "10.1.0.5/24", gateway: "10.1.0.1" },
  { address: "fd00:1::5/112", gateway: "fd00:1::1" },
];
const SECOND = [
  { address: "10.2.0.5/24", gateway: "10.2.0.1" },
  { address: "fd00:2::5/112", gateway: "fd00:2::1" },
];
const network = (type: string, addresses: readonly unknown[] = ADDRESSES, more: Config = {}): Config => ({
  ...{ cniVersion: "1.1.0", name: "net1", type, bridge: "br0", isGateway: true, ipMasq: true },
  ...{
    ipMasqBackend: "iptables",
    ipam: { type: "static", addresses, routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }] },
  },
  ...more,
});

const rulesOn = ({ node }: TestNode): string[][] => [natRules(node.exec, 4), natRules(node.exec, 6)];
/** Chains and rules that are not there to begin with. */
const leftOn = (node: TestNode): string[] =>
  rulesOn(node)
    .flat()
    .filter((line) => !/^:[A-Z]+ ACCEPT/.test(line));
const records = (): string[] => (existsSync(IPTABLES_RECORDS) ? readdirSync(IPTABLES_RECORDS) : []);
const add = (call: CallPlugin, config: Config, more: object = {}): ReturnType<typeof succeed> =>
  succeed(call({ command: "ADD", config, ...more }));
const del = (call: CallPlugin, config: Config, more: object = {}): void => {
  succeed(call({ command: "DEL", config, ...more }));
};
const failure = ({ status, json }: PluginOutcome): string => {
  expect(status).toBe(1);
  return json.msg;
};

/** The programs that `work` executes, by their names. */
function executed(work: () => void): string[] {
  const { bautaEngine } = globalThis;
  const original = bautaEngine.spawn;
  const names: string[] = [];
  bautaEngine.spawn = (path, ...rest) => {
    names.push(path.replace(/.*\//, ""));
    return original(path, ...rest);
  };
  try {
    work();
  } finally {
    bautaEngine.spawn = original;
  }
  return names;
}

/** A nat table with rules of somebody else's, in the form that the node has. */
function occupy({ node }: TestNode): void {
  for (const program of ["iptables", "ip6tables"]) {
    node.exec(program, "-t", "nat", "-N", "CNI-HOSTPORT-MASQ");
    node.exec(program, "-t", "nat", "-A", "POSTROUTING", "-m", "comment", "--comment", "x", "-j", "CNI-HOSTPORT-MASQ");
    node.exec(program, "-t", "nat", "-A", "CNI-HOSTPORT-MASQ", "-m", "mark", "--mark", "0x2000", "-j", "MASQUERADE");
  }
}

describe.each<IptablesForm>(["legacy", "nft"])("where iptables is %s alone", (form) => {
  beforeEach(() => haveOnly(form));
  afterEach(() => haveAll());

  it.each([
    ["ptp", ptp],
    ["bridge", bridge],
  ] as const)("%s makes the rules that upstream's makes, and takes them away", (type, plugin) => {
    const [ours, theirs] = [ourNode(plugin), peerNode(type)];
    for (const node of [ours, theirs]) add(node.call, network(type));
    expect(rulesOn(ours)).toEqual(rulesOn(theirs));
    expect(leftOn(ours)).toHaveLength(8);
    del(ours.call, network(type));
    expect([leftOn(ours), records()]).toEqual([[], []]);
  });

  it("makes the same rules of two ranges a family, but accepts both subnets before it masquerades", () => {
    const [ours, theirs] = [ourNode(ptp), peerNode("ptp")];
    const config = network("ptp", [...ADDRESSES, ...SECOND]);
    for (const node of [ours, theirs]) add(node.call, config);
    const sorted = (node: TestNode): string[][] => rulesOn(node).map((lines) => [...lines].sort());
    expect(sorted(ours)).toEqual(sorted(theirs));
    const targets = leftOn(ours).flatMap((line) => /^-A CNI.* -j (\S+)$/.exec(line)?.[1] ?? []);
    expect(targets).toEqual(["ACCEPT", "ACCEPT", "MASQUERADE", "ACCEPT", "ACCEPT", "MASQUERADE"]);
    del(ours.call, config);
    expect(leftOn(ours)).toEqual([]);
  });

  it("masquerades in both families, and forgets the connections", async () => {
    const node = ourNode(ptp);
    await connectOutside(node.node);
    add(node.call, network("ptp"));
    for (const family of [4, 6] as const) {
      expect(seenAs(node.container, "udp", OUTSIDE[family])).toBe(NODE[family]);
      expect(seenAs(node.container, "tcp", OUTSIDE[family])).toBe(NODE[family]);
    }
    const connections = (): string =>
      ["ipv4", "ipv6"].map((one) => node.node.exec("conntrack", "-L", "-f", one)).join("");
    expect(connections()).toMatch(/src=10\.1\.0\.5 .*src=fd00:1::5 /s);
    del(node.call, network("ptp"));
    expect(connections()).not.toMatch(/10\.1\.0\.5|fd00:1::5/);
  });

  it("one iptables-restore a family adds all, and taking away takes what the form needs", () => {
    const node = ourNode(ptp);
    const config = network("ptp", [...ADDRESSES, ...SECOND]);
    const names = executed(() => add(node.call, config));
    expect(names).toEqual(["iptables-restore", "ip6tables-restore"]);
    const each = ["iptables-save", "iptables-restore", "ip6tables-save", "ip6tables-restore"];
    expect(executed(() => del(node.call, config))).toEqual(form === "nft" ? [] : each);
    expect(leftOn(node)).toEqual([]);
  });

  it("ours deletes what upstream's has made, with prevResult or without, and upstream's deletes what ours has", () => {
    const node = ourNode(ptp);
    const theirs = peerOn(node, "ptp");
    const config = network("ptp");
    for (const [first, second, knows] of [
      [theirs, node.call, true],
      [theirs, node.call, false],
      [node.call, theirs, true],
    ] as const) {
      const prevResult = add(first, config);
      succeed(second({ command: "CHECK", config: { ...config, prevResult } }));
      del(second, knows ? { ...config, prevResult } : config);
      expect(leftOn(node)).toEqual([]);
    }
  });

  it("DEL under the other back end cleans up, whichever has been asked for before", () => {
    const node = ourNode(ptp);
    const theirs = peerOn(node, "ptp");
    const nftables = network("ptp", ADDRESSES, { ipMasqBackend: "nftables" });
    for (const first of [node.call, theirs]) {
      add(first, network("ptp"));
      del(node.call, nftables);
      expect(leftOn(node)).toEqual([]);
      add(first, nftables);
      del(node.call, network("ptp"));
      expect(node.node.exec("nft", "list", "ruleset")).not.toMatch(/10\.1\.0\.5/);
    }
    add(theirs, network("ptp"));
    del(node.call, network("ptp", ADDRESSES, { ipMasq: false }));
    expect(leftOn(node)).toEqual([]);
  });

  it("executes nothing where nothing is left, though others have rules there", () => {
    const node = ourNode(ptp);
    occupy(node);
    const before = rulesOn(node);
    for (const backend of ["nftables", "iptables"]) {
      const config = network("ptp", ADDRESSES, { ipMasqBackend: backend });
      expect(executed(() => del(node.call, config))).toEqual([]);
    }
    expect(rulesOn(node)).toEqual(before);
  });

  it("two interfaces of a container share a chain, and each DEL takes its own", () => {
    const node = ourNode(ptp);
    const second = { ifname: "eth1" };
    add(node.call, network("ptp"));
    const alone = rulesOn(node);
    add(node.call, network("ptp", SECOND), second);
    expect(leftOn(node).filter((line) => line.startsWith(":"))).toHaveLength(2);
    expect(leftOn(node).filter((line) => line.startsWith("-A POSTROUTING"))).toHaveLength(4);
    del(node.call, network("ptp", SECOND), second);
    expect(leftOn(node).filter((line) => line.startsWith("-A POSTROUTING"))).toEqual(
      alone.flat().filter((line) => line.startsWith("-A POSTROUTING")),
    );
    const prevResult = { cniVersion: "1.1.0", ips: ADDRESSES.map(({ address }) => ({ address })) };
    del(node.call, { ...network("ptp"), prevResult });
    expect([leftOn(node), records()]).toEqual([[], []]);
  });

  it("two interfaces, one of them made by upstream's plugin, are told apart by prevResult", () => {
    const node = ourNode(ptp);
    const prevResult = add(peerOn(node, "ptp"), network("ptp"));
    add(node.call, network("ptp", SECOND), { ifname: "eth1" });
    del(node.call, { ...network("ptp"), prevResult });
    expect(leftOn(node).filter((line) => line.startsWith("-A POSTROUTING"))).toEqual([
      expect.stringContaining("-s 10.2.0.5/32"),
      expect.stringContaining("-s fd00:2::5/128"),
    ]);
    del(node.call, network("ptp", SECOND), { ifname: "eth1" });
    expect(leftOn(node)).toEqual([]);
  });

  it("an ADD that was killed is no hindrance to the next, and adds nothing twice", () => {
    const node = ourNode(ptp);
    const attachment = { network: "net1", containerId: "c1", ifname: "eth0" };
    const cidrs = (addresses: readonly { address: string }[]) =>
      addresses.flatMap((one) => parseCidr(one.address) ?? []);
    inNetns(node.node.fd, () => setUpIptables(attachment, cidrs(ADDRESSES)));
    const once = rulesOn(node);
    inNetns(node.node.fd, () => setUpIptables(attachment, cidrs(ADDRESSES)));
    expect(rulesOn(node)).toEqual(once);
    rmSync(IPTABLES_RECORDS, { recursive: true });
    inNetns(node.node.fd, () => setUpIptables(attachment, cidrs(ADDRESSES)));
    expect(rulesOn(node)).toEqual(once);
    inNetns(node.node.fd, () => tearDownIptables(attachment, []));
    inNetns(node.node.fd, () => tearDownIptables(attachment, cidrs(ADDRESSES)));
    expect([leftOn(node), records()]).toEqual([[], []]);
  });

  it("a chain that nothing leads to any more goes, too", () => {
    const node = ourNode(ptp);
    const prevResult = add(node.call, network("ptp"));
    for (const program of ["iptables", "ip6tables"]) node.node.exec(program, "-t", "nat", "-F", "POSTROUTING");
    del(node.call, { ...network("ptp"), prevResult });
    expect(leftOn(node)).toEqual([]);
  });

  it("an error quotes what iptables said, and the line that it did not take", () => {
    const node = ourNode(ptp);
    const attempt = (): void => inNetns(node.node.fd, () => restoreNat(4, ["-N CNI-a", "-A CNI-b -j ACCEPT"]));
    expect(attempt).toThrow(/^cannot change the nat table of iptables: \S+iptables-restore .* ended with status 1: /);
    expect(attempt).toThrow(/line 3 failed.*; line 3 is `-A CNI-b -j ACCEPT`; the back end /);
    expect(leftOn(node)).toEqual([]);
  });

  describe("CHECK", () => {
    it.each([
      [
        /^.*the rule of chain POSTROUTING of table nat of iptables for 10\.1\.0\.5 is missing; `bauta restore` puts it back$/,
        "-F POSTROUTING",
      ],
      [/the rule `-d 10\.1\.0\.0\/24 .* is missing/, "-D CHAIN 1"],
      [/MASQUERADE` of chain CNI-\w+ of table nat of iptables is missing/, "-D CHAIN 2"],
      [/chain CNI-\w+ of table nat of iptables has been altered/, "-I CHAIN -j RETURN"],
    ])("says what is wrong: %s", (message, change) => {
      const node = ourNode(ptp);
      const prevResult = add(node.call, network("ptp"));
      const check = (): PluginOutcome => node.call({ command: "CHECK", config: { ...network("ptp"), prevResult } });
      succeed(check());
      const chain = leftOn(node)[0]?.replace(/^:(\S+) .*/, "$1") ?? "";
      node.node.exec("iptables", "-t", "nat", ...change.replace("CHAIN", chain).split(" "));
      expect(failure(check())).toMatch(message);
      del(node.call, network("ptp"));
    });

    it("says that a chain is missing", () => {
      const node = ourNode(ptp);
      const prevResult = add(node.call, network("ptp"));
      inNetns(node.node.fd, () =>
        tearDownIptables({ network: "net1", containerId: "container-1", ifname: "eth0" }, []),
      );
      const outcome = node.call({ command: "CHECK", config: { ...network("ptp"), prevResult } });
      expect(failure(outcome)).toMatch(/chain CNI-\w+ of table nat of ip6?tables is missing; chain CNI/);
    });
  });

  it("GC leaves valid attachments and other networks alone, ours and upstream's", () => {
    const node = ourNode(ptp);
    const theirs = peerOn(node, "ptp");
    const one = (n: number): readonly unknown[] => [
      { address: `10.${n}.0.5/24`, gateway: `10.${n}.0.1` },
      { address: `fd00:${n}::5/112`, gateway: `fd00:${n}::1` },
    ];
    occupy(node);
    const before = rulesOn(node);
    const made: readonly (readonly [CallPlugin, string, string, string])[] = [
      [node.call, "net1", "c1", "eth0"],
      [node.call, "net1", "c2", "eth1"],
      [theirs, "net1", "c3", "eth2"],
      [theirs, "net1", "c4", "eth3"],
      [node.call, "net2", "c1", "eth4"],
    ];
    for (const [i, [call, name, containerId, ifname]] of made.entries())
      add(call, network("ptp", one(i + 2), { name }), { containerId, ifname });
    const valid = [
      { containerID: "c2", ifname: "eth1" },
      { containerID: "c4", ifname: "eth3" },
    ];
    succeed(node.call({ command: "GC", config: { ...network("ptp"), "cni.dev/valid-attachments": valid } }));
    const jumps = leftOn(node).flatMap((line) => /^-A POSTROUTING -s (\S+) /.exec(line)?.[1] ?? []);
    expect(jumps).toEqual([3, 5, 6].map((n) => `10.${n}.0.5/32`).concat([3, 5, 6].map((n) => `fd00:${n}::5/128`)));
    expect(records()).toHaveLength(2);
    succeed(node.call({ command: "GC", config: { ...network("ptp"), "cni.dev/valid-attachments": [] } }));
    succeed(
      node.call({
        command: "GC",
        config: { ...network("ptp", [], { name: "net2" }), "cni.dev/valid-attachments": [] },
      }),
    );
    expect([rulesOn(node), records()]).toEqual([before, []]);
  });
});

describe("where there is no iptables", () => {
  beforeEach(() => haveOnly(undefined));
  afterEach(() => haveAll());

  it("ADD says which package is missing, and leaves nothing", () => {
    const node = ourNode(ptp);
    const outcome = node.call({ command: "ADD", config: network("ptp") });
    expect(failure(outcome)).toBe("this node has no iptables-restore: install the package iptables");
    expect([node.node.ipJson("link show type veth"), records()]).toEqual([[], []]);
  });

  it("STATUS has code 50", () => {
    const { status, json } = ourNode(ptp).call({ command: "STATUS", config: network("ptp") });
    expect([status, json.code]).toEqual([1, 50]);
    expect(json.msg).toMatch(/iptables-restore is in none of the directories.*install the package iptables/);
  });

  it("DEL and GC find nothing to do", () => {
    const node = ourNode(ptp);
    for (const backend of ["nftables", "iptables"]) {
      const config = network("ptp", ADDRESSES, { ipMasqBackend: backend });
      del(node.call, config);
      succeed(node.call({ command: "GC", config: { ...config, "cni.dev/valid-attachments": [] } }));
    }
  });
});

describe("where iptables has gone since", () => {
  it("DEL takes away what iptables-nft made", () => {
    const node = ourNode(ptp);
    haveOnly("nft");
    add(node.call, network("ptp"));
    haveAll();
    haveOnly(undefined);
    del(node.call, network("ptp"));
    haveAll();
    expect(leftOn(node)).toEqual([]);
  });

  it("DEL says that what iptables-legacy made can't be taken away, and another takes it away when that is back", () => {
    const node = ourNode(ptp);
    haveOnly("legacy");
    add(node.call, network("ptp"));
    haveAll();
    haveOnly(undefined);
    const outcome = node.call({ command: "DEL", config: network("ptp") });
    haveAll();
    expect(failure(outcome)).toBe("this node has no iptables-legacy-save: install the package iptables");
    haveOnly("legacy");
    del(node.call, network("ptp"));
    expect(leftOn(node)).toEqual([]);
    haveAll();
  });
});
