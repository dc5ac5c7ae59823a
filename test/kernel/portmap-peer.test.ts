// portmap beside containernetworking/plugins' own, where that goes wrong: the same calls, each on a node of its own. And what
// upstream's plugin has made and ours removes.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { plugin as portmap } from "../../src/plugins/portmap/plugin.ts";
import { records } from "../../src/portmap/records.ts";
import { peerDirectory } from "../support/differential.ts";
import { poll, requireNamespaces } from "../support/netns.ts";
import { NODE, OUTSIDE } from "../support/outside.ts";
import { executable, type PluginOutcome, succeed } from "../support/plugin.ts";
import { type Mapping, PublishingNode, Server } from "../support/published-ports.ts";

beforeAll(() => requireNamespaces());
afterEach(() => rmSync(records.directory, { recursive: true, force: true }));

const NFTABLES = { keys: { backend: "nftables" } };
const tcp = (hostPort: number): Mapping => ({ hostPort, containerPort: 80, protocol: "tcp" });

const peer = (): PublishingNode => new PublishingNode(executable(join(peerDirectory(), "portmap")));

/** What a test finds on a node with upstream's plugin, and on one with ours. */
function both<T>(find: (node: PublishingNode) => T): { readonly theirs: T; readonly ours: T } {
  return { theirs: find(peer()), ours: find(new PublishingNode()) };
}

/** How often the rule set leads somewhere from this port of the node. */
function mentions(node: PublishingNode, hostPort: number): number {
  const text = node.nft("list ruleset");
  return text.match(new RegExp(`(dport ${hostPort} dnat|tcp \\. ${hostPort} )`, "g"))?.length ?? 0;
}

describe("D19: the DEL of one of a container's two networks", () => {
  it("leaves the ports of the other", () => {
    const found = both((node) => {
      const one = node.attach();
      const other = { ...node.attach(), containerId: one.containerId };
      succeed(node.portmap("ADD", one, [tcp(8080)], { ...NFTABLES, network: "n1" }));
      succeed(node.portmap("ADD", other, [tcp(9090)], { ...NFTABLES, network: "n2" }));
      succeed(node.portmap("DEL", other, [tcp(9090)], { ...NFTABLES, network: "n2" }));
      return [mentions(node, 8080) > 0, mentions(node, 9090) > 0];
    });
    expect(found).toEqual({ theirs: [false, false], ours: [true, false] });
  });
});

describe("D20: conditions of one network", () => {
  it("outlive another's ADD", () => {
    const conditionsV4 = ["ip", "saddr", "!=", OUTSIDE[4]];
    const found = both((node) => {
      const one = node.publish([tcp(8080)], { network: "n1", keys: { backend: "nftables", conditionsV4 } });
      const server = new Server(one.netns, 4, "tcp", 80);
      const before = server.isReached(node.outside, NODE[4], 8080);
      node.publish([tcp(9090)], { ...NFTABLES, network: "n2" });
      return [before, server.isReached(node.outside, NODE[4], 8080)];
    });
    expect(found).toEqual({ theirs: [false, true], ours: [false, false] });
  });
});

describe("D21: a second ADD", () => {
  it("makes nothing twice", () => {
    const found = both((node) => {
      const one = node.publish([tcp(8080)], NFTABLES);
      const once = mentions(node, 8080);
      succeed(node.portmap("ADD", one, [tcp(8080)], NFTABLES));
      return mentions(node, 8080) - once;
    });
    expect(found).toEqual({ theirs: 2, ours: 0 });
  });
});

describe("D22: a neighbour on the bridge, whose frames pass no rules of IP", () => {
  it("connects", () => {
    const found = both((node) => {
      node.netns.exec("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=0");
      const server = new Server(node.publish([tcp(8080)], NFTABLES).netns, 4, "tcp", 80);
      return server.isReached(node.attach().netns, NODE[4], 8080);
    });
    expect(found).toEqual({ theirs: false, ours: true });
  });
});

describe("D23: DEL without mappings", () => {
  it("removes what ADD made", () => {
    const found = both((node) => {
      const one = node.publish([tcp(8080)], NFTABLES);
      succeed(node.portmap("DEL", one, [], NFTABLES));
      return mentions(node, 8080) > 0;
    });
    expect(found).toEqual({ theirs: true, ours: false });
  });
});

describe("D24: CHECK", () => {
  it("notices a port that leads elsewhere", () => {
    const tamper = (node: PublishingNode): void => {
      const isOurs = node.nft("list tables").includes("bauta_portmap");
      if (isOurs) {
        node.nft("delete element ip bauta_portmap ports { tcp . 8080 }");
        node.nft('add element ip bauta_portmap ports { tcp . 8080 comment "x" : 10.9.0.77 . 80 }');
        return;
      }
      const handle = /dport 8080 .* comment "([^"]+)" # handle (\d+)/.exec(
        node.netns.exec("nft", "-a", "list", "chain", "ip", "cni_hostport", "hostports"),
      );
      const rule = `tcp dport 8080 dnat to 10.9.0.77:80 comment "${handle?.[1]}"`;
      node.nft(`replace rule ip cni_hostport hostports handle ${handle?.[2]} ${rule}`);
    };
    const found = both((node) => {
      const one = node.publish([tcp(8080)], NFTABLES);
      const check = () => node.portmap("CHECK", one, [tcp(8080)], NFTABLES).status;
      const before = check();
      tamper(node);
      return [before, check()];
    });
    expect(found).toEqual({ theirs: [0, 0], ours: [0, 1] });
  });
});

