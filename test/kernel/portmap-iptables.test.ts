// portmap by iptables, in either of its forms, with real packets, and beside upstream's plugin, which makes the same rules.

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { plugin as portmap } from "../../src/plugins/portmap/plugin.ts";
import { portmap as byNftables } from "../../src/portmap/feature.ts";
import { records as iptablesRecords } from "../../src/portmap/iptables/records.ts";
import { records } from "../../src/portmap/records.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { cli } from "../support/cli.ts";
import { peerDirectory } from "../support/differential.ts";
import { ALL_SBIN, haveAll, haveOnly, type IptablesForm, isolateSbin, natRules } from "../support/iptables-form.ts";
import { poll, requireNamespaces } from "../support/netns.ts";
import { NODE, OUTSIDE } from "../support/outside.ts";
import { executable, succeed } from "../support/plugin.ts";
import { type Attached, type Mapping, PublishingNode, Server, type Transport } from "../support/published-ports.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

let restoreSbin: () => void = () => {};
beforeAll(() => {
  requireNamespaces();
  restoreSbin = isolateSbin();
});
afterAll(() => restoreSbin());
afterEach(() => {
  for (const { directory } of [records, iptablesRecords]) rmSync(directory, { recursive: true, force: true });
});

const FAMILIES = [4, 6] as const;
const BRIDGE = { 4: "10.9.0.1", 6: "fd09::1" } as const;
const IPTABLES = { keys: { backend: "iptables" } };

const port = (hostPort: number, containerPort = 80, protocol = "tcp", hostIP?: string): Mapping => ({
  hostPort,
  containerPort,
  protocol,
  ...(hostIP === undefined ? {} : { hostIP }),
});

const peer = (): PublishingNode => new PublishingNode(executable(join(peerDirectory(), "portmap")));

/** The rules that lead to containers, without the chains of masquerade. */
const rules = (node: PublishingNode, family: 4 | 6): string[] =>
  natRules(node.netns.exec, family).filter((line) => /HOSTPORT|CNI-[DS]N-/.test(line));

const dnats = (node: PublishingNode): string[] =>
  FAMILIES.flatMap((family) => rules(node, family)).flatMap((line) => /--dport (\d+) -j DNAT/.exec(line)?.[1] ?? []);

/** With the programs of one form alone. */
function withForm(form: IptablesForm, work: () => void): void {
  haveOnly(form);
  try {
    work();
  } finally {
    haveAll();
  }
}

