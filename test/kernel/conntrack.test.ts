// Connection tracking in the kernel, with conntrack(8) as the witness, and what masquerade's end leaves of it.

import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import {
  deleteFlow,
  deleteFlows,
  type Flow,
  type FlowFilter,
  listFlows,
  listFlowsOf,
} from "../../src/conntrack/flow.ts";
import { haveNoFlows } from "../../src/conntrack/proc.ts";
import { collectMasquerade, setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { Connection } from "../../src/netlink/connection.ts";
import { NETLINK } from "../../src/netlink/uapi.ts";
import { deleteConnectionsOf } from "../../src/owned/connections.ts";
import { plugin as ptp } from "../../src/plugins/ptp/plugin.ts";
import { errno } from "../../src/sys/errno.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, formatIp, type Ip, parseCidr, parseIp } from "../../src/wire/ip.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { type Interceptor, textOf, withSyscalls } from "../support/intercept-syscalls.ts";
import { makeNetns, poll, requireNamespaces, run } from "../support/netns.ts";
import { connectOutside, NODE, OUTSIDE } from "../support/outside.ts";
import { succeed } from "../support/plugin.ts";
import { Socket } from "../support/sockets.ts";

const ip = (text: string): Ip => parseIp(text) ?? new Uint8Array(0);
const cidrs = (...texts: readonly string[]): Cidr[] => texts.flatMap((text) => parseCidr(text) ?? []);
const at = (containerId: string, network = "net1"): Attachment => ({ network, containerId, ifname: "eth0" });

/** A connection of this node's table, from one address to another. */
function insert(from: string, to: string, ...more: readonly string[]): void {
  const ports = more.includes("-p") ? [] : ["-p", "udp", "--sport", "5353", "--dport", "53"];
  run("conntrack", "-I", "-s", from, "-d", to, ...ports, "-t", "300", ...more);
}

/** All connections as `SOURCE>DESTINATION REPLY-SOURCE>REPLY-DESTINATION`. */
function connections(): string[] {
  const lines = ["ipv4", "ipv6"].flatMap((family) => run("conntrack", "-L", "-f", family).split("\n"));
  return lines
    .map((line) => [...line.matchAll(/src=(\S+) dst=(\S+)/g)].map(([, from, to]) => `${from}>${to}`).join(" "))
    .filter((text) => text !== "")
    .sort();
}

const B = "192.0.2.7";
const B6 = "2001:db8::7";

describe("flows", () => {
  beforeAll(() => requireNamespaces());
  beforeEach(() => unshareNetns());

  const withKernel = <T>(work: (connection: Connection) => T): T => {
    const connection = Connection.open(NETLINK.NETFILTER);
    try {
      return work(connection);
    } finally {
      connection.close();
    }
  };
  const sources = (flows: readonly Flow[]): string[] =>
    flows.map(({ original }) => formatIp(original.source ?? new Uint8Array(0))).sort();

  it("are those that conntrack shows", () => {
    insert("10.22.0.5", B);
    insert("10.22.0.6", B, "-n", "192.0.2.1");
    insert("10.22.0.7", B, "-p", "icmp", "--icmp-type", "8", "--icmp-code", "0", "--icmp-id", "77");
    insert("fd00::5", B6, "-w", "9");
    const flows = withKernel((kernel) => [...listFlows(kernel, 4), ...listFlows(kernel, 6)]);
    const text = ({ source, destination }: Flow["original"]): string =>
      `${source?.join(".")}>${destination?.join(".")}`;
    const theirs = connections().map((line) => line.replace(/[^ >]+/g, (address) => Array.from(ip(address)).join(".")));
    expect(flows.map(({ original, reply }) => `${text(original)} ${text(reply)}`).sort()).toEqual(theirs.sort());
    expect(flows.map(({ zone }) => zone).filter((zone) => zone > 0)).toEqual([9]);
  });

  /**
   * Inserts a flow with the addresses and ports of the one that was deleted. The kernel makes an id of these and of the place
   * in memory: where the new flow has got the old place, another is put there. Returns how many were.
   */
  function insertWithAnotherId(kernel: Connection, deleted: Flow): number {
    for (let others = 0; ; others++) {
      insert("10.22.0.5", B);
      const found = listFlows(kernel, 4).find(({ original }) => original.source?.[3] === 5);
      if (found === undefined || found.id !== deleted.id) return others;
      kernel.execute(deleteFlow(found));
      insert(`10.22.1.${others}`, B);
    }
  }

  it("are deleted one by one, and not another that has come in their place", () => {
    insert("10.22.0.5", B);
    insert("10.22.0.6", B);
    insert("fd00::5", B6, "-w", "9");
    withKernel((kernel) => {
      const [first] = listFlows(kernel, 4).filter(({ original }) => original.source?.[3] === 5);
      const [sixth] = listFlows(kernel, 6);
      if (first === undefined || sixth === undefined) throw new Error("no flows");
      kernel.execute(deleteFlow(first));
      kernel.execute(deleteFlow(sixth));
      expect(connections()).toEqual([`10.22.0.6>${B} ${B}>10.22.0.6`]);
      expect(() => kernel.execute(deleteFlow(first))).toThrow("ENOENT");
      const others = insertWithAnotherId(kernel, first);
      expect(() => kernel.execute(deleteFlow(first))).toThrow("ENOENT");
      expect(connections()).toHaveLength(2 + others);
    });
  });

  const FILTERS = [
    [{ direction: "original", end: "source", address: ip("10.22.0.5") }, ["10.22.0.5", "10.22.0.5"]],
    [{ direction: "original", end: "destination", address: ip("10.22.0.5") }, ["10.22.0.9"]],
    [{ direction: "reply", end: "source", address: ip("10.22.0.5") }, ["10.22.0.9"]],
    [{ direction: "reply", end: "destination", address: ip("10.22.0.5") }, ["10.22.0.5"]],
  ] as const satisfies readonly (readonly [FlowFilter, readonly string[]])[];

  const insertAll = (): void => {
    insert("10.22.0.5", B);
    insert("10.22.0.5", "192.0.2.8", "-n", "192.0.2.1", "-w", "9");
    insert("10.22.0.9", "10.22.0.5");
    insert("10.22.0.6", B);
    insert("fd00::5", B6);
  };

  it.each(FILTERS)("are selected by the kernel itself to be listed: %#", (filter, found) => {
    insertAll();
    let shown = 0;
    const listed = withKernel((kernel) => listFlowsOf(kernel, filter, () => ++shown > 0));
    expect(sources(listed)).toEqual(found);
    expect(shown).toBe(found.length); // before Linux 5.8 all are shown
  });

  it.each(FILTERS)("are selected by the kernel itself to be deleted, or it refuses: %#", (filter, found) => {
    insertAll();
    const before = connections();
    const isDone = withKernel((kernel) => {
      const [ack] = kernel.tryAll([deleteFlows(filter)]);
      expect([0, errno("EINVAL")]).toContain(ack?.errno); // before Linux 6.11
      return ack?.errno === 0;
    });
    expect(before.length - connections().length).toBe(isDone ? found.length : 0);
    if (isDone) expect(withKernel((kernel) => listFlowsOf(kernel, filter))).toEqual([]);
  });
});

describe("haveNoFlows", () => {
  beforeAll(() => requireNamespaces());
  beforeEach(() => unshareNetns());

  it("is certain where nothing is tracked, and where what is has other sources", () => {
    expect(haveNoFlows([ip("10.22.0.5"), ip("fd00::5")])).toBe(true);
    insert("10.22.0.55", B);
    insert("fd00::55", B6);
    expect(haveNoFlows([ip("10.22.0.5"), ip("fd00::5"), ip("0.22.0.55")])).toBe(true);
  });

  it.each([
    ["10.22.0.5", "10.22.0.5", B],
    ["fd00::5", "fd00::5", B6],
    ["10.22.0.5", B, "10.22.0.5"],
    ["2001:db8:a:b:c:d:e:f", B6, "2001:db8:a:b:c:d:e:f"],
  ])("sees %s", (address, from, to) => {
    insert(from, to);
    expect(haveNoFlows([ip("10.22.0.6"), ip(address)])).toBe(false);
  });

  it("leaves it to others where there is much to look through, or nothing to look at", () => {
    expect(withSyscalls(unreadable, () => haveNoFlows([ip("10.22.0.5")]))).toBe(true);
    insert("10.22.0.55", B);
    expect(withSyscalls(unreadable, () => haveNoFlows([ip("10.22.0.5")]))).toBe(false);
    const batch =
      "for ((port = 1; port <= 256; port++)); do conntrack -I -s 10.22.0.55 -d 192.0.2.7 -p udp --sport $port --dport 1 -t 300; done";
    run("bash", "-c", batch);
    expect(haveNoFlows([ip("10.22.0.5")])).toBe(false);
  });

  const unreadable: Interceptor = (name, [, path]) =>
    name === "openat" && textOf(path).endsWith("nf_conntrack") ? "ENOENT" : undefined;
});

/** What older kernels do with the attribute CTA_FILTER, which they don't know, in these messages: pass it over. */
function withoutFilter<T>(types: readonly number[], work: () => T): T {
  const CTA_FILTER = 25;
  return withSyscalls((name, [, bytes]) => {
    if (name !== "sendto" || !(bytes instanceof Uint8Array)) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let at = 0; at + 20 <= bytes.length; at += (view.getUint32(at, true) + 3) & ~3) {
      const end = at + view.getUint32(at, true);
      if (bytes[at + 5] !== 1 || !types.includes(bytes[at + 4] ?? 0)) continue;
      for (let a = at + 20; a + 4 <= end; a += (view.getUint16(a, true) + 3) & ~3) {
        if ((view.getUint16(a + 2, true) & 0x3fff) === CTA_FILTER) view.setUint16(a + 2, 60, true);
      }
    }
    return undefined;
  }, work);
}

