// The ptp plugin on real packets, and what it leaves.

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { plugin as ptp } from "../../src/plugins/ptp/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { dieAt, syscallsOf, withSyscalls } from "../support/intercept-syscalls.ts";
import { makeNetns, run, type TestNetns } from "../support/netns.ts";
import { connectOutside, NODE, OUTSIDE, ping, seenAs } from "../support/outside.ts";
import { inProcess, type PluginOutcome, succeed } from "../support/plugin.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

type Config = Readonly<Record<string, unknown>>;

let node: TestNode;

beforeEach(() => {
  node = ourNode(ptp, { detectsDuplicates: true });
});

const range = (subnet: string): readonly unknown[] => [{ subnet }];

function hostLocal(subnets: readonly string[], more: Config = {}): Config {
  const { dataDir } = node;
  const routes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];
  const ipam = { type: "host-local", dataDir, ranges: subnets.map(range), routes };
  return { cniVersion: "1.1.0", name: "net1", type: "ptp", ipMasq: true, ipam, ...more };
}

const dual = (more: Config = {}): Config => hostLocal(["10.1.0.0/24", "fd00:1::/112"], more);

/** Files of addresses in use, links of pairs, and elements of masquerade; nothing when nothing is attached. */
function leftovers(): readonly string[] {
  const files = existsSync(join(node.dataDir, "net1")) ? readdirSync(join(node.dataDir, "net1")) : [];
  const rules = run("nsenter", `--net=${node.node.path}`, "nft", "list", "ruleset");
  return [
    ...files.filter((name) => /^[0-9a-f.:]+$/.test(name)),
    ...linksIn(node.node).filter((name) => name.startsWith("veth")),
    ...linksIn(node.container).filter((name) => name !== "lo"),
    ...rules.split("\n").filter((line) => line.includes("comment") && line.includes("net1 ")),
  ];
}

/** Names of links, as /proc has them: much faster than ip(8), which matters where it is asked hundreds of times. */
function linksIn(netns: TestNetns): string[] {
  const text = inNetns(netns.fd, () => readFileSync("/proc/thread-self/net/dev", "utf8"));
  return [...text.matchAll(/^ *([^ :|]+):/gm)].map(([, name]) => String(name));
}

const add = (config: Config): ReturnType<typeof succeed> => succeed(node.call({ command: "ADD", config }));

describe("a container attached by ptp", () => {
  it("reaches the outside in both families over TCP, UDP and ICMP, and is seen as the node", async () => {
    await connectOutside(node.node);
    add(dual());
    for (const family of [4, 6] as const) {
      expect(seenAs(node.container, "tcp", OUTSIDE[family])).toBe(NODE[family]);
      expect(seenAs(node.container, "udp", OUTSIDE[family])).toBe(NODE[family]);
      ping(node.container, OUTSIDE[family]);
    }
  });

  it("is reached from outside by its own addresses", async () => {
    const outside = await connectOutside(node.node);
    add(dual());
    outside.ip(`route add 10.1.0.0/24 via ${NODE[4]}`);
    outside.ip(`route add fd00:1::/112 via ${NODE[6]}`);
    ping(outside, "10.1.0.2");
    ping(outside, "fd00:1::2");
  });

  it("reaches another container on the network with its own address", () => {
    const other = makeNetns();
    add(dual());
    succeed(node.call({ command: "ADD", config: dual(), containerId: "container-2", netns: other.path }));
    other.exec("nft", "add table inet seen");
    other.exec("nft", "add chain inet seen input { type filter hook input priority 0; }");
    other.exec("nft", "add rule inet seen input ip saddr 10.1.0.2 icmp type echo-request counter");
    other.exec("nft", "add rule inet seen input ip6 saddr fd00:1::2 icmpv6 type echo-request counter");
    ping(node.container, "10.1.0.3");
    ping(node.container, "fd00:1::3");
    expect(other.exec("nft", "list", "ruleset").match(/counter packets 1 /g)).toHaveLength(2);
    other.remove();
  });

  it("has two IPv4 and five IPv6 ranges, all of them masqueraded", async () => {
    await connectOutside(node.node);
    const subnets = ["10.1.0.0/24", "10.2.0.0/24", ...[1, 2, 3, 4, 5].map((n) => `fd00:${n}::/112`)];
    const { ips } = add(hostLocal(subnets));
    expect(ips).toHaveLength(7);
    for (const { address } of ips) {
      const [source] = address.split("/");
      ping(node.container, source.includes(":") ? OUTSIDE[6] : OUTSIDE[4], source);
    }
  });

  it("takes over the route of an address that a stale attachment still has, and gives it back over IPv4", () => {
    const other = makeNetns();
    const config = { ...dual(), ipMasq: false };
    const fixed = (name: string): Config => ({
      ...config,
      name,
      ipam: {
        type: "static",
        addresses: [
          { address: "10.1.0.5/24", gateway: "10.1.0.1" },
          { address: "fd00:1::5/112", gateway: "fd00:1::1" },
        ],
      },
    });
    const device = (family: string, address: string): string =>
      node.node.ipJson(`${family} route get ${address}`)[0]?.dev;
    const first = add(fixed("net1")).interfaces[0].name;
    const second = succeed(
      node.call({ command: "ADD", config: fixed("net2"), containerId: "container-2", netns: other.path }),
    ).interfaces[0].name;
    expect([device("-4", "10.1.0.5"), device("-6", "fd00:1::5")]).toEqual([second, second]);
    node.call({ command: "DEL", config: fixed("net2"), containerId: "container-2", netns: other.path });
    expect(device("-4", "10.1.0.5")).toBe(first);
    other.remove();
  });
});