describe.each(["nft", "legacy"] as const)("by iptables-%s", (form) => {
  it.each(FAMILIES)("a port is reached from everywhere over IPv%s, and gone after DEL", (family) => {
    withForm(form, () => {
      const node = new PublishingNode();
      const transports: readonly Transport[] = ["tcp", "udp"];
      const mappings = transports.map((protocol) => port(8080, 80, protocol));
      const container = node.publish(mappings, IPTABLES);
      const neighbour = node.attach();
      for (const transport of transports) {
        const server = new Server(container.netns, family, transport, 80);
        expect(server.seen(node.outside, NODE[family], 8080)).toBe(OUTSIDE[family]);
        expect(server.seen(node.netns, NODE[family], 8080)).toBe(NODE[family]);
        if (family === 4) expect(server.seen(node.netns, "127.0.0.1", 8080)).toBe(BRIDGE[4]);
        expect(server.seen(neighbour.netns, NODE[family], 8080)).toBe(BRIDGE[family]);
        expect(server.seen(container.netns, NODE[family], 8080)).toBe(BRIDGE[family]);
      }
      expect(node.portmap("CHECK", container, mappings, IPTABLES).json).toBeUndefined();
      succeed(node.portmap("DEL", container, [], {}));
      expect(rules(node, family).join("\n")).not.toContain("CNI-DN-");
      expect(node.portmap("CHECK", container, mappings, IPTABLES).json.msg).toContain("CNI-DN-");
    });
  });

  it("makes the rules that upstream makes", () => {
    withForm(form, () => {
      const many = Array.from({ length: 17 }, (_, i) => port(9000 + i));
      const keysOf: readonly (readonly [mappings: readonly Mapping[], keys: object])[] = [
        [[port(8080), port(53, 5353, "udp"), port(8081, 81)], {}],
        [many, {}],
        [[port(8080)], { snat: false }],
        [[port(8080), port(8080, 80, "udp")], { masqAll: true, markMasqBit: 5 }],
        [[port(8080)], { conditionsV4: ["!", "-d", "198.51.100.0/24"], conditionsV6: ["-i", "uplink"] }],
      ];
      for (const [mappings, keys] of keysOf) {
        // With ip6tables-legacy upstream's plugin leaves out the rules for the second port of a protocol.
        const families = form === "legacy" ? ([4] as const) : FAMILIES;
        const [ours, theirs] = [new PublishingNode(), peer()].map((node) => {
          node.publish(mappings, { keys: { backend: "iptables", ...keys } });
          return families.map((family) => rules(node, family).sort());
        });
        expect(ours).toEqual(theirs);
      }
    });
  });

  it("goes before the same port at all addresses, where it is for one", () => {
    withForm(form, () => {
      const node = new PublishingNode();
      const general = node.publish([port(8080)], IPTABLES);
      const specific = node.publish([port(8080, 80, "tcp", NODE[4])], IPTABLES);
      const [any, one] = [general, specific].map(({ netns }) => new Server(netns, 4, "tcp", 80));
      expect(one?.seen(node.outside, NODE[4], 8080)).toBe(OUTSIDE[4]);
      expect(any?.seen(node.netns, BRIDGE[4], 8080)).toBe(BRIDGE[4]);
    });
  });

  it("D48: replaces what an ADD before has made", () => {
    withForm(form, () => {
      const node = new PublishingNode();
      const container = node.publish([port(8080), port(8081)], IPTABLES);
      succeed(node.portmap("ADD", container, [port(8080)], IPTABLES));
      expect(dnats(node)).toEqual(["8080", "8080"]);
      expect(rules(node, 4).filter((line) => line.startsWith("-A CNI-HOSTPORT-DNAT"))).toHaveLength(1);
      // By the other back end, and back.
      succeed(node.portmap("ADD", container, [port(8080)], {}));
      expect(dnats(node)).toEqual([]);
      succeed(node.portmap("ADD", container, [port(8080)], IPTABLES));
      expect(node.nft("list tables")).not.toContain("bauta_portmap");
      succeed(node.portmap("DEL", container, [], { keys: { backend: "nftables" } }));
      expect(dnats(node)).toEqual([]);
    });
  });

  it("W14: leaves the ports of the container's other interface on the network", () => {
    withForm(form, () => {
      const node = new PublishingNode();
      const one = node.publish([port(8080)], IPTABLES);
      const other: Attached = { ...node.attach(), containerId: one.containerId };
      const result = JSON.parse(JSON.stringify(other.prevResult).replaceAll('"eth0"', '"net1"'));
      const second = { ...other, prevResult: result };
      succeed(node.portmap("ADD", second, [port(9090)], { ...IPTABLES, ifname: "net1" }));
      const servers = [one, second].map(({ netns }) => new Server(netns, 4, "tcp", 80));
      expect(servers[0]?.seen(node.outside, NODE[4], 8080)).toBe(OUTSIDE[4]);
      expect(servers[1]?.seen(node.outside, NODE[4], 9090)).toBe(OUTSIDE[4]);
      succeed(node.portmap("DEL", second, [], { ifname: "net1" }));
      expect(dnats(node)).toEqual(["8080", "8080"]);
      expect(servers[0]?.seen(node.outside, NODE[4], 8080)).toBe(OUTSIDE[4]);
      succeed(node.portmap("DEL", one, []));
      expect(dnats(node)).toEqual([]);
    });
  });

  it("restores, lists and collects what its records tell of", () => {
    withForm(form, () => {
      const node = new PublishingNode();
      const container = node.publish([port(8080)], IPTABLES);
      const command = (...args: readonly string[]) => inNetns(node.netns.fd, () => cli(args));
      const listed = (): string[] => command("list").stdout.match(/^.*portmap.*$/gm) ?? [];
      expect(listed()[0]).toMatch(/0\.0\.0\.0:8080\/tcp +portmap 10\.9\.0\.2:80 iptables +- +-/);
      node.netns.exec("iptables", "-t", "nat", "-F", "CNI-HOSTPORT-DNAT");
      expect(listed()[0]).toMatch(/missing$/);
      expect(command("restore").stdout).toContain("put back 1 address ");
      expect(node.portmap("CHECK", container, [port(8080)], IPTABLES).json).toBeUndefined();
      const config = { cniVersion: "1.1.0", name: "net", type: "portmap" };
      succeed(node.call(portmap)({ command: "GC", config }));
      expect(dnats(node)).toEqual([]);
    });
  });
});