describe.each([
  ["as kernels from 6.11 on do it", []],
  ["as kernels from 5.8 on do it", [2]],
  ["as older kernels do it", [1, 2]],
])("deleteConnectionsOf, %s", (_, types) => {
  beforeAll(() => requireNamespaces());
  beforeEach(() => unshareNetns());

  it("deletes the connections that an address has begun or answers, in both families, and no others", () => {
    for (const [mine, other, to, node] of [
      ["10.22.0.5", "10.22.0.6", B, "192.0.2.1"],
      ["fd00::5", "fd00::6", B6, "2001:db8::1"],
    ] as const) {
      for (const from of [mine, other]) {
        insert(from, to, "-n", node); // masqueraded
        insert(from, node); // not
        insert(to, from); // begun by the other side
        insert(to, node, "-p", "udp", "--sport", "1", "--dport", `8${from.at(-1)}`, "-g", from); // to a mapped port
      }
    }
    const kept = connections().filter((line) => !/10\.22\.0\.5|fd00::5/.test(line));
    expect([connections().length, kept.length]).toEqual([16, 8]);
    const connection = Connection.open(NETLINK.NETFILTER);
    withoutFilter(types, () => deleteConnectionsOf(connection, [ip("10.22.0.5"), ip("fd00::5")]));
    connection.close();
    expect(connections()).toEqual(kept);
  });
});

