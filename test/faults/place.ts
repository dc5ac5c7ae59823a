// The node on which calls are walked along: with a container that is attached and another that is to be, and with what somebody
// else has there.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { kindUnavailable } from "../../src/links/container-link.ts";
import type { LinkInfo } from "../../src/rtnetlink/link-info.ts";
import { inNewNetns } from "../../src/sys/netns.ts";
import { MASTER } from "../conformance/cases.ts";
import { becomeNode } from "../e2e/masquerade/node.ts";
import { makeNetns, run, type TestNetns } from "../support/netns.ts";

/** Rules, a map and a chain of nf_tables that belong to nobody of ours. */
const TABLES = `
table inet others {
  map ports { type inet_service : ipv4_addr; elements = { 8443 : 192.0.2.9 }; }
  chain forward { type filter hook forward priority 10; policy accept; ip saddr 192.0.2.128/25 counter accept; }
}
table ip others_nat {
  chain postrouting { type nat hook postrouting priority 90; ip saddr 10.99.0.0/16 masquerade; }
}`;

/** Files beside ours, with the names that ours could have. */
const FILES: Readonly<Record<string, string>> = {
  "/var/lib/cni/networks/others/10.99.0.2": "another\r\neth0",
  "/var/lib/cni/networks/faults/198.18.0.77": "elsewhere\r\neth0",
  "/var/lib/cni/results/others-another-eth0": "{}",
  "/run/cni/tuning/another_eth0.json": '{ "mtu": 1400 }',
  "/run/conformance/networks/faults/198.18.0.77": "elsewhere\r\neth0",
  "/run/conformance/tuning/another_eth0.json": '{ "mtu": 1400 }',
  "/run/others/state": "what it is\n",
};

/** Makes this process the node, once: see becomeNode. */
export function makePlace(): void {
  becomeNode();
  run("ip", "link", "add", MASTER, "up", "type", "veth", "peer", "name", `${MASTER}-peer`);
  run("ip", "link", "set", `${MASTER}-peer`, "up");
  for (const command of [
    "link add others0 address 02:00:00:00:0f:01 type bridge",
    "link set others0 alias somebody-else",
    "link set others0 up",
    "address add 10.99.0.1/24 dev others0",
    "address add fd00:99::1/64 dev others0 nodad",
    "neighbour add 10.99.0.9 lladdr 02:00:00:00:00:09 dev others0 nud permanent",
    "route add 10.98.0.0/16 via 10.99.0.9 table 77",
    "rule add from 10.98.0.0/16 table 77 priority 7700",
  ]) {
    run("ip", ...command.split(" "));
  }
  run("tc", "qdisc", "add", "dev", "others0", "root", "handle", "77:", "pfifo", "limit", "77");
  run("nft", TABLES);
  run("iptables", "-A", "FORWARD", "-s", "10.97.0.0/16", "-m", "comment", "--comment", "others", "-j", "ACCEPT");
  run("iptables", "-t", "nat", "-A", "POSTROUTING", "-s", "10.97.0.0/16", "-j", "MASQUERADE");
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
}

/** What stays after the last attachment, for the next: a node of its own for each point would take long. */
export function forgetAll(): void {
  const bridges = run("ip", "-br", "link", "show", "type", "bridge").match(/^[^\s@]+/gm) ?? [];
  for (const name of bridges) if (name !== "others0") run("ip", "link", "delete", name);
  const tables = run("nft", "list", "tables").split("\n");
  for (const line of tables) if (line.includes(" bauta_")) run("nft", "delete", ...line.trim().split(" "));
  for (const path of ["/run/bauta", "/run/conformance/networks/faults", "/var/lib/cni/networks/faults"]) {
    rmSync(path, { recursive: true, force: true });
  }
  run("sysctl", "-qw", "net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0");
}

/** A container that does not look for duplicates of its addresses, so that nothing changes there by itself. */
export function makeContainer(name: string): TestNetns {
  const netns = makeNetns(name);
  netns.exec("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0", "net.ipv6.conf.all.accept_dad=0");
  return netns;
}

/** What the kernel is asked to make where a plugin takes a module. */
const KINDS: Readonly<Record<string, LinkInfo>> = {
  "8021q": { kind: "vlan", id: 1 },
  dummy: { kind: "dummy" },
  ipvlan: { kind: "ipvlan" },
  vrf: { kind: "vrf", table: 1 },
};

/** Whether the kernel has what the module brings. */
export function hasModule(module: string): boolean {
  const info = KINDS[module];
  if (info === undefined) throw new Error(`nobody knows how to ask for ${module}`);
  return inNewNetns(() => kindUnavailable(info)) === undefined;
}
