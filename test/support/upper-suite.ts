// What macvlan, ipvlan and vlan have in common, as a suite that each of them runs: natively where the kernel has the kind, and in
// guests.

import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { OwnPlugin } from "../../src/cni/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { ourNode, type TestNode } from "./differential.ts";
import { syscallsOf, withSyscalls } from "./intercept-syscalls.ts";
import type { TestNetns } from "./netns.ts";
import { ping } from "./outside.ts";
import { inProcess, ownPluginDirectory, type PluginOutcome, succeed } from "./plugin.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { anotherContainer, connectUplink, linkOf, linksOf, ROUTER, UPLINK } from "./uplink.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations, and whatever a plugin or ip(8) prints
type Json = any;

/** One of the plugins. */
export interface UpperCase {
  readonly plugin: OwnPlugin;
  /** What the configuration of the n-th container on one master has besides. */
  readonly keys?: (n: number) => Json;
  /** Makes the router one that such containers reach. */
  readonly prepare?: (router: TestNetns) => void;
  /** Whether the master's MAC address is the container's. */
  readonly sharesMac: boolean;
  /** Whether there need not be a master in the configuration. */
  readonly takesDefaultRoute: boolean;
}

export const hostLocal = ({ dataDir }: TestNode, ...subnets: readonly string[]): Json => ({
  ipam: {
    ...{ type: "host-local", dataDir, ranges: subnets.map((subnet) => [{ subnet, rangeStart: startOf(subnet) }]) },
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
  },
});

const startOf = (subnet: string): string => subnet.replace(/0?\/\d+$/, "10");

export function reservations({ dataDir }: TestNode, network = "net1"): string[] {
  const directory = join(dataDir, network);
  return existsSync(directory) ? readdirSync(directory).filter((file) => /^[0-9a-f]+[.:]/.test(file)) : [];
}

/** An IPAM plugin that is a script, and what it was called for. */
export function scriptedIpam(script: string): { readonly path: string; readonly calls: () => string[] } {
  const directory = ownPluginDirectory(process.execPath);
  const log = join(temporaryDirectory(), "calls");
  writeFileSync(log, "");
  const lines = ["#!/bin/sh", "cat >/dev/null", `log=${log}`, script];
  writeFileSync(join(directory, "scripted"), `${lines.join("\n")}\n`);
  chmodSync(join(directory, "scripted"), 0o755);
  return { path: directory, calls: () => readFileSync(log, "utf8").split("\n").filter(Boolean) };
}

/** Registers the suite. */
export function runUpperSuite(of: UpperCase): void {
  const { plugin, keys = () => ({}) } = of;
  const { name: type } = plugin;
  const SUBNETS = ["10.77.0.0/24", "fd00:77::/64"] as const;
  const configOf = (more: Json = {}, n = 1): Json => ({
    ...{ cniVersion: "1.1.0", name: "net1", type, master: UPLINK, ...keys(n), ...more },
  });
  const onLan = (): { readonly node: TestNode; readonly router: TestNetns } => {
    const node = ourNode(plugin);
    const router = connectUplink(node);
    of.prepare?.(router);
    return { node, router };
  };
  const context: Context = { of, type, configOf, onLan, SUBNETS };
  describe(`${type}: an attachment`, () => attachmentCases(context));
  describe(`${type}: a failed ADD`, () => failureCases(context));
  describe(`${type}: the master`, () => masterCases(context));
  describe(`${type}: DEL`, () => delCases(context));
  describe(`${type}: CHECK`, () => checkCases(context));
}

interface Context {
  readonly of: UpperCase;
  readonly type: string;
  readonly configOf: (more?: Json, n?: number) => Json;
  readonly onLan: () => { readonly node: TestNode; readonly router: TestNetns };
  readonly SUBNETS: readonly [string, string];
}

