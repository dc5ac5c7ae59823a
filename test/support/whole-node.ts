// All that plugins could leave on a node and in its containers: links, addresses, routes, rules, and files below /run and /var/lib.
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

/** The state of this thread's network namespace, the node's, and of the named ones of containers. */
export function stateOf(containers: readonly string[]): NodeState {
  const found = { files: {}, prepared: [] };
  for (const directory of ["/run", "/var/lib"]) collect(directory, found);
  const [rules = "", ...links] = run("bash", "-c", lookAt(containers)).split(SEPARATOR);
  const routes = containers.map((name) => {
    const fd = openSync(`/run/netns/${name}`, "r");
    try {
      return inNetns(fd, readRoutes);
    } finally {
      closeSync(fd);
    }
  });
  return {
    links: links.flatMap((text) => JSON.parse(text).map(linkState)),
    routes: [readRoutes(), ...routes],
    rules,
    ...found,
  };
}

const SEPARATOR = "\n--\n";

function lookAt(containers: readonly string[]): string {
  const links = ["", ...containers.map((name) => `-n ${name}`)].map((of) => `ip ${of} -j -d address show`);
  return ["nft list ruleset", ...links].join("; echo; echo --; ");
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