describe("CHECK", () => {
  const inContainer = (command: string) => (): unknown => node.container.ip(command);
  const onNode = (command: string) => (): unknown => node.node.ip(command.replace("VETH", veth()));
  const nft = (command: string) => (): unknown => node.node.exec("nft", command);
  const veth = (): string => linksIn(node.node).find((name) => name.startsWith("veth")) ?? "";

  it.each<[what: string, damage: () => unknown, said: RegExp]>([
    ["the interface", inContainer("link delete eth0"), /interface eth0 in the container not found/],
    ["its address", inContainer("link set eth0 address 02:00:00:00:00:01"), /has the address 02:00:00:00:00:01, not/],
    ["an IPv4 address", inContainer("address delete 10.1.0.2/24 dev eth0"), /10\.1\.0\.2\/24 is not on interface eth0/],
    ["an IPv6 address", inContainer("address delete fd00:1::2/112 dev eth0"), /fd00:1::2\/112 is not on interface/],
    ["the way to a subnet", inContainer("route delete 10.1.0.0/24"), /route to 10\.1\.0\.0\/24 not found/],
    ["an IPv4 route", inContainer("route delete default"), /route to 0\.0\.0\.0\/0 via 10\.1\.0\.1 not found/],
    ["an IPv6 route", inContainer("-6 route delete default"), /route to ::\/0 via fd00:1::1 not found/],
    ["a gateway", onNode("address delete 10.1.0.1/32 dev VETH"), /gateway address 10\.1\.0\.1 is not on/],
    ["the route to it", onNode("-6 route delete fd00:1::2"), /route to fd00:1::2 through veth.* not found on the node/],
    ["IPv4 masquerade", nft("delete table ip bauta_masquerade"), /table ip bauta_masquerade is missing/],
    ["IPv6 masquerade", nft("flush map ip6 bauta_masquerade policies"), /fd00:1::2/],
    ["its reservation", () => rmSync(join(node.dataDir, "net1", "10.1.0.2")), /10\.1\.0\.2 is not noted/],
  ])("says what is missing: %s", (_, damage, said) => {
    const config = dual();
    const prevResult = add(config);
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
    damage();
    const { status, json } = node.call({ command: "CHECK", config: { ...config, prevResult } });
    expect([status, json?.code]).toEqual([1, 999]);
    expect(json.msg).toMatch(said);
  });

  it("wants the result of ADD, and one that is of this container", () => {
    const config = dual();
    const { interfaces, ...rest } = add(config);
    const check = (prevResult?: Config): PluginOutcome =>
      node.call({ command: "CHECK", config: prevResult === undefined ? config : { ...config, prevResult } });
    expect(check().json).toMatchObject({ code: 7, msg: expect.stringContaining("prevResult is missing") });
    expect(check({ ...rest, interfaces: [interfaces[0]] }).json.msg).toMatch(/does not have the interface eth0/);
    expect(check({ ...rest, interfaces: [interfaces[1]] }).json.msg).toMatch(/does not have the node's end/);
    const foreign = { ...interfaces[0], name: "veth00000000" };
    expect(check({ ...rest, interfaces: [foreign, interfaces[1]] }).json.msg).toMatch(
      /veth00000000 on the node not found/,
    );
    node.node.ip("link add veth00000001 type veth peer name other");
    const stranger = { name: "veth00000001" };
    expect(check({ ...rest, interfaces: [stranger, interfaces[1]] }).json.msg).toMatch(/is not the other end of eth0/);
  });
});

describe("DEL", () => {
  it("deletes the pair though the namespace can't be found any more, as long as it lives", () => {
    const config = dual();
    const prevResult = add(config);
    succeed(node.call({ command: "DEL", config: { ...config, prevResult }, netns: "" }));
    expect(leftovers()).toEqual([]);
  });

  it("leaves an interface alone that is not ours", () => {
    const config = dual();
    node.container.ip("link add eth0 type bridge");
    expect(node.call({ command: "ADD", config }).json.msg).toMatch(/container veth name \("eth0"\) already exists/);
    succeed(node.call({ command: "DEL", config }));
    expect(leftovers()).toEqual(["eth0"]);
  });

  it("ends masquerade that the configuration has stopped asking for", () => {
    add(dual());
    succeed(node.call({ command: "DEL", config: { ...dual(), ipMasq: false } }));
    expect(leftovers()).toEqual([]);
  });

  it("does without nf_tables where the configuration asks for no masquerade", () => {
    const config = { ...dual(), ipMasq: false };
    const { status, stderr } = withoutNftables(() => {
      add(config);
      return node.call({ command: "DEL", config });
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect(leftovers()).toEqual([]);
  });

  it("goes on where masquerade, which the configuration does not ask for, can't be looked for", () => {
    const config = { ...dual(), ipMasq: false };
    add(config);
    const { status, stderr } = withoutNftables(() => node.call({ command: "DEL", config }), "EMFILE");
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/masquerade, which the configuration does not ask for, is left alone/),
    ]);
    expect(leftovers()).toEqual([]);
  });

  it("gives the address back though masquerade can't be ended, and says so", () => {
    add(dual());
    const { status, json } = withoutNftables(() => node.call({ command: "DEL", config: dual() }), "EMFILE");
    expect([status, json?.msg]).toEqual([1, expect.stringMatching(/EMFILE/)]);
    expect(leftovers().filter((one) => !one.includes("comment"))).toEqual([]);
    succeed(node.call({ command: "DEL", config: dual() }));
    expect(leftovers()).toEqual([]);
  });
});