function attachmentCases({ of, type, configOf, onLan, SUBNETS }: Context): void {
  it("is made, checked, deleted, and packets of both families flow at once (D5)", () => {
    const { node } = onLan();
    const config = configOf({ ...hostLocal(node, ...SUBNETS), dns: { nameservers: ["10.77.0.53"] } });
    const result = succeed(node.call({ command: "ADD", config }));
    const link = linkOf(node.container);
    expect(result.interfaces).toEqual([{ name: "eth0", mac: link.address, sandbox: node.container.path }]);
    expect(result.ips.map(({ interface: index }: Json) => index)).toEqual([0, 0]);
    expect(result.dns).toEqual({ nameservers: ["10.77.0.53"] });
    expect(link).toMatchObject({ linkinfo: { info_kind: type }, mtu: 1500 });
    expect(node.container.ipJson("-6 address show dev eth0 tentative")).toEqual([]);
    for (const address of Object.values(ROUTER)) ping(node.container, address);
    if (of.sharesMac) expect(link.address).toBe(linkOf(node.node, UPLINK).address);
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult: result } }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult: result } }));
    expect([linksOf(node.container), reservations(node)]).toEqual([["lo"], []]);
    succeed(node.call({ command: "DEL", config: { ...config, prevResult: result } }));
  });

  it("is made without IPAM, where that is possible", () => {
    const { node } = onLan();
    const outcome = node.call({ command: "ADD", config: configOf({ mtu: 1400 }) });
    if (type === "ipvlan") {
      expect(outcome.json).toMatchObject({ code: 7, msg: expect.stringContaining("ipam.type is missing") });
      expect(linksOf(node.container)).toEqual(["lo"]);
      return;
    }
    const result = succeed(outcome);
    expect(linkOf(node.container)).toMatchObject({ mtu: 1400, flags: expect.arrayContaining(["UP"]) });
    expect(result.ips ?? []).toEqual([]);
    succeed(node.call({ command: "CHECK", config: configOf({ mtu: 1400, prevResult: result }) }));
    succeed(node.call({ command: "STATUS", config: configOf() }));
    succeed(node.call({ command: "DEL", config: configOf({ prevResult: result }) }));
    expect(linksOf(node.container)).toEqual(["lo"]);
  });

  it("has the name that a link of the node has, too", () => {
    const { node } = onLan();
    node.node.ip("link add eth0 type bridge");
    succeed(node.call({ command: "ADD", config: configOf(hostLocal(node, ...SUBNETS)) }));
    expect([linksOf(node.container), linkOf(node.node)?.linkinfo.info_kind]).toEqual([["lo", "eth0"], "bridge"]);
    for (const address of Object.values(ROUTER)) ping(node.container, address);
  });

  it("hangs on a master in the container", () => {
    const { node, router } = onLan();
    node.node.ip(`link set ${UPLINK} netns ${node.container.name}`);
    node.container.ip(`link set ${UPLINK} up`);
    const config = configOf({ linkInContainer: true, ...hostLocal(node, ...SUBNETS) });
    const result = succeed(node.call({ command: "ADD", config }));
    for (const address of Object.values(ROUTER)) ping(node.container, address);
    expect(linkOf(node.container)).toMatchObject({ link: UPLINK });
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult: result } }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult: result }, netns: "" }));
    expect(reservations(node)).toEqual([]);
    succeed(node.call({ command: "DEL", config: { ...config, prevResult: result } }));
    expect([linksOf(node.container), linksOf(router)]).toEqual([["lo", UPLINK], expect.arrayContaining(["lo", "lan"])]);
  });

  it("has IPAM's name servers where the configuration has none (D3)", () => {
    const { node } = onLan();
    const ipam = { type: "static", addresses: [{ address: "10.77.0.5/24" }], dns: { nameservers: ["192.0.2.53"] } };
    expect(succeed(node.call({ command: "ADD", config: configOf({ ipam }) })).dns).toEqual(ipam.dns);
  });

  it("sets all that a route of IPAM says (D4)", () => {
    const { node } = onLan();
    const numbers = { mtu: 1400, advmss: 1300, priority: 50 };
    const routes = [
      { dst: "192.0.2.0/24", ...numbers },
      { dst: "198.51.100.0/24", gw: "10.77.0.1", table: 1000 },
      { dst: "203.0.113.0/24", scope: 253 },
      { dst: "2001:db8::/32", ...numbers },
    ];
    const addresses = [
      { address: "10.77.0.5/24", gateway: "10.77.0.1" },
      { address: "fd00:77::5/64", gateway: "fd00:77::1" },
    ];
    const config = configOf({ ipam: { type: "static", addresses, routes } });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    const found = (what: string): Json => node.container.ipJson(what)[0];
    const metrics = [{ mtu: 1400, advmss: 1300 }];
    expect(found("route show 192.0.2.0/24")).toMatchObject({ gateway: "10.77.0.1", metric: 50, metrics });
    expect(found("-6 route show 2001:db8::/32")).toMatchObject({ gateway: "fd00:77::1", metric: 50, metrics });
    expect(found("route show table 1000")).toMatchObject({ dst: "198.51.100.0/24", gateway: "10.77.0.1" });
    expect(found("route show 203.0.113.0/24")).toMatchObject({ scope: "link" });
    expect(found("route show 203.0.113.0/24").gateway).toBeUndefined();
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
  });

  it("announces its addresses when it comes up", () => {
    const { node } = onLan();
    succeed(node.call({ command: "ADD", config: configOf(hostLocal(node, ...SUBNETS)) }));
    const parameters = ["net.ipv4.conf.eth0.arp_notify", "net.ipv6.conf.eth0.ndisc_notify"];
    expect(node.container.exec("sysctl", "-n", ...parameters)).toBe("1\n1\n");
  });
}

