// portmap by nftables, with real packets from everywhere, and nft(8) as the witness of what stands in the tables.

import { rmSync } from "node:fs";
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { bandwidth } from "../../src/bandwidth/feature.ts";
import { plugin as portmap } from "../../src/plugins/portmap/plugin.ts";
import { records } from "../../src/portmap/records.ts";
import { inNetns } from "../../src/sys/netns.ts";
import type { Family } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { poll, requireNamespaces } from "../support/netns.ts";
import { NODE, OUTSIDE } from "../support/outside.ts";
import { succeed } from "../support/plugin.ts";
import { type Mapping, PublishingNode, Server, type Transport } from "../support/published-ports.ts";
import { IPPROTO_SCTP, readInit, writeInit } from "../support/sctp.ts";
import { Socket } from "../support/sockets.ts";

beforeAll(() => requireNamespaces());
afterEach(() => rmSync(records.directory, { recursive: true, force: true }));

const FAMILIES = [4, 6] as const;
const TRANSPORTS = ["tcp", "udp"] as const;
const BRIDGE = { 4: "10.9.0.1", 6: "fd09::1" } as const;

const port = (hostPort: number, containerPort: number, protocol = "tcp", hostIP?: string): Mapping => ({
  hostPort,
  containerPort,
  protocol,
  ...(hostIP === undefined ? {} : { hostIP }),
});

/** 8080 leads to 80, by either protocol. */
const WEB = TRANSPORTS.map((protocol) => port(8080, 80, protocol));

describe.each([0, 1])("with bridge-nf-call-iptables %s, a port is reached", (bridgeNetfilter) => {
  const cases = FAMILIES.flatMap((family) => TRANSPORTS.map((transport) => [transport, family] as const));

  it.each(cases)("over %s and IPv%s from everywhere", (transport: Transport, family: Family) => {
    const node = new PublishingNode();
    for (const name of ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"]) {
      node.netns.exec("sysctl", "-qw", `net.bridge.${name}=${bridgeNetfilter}`);
    }
    const container = node.publish(WEB);
    const neighbour = node.attach();
    const server = new Server(container.netns, family, transport, 80);
    const own = container.ips[family];
    // Whom the server sees: outside and the node's own processes as they are, what came by the bridge as the bridge.
    expect(server.seen(node.outside, NODE[family], 8080)).toBe(OUTSIDE[family]);
    expect(server.seen(node.netns, NODE[family], 8080)).toBe(NODE[family]);
    expect(server.seen(node.netns, BRIDGE[family], 8080)).toBe(BRIDGE[family]);
    if (family === 4) expect(server.seen(node.netns, "127.0.0.1", 8080)).toBe(BRIDGE[4]);
    const seenOfNeighbour = server.seen(neighbour.netns, NODE[family], 8080);
    expect([BRIDGE[family], neighbour.ips[family]]).toContain(seenOfNeighbour);
    expect(server.seen(neighbour.netns, BRIDGE[family], 8080)).toBe(seenOfNeighbour);
    expect(server.seen(container.netns, NODE[family], 8080)).toBe(BRIDGE[family]);
    expect(server.seen(container.netns, BRIDGE[family], 8080)).toBe(BRIDGE[family]);
    // Who goes to the container itself is not translated, and other ports lead nowhere.
    expect(server.seen(neighbour.netns, own, 80)).toBe(neighbour.ips[family]);
    expect(server.isReached(node.outside, NODE[family], 8081)).toBe(false);
    succeed(node.portmap("DEL", container, WEB));
    expect(server.isReached(node.outside, NODE[family], 8080)).toBe(false);
    expect(node.nft("list tables")).not.toContain("portmap");
  });
});

