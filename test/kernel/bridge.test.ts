// The bridge plugin on real packets, what it leaves, and what it says when something is wrong.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { readMessages } from "../../src/netlink/message.ts";
import { plugin as bridge } from "../../src/plugins/bridge/plugin.ts";
import { RTM } from "../../src/rtnetlink/uapi.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { askedByArp, FrameListener } from "../support/frames.ts";
import { dieAt, syscallsOf, withSyscalls } from "../support/intercept-syscalls.ts";
import { makeNetns, requireNamespaces, run, type TestNetns } from "../support/netns.ts";
import { connectOutside, isAnswered, NODE, OUTSIDE, ping, seenAs } from "../support/outside.ts";
import { inProcess, type PluginCall, type PluginOutcome, succeed } from "../support/plugin.ts";

type Config = Readonly<Record<string, unknown>>;
// biome-ignore lint/suspicious/noExplicitAny: whatever a plugin prints
type Result = any;

beforeAll(() => requireNamespaces());

let node: TestNode;

beforeEach(() => {
  node = ourNode(bridge, { detectsDuplicates: true });
});

function hostLocal(ranges: readonly (readonly object[])[], more: Config = {}): Config {
  const routes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];
  const ipam = { type: "host-local", dataDir: node.dataDir, ranges, routes };
  return { cniVersion: "1.1.0", name: "net1", type: "bridge", isGateway: true, ipam, ...more };
}