/** VLANs have no modes. */
const WRONG_MODE = ["a mode that does not exist", { mode: "source" }, 7, 'mode: "source" is not one of'] as const;

function failureCases({ of: { plugin }, type, configOf, onLan, SUBNETS }: Context): void {
  it.each([
    ["is not there", "nonexist"],
    ["fails", "scripted"],
  ])("leaves no link when the IPAM plugin %s (D2)", (_, ipamType) => {
    const { node } = onLan();
    const { path } = scriptedIpam(
      `[ $CNI_COMMAND = ADD ] && { echo '{"code": 120, "msg": "no more"}'; exit 1; }; exit 0`,
    );
    const before = linksOf(node.node);
    for (let i = 0; i < 2; i++) {
      const { status, json } = node.call({ command: "ADD", config: configOf({ ipam: { type: ipamType } }), path });
      expect(status).toBe(1);
      if (ipamType === "scripted") expect(json).toMatchObject({ code: 120, msg: expect.stringContaining("no more") });
      expect([linksOf(node.container), linksOf(node.node)]).toEqual([["lo"], before]);
    }
  });

  it("gives back what an IPAM plugin reserved that gave no address", () => {
    const { node } = onLan();
    const { path, calls } = scriptedIpam(`echo $CNI_COMMAND >>$log; echo '{"cniVersion": "1.1.0", "ips": []}'`);
    const { json } = node.call({ command: "ADD", config: configOf({ ipam: { type: "scripted" } }), path });
    expect(json.msg).toContain("IPAM plugin returned missing IP config");
    expect([calls(), linksOf(node.container)]).toEqual([["ADD", "DEL"], ["lo"]]);
  });

  it("is refused before anything is made where the name is taken (W7)", () => {
    const { node } = onLan();
    const config = configOf(hostLocal(node, ...SUBNETS));
    succeed(node.call({ command: "ADD", config }));
    const state = (): Json => [linksOf(node.container), linkOf(node.container).address, reservations(node)];
    const before = state();
    const again = configOf(hostLocal(node, ...SUBNETS), 2);
    const { json } = node.call({ command: "ADD", config: again, containerId: "container-2" });
    expect(json.msg).toContain('the container has an interface "eth0" already');
    node.container.ip("link property add dev eth0 altname net7");
    const other = node.call({ command: "ADD", config: again, containerId: "container-2", ifname: "net7" });
    expect(other.json.msg).toContain('the container has an interface "net7" already');
    node.container.ip("link property del dev eth0 altname net7");
    expect(state()).toEqual(before);
  });

  it("tells one error, and makes nothing, in the caller's own namespace (D1)", () => {
    const { node } = onLan();
    const before = linksOf(node.node);
    const config = configOf(hostLocal(node, ...SUBNETS));
    expect(node.call({ command: "ADD", config, netns: node.node.path }).json).toMatchObject({ code: 8 });
    expect(linksOf(node.node)).toEqual(before);
  });

  it.each<readonly [string, Json, number, string]>([
    ["an MTU above the master's", { mtu: 9000 }, 7, "mtu: 9000 is more than its master"],
    ["an MTU that is text", { mtu: "1500" }, 6, 'mtu: "1500" is not a whole number'],
    ["an MTU below all", { mtu: 60 }, 7, "mtu: 60 is not a number from 68"],
    ["a master that is not there", { master: "nope0" }, 7, 'master: the node has no interface "nope0"'],
    ["a master of 16 bytes", { master: "sixteen-bytes-16" }, 7, 'no interface "sixteen-bytes-16"'],
    ["a master with a slash", { master: "a/b" }, 7, 'master: "a/b" is not a name of an interface'],
    ["a master that is a number", { master: 5 }, 6, "master: 5 is not a string"],
    ["the loopback", { master: "lo" }, 7, 'master: "lo" is the loopback'],
    ["a master that is in the container", { master: "inside" }, 7, 'master: the node has no interface "inside"'],
    ...(type === "vlan" ? [] : [WRONG_MODE]),
  ])("names the key: %s", (_, keys, code, message) => {
    const { node } = onLan();
    node.container.ip("link add inside type bridge");
    const before = linksOf(node.container);
    const { json } = node.call({ command: "ADD", config: configOf({ ...hostLocal(node, ...SUBNETS), ...keys }) });
    expect(json).toMatchObject({ code, msg: expect.stringContaining(message) });
    if (keys.master === "inside") expect(json.details).toContain('"linkInContainer": true');
    expect(linksOf(node.container)).toEqual(before);
  });

  it("leaves nothing, whichever system call fails", () => {
    const { node } = onLan();
    node.node.ip("link add eth0 type bridge"); // the kernel may need another name first
    const config = configOf(hostLocal(node, ...SUBNETS));
    const call = { command: "ADD", containerId: "container-1", netns: node.container.path, ifname: "eth0", config };
    const serve = (): PluginOutcome => inProcess(plugin)(call);
    const onNode = <T>(work: () => T): T => inNetns(node.node.fd, work);
    const calls = onNode(() => syscallsOf(serve));
    succeed(node.call({ command: "DEL", config }));
    const before = linksOf(node.node);
    let failures = 0;
    calls.forEach((name, nth) => {
      let count = 0;
      let switches = 0;
      const { status } = onNode(() =>
        withSyscalls((one) => {
          // Without a way back from the container's namespace the process ends.
          const isExempt = one === "close" || (one === "setns" && switches++ % 2 === 1);
          return count++ === nth && !isExempt ? "EIO" : undefined;
        }, serve),
      );
      const isMade = status === 0;
      if (!isMade) failures++;
      const left = [linksOf(node.container), reservations(node).length, linksOf(node.node)];
      expect([nth, name, ...left]).toEqual([nth, name, isMade ? ["lo", "eth0"] : ["lo"], isMade ? 2 : 0, before]);
      if (isMade) succeed(node.call({ command: "DEL", config }));
    });
    expect(failures).toBeGreaterThan(calls.length / 3);
  });

  it("is a failure of STATUS, too, where the master is missing", () => {
    const { node } = onLan();
    succeed(node.call({ command: "STATUS", config: configOf() }));
    const { json } = node.call({ command: "STATUS", config: configOf({ master: "nope0" }) });
    expect(json).toMatchObject({ code: 50, msg: expect.stringContaining('the node has no interface "nope0"') });
    succeed(node.call({ command: "STATUS", config: configOf({ master: "nope0", linkInContainer: true }) }));
    expect(linksOf(node.node)).not.toContain("bauta-status");
  });
}