describe("D25: conditions of nft without a backend", () => {
  it("choose nftables", () => {
    const keys = { conditionsV4: ["ip", "saddr", "!=", OUTSIDE[4]] };
    const found = both((node) => node.portmap("ADD", node.attach(), [tcp(8080)], { keys }).status);
    expect(found).toEqual({ theirs: 1, ours: 0 });
  });
});

describe("D26: masqAll", () => {
  it("is for all sources", () => {
    const found = both((node) => {
      const one = node.publish([tcp(8080)], { keys: { backend: "nftables", masqAll: true } });
      return new Server(one.netns, 4, "tcp", 80).seen(node.outside, NODE[4], 8080);
    });
    expect(found).toEqual({ theirs: OUTSIDE[4], ours: "10.9.0.1" });
  });
});

describe("D27: a UDP client that sends on after DEL", () => {
  it("is not led to the container that has gone", () => {
    const mapping = { hostPort: 5353, containerPort: 53, protocol: "udp" };
    const found = both((node) => {
      node.nft("add table inet tracking");
      node.nft("add chain inet tracking forward { type filter hook forward priority 0 ; }");
      node.nft("add rule inet tracking forward ct state established counter");
      const one = node.publish([mapping], NFTABLES);
      const server = new Server(one.netns, 4, "udp", 53);
      const client = server.client(node.outside, NODE[4], 5353);
      poll("a datagram", () => server.hears(client));
      succeed(node.portmap("DEL", one, [mapping], NFTABLES));
      return server.hears(client);
    });
    expect(found).toEqual({ theirs: true, ours: false });
  });
});

describe("what upstream's nftables back end has made", () => {
  const ours = (node: PublishingNode, command: string, call: object): void => {
    const config = { cniVersion: "1.0.0", type: "portmap" };
    const { config: more, ...rest } = { config: {}, ...call };
    succeed(node.call(portmap)({ command, ifname: "eth0", netns: "", ...rest, config: { ...config, ...more } }));
  };

  it("goes with the DEL of the attachment, and with no other's", () => {
    const node = peer();
    const one = node.attach();
    const other = { ...node.attach(), containerId: one.containerId };
    succeed(node.portmap("ADD", one, [tcp(8080)], { ...NFTABLES, network: "n1" }));
    succeed(node.portmap("ADD", other, [tcp(9090)], { ...NFTABLES, network: "n2" }));
    const { containerId } = one;
    // Nothing tells which of the two networks is meant.
    ours(node, "DEL", { containerId, config: { name: "n2" } });
    expect([mentions(node, 8080), mentions(node, 9090)]).toEqual([2, 2]);
    ours(node, "DEL", { containerId, config: { name: "n2", prevResult: other.prevResult } });
    expect([mentions(node, 8080), mentions(node, 9090)]).toEqual([2, 0]);
    // What is left is about one address.
    ours(node, "DEL", { containerId, config: { name: "n1" } });
    for (const family of ["ip", "ip6"])
      expect(node.nft(`list table ${family} cni_hostport`)).not.toContain(containerId);
  });

  it("keeps its ports: the ADD of another container is refused, by either back end", () => {
    const node = peer();
    const one = node.publish([tcp(8080)], NFTABLES);
    const other = node.attach();
    const add = (containerId: string, keys: object, hostPort = 8080): PluginOutcome => {
      const runtimeConfig = { portMappings: [tcp(hostPort)] };
      const config = { cniVersion: "1.0.0", name: "net", type: "portmap", prevResult: other.prevResult, runtimeConfig };
      const call = { command: "ADD", containerId, netns: other.netns.path, ifname: "eth0" };
      return node.call(portmap)({ ...call, config: { ...config, ...keys } });
    };
    for (const keys of [{}, { backend: "iptables" }]) {
      const { status, json } = add(other.containerId, keys);
      expect([status, json.code, json.msg]).toEqual([
        1,
        7,
        `host port 8080/tcp is published for container ${one.containerId}, by table cni_hostport`,
      ]);
      succeed(add(other.containerId, keys, 9090));
    }
    // What is there of the container itself is a leftover.
    succeed(add(one.containerId, {}));
  });

  it("stays after GC, which cannot know whose it is", () => {
    const node = peer();
    node.publish([tcp(8080)], NFTABLES);
    succeed(node.call(portmap)({ command: "GC", config: { cniVersion: "1.1.0", name: "net", type: "portmap" } }));
    expect(mentions(node, 8080)).toBe(2);
  });
});