describe("when addresses leave masquerade", () => {
  beforeAll(() => requireNamespaces());
  beforeEach(() => unshareNetns());
  afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

  const DUAL = cidrs("10.22.0.5/16", "fd00::5/64");
  const begin = (): void => {
    for (const from of ["10.22.0.5", "10.22.0.6"]) insert(from, B);
    for (const from of ["fd00::5", "fd00::6"]) insert(from, B6);
  };
  const left = (): string[] => connections().map((line) => line.slice(0, line.indexOf(">")));

  it("their connections are deleted, and others are not", () => {
    setUpMasquerade(at("c1"), DUAL);
    begin();
    tearDownMasquerade(at("c1"), []);
    expect(left()).toEqual(["10.22.0.6", "fd00::6"]);
  });

  it("those of an address that another attachment has taken stay, until that one goes", () => {
    setUpMasquerade(at("old"), DUAL);
    setUpMasquerade(at("new"), DUAL);
    begin();
    tearDownMasquerade(at("old"), DUAL);
    expect(left()).toHaveLength(4);
    tearDownMasquerade(at("new"), []);
    expect(left()).toEqual(["10.22.0.6", "fd00::6"]);
  });

  it("those of an address that goes back to a live attachment stay", () => {
    setUpMasquerade(at("old"), DUAL);
    setUpMasquerade(at("new"), cidrs("10.22.0.5/16", "10.22.0.6/16"));
    begin();
    tearDownMasquerade(at("new"), []);
    expect(left()).toEqual(["10.22.0.5", "fd00::5", "fd00::6"]);
  });

  it("a DEL that was killed before it came to them is made good by the next", () => {
    setUpMasquerade(at("c1"), DUAL);
    begin();
    run("nft", "flush", "ruleset");
    for (const name of readdirSync(RECORDS)) renameSync(`${RECORDS}/${name}`, `${RECORDS}/${name}.del`);
    tearDownMasquerade(at("c1"), []);
    expect([left(), readdirSync(RECORDS)]).toEqual([["10.22.0.6", "fd00::6"], []]);
  });

  it("a DEL of what is long gone touches nobody's", () => {
    begin();
    tearDownMasquerade(at("c1"), DUAL);
    expect(left()).toHaveLength(4);
  });

  it("GC deletes those of stale attachments, with a record or without", () => {
    setUpMasquerade(at("c1"), cidrs("10.22.0.5/16"));
    setUpMasquerade(at("c2"), cidrs("10.22.0.6/16"));
    setUpMasquerade(at("c3"), cidrs("fd00::5/64"));
    setUpMasquerade(at("c4", "net2"), cidrs("fd00::6/64"));
    begin();
    const ids = readdirSync(RECORDS);
    rmSync(`${RECORDS}/${ids[0]}`);
    collectMasquerade("net1", [at("c2")]);
    expect(left()).toEqual(["10.22.0.6", "fd00::6"]);
  });

  it("those of more addresses than can be asked for one by one go, too", () => {
    const many = Array.from({ length: 40 }, (_, i) => `10.22.1.${i}`);
    for (const [i, address] of many.entries()) setUpMasquerade(at(`c${i}`), cidrs(`${address}/16`));
    for (const address of many) insert(address, B);
    begin();
    collectMasquerade("net1", []);
    expect(left()).toEqual(["10.22.0.5", "10.22.0.6", "fd00::5", "fd00::6"]);
  });

  it("those of rules that upstream's plugin has made go with the rules, unless another rule has the address", () => {
    const rule = (id: string, address: string): string =>
      `add rule inet cni_plugins_masquerade masq_checks ip saddr ${address} ip daddr != 10.22.0.0/16 masquerade comment "${id}"`;
    // printf net1 | sha512sum, printf eth0:c1 | sha512sum, …
    const hash = (text: string): string => run("sh", "-c", `printf %s ${text} | sha512sum`).slice(0, 16);
    const comment = (id: string): string => `${hash("net1")}-${hash(`eth0:${id}`)}, net: net1, if: eth0, id: ${id}`;
    run("nft", "add table inet cni_plugins_masquerade; add chain inet cni_plugins_masquerade masq_checks");
    run("nft", rule(comment("c1"), "10.22.0.5"));
    run("nft", rule(comment("c1"), "10.22.0.6"));
    run("nft", rule(comment("c2"), "10.22.0.6"));
    begin();
    tearDownMasquerade(at("c1"), []);
    expect(left()).toEqual(["10.22.0.6", "fd00::5", "fd00::6"]);
    collectMasquerade("net1", []);
    expect(left()).toEqual(["fd00::5", "fd00::6"]);
  });
});

