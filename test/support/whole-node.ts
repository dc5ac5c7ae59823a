// All that plugins could leave on a node and in its containers: links, addresses, routes, rules, and files below /run and /var/lib;
// and, for who asks for the whole, routing rules, queues and kernel parameters.
// The node's mount namespace must be the test's own: see becomeNode of test/e2e/masquerade/node.ts.

import { closeSync, existsSync, lstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { inNetns } from "../../src/sys/netns.ts";
import { run } from "./netns.ts";

// biome-ignore lint/suspicious/noExplicitAny: whatever iproute2 prints
type Json = any;

/** All that a call could leave anywhere on the node. */
export interface NodeState {
  readonly links: readonly Json[];
  readonly routes: readonly (readonly string[])[];
  readonly rules: string;
  /** Addresses, records and whatever else, with their content. */
  readonly files: Readonly<Record<string, string>>;
  /** What is made once and stays: directories, locks, the hint at the last address, the index. */
  readonly prepared: readonly string[];
}

/** Runs a script of the shell, and returns its standard output. */
export type Shell = (script: string) => string;

const bash: Shell = (script) => run("bash", "-c", script);

/** The state of this thread's network namespace, the node's, and of the named ones of containers. */
export function stateOf(containers: readonly string[], shell: Shell = bash): NodeState {
  const found = { files: {}, prepared: [] };
  for (const directory of ["/run", "/var/lib"]) collect(directory, found);
  const [rules = "", ...links] = shell(lookAt(containers)).split(SEPARATOR);
  const routes = containers.map((name) => inNamed(name, readRoutes));
  return {
    links: links.flatMap((text) => JSON.parse(text).map(linkState)),
    routes: [readRoutes(), ...routes],
    rules,
    ...found,
  };
}

/** What is besides on a node that plugins, or somebody beside them, may have changed. */
export interface WholeState extends NodeState {
  /** Of the node, and of each container: routing rules, routes of all tables, neighbours, queues, VLANs of ports. */
  readonly network: readonly (readonly string[])[];
  /** Of the node, and of each container: kernel parameters, by their names below /proc/sys/net. */
  readonly parameters: readonly Readonly<Record<string, string>>[];
}

/** The same with all that can be told from outside. */
export function wholeStateOf(containers: readonly string[], shell: Shell = bash): WholeState {
  const everywhere = <T>(look: () => T): T[] => [look(), ...containers.map((name) => inNamed(name, look))];
  return {
    ...stateOf(containers, shell),
    network: everywhere(() => lookAtNetwork(shell)),
    parameters: everywhere(readParameters),
  };
}

function inNamed<T>(name: string, look: () => T): T {
  const fd = openSync(`/run/netns/${name}`, "r");
  try {
    return inNetns(fd, look);
  } finally {
    closeSync(fd);
  }
}

const NETWORK = [
  "ip -4 rule show",
  "ip -6 rule show",
  "ip -4 route show table all",
  "ip -6 route show table all",
  "ip neighbour show nud permanent",
  "tc qdisc show",
  "bridge vlan show",
];

/** Without what the kernel counts and measures, and what comes by itself with a link some time after the link is up. */
function lookAtNetwork(shell: Shell): string[] {
  const lines = shell(NETWORK.join("; ")).split("\n");
  const isSettled = (line: string): boolean => !/^(multicast |anycast )|\b(fe80|ff00):|linkdown/.test(line);
  return lines.filter(isSettled).map((line) => line.replace(/ (expires|refcnt) \S+|\s+$/g, ""));
}

const PARAMETERS = {
  ipv4: "forwarding rp_filter route_localnet arp_notify arp_filter arp_ignore arp_announce accept_redirects",
  ipv6: "forwarding disable_ipv6 accept_ra accept_dad enhanced_dad addr_gen_mode keep_addr_on_down ndisc_notify proxy_ndp",
};

function readParameters(): Record<string, string> {
  const found: Record<string, string> = { "ipv4/ip_forward": readFileSync("/proc/sys/net/ipv4/ip_forward", "utf8") };
  for (const [family, names] of Object.entries(PARAMETERS)) {
    for (const ifname of readdirSync(`/proc/sys/net/${family}/conf`)) {
      for (const name of names.split(" ")) {
        const parameter = `${family}/conf/${ifname}/${name}`;
        const path = `/proc/sys/net/${parameter}`;
        if (existsSync(path)) found[parameter] = readFileSync(path, "utf8").trim();
      }
    }
  }
  return found;
}

const SEPARATOR = "\n--\n";

function lookAt(containers: readonly string[]): string {
  const links = ["", ...containers.map((name) => `-n ${name}`)].map((of) => `ip ${of} -j -d address show`);
  return ["nft -s list ruleset", ...links].join("; echo; echo --; ");
}

/** Without what changes by itself: timers, carriers, and how far an address has come. */
function linkState({ ifindex, ifname, flags, mtu, master, address, ifalias, linkinfo, addr_info }: Json): Json {
  const isUp = flags.includes("UP");
  const addresses = addr_info
    .filter(({ scope }: Json) => scope !== "link")
    .map(({ local, prefixlen }: Json) => `${local}/${prefixlen}`);
  return {
    ifindex,
    ifname,
    isUp,
    promisc: flags.includes("PROMISC"),
    mtu,
    master,
    address,
    ifalias,
    kind: linkinfo?.info_kind,
    addresses,
  };
}

/** The routes of this thread's namespace, without counters, and without those that come by themselves with a link. */
function readRoutes(): string[] {
  const lines = ["route", "ipv6_route"].flatMap((name) =>
    readFileSync(`/proc/thread-self/net/${name}`, "utf8").split("\n"),
  );
  const routes = lines
    .filter((line) => !/^(Iface|f[ef][08]0)/.test(line))
    .map((line) => line.trim().replace(/^(\S+ \S+ \S+ \S+ \S+ \S+) \S+ \S+/, "$1"));
  // The kernel writes the list again from where it was when it changes meanwhile, and some lines come twice then.
  return [...new Set(routes)].sort();
}

/** What upstream's host-local leaves, too, and the index that ours keeps beside it. */
const KEPT = /\/(lock|last_reserved_ip\.\d+|\.bauta\.index)$/;

function collect(path: string, found: { files: Record<string, string>; prepared: string[] }): void {
  if (!existsSync(path) || path === "/run/netns") return;
  if (lstatSync(path).isDirectory()) {
    found.prepared.push(path);
    for (const name of readdirSync(path)) collect(join(path, name), found);
  } else if (KEPT.test(path)) found.prepared.push(path);
  else found.files[path] = lstatSync(path).isFile() ? readFileSync(path, "utf8") : "no plain file";
}