/** As on a kernel that has no nf_tables; or where it can't be asked, for another reason. */
function withoutNftables<T>(work: () => T, code: "EPROTONOSUPPORT" | "EMFILE" = "EPROTONOSUPPORT"): T {
  const NETLINK_NETFILTER = 12;
  return withSyscalls((name, args) => (name === "socket" && args[2] === NETLINK_NETFILTER ? code : undefined), work);
}

describe("GC and STATUS", () => {
  it("GC goes on to IPAM though masquerade can't be looked at, and tells all that went wrong", () => {
    add(dual());
    const { status, json } = withoutNftables(() => node.call({ command: "GC", config: dual() }), "EMFILE");
    expect([status, json?.msg]).toEqual([1, expect.stringMatching(/EMFILE/)]);
    expect(leftovers().filter((one) => /^[0-9a-f.:]+$/.test(one))).toEqual([]);
  });

  it("STATUS has code 50 where ADD could not be served: no address left, no nf_tables, no IPAM plugin", () => {
    const status = (config: Config): PluginOutcome => node.call({ command: "STATUS", config });
    expect(status(dual()).status).toBe(0);
    expect(withoutNftables(() => status(dual())).json).toMatchObject({
      code: 50,
      msg: expect.stringMatching(/ipMasq/),
    });
    expect(withoutNftables(() => status({ ...dual(), ipMasq: false })).status).toBe(0);
    const tiny = hostLocal(["10.1.0.0/30"]);
    add(tiny);
    expect(status(tiny).json).toMatchObject({ code: 50, msg: expect.stringMatching(/no IP addresses available/) });
    expect(status({ ...dual(), ipam: { type: "nonsuch" } }).json).toMatchObject({ code: 50 });
  });
});