describe("a container that gets the address of another", () => {
  afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

  const PORT = 7777;
  const OWN = { 4: "10.1.0.5", 6: "fd00:1::5" } as const;
  const network = (name: string, options = {}): Readonly<Record<string, unknown>> => ({
    ...{ cniVersion: "1.1.0", name, type: "ptp", ipMasq: true, ipMasqOptions: { random: "none", ...options } },
    ipam: {
      type: "static",
      addresses: [
        { address: `${OWN[4]}/24`, gateway: "10.1.0.1" },
        { address: `${OWN[6]}/112`, gateway: "fd00:1::1" },
      ],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
    },
  });

  /** Who the server outside sees when the container sends from a port that is always the same. */
  function seenAs({ container }: Pick<TestNode, "container">, family: 4 | 6, source: string): string {
    const socket = Socket.open(container, family, "datagram");
    try {
      socket.bind({ address: source, port: 5555 }).send("who am I?", { address: OUTSIDE[family], port: PORT });
      return Buffer.from(socket.receive().bytes).toString();
    } finally {
      socket.close();
    }
  }

  it("does not inherit its connections: the same ports are translated by its own rules", async () => {
    const node = ourNode(ptp);
    await connectOutside(node.node);
    const other = { 4: "192.0.2.9", 6: "2001:db8::9" } as const;
    node.node.ip(`address add ${other[4]}/24 dev uplink`);
    node.node.ip(`address add ${other[6]}/64 dev uplink nodad`);
    poll("the node's own address", () => node.node.ip(`-6 route get ${other[6]}`).startsWith("local"));
    const first = network("net1", { to: { ipv4: other[4], ipv6: other[6] } });
    succeed(node.call({ command: "ADD", config: first }));
    for (const family of [4, 6] as const) expect(seenAs(node, family, OWN[family])).toBe(other[family]);
    succeed(node.call({ command: "DEL", config: first }));
    expect(node.node.exec("conntrack", "-L", "-s", OWN[4]) + node.node.exec("conntrack", "-L", "-f", "ipv6")).toBe("");
    const second = { container: makeNetns() };
    const then = network("net2", { to: { ipv4: NODE[4], ipv6: NODE[6] } });
    const where = { containerId: "container-2", netns: second.container.path };
    succeed(node.call({ command: "ADD", config: then, ...where }));
    for (const family of [4, 6] as const) expect(seenAs(second, family, OWN[family])).toBe(NODE[family]);
    expect(existsSync(RECORDS)).toBe(true);
    succeed(node.call({ command: "DEL", config: then, ...where }));
    second.container.remove();
  });
});