const dual = (more: Config = {}): Config =>
  hostLocal([[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00:1::/112" }]], more);
const everything = (more: Config = {}): Config => dual({ ipMasq: true, macspoofchk: true, hairpinMode: true, ...more });
const frames = (more: Config = {}): Config => ({ cniVersion: "1.1.0", name: "net1", type: "bridge", ...more });

const add = (config: Config, more: Partial<PluginCall> = {}): Result =>
  succeed(node.call({ command: "ADD", config, ...more }));
const del = (config: Config, more: Partial<PluginCall> = {}): PluginOutcome =>
  node.call({ command: "DEL", config, ...more });

/** Another container of the node, and how calls name it. */
function another(containerId = "container-2"): { readonly netns: TestNetns; readonly call: Partial<PluginCall> } {
  const netns = makeNetns();
  onTestFinished(() => netns.remove());
  return { netns, call: { containerId, netns: netns.path } };
}

const ruleset = (): string => run("nsenter", `--net=${node.node.path}`, "nft", "list", "ruleset");

/** Addresses in use, links of pairs, and everything in nf_tables; nothing when nothing is attached. */
function leftovers(): readonly string[] {
  const directory = join(node.dataDir, "net1");
  const files = existsSync(directory) ? readdirSync(directory) : [];
  return [
    ...files.filter((name) => /^[0-9a-f.:]+$/.test(name)),
    ...linksIn(node.node).filter((name) => name.startsWith("veth")),
    ...linksIn(node.container).filter((name) => name !== "lo"),
    ...ruleset()
      .split("\n")
      .filter((line) => line !== ""),
  ];
}

/** Names of links, as /proc has them: much faster than ip(8), which matters where it is asked hundreds of times. */
function linksIn(netns: TestNetns): string[] {
  const text = inNetns(netns.fd, () => readFileSync("/proc/thread-self/net/dev", "utf8"));
  return [...text.matchAll(/^ *([^ :|]+):/gm)].map(([, name]) => String(name));
}

const addressesOf = (ifname: string): string[] =>
  node.node
    .ipJson(`address show dev ${ifname}`)[0]
    .addr_info.filter(({ scope }: Result) => scope === "global")
    .map(({ local, prefixlen }: Result) => `${local}/${prefixlen}`);

describe("containers attached by bridge", () => {
  it("reach each other and the gateway in both families as soon as they are attached", () => {
    const other = another();
    add(dual());
    add(dual(), other.call);
    for (const address of ["10.1.0.1", "10.1.0.3", "fd00:1::1", "fd00:1::3"]) ping(node.container, address);
    ping(other.netns, "fd00:1::2");
  });

  it("leave the bridge its address when they join, so that the others need not learn their gateway's anew", () => {
    const macOf = (result: Result): string => result.interfaces[0].mac;
    const first = macOf(add(dual()));
    const kept = first.startsWith("fe:") ? /^fe:/ : first; // so high that another may be below
    for (let n = 2; n <= 9; n++) expect(macOf(add(dual(), another(`container-${n}`).call))).toMatch(kept);
    expect(node.node.ipJson("link show dev cni0")[0].address).toMatch(kept);
  });

  it("reach the outside over TCP, UDP and ICMP, and are seen as the node", async () => {
    await connectOutside(node.node);
    add(dual({ ipMasq: true }));
    for (const family of [4, 6] as const) {
      expect(seenAs(node.container, "tcp", OUTSIDE[family])).toBe(NODE[family]);
      expect(seenAs(node.container, "udp", OUTSIDE[family])).toBe(NODE[family]);
      ping(node.container, OUTSIDE[family]);
    }
  });

  it("are reached from outside at once, before they have sent anything", async () => {
    const outside = await connectOutside(node.node);
    outside.ip(`route add 10.1.0.0/24 via ${NODE[4]}`);
    outside.ip(`route add fd00:1::/112 via ${NODE[6]}`);
    add(dual());
    ping(outside, "fd00:1::2");
    ping(outside, "10.1.0.2");
  });

  it("have two IPv4 and five IPv6 ranges, with every gateway on the bridge", async () => {
    await connectOutside(node.node);
    const subnets = ["10.1.0.0/24", "10.2.0.0/24", ...[1, 2, 3, 4, 5].map((n) => `fd00:${n}::/112`)];
    const config = hostLocal(
      subnets.map((subnet) => [{ subnet }]),
      { ipMasq: true },
    );
    const { ips } = add(config);
    const gateways = ips.map(({ gateway, address }: Result) => `${gateway}/${address.split("/")[1]}`);
    expect(addressesOf("cni0").sort()).toEqual(gateways.sort());
    for (const { address, gateway } of ips) {
      const [source] = address.split("/");
      ping(node.container, gateway, source);
      ping(node.container, source.includes(":") ? OUTSIDE[6] : OUTSIDE[4], source);
    }
    add(config, another().call);
    expect(addressesOf("cni0").sort()).toEqual(gateways.sort());
  });

  it("have addresses of the second subnet of a range when the first is full, with both gateways on the bridge", () => {
    const config = hostLocal([[{ subnet: "10.1.0.0/30" }, { subnet: "10.2.0.0/24" }]]);
    const second = another();
    expect(add(config).ips[0].address).toBe("10.1.0.2/30");
    expect(add(config, second.call).ips[0].address).toBe("10.2.0.2/24");
    expect(addressesOf("cni0")).toEqual(["10.1.0.1/30", "10.2.0.1/24"]);
    ping(node.container, "10.1.0.1");
    ping(second.netns, "10.2.0.1");
    ping(second.netns, "10.1.0.2");
  });

  it("carry only frames where there is no IPAM", () => {
    const other = another();
    const result = add(frames());
    expect(Object.keys(result)).toEqual(["cniVersion", "interfaces"]);
    add(frames(), other.call);
    node.container.ip("addr add 10.9.0.1/24 dev eth0");
    other.netns.ip("addr add 10.9.0.2/24 dev eth0");
    ping(node.container, "10.9.0.2");
    expect(addressesOf("cni0")).toEqual([]);
  });

  it("keep to their own MAC address with macspoofchk", () => {
    add(dual({ macspoofchk: true }));
    ping(node.container, "10.1.0.1");
    const [{ address }] = node.container.ipJson("link show eth0");
    node.container.ip("link set eth0 address 0a:00:00:00:00:99");
    expect(isAnswered(node.container, "10.1.0.1")).toBe(false);
    expect(Number(/counter packets (\d+) .* drop/.exec(ruleset())?.[1])).toBeGreaterThan(0);
    node.container.ip(`link set eth0 address ${address}`);
    ping(node.container, "10.1.0.1");
  });

  it("do not reach each other with portIsolation, but the gateway", () => {
    const other = another();
    add(dual({ portIsolation: true }));
    add(dual({ portIsolation: true }), other.call);
    ping(node.container, "10.1.0.1");
    expect(isAnswered(node.container, "10.1.0.3")).toBe(false);
  });

  it.each([
    [true, "see"],
    [false, "don't see"],
  ])("with hairpinMode %s %s their own broadcasts", (hairpinMode) => {
    add(dual({ hairpinMode }));
    const listener = FrameListener.open(node.container, "eth0");
    onTestFinished(() => listener.close());
    // Asks for a neighbour that is not there. What comes back comes before the gateway's answer to the second ping.
    expect(isAnswered(node.container, "10.1.0.99")).toBe(false);
    ping(node.container, "10.1.0.1");
    const asked = listener.heard().filter((frame) => askedByArp(frame) === "10.1.0.99");
    expect(asked.some(({ isOutgoing }) => isOutgoing)).toBe(true);
    expect(asked.some(({ isOutgoing }) => !isOutgoing)).toBe(hairpinMode);
  });

  it("stay attached when another ADD of the same attachment fails", () => {
    const prevResult = add(everything());
    const outcome = node.call({ command: "ADD", config: everything() });
    expect(outcome.json).toMatchObject({ code: 999, msg: expect.stringContaining('("eth0") already exists') });
    succeed(node.call({ command: "CHECK", config: everything({ prevResult }) }));
    ping(node.container, "fd00:1::1");
  });
});

describe("the bridge", () => {
  it("keeps its MAC address when ports come and go, which the result has", () => {
    const mac = (): string => node.node.ipJson("link show cni0")[0].address;
    const first = add(dual()).interfaces[0].mac;
    expect(first).toBe(mac());
    for (let n = 2; n < 6; n++) expect(add(dual(), another(`container-${n}`).call).interfaces[0].mac).toBe(first);
    succeed(del(dual()));
    expect(mac()).toBe(first);
  });

  it("has the MAC address of its lowest port where it is no gateway, and the result says so", () => {
    for (let n = 1; n < 8; n++) {
      const { interfaces } = add(frames(), another(`container-${n}`).call);
      expect(interfaces[0].mac).toBe(node.node.ipJson("link show cni0")[0].address);
    }
  });

  it("is asked for once when it is as it should be", () => {
    add(dual());
    node.node.ip("link set cni0 address 02:00:00:00:00:00"); // lower than any port's
    const { path } = another().netns;
    const requests: string[] = [];
    const names = new Map<number, string>(Object.entries(RTM).map(([name, type]) => [type, name]));
    const listen = (name: string, [, datagram]: readonly unknown[]): undefined => {
      if (name !== "sendto" || !(datagram instanceof Uint8Array)) return;
      requests.push(
        readMessages(datagram)
          .map(({ type }) => names.get(type))
          .join(" "),
      );
    };
    succeed(onNode(() => withSyscalls(listen, () => serve(dual(), { containerId: "container-2", netns: path }))));
    expect(requests).toEqual([
      "GETLINK", // the bridge
      "NEWLINK", // the pair
      "GETLINK", // the port's index
      "NEWADDR NEWADDR NEWLINK NEWROUTE NEWROUTE", // the container's end
      "GETADDR", // the gateways
      "GETLINK", // the port's state
    ]);
  });

  it("looks for no duplicates of its link-local address, also where the ADD that made it was killed before it was up", () => {
    const detection = (name: string): string =>
      node.node.exec("cat", `/proc/sys/net/ipv6/conf/${name}/accept_dad`).trim();
    node.node.ip("link add cni0 type bridge");
    add(dual());
    expect(detection("cni0")).toBe("0");
    // One that somebody uses keeps what it has.
    node.node.ip("link add theirs type bridge");
    node.node.ip("link set theirs up");
    const other = another();
    add(hostLocal([[{ subnet: "10.2.0.0/24" }]], { name: "net2", bridge: "theirs" }), other.call);
    expect(detection("theirs")).toBe("1");
  });

  it("is put in promiscuous mode also when it was there before", () => {
    node.node.ip("link add cni0 up type bridge");
    add(frames({ promiscMode: true }));
    expect(node.node.ipJson("link show cni0")[0].flags).toContain("PROMISC");
  });

  it("loses an address that is in the way with forceAddress, and else refuses with code 7 and leaves nothing", () => {
    node.node.ip("link add cni0 up type bridge");
    node.node.ip("addr add 10.7.0.1/24 dev cni0");
    const outcome = node.call({ command: "ADD", config: dual() });
    expect(outcome.json).toEqual({
      cniVersion: "1.1.0",
      code: 7,
      msg: "cni0 cannot be the gateway because of another address, which forceAddress would replace",
      details: '"cni0" already has the address 10.7.0.1/24, which is in the way of the gateway 10.1.0.1/24',
    });
    expect(leftovers()).toEqual([]);
    add(dual({ forceAddress: true }));
    expect(addressesOf("cni0")).toEqual(["10.1.0.1/24", "fd00:1::1/112"]);
  });

  it.each([
    ["veth", "link add br7 type veth peer name v1", "a link of type veth"],
    ["loopback", "link set lo name br7", "a link of another kind"],
  ])("can't be a %s: code 7, and nothing is left", (_, command, found) => {
    if (command.startsWith("link set lo")) node.node.ip("link set lo down");
    node.node.ip(command);
    const outcome = node.call({ command: "ADD", config: everything({ bridge: "br7" }) });
    expect(outcome.json).toMatchObject({ code: 7, msg: 'bridge: "br7" cannot be used' });
    expect(outcome.json.details).toBe(`"br7" exists and is not a bridge, but ${found}`);
    expect(leftovers()).toEqual([]);
  });
});

describe("DEL", () => {
  const prevResultOf = (config: Config): Config => ({ ...config, prevResult: add(config) });

  it.each<[what: string, before: () => void, call: Partial<PluginCall>, withResult: boolean]>([
    ["once", () => {}, {}, true],
    ["without prevResult", () => {}, {}, false],
    ["twice", () => succeed(del(everything())), {}, true],
    ["without a namespace but with prevResult", () => {}, { netns: "" }, true],
    ["with the link gone", () => void node.container.ip("link delete eth0"), {}, false],
    ["with the path of the namespace leading nowhere", () => {}, { netns: "/run/netns/nowhere" }, true],
  ])("%s leaves nothing", (_, before, call, withResult) => {
    const config = prevResultOf(everything());
    before();
    succeed(del(withResult ? config : everything(), call));
    expect(leftovers()).toEqual([]);
    expect(addressesOf("cni0")).toEqual(["10.1.0.1/24", "fd00:1::1/112"]);
  });

  it("leaves nothing when the namespace has gone, and nothing tells what was in it", () => {
    const gone = makeNetns();
    const call = { containerId: "container-2", netns: gone.path };
    add(everything(), call);
    gone.remove();
    succeed(del(everything(), call));
    expect(leftovers().filter((name) => !name.startsWith("veth"))).toEqual([]);
  });

  it("leaves nothing of what the configuration no longer asks for", () => {
    add(everything());
    succeed(del(dual()));
    expect(leftovers()).toEqual([]);
  });

  it("succeeds whatever is wrong with the keys that only ADD needs", () => {
    add(everything());
    succeed(del(everything({ vlan: 5000, mtu: -1, bridge: "/", promiscMode: true })));
    expect(leftovers()).toEqual([]);
  });

  it("takes nothing of another attachment", () => {
    const { netns, call } = another();
    add(everything());
    const prevResult = add(everything(), call);
    succeed(del(everything()));
    succeed(node.call({ command: "CHECK", config: everything({ prevResult }), ...call }));
    ping(netns, "fd00:1::1");
  });

  it("gives the addresses back only when the interface has gone", () => {
    add(dual());
    const outcome = onNode(() =>
      // The third socket is the one in the container.
      withSyscalls(
        (name) => (name === "setns" ? "EPERM" : undefined),
        () => serve(dual(), { command: "DEL" }),
      ),
    );
    expect(outcome.status).toBe(1);
    expect(leftovers()).toContain("10.1.0.2");
    succeed(del(dual()));
    expect(leftovers()).toEqual([]);
  });
});

describe("CHECK", () => {
  const check = (config: Config, prevResult: Result): PluginOutcome =>
    node.call({ command: "CHECK", config: { ...config, prevResult } });
  const nft = (command: string): void => void node.node.exec("nft", ...command.split(" "));

  it("is content with what ADD has made", () => {
    const config = everything({ isDefaultGateway: true, portIsolation: true });
    succeed(check(config, add(config)));
    const framesOnly = frames({ promiscMode: true, bridge: "br7" });
    const second = another();
    const prevResult = add(framesOnly, second.call);
    succeed(node.call({ command: "CHECK", config: { ...framesOnly, prevResult }, ...second.call }));
  });

  it("does not mind another MAC address of a bridge that is no gateway", () => {
    const prevResult = add(frames());
    node.node.ip("link set cni0 address 02:00:00:00:00:77");
    succeed(check(frames(), prevResult));
  });

  const port = (): string => linksIn(node.node).find((name) => name.startsWith("veth")) ?? "";

  it.each<[what: string, change: () => void, message: string]>([
    ["the bridge has gone", () => void node.node.ip("link delete cni0"), "interface cni0 on the node not found"],
    [
      "the bridge has another MAC",
      () => void node.node.ip("link set cni0 address 02:00:00:00:00:77"),
      "has the address",
    ],
    [
      "a gateway address has gone",
      () => void node.node.ip("addr del fd00:1::1/112 dev cni0"),
      "fd00:1::1/112 are missing on cni0",
    ],
    ["the port has left", () => void node.node.ip(`link set ${port()} nomaster`), "is not a port of bridge cni0"],
    [
      "the port has another name",
      () => {
        const name = port();
        node.node.ip(`link set ${name} down`); // Linux 6.2 and later rename it also while it is up
        node.node.ip(`link set ${name} name other`);
      },
      "none of the interfaces in prevResult",
    ],
    [
      "hairpin mode is off",
      () => void node.node.exec("bridge", "link", "set", "dev", port(), "hairpin", "off"),
      "is not in hairpin mode",
    ],
    [
      "isolation is off",
      () => void node.node.exec("bridge", "link", "set", "dev", port(), "isolated", "off"),
      "is not isolated",
    ],
    [
      "the container's interface has gone",
      () => void node.container.ip("link delete eth0"),
      "interface eth0 in the container not found",
    ],
    [
      "the container's MAC is another",
      () => void node.container.ip("link set eth0 address 02:00:00:00:00:77"),
      "has the address 02:00:00:00:00:77",
    ],
    [
      "an address has gone",
      () => void node.container.ip("addr del 10.1.0.2/24 dev eth0"),
      "address 10.1.0.2/24 is not on",
    ],
    ["a route has gone", () => void node.container.ip("-6 route del default"), "route to ::/0"],
    ["masquerade has gone", () => nft("delete table ip6 bauta_masquerade"), "table ip6 bauta_masquerade is missing"],
    [
      "macspoofchk has gone",
      () => nft("flush set bridge bauta_macspoofchk allowed"),
      "element of set allowed is missing",
    ],
  ])("fails when %s", (_, change, message) => {
    const config = everything({ portIsolation: true });
    const prevResult = add(config);
    change();
    const { status, json } = check(config, prevResult);
    expect(status).toBe(1);
    expect(json.msg).toContain(message);
  });

  it("fails when the bridge is no longer promiscuous, or prevResult is missing or another's", () => {
    const config = frames({ promiscMode: true });
    const prevResult = add(config);
    node.node.ip("link set cni0 promisc off");
    expect(check(config, prevResult).json.msg).toContain("cni0 is not in promiscuous mode");
    expect(check(config, undefined).json).toMatchObject({
      code: 7,
      msg: expect.stringContaining("prevResult is missing"),
    });
    expect(check(frames({ bridge: "br9" }), prevResult).json.msg).toContain("does not have the bridge br9");
    const { json } = node.call({ command: "CHECK", ifname: "eth9", config: { ...frames(), prevResult } });
    expect(json.msg).toContain("prevResult does not have the interface eth9");
  });

  it("fails when IPAM has forgotten the address", () => {
    const prevResult = add(dual());
    run("rm", join(node.dataDir, "net1", "10.1.0.2"));
    expect(check(dual(), prevResult).status).toBe(1);
  });
});

describe("GC", () => {
  const gc = (config: Config, valid: readonly string[]): PluginOutcome =>
    node.call({
      command: "GC",
      config: { ...config, "cni.dev/valid-attachments": valid.map((containerID) => ({ containerID, ifname: "eth0" })) },
    });

  it("removes the addresses and rules of whatever isn't valid, and nothing else", () => {
    const { netns, call } = another();
    add(everything());
    const prevResult = add(everything(), call);
    const other = add(everything({ name: "net2", bridge: "br2", ...elsewhere() }), another("container-3").call);
    succeed(gc(everything(), ["container-2"]));
    expect(ruleset()).not.toContain("10.1.0.2");
    expect(readdirSync(join(node.dataDir, "net1"))).not.toContain("10.1.0.2");
    succeed(node.call({ command: "CHECK", config: everything({ prevResult }), ...call }));
    expect(ruleset()).toContain(other.ips[0].address.split("/")[0]);
    ping(netns, "10.1.0.1");
    succeed(gc(everything(), []));
    succeed(gc(everything({ name: "net2" }), []));
    expect(ruleset()).toBe("");
  });

  /** A network that does not overlap. */
  function elsewhere(): Config {
    return { ipam: { type: "host-local", dataDir: node.dataDir, ranges: [[{ subnet: "10.99.0.0/24" }]] } };
  }

  it("goes on where a part of it fails, and says so", () => {
    add(everything());
    const failing = gc({ ...everything(), ipam: { type: "nowhere" } }, []);
    expect(failing).toMatchObject({ status: 1, json: { msg: expect.stringContaining("nowhere") } });
    expect(ruleset()).toBe("");
    node.container.ip("link delete eth0");
    succeed(gc(everything(), []));
    expect(leftovers()).toEqual([]);
  });
});

describe("STATUS", () => {
  const status = (config: Config): PluginOutcome => node.call({ command: "STATUS", config });

  it("is well where ADD could be served", () => {
    succeed(status(everything()));
    succeed(status(frames()));
  });

  it("says 50 where a range is exhausted", () => {
    const config = hostLocal([[{ subnet: "10.1.0.0/30" }]]);
    add(config);
    expect(status(config).json).toMatchObject({ code: 50 });
  });

  it.each(["ipMasq", "macspoofchk"])("says 50 where %s is asked for and the kernel has no nf_tables", (key) => {
    const netfilter = 12;
    const refuse = (name: string, args: readonly unknown[]): "EPROTONOSUPPORT" | undefined =>
      name === "socket" && args[2] === netfilter ? "EPROTONOSUPPORT" : undefined;
    const outcome = withSyscalls(refuse, () => status(dual({ [key]: true })));
    expect(outcome.json).toMatchObject({ code: 50, msg: expect.stringContaining(`${key}: this node can't do it`) });
    succeed(withSyscalls(refuse, () => status(dual())));
  });

  it("says what is wrong with the configuration", () => {
    expect(status(dual({ vlan: 5000 })).json).toMatchObject({ code: 7 });
  });
});

describe("an ADD that fails", () => {
  it("leaves nothing, whichever of its system calls fails", () => {
    const config = everything();
    const calls = onNode(() => syscallsOf(() => serve(config)));
    succeed(del(config));
    expect(leftovers()).toEqual([]);
    let failed = 0;
    calls.forEach((name, nth) => {
      const outcome = failing(nth, () => serve(config));
      if (outcome.status === 0) succeed(del(config));
      else failed++;
      expect([nth, name, outcome.json, leftovers()]).toEqual([nth, name, outcome.json, []]);
    });
    expect(failed).toBeGreaterThan(50);
  });

  it("leaves nothing, whichever of its system calls fails on a node that has no bridge yet", () => {
    const config = frames({ macspoofchk: true, portIsolation: true });
    const calls = onNode(() => syscallsOf(() => serve(config)));
    succeed(del(config));
    calls.forEach((name, nth) => {
      node.node.ip("link delete cni0");
      const outcome = failing(nth, () => serve(config));
      if (outcome.status === 0) succeed(del(config));
      expect([nth, name, leftovers()]).toEqual([nth, name, []]);
      if (!linksIn(node.node).includes("cni0")) node.node.ip("link add cni0 type bridge");
    });
  });

  it("leaves nothing after the DEL that follows, wherever it was killed", () => {
    const config = everything();
    for (let nth = 0; ; nth++) {
      const isDead = onNode(() => dieAt(nth, () => serve(config)));
      succeed(del(config));
      expect([nth, leftovers()]).toEqual([nth, []]);
      if (!isDead) break;
    }
  });

  it("leaves nothing when IPAM has no address left, and when its result can't be used", () => {
    const config = hostLocal([[{ subnet: "10.1.0.0/30" }]], { ipMasq: true, macspoofchk: true });
    const { call } = another();
    add(config, call);
    const before = ruleset();
    expect(node.call({ command: "ADD", config }).status).toBe(1);
    expect(linksIn(node.container)).toEqual(["lo"]);
    expect(ruleset()).toBe(before);
    const unusable = {
      type: "static",
      addresses: [{ address: "10.8.0.2/24" }],
      routes: [{ dst: "192.0.2.0/24", gw: "172.16.0.1" }],
    };
    const { json } = node.call({ command: "ADD", config: { ...config, ipam: unusable } });
    expect(json.msg).toContain("cannot route prepend 192.0.2.0/24 via 172.16.0.1 dev eth0: ENETUNREACH");
    expect(linksIn(node.container)).toEqual(["lo"]);
    expect(ruleset()).toBe(before);
  });
});

/** Calls the plugin in this namespace, so that only what it does itself is seen. */
function serve(config: Config, more: Partial<PluginCall> = {}): PluginOutcome {
  const { path: netns } = node.container;
  return inProcess(bridge)({ command: "ADD", containerId: "container-1", netns, ifname: "eth0", config, ...more });
}

function onNode<T>(work: () => T): T {
  return inNetns(node.node.fd, work);
}

/**
 * With one system call refused. A descriptor is closed whatever close says; and the way back from the container's namespace
 * can't be refused: the process would end.
 */
function failing(nth: number, work: () => PluginOutcome): PluginOutcome {
  let count = 0;
  let switches = 0;
  return onNode(() =>
    withSyscalls((name) => {
      const isWayBack = name === "setns" && switches++ % 2 === 1;
      return count++ === nth && name !== "close" && !isWayBack ? "EIO" : undefined;
    }, work),
  );
}