describe("SCTP", () => {
  it.each(FAMILIES)("is led to the container, and its answer back, over IPv%s", (family) => {
    const node = new PublishingNode();
    const container = node.publish([port(8080, 80, "sctp")]);
    const [client, server] = [node.outside, container.netns].map((netns) => {
      const socket = Socket.open(netns, family, "raw", IPPROTO_SCTP);
      onTestFinished(() => socket.close());
      return socket;
    });
    if (client === undefined || server === undefined) throw new Error("two sockets");
    const ports = { sourcePort: 5000, destinationPort: 8080 };
    client.sendBytes(writeInit({ type: "INIT", ...ports, verificationTag: 0, initiateTag: 7 }), {
      address: NODE[family],
      port: 0,
    });
    const asked = server.receive();
    expect(asked.from).toBe(OUTSIDE[family]);
    expect(readInit(asked.bytes, family === 4)).toMatchObject({ type: "INIT", sourcePort: 5000, destinationPort: 80 });
    const back = { sourcePort: 80, destinationPort: 5000, verificationTag: 7, initiateTag: 8 };
    server.sendBytes(writeInit({ type: "INIT ACK", ...back }), { address: OUTSIDE[family], port: 0 });
    const answered = client.receive();
    expect(answered.from).toBe(NODE[family]);
    expect(readInit(answered.bytes, family === 4)).toMatchObject({ type: "INIT ACK", sourcePort: 8080 });
  });
});

describe("what is not for the node", () => {
  it.each(FAMILIES)("passes by, also to a published port, over IPv%s", (family) => {
    const node = new PublishingNode();
    const container = node.publish(WEB);
    const neighbour = node.attach();
    const [published, beyond] = [
      new Server(container.netns, family, "tcp", 80),
      new Server(node.outside, family, "tcp", 8080),
    ];
    expect(beyond.seen(neighbour.netns, OUTSIDE[family], 8080)).toBe(NODE[family]);
    expect(published.seen(node.outside, NODE[family], 8080)).toBe(OUTSIDE[family]);
  });
});

describe("hostIP", () => {
  it.each(FAMILIES)("goes before a port of any address, over IPv%s", (family) => {
    const node = new PublishingNode();
    const general = node.publish([port(8080, 80)]);
    const specific = node.publish([port(8080, 80, "tcp", NODE[family])]);
    const servers = [general, specific].map(({ netns }) => new Server(netns, family, "tcp", 80));
    const [any, one] = servers;
    expect(one?.seen(node.outside, NODE[family], 8080)).toBe(OUTSIDE[family]);
    expect(any?.seen(node.netns, BRIDGE[family], 8080)).toBe(BRIDGE[family]);
    succeed(node.portmap("DEL", specific, []));
    expect(any?.seen(node.outside, NODE[family], 8080)).toBe(OUTSIDE[family]);
  });

  it("127.0.0.1 leads from the node alone", () => {
    const node = new PublishingNode();
    const container = node.publish([port(8080, 80, "tcp", "127.0.0.1")]);
    const server = new Server(container.netns, 4, "tcp", 80);
    expect(server.seen(node.netns, "127.0.0.1", 8080)).toBe(BRIDGE[4]);
    expect(server.isReached(node.outside, NODE[4], 8080)).toBe(false);
  });

  it("0.0.0.0 means IPv4 alone, and :: IPv6 alone", () => {
    const node = new PublishingNode();
    const container = node.publish([port(8080, 80, "tcp", "0.0.0.0"), port(9090, 80, "tcp", "::")]);
    const servers = { 4: new Server(container.netns, 4, "tcp", 80), 6: new Server(container.netns, 6, "tcp", 81) };
    expect(servers[4].seen(node.outside, NODE[4], 8080)).toBe(OUTSIDE[4]);
    const maps = FAMILIES.map((family) => node.nft(`list map ${family === 4 ? "ip" : "ip6"} bauta_portmap ports`));
    expect(maps.map((map) => [map.includes("8080"), map.includes("9090")])).toEqual([
      [true, false],
      [false, true],
    ]);
  });
});