function masterCases({ of, type, configOf, onLan, SUBNETS }: Context): void {
  it("is found by an alternative name of any length", () => {
    const { node } = onLan();
    const name = "an-alternative-name-of-some-length";
    node.node.ip(`link property add dev ${UPLINK} altname ${name}`);
    const config = configOf({ master: name, ...hostLocal(node, ...SUBNETS) });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
  });

  if (of.takesDefaultRoute) {
    it.each([
      ["IPv4", `route add default dev ${UPLINK}`],
      ["IPv6 alone", `-6 route add default dev ${UPLINK}`],
    ])("is the link of the default route unless given: %s", (_, route) => {
      const { node } = onLan();
      const config = configOf({ master: undefined, ...hostLocal(node, ...SUBNETS) });
      const { json } = node.call({ command: "ADD", config });
      expect(json).toMatchObject({ code: 7, msg: expect.stringContaining("no default route") });
      node.node.ip("-6 route add unreachable default metric 4278198272");
      node.node.ip(route);
      const prevResult = succeed(node.call({ command: "ADD", config }));
      for (const address of Object.values(ROUTER)) ping(node.container, address);
      node.node.ip(route.replace("add", "delete"));
      // What there is tells the master by then, not the routes of the node (D43).
      succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
      succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
      expect([linksOf(node.container), reservations(node)]).toEqual([["lo"], []]);
    });
  }

  it("that is down does not keep the interface from being made, unless it is a VLAN", () => {
    const { node } = onLan();
    node.node.ip(`link set ${UPLINK} down`);
    const config = configOf(hostLocal(node, ...SUBNETS));
    const outcome = node.call({ command: "ADD", config });
    if (type === "vlan") {
      expect(outcome.json).toMatchObject({ code: 7, msg: expect.stringContaining(`"${UPLINK}" is down`) });
      expect([linksOf(node.container), reservations(node)].flat()).toEqual(["lo"]);
      return;
    }
    succeed(outcome);
    node.node.ip(`link set ${UPLINK} up`);
    for (const address of Object.values(ROUTER)) ping(node.container, address);
  });
}