describe("either's DEL ends what the other's ADD has begun:", () => {
  it("upstream's ADD, our DEL", () => {
    const node = peer();
    const container = node.publish([port(8080), port(5353, 53, "udp")], { keys: { backend: "iptables" } });
    const other = node.publish([port(9090)], { network: "other", keys: { backend: "iptables" } });
    node.nft("add table inet tracking");
    node.nft("add chain inet tracking forward { type filter hook forward priority 0 ; }");
    node.nft("add rule inet tracking forward ct state established counter");
    const server = new Server(container.netns, 4, "udp", 53);
    const client = server.client(node.outside, NODE[4], 5353);
    poll("a datagram", () => server.hears(client));
    const { containerId, netns } = container;
    const config = { cniVersion: "1.0.0", name: "net", type: "portmap" };
    succeed(node.call(portmap)({ command: "DEL", containerId, netns: netns.path, ifname: "eth0", config }));
    expect(dnats(node)).toEqual(["9090", "9090"]);
    expect(server.hears(client)).toBe(false);
    // GC knows the network by the comment.
    const call = { command: "GC", config: { ...config, cniVersion: "1.1.0", name: "other" } };
    const valid = [{ containerID: other.containerId, ifname: "eth0" }];
    succeed(node.call(portmap)({ ...call, config: { ...call.config, "cni.dev/valid-attachments": valid } }));
    expect(dnats(node)).toEqual(["9090", "9090"]);
    succeed(node.call(portmap)(call));
    expect(dnats(node)).toEqual([]);
  });

  it("our ADD, upstream's DEL", () => {
    const node = new PublishingNode();
    const container = node.publish([port(8080)], IPTABLES);
    const { containerId, netns, prevResult } = container;
    const config = { cniVersion: "1.0.0", name: "net", type: "portmap", backend: "iptables", prevResult };
    const runtimeConfig = { portMappings: [port(8080)] };
    const theirs = executable(join(peerDirectory(), "portmap"));
    const call = {
      command: "DEL",
      containerId,
      netns: netns.path,
      ifname: "eth0",
      config: { ...config, runtimeConfig },
    };
    succeed(inNetns(node.netns.fd, () => theirs(call)));
    expect(dnats(node)).toEqual([]);
  });
});