describe("route_localnet", () => {
  it("lets nobody on the link reach 127.0.0.0/8", () => {
    const node = new PublishingNode();
    const container = node.publish(WEB);
    expect(node.netns.exec("sysctl", "-n", "net.ipv4.conf.cni0.route_localnet").trim()).toBe("1");
    const local = new Server(node.netns, 4, "tcp", 7000);
    expect(local.seen(node.netns, "127.0.0.1", 7000)).toBe("127.0.0.1");
    container.netns.exec("sysctl", "-qw", "net.ipv4.conf.all.route_localnet=1");
    container.netns.ip("route add 127.0.0.2/32 via 10.9.0.1 dev eth0 src 10.9.0.2 table 7");
    container.netns.ip("rule add to 127.0.0.2 priority 0 table 7");
    expect(local.isReached(container.netns, "127.0.0.2", 7000)).toBe(false);
    // The packets do come that far, and would be answered.
    expect(node.nft("list chain ip bauta_portmap loopback")).toContain("ip daddr 127.0.0.0/8 drop");
    node.nft("flush chain ip bauta_portmap loopback");
    expect(local.seen(container.netns, "127.0.0.2", 7000)).toBe("10.9.0.2");
  });
});

describe("snat", () => {
  it("false leaves sources as they are", () => {
    const node = new PublishingNode();
    const container = node.publish(WEB, { keys: { snat: false } });
    const server = new Server(container.netns, 4, "tcp", 80);
    expect(server.seen(node.outside, NODE[4], 8080)).toBe(OUTSIDE[4]);
    expect(server.isReached(node.netns, "127.0.0.1", 8080)).toBe(false);
    expect(node.netns.exec("sysctl", "-n", "net.ipv4.conf.cni0.route_localnet").trim()).toBe("0");
  });

  it.each(FAMILIES)("with masqAll is for all sources, over IPv%s", (family) => {
    const node = new PublishingNode();
    const container = node.publish(WEB, { keys: { masqAll: true } });
    const neighbour = node.attach();
    const server = new Server(container.netns, family, "tcp", 80);
    for (const from of [node.outside, neighbour.netns, container.netns]) {
      expect(server.seen(from, NODE[family], 8080)).toBe(BRIDGE[family]);
    }
    if (family === 4) expect(server.seen(node.netns, "127.0.0.1", 8080)).toBe(BRIDGE[4]);
    expect(server.seen(neighbour.netns, container.ips[family], 80)).toBe(neighbour.ips[family]);
  });
});

describe("conditions", () => {
  const keys = { conditionsV4: ["ip", "saddr", "!=", OUTSIDE[4]], conditionsV6: [`ip6 saddr != ${OUTSIDE[6]}`] };

  it.each(FAMILIES)("hold for the attachment that has them, against those that come later, over IPv%s", (family) => {
    const node = new PublishingNode();
    const conditional = node.publish([port(8080, 80)], { network: "n1", keys });
    const plain = node.publish([port(9090, 80)], { network: "n2" });
    const [one, other] = [conditional, plain].map(({ netns }) => new Server(netns, family, "tcp", 80));
    expect(one?.isReached(node.outside, NODE[family], 8080)).toBe(false);
    expect(one?.seen(node.netns, NODE[family], 8080)).toBe(NODE[family]);
    expect(other?.seen(node.outside, NODE[family], 9090)).toBe(OUTSIDE[family]);
    expect(node.portmap("CHECK", conditional, [port(8080, 80)], { network: "n1", keys })).toMatchObject({ status: 0 });
    succeed(node.portmap("DEL", conditional, [], { network: "n1" }));
    expect(node.nft("list ruleset")).not.toMatch(/(ports|addresses)_[0-9a-f]/);
  });
});

describe("a UDP client that keeps sending", () => {
  /** On every real node something looks at the state of connections, so that they are tracked without our rules, too. */
  const track = (node: PublishingNode): void => {
    node.nft("add table inet tracking");
    node.nft("add chain inet tracking forward { type filter hook forward priority 0 ; }");
    node.nft("add rule inet tracking forward ct state established counter");
    node.nft("add chain inet tracking input { type filter hook input priority 0 ; }");
    node.nft("add rule inet tracking input ct state established counter");
  };

  it.each(FAMILIES)("reaches the new container after DEL and ADD, over IPv%s", (family) => {
    const node = new PublishingNode();
    track(node);
    const mappings = [port(5353, 53, "udp")];
    const old = node.publish(mappings);
    const before = new Server(old.netns, family, "udp", 53);
    const client = before.client(node.outside, NODE[family], 5353);
    poll("a datagram", () => before.hears(client));
    succeed(node.portmap("DEL", old, mappings));
    expect(before.hears(client)).toBe(false);
    const young = node.publish(mappings);
    const next = new Server(young.netns, family, "udp", 53);
    expect(next.hears(client)).toBe(true);
    expect(before.hears(client)).toBe(false);
  });
});