function delCases({ configOf, onLan, SUBNETS }: Context): void {
  it.each<readonly [string, (node: TestNode) => string | undefined]>([
    ["the master", ({ node }) => void node.ip(`link delete ${UPLINK}`)],
    ["the interface", ({ container }) => void container.ip("link delete eth0")],
    ["the namespace's path", () => "/run/netns/nowhere"],
    ["the namespace", () => ""],
  ])("releases the addresses where %s is gone (D8)", (_, remove) => {
    const { node } = onLan();
    const config = configOf(hostLocal(node, ...SUBNETS));
    const prevResult = succeed(node.call({ command: "ADD", config }));
    expect(reservations(node)).toHaveLength(2);
    const netns = remove(node);
    succeed(
      node.call({ command: "DEL", config: { ...config, prevResult }, ...(netns === undefined ? {} : { netns }) }),
    );
    expect(reservations(node)).toEqual([]);
  });

  it("takes the interface away before the addresses are given back (W3)", () => {
    const { node } = onLan();
    const answer = '{"cniVersion": "1.1.0", "ips": [{"address": "10.77.0.5/24"}]}';
    const { path, calls } = scriptedIpam(
      `[ $CNI_COMMAND = ADD ] && echo '${answer}'; [ $CNI_COMMAND = DEL ] && nsenter --net=$CNI_NETNS ip -o link show | grep -c . >>$log; exit 0`,
    );
    const config = configOf({ ipam: { type: "scripted" } });
    const prevResult = succeed(node.call({ command: "ADD", config, path }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult }, path }));
    expect(calls()).toEqual(["1"]); // the loopback
  });

  it("succeeds, as STATUS does, without an ipam section (D9)", () => {
    const { node } = onLan();
    succeed(node.call({ command: "DEL", config: configOf() }));
    succeed(node.call({ command: "DEL", config: configOf({ mtu: "wrong", ipam: {} }) }));
    succeed(node.call({ command: "STATUS", config: configOf() }));
  });

  it("finds an interface that the container has renamed, and leaves that of another attachment", () => {
    const { node } = onLan();
    const config = configOf(hostLocal(node, ...SUBNETS));
    const prevResult = succeed(node.call({ command: "ADD", config }));
    node.container.ip("link set eth0 down");
    node.container.ip("link set eth0 name lan7");
    const other = configOf({ name: "net2", ...hostLocal(node, "10.78.0.0/24") }, 2);
    succeed(node.call({ command: "ADD", config: other, containerId: "container-2" }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
    expect([linksOf(node.container), reservations(node), reservations(node, "net2")]).toEqual([
      ["lo", "eth0"],
      [],
      ["10.78.0.10"],
    ]);
  });
}

function checkCases({ configOf, onLan, SUBNETS }: Context): void {
  it("passes with single addresses, and with routes that are in another table by now (D6)", () => {
    const { node } = onLan();
    const addresses = [{ address: "10.77.0.5/32" }, { address: "fd00:77::5/128" }];
    const config = configOf({ ipam: { type: "static", addresses } });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));

    const { netns, call } = anotherContainer();
    const second = configOf({ name: "net2", ...hostLocal(node, ...SUBNETS) }, 2);
    const result = succeed(node.call({ command: "ADD", config: second, ...call }));
    for (const { address } of result.ips) {
      const family = address.includes(":") ? "-6" : "-4";
      netns.ip(`${family} rule add from ${address.replace(/\/.*/, "")} table 100`);
    }
    for (const family of ["-4", "-6"]) {
      for (const { dst, gateway } of netns.ipJson(`${family} route show dev eth0`)) {
        const via = gateway === undefined ? "" : ` via ${gateway}`;
        if (dst.startsWith("fe80")) continue;
        netns.ip(`${family} route add ${dst}${via} dev eth0 table 100${via === "" ? "" : " onlink"}`);
        netns.ip(`${family} route delete ${dst}${via} dev eth0`);
      }
    }
    succeed(node.call({ command: "CHECK", config: { ...second, prevResult: result }, ...call }));
  });

  it.each<readonly [string, (node: TestNode) => void, string]>([
    [
      "a default route by another gateway (D7)",
      ({ container }) => reroute(container),
      "route to 0.0.0.0/0 via 10.77.0.1 not",
    ],
    [
      "no address",
      ({ container }) => container.ip("address flush dev eth0 scope global"),
      "address 10.77.0.10/24 is not",
    ],
    [
      "no interface",
      ({ container }) => void container.ip("link delete eth0"),
      "interface eth0 in the container not found",
    ],
    ["an interface of another kind", ({ container }) => replaceByBridge(container), "is not of type"],
  ])("fails with %s", (_, change, message) => {
    const { node } = onLan();
    const config = configOf(hostLocal(node, ...SUBNETS));
    const prevResult = succeed(node.call({ command: "ADD", config }));
    change(node);
    expect(node.call({ command: "CHECK", config: { ...config, prevResult } }).json.msg).toContain(message);
  });

  it("fails with an interface that is down", () => {
    const { node } = onLan();
    const config = configOf({ ipam: { type: "static", addresses: [{ address: "10.77.0.5/32" }] } });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    node.container.ip("link set eth0 down");
    const { json } = node.call({ command: "CHECK", config: { ...config, prevResult } });
    expect(json.msg).toContain("interface eth0 in the container is down");
  });

  it("fails with another master", () => {
    const { node } = onLan();
    const config = configOf();
    const ipam = { ipam: { type: "static", addresses: [{ address: "10.77.0.5/24" }] } };
    const prevResult = succeed(node.call({ command: "ADD", config: { ...config, ...ipam } }));
    node.node.ip("link add other type veth peer name rehto");
    node.node.ip("link set other up");
    const { json } = node.call({ command: "CHECK", config: { ...config, ...ipam, master: "other", prevResult } });
    expect(json.msg).toContain('does not hang on "other"');
  });
}

function reroute(container: TestNetns): void {
  container.ip("route replace default via 10.77.0.9 dev eth0");
}

function replaceByBridge(container: TestNetns): void {
  container.ip("link delete eth0");
  container.ip("link add eth0 type bridge");
}
