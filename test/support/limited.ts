// A container with a veth pair to the node, as bridge and ptp make it, and what tc(8) says of the limits there.

import type { TestNetns } from "./netns.ts";

/** What tc(8) prints. */
// biome-ignore lint/suspicious/noExplicitAny: the tests look into whatever tc prints
type Json = any;

let pairs = 0;

/** The result of a plugin that has made the pair, and the name of the node's end. */
export interface Pair {
  readonly name: string;
  readonly prevResult: { readonly interfaces: readonly object[]; readonly ips: readonly object[] };
}

/** Makes a pair between the two, with an address on the container's end, and both ends up. */
export function makePair(node: TestNetns, container: TestNetns, ifname = "eth0"): Pair {
  const name = `pair${++pairs}`;
  const subnet = `10.77.${pairs % 250}`;
  node.ip(`link add ${name} up mtu 1400 type veth peer name ${ifname} mtu 1400 netns ${container.name}`);
  node.ip(`address add ${subnet}.1/24 dev ${name}`);
  container.ip(`link set ${ifname} up`);
  container.ip(`address add ${subnet}.2/24 dev ${ifname}`);
  const interfaces = [{ name }, { name: ifname, sandbox: container.path }];
  return { name, prevResult: { interfaces, ips: [{ address: `${subnet}.2/24`, interface: 1 }] } };
}

/** The queueing disciplines of a link, as `tc -j -r qdisc show` has them; those that the kernel chose itself left out. */
export function qdiscs(netns: TestNetns, dev: string): Json[] {
  const all: Json[] = tc(netns, "-r", "qdisc", "show", "dev", dev);
  return all.filter(({ handle }) => handle !== "0:");
}

/** The filters at one hook of a link: those that match something, with the links that they redirect to. */
export function filters(netns: TestNetns, dev: string, hook = "ingress"): Json[] {
  const all: Json[] = tc(netns, "filter", "show", "dev", dev, hook);
  return all.filter(({ options }) => options?.fh !== undefined && options.ht_divisor === undefined);
}

function tc(netns: TestNetns, ...args: readonly string[]): Json[] {
  return JSON.parse(netns.exec("tc", "-j", ...args) || "[]");
}

/** The names of the ifbs in a namespace. */
export function ifbs(netns: TestNetns): string[] {
  return netns.ipJson("link show type ifb").map(({ ifname }: { ifname: string }) => ifname);
}