describe("the tables", () => {
  it("are what nft lists, saves and reads back", () => {
    const node = new PublishingNode();
    const keys = { conditionsV4: ["iifname", "uplink"], conditionsV6: ["iifname != uplink"] };
    node.publish([...WEB, port(81, 81, "sctp", NODE[4])]);
    const conditional = node.publish([port(82, 82)], { network: "n2", keys });
    const before = node.nft("list ruleset");
    node.netns.exec("bash", "-c", 'set -e; text=$(nft list ruleset); nft -f <(echo "flush ruleset"; echo "$text")');
    expect(node.nft("list ruleset")).toBe(before);
    expect(node.portmap("CHECK", conditional, [port(82, 82)], { network: "n2", keys }).json).toBeUndefined();
  });
});

it("STATUS succeeds where portmap can do its work", () => {
  const node = new PublishingNode();
  const call = node.call(portmap);
  const config = { cniVersion: "1.1.0", name: "net", type: "portmap" };
  expect(call({ command: "STATUS", config })).toMatchObject({ status: 0, stdout: "" });
});

describe("bauta explain", () => {
  const ask = (node: PublishingNode, ...args: readonly string[]): string => {
    const { status, stdout, stderr } = inNetns(node.netns.fd, () => cli(["explain", ...args]));
    expect([status, stderr]).toEqual([0, ""]);
    return stdout;
  };

  it.each(FAMILIES)(
    "tells where a packet to a published port is led, and what really happens, over IPv%s",
    (family) => {
      const node = new PublishingNode();
      for (const name of ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"]) {
        node.netns.exec("sysctl", "-qw", `net.bridge.${name}=0`);
      }
      const container = node.publish([port(8080, 80)]);
      const neighbour = node.attach();
      const own = container.ips[family];
      const [address, target] = family === 4 ? [NODE[4], `${own}:80`] : [NODE[6], `[${own}]:80`];
      const server = new Server(container.netns, family, "tcp", 80);
      const led = `It is led to ${target}, eth0 of container container-1 on network net, with `;
      const froms = [
        [node.outside, OUTSIDE[family]],
        [neighbour.netns, neighbour.ips[family]],
        [container.netns, own],
        [node.netns, address],
        ...(family === 4 ? [[node.netns, "127.0.0.1"] as const] : []),
      ] as const;
      for (const [netns, from] of froms) {
        const to = from === "127.0.0.1" ? from : address;
        const seen = server.seen(netns, to, 8080);
        const text = ask(node, "--from", from, "--to", to, "--port", "8080");
        const source = seen === from ? `its own source ${from}` : `the source ${seen}, the address of cni0`;
        expect(text).toContain(`${led}${source}\n`);
        expect(text).toContain(`dnat ${family === 4 ? "ip" : "ip6"} to meta l4proto . th dport map @ports`);
      }
      const json = JSON.parse(ask(node, "--from", OUTSIDE[family], "--to", address, "--port", "8080", "--json"));
      expect(json).toMatchObject({
        verdict: "published",
        target: { address: own, port: 80 },
        container: "container-1",
      });
    },
  );

  it("tells the limit of what the container receives at the port", () => {
    const node = new PublishingNode();
    const { netns, containerId } = node.publish([port(8080, 80)]);
    const limits = { ingress: { rate: 5_000_000, burst: 1_000_000 }, egress: { rate: 8_000_000, burst: 1_000_000 } };
    const attachment = { network: "net", containerId, ifname: "eth0" };
    inNetns(node.netns.fd, () => bandwidth.setUp(attachment, { limits, netns: netns.path }));
    onTestFinished(() => inNetns(node.netns.fd, () => bandwidth.tearDown(attachment, [])));
    const text = ask(node, "--from", OUTSIDE[4], "--to", NODE[4], "--port", "8080");
    expect(text).toMatch(
      /^ {2}bandwidth limits what it receives to 5Mbit, after a burst of 1Mbit, by the tbf of veth\w+$/m,
    );
    expect(text).not.toContain("what it sends");
  });
});