describe("an IPAM plugin of somebody else's", () => {
  /** A directory with a plugin that notes its calls and answers ADD with this. */
  function ipamDirectory(answer: string, status = 0): { readonly path: string; readonly calls: () => string[] } {
    const path = temporaryDirectory();
    const script = [
      "#!/bin/sh",
      `echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME $(wc -c)" >> ${path}/calls`,
      `if [ "$CNI_COMMAND" = ADD ]; then echo '${answer}'; exit ${status}; fi`,
    ];
    writeFileSync(join(path, "foreign"), `${script.join("\n")}\n`, { mode: 0o755 });
    return { path, calls: () => readFileSync(join(path, "calls"), "utf8").trim().split("\n") };
  }
  const config = { cniVersion: "1.1.0", name: "net1", type: "ptp", ipam: { type: "foreign", key: "value" } };
  const size = JSON.stringify(config).length;
  const ips = [{ address: "10.1.0.9/24", gateway: "10.1.0.1" }];

  it("is executed with the same input, and the variables that the verb has, for each of the verbs", () => {
    const { path, calls } = ipamDirectory(JSON.stringify({ cniVersion: "1.1.0", ips }));
    for (const command of ["STATUS", "ADD", "DEL", "GC"]) succeed(node.call({ command, config, path }));
    expect(calls()).toEqual([
      `STATUS   ${size}`,
      `ADD container-1 eth0 ${size}`,
      `DEL container-1 eth0 ${size}`,
      `GC   ${size}`,
    ]);
  });

  it.each([
    [
      "no address",
      JSON.stringify({ cniVersion: "1.1.0" }),
      0,
      { code: 999, msg: "IPAM plugin returned missing IP config" },
    ],
    ["its own error", JSON.stringify({ code: 111, msg: "no room" }), 1, { code: 111, msg: "no room" }],
    ["something that is no result", "hello", 0, { code: 6 }],
    ["an address without a gateway", JSON.stringify({ ips: [{ address: "10.1.0.9/24" }] }), 0, { code: 7 }],
  ])("is told to take it back when it gives %s", (_, answer, status, error) => {
    const { path, calls } = ipamDirectory(answer, status);
    expect(node.call({ command: "ADD", config, path }).json).toMatchObject(error);
    expect(calls().map((line) => line.split(" ")[0])).toEqual(["ADD", "DEL"]);
    expect(leftovers()).toEqual([]);
  });
});

describe("an ADD that fails", () => {
  it("leaves nothing, whichever of its system calls fails", () => {
    const config = dual();
    const calls = onNode(() => syscallsOf(() => call("ADD", config)));
    succeed(node.call({ command: "DEL", config }));
    expect(leftovers()).toEqual([]);
    let failed = 0;
    calls.forEach((_, nth) => {
      const outcome = failing(nth, () => call("ADD", config));
      if (outcome.status === 0) succeed(node.call({ command: "DEL", config }));
      else failed++;
      expect([nth, calls[nth], outcome.json, leftovers()]).toEqual([nth, calls[nth], outcome.json, []]);
    });
    expect(failed).toBeGreaterThan(50);
  });

  it("leaves nothing after the DEL that follows, wherever it was killed", () => {
    const config = dual();
    for (let nth = 0; ; nth++) {
      const isDead = onNode(() => dieAt(nth, () => call("ADD", config)));
      succeed(node.call({ command: "DEL", config }));
      expect([nth, leftovers()]).toEqual([nth, []]);
      if (!isDead) break;
    }
  });

  const serve = (): ReturnType<typeof inProcess> => inProcess(ptp);
  function call(command: string, config: Config): PluginOutcome {
    const { path: netns } = node.container;
    return serve()({ command, containerId: "container-1", netns, ifname: "eth0", config });
  }

  /** On the node itself, so that only what the plugin does is seen. */
  function onNode<T>(work: () => T): T {
    return inNetns(node.node.fd, work);
  }

  /**
   * With one system call refused; but close never is, whatever it says, and where the way back from the container's
   * namespace is, the process ends.
   */
  function failing(nth: number, work: () => PluginOutcome): PluginOutcome {
    let count = 0;
    let switches = 0;
    return onNode(() =>
      withSyscalls((name) => {
        const isExempt = name === "close" || (name === "setns" && switches++ % 2 === 1);
        return count++ === nth && !isExempt ? "EIO" : undefined;
      }, work),
    );
  }
});