describe("a port that another attachment has", () => {
  it("is refused, whichever back end that one has, and nothing is left", () => {
    const node = new PublishingNode();
    node.publish([port(8080)], IPTABLES);
    node.publish([port(9090)], {});
    const late = node.attach();
    const messageOf = (mapping: Mapping): string => {
      const { status, json } = node.portmap("ADD", late, [port(7070), mapping], IPTABLES);
      expect([status, json.code]).toEqual([1, 7]);
      return json.msg;
    };
    expect(messageOf(port(8080))).toBe("host port 8080/tcp is published for container container-1, network net");
    expect(messageOf(port(9090))).toBe(
      "host port 9090/tcp is published for container container-2, interface eth0, network net",
    );
    expect(dnats(node)).toEqual(["8080", "8080"]);
    const keys = { backend: "iptables", hostPortConflict: "older-wins" };
    const { status, stderr } = node.portmap("ADD", late, [port(7070), port(8080)], { keys });
    expect([status, stderr]).toEqual([
      0,
      expect.stringContaining("host port 8080/tcp stays with container container-1"),
    ]);
    expect(dnats(node).sort()).toEqual(["7070", "7070", "8080", "8080"]);
  });

  it.each(["nft", "legacy"] as const)("by iptables-%s is refused to nftables, too, and nothing is left", (form) => {
    withForm(form, () => {
      const node = new PublishingNode();
      const first = node.publish([port(8080), port(8081, 81, "tcp", NODE[4])], IPTABLES);
      const late = node.attach();
      for (const [mapping, text] of [
        [port(8080), "8080"],
        [port(8081, 81, "tcp", NODE[4]), `${NODE[4]}:8081`],
      ] as const) {
        const { status, json } = node.portmap("ADD", late, [port(7070), mapping]);
        expect([status, json.code, json.msg]).toEqual([
          1,
          7,
          `host port ${text}/tcp is published for container container-1, network net`,
        ]);
      }
      expect([node.nft("list tables").includes("bauta_portmap"), records.list()]).toEqual([false, []]);
      // Other addresses, other protocols and other ports are free.
      const free = [port(8081), port(8080, 80, "udp"), port(9090)];
      succeed(node.portmap("ADD", late, free));
      succeed(node.portmap("DEL", late, []));
      const keys = { hostPortConflict: "older-wins" };
      const { status, stderr } = node.portmap("ADD", late, [port(7070), port(8080)], { keys });
      expect([status, stderr]).toEqual([0, expect.stringContaining("8080/tcp stays with container container-1")]);
      expect(node.nft("list map ip bauta_portmap ports")).toMatch(/elements = \{ tcp \. 7070 [^,]*\}/);
      succeed(node.portmap("DEL", first, []));
      succeed(node.portmap("ADD", late, [port(7070), port(8080)]));
    });
  });
});

describe("ADD of nftables", () => {
  /** Puts programs of iptables-legacy first that note each call, and end so. */
  function watchLegacy(end: string): () => string[] {
    const directory = temporaryDirectory();
    const log = join(directory, "log");
    writeFileSync(log, "");
    for (const name of ["iptables", "ip6tables"]) {
      const program = `${join(ALL_SBIN, "xtables-legacy-multi")} ${name}-save`;
      const lines = ["#!/bin/sh", `echo ${name} >>${log}`, end.replace("PROGRAM", program)];
      writeFileSync(join(directory, `${name}-legacy-save`), `${lines.join("\n")}\n`, { mode: 0o755 });
    }
    vi.stubEnv("PATH", `${directory}:${process.env["PATH"]}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    return () => readFileSync(log, "utf8").split("\n").filter(Boolean);
  }

  it("lists a table of iptables-legacy once, and knows by that who has a port", () => {
    const node = new PublishingNode();
    withForm("legacy", () => node.publish([port(8080)], IPTABLES));
    const late = node.attach();
    const calls = watchLegacy('exec PROGRAM "$@"');
    const { json } = node.portmap("ADD", late, [port(8080)]);
    expect(json.msg).toContain("host port 8080/tcp is published for container container-1");
    expect(calls()).toEqual(["iptables", "ip6tables"]);
  });

  it("goes by one form of iptables where the other cannot be listed", () => {
    const node = new PublishingNode();
    withForm("legacy", () => node.publish([port(9090)], IPTABLES));
    withForm("nft", () => node.publish([port(8080)], IPTABLES));
    watchLegacy("exit 1");
    const late = node.attach();
    expect(node.portmap("ADD", late, [port(8080)]).json.msg).toContain("host port 8080/tcp is published");
    succeed(node.portmap("ADD", late, [port(7070)]));
    haveOnly(undefined);
    try {
      succeed(node.portmap("ADD", node.attach(), [port(7071)]));
    } finally {
      haveAll();
    }
  });
});

describe("without iptables", () => {
  it("ADD and STATUS say so, and DEL succeeds", () => {
    haveOnly(undefined);
    try {
      const node = new PublishingNode();
      const container = node.attach();
      const { status, json } = node.portmap("ADD", container, [port(8080)], IPTABLES);
      expect([status, json.msg]).toEqual([1, expect.stringContaining("iptables")]);
      expect(iptablesRecords.list()).toEqual([]);
      expect(node.portmap("STATUS", container, [], IPTABLES).json).toMatchObject({ code: 50 });
      succeed(node.portmap("DEL", container, [port(8080)], IPTABLES));
      expect(byNftables.records()).toEqual([]);
    } finally {
      haveAll();
    }
  });
});
