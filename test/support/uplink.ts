// A node that has a network outside: an interface "uplink" whose other end is a router's, with addresses of both families.

import { onTestFinished } from "vitest";
import type { TestNode } from "./differential.ts";
import { makeNetns, type TestNetns } from "./netns.ts";

// biome-ignore lint/suspicious/noExplicitAny: what ip(8) prints
type Printed = any;

export const UPLINK = "uplink";
export const ROUTER = { 4: "10.77.0.1", 6: "fd00:77::1" } as const;

/** Gives the node the interface, up, and returns the router, whose end is called "lan". */
export function connectUplink({ node }: Pick<TestNode, "node">): TestNetns {
  const router = makeNetns();
  onTestFinished(() => router.remove());
  node.ip(`link add ${UPLINK} address 02:00:00:00:00:01 type veth peer name lan netns ${router.name}`);
  router.exec("sysctl", "-qw", "net.ipv6.conf.lan.accept_dad=0", "net.ipv6.conf.lan.accept_ra=0");
  node.ip(`link set ${UPLINK} up`);
  router.ip("link set lo up");
  router.ip("link set lan up");
  giveAddresses(router, "lan");
  return router;
}

/** The router's addresses, on one of its interfaces. */
export function giveAddresses(router: TestNetns, ifname: string): void {
  router.ip(`address add ${ROUTER[4]}/24 dev ${ifname}`);
  router.ip(`address add ${ROUTER[6]}/64 dev ${ifname} nodad`);
}

/** A second container on the same node. */
export function anotherContainer(id = "container-2"): {
  readonly netns: TestNetns;
  readonly call: { readonly netns: string; readonly containerId: string };
} {
  const netns = makeNetns();
  onTestFinished(() => netns.remove());
  netns.exec("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  return { netns, call: { netns: netns.path, containerId: id } };
}

/** The names of the links in a namespace. */
export function linksOf(netns: TestNetns): string[] {
  return netns.ipJson("link show").map(({ ifname }: Printed) => ifname);
}

/** What ip(8) tells of one link. */
export function linkOf(netns: TestNetns, ifname = "eth0"): Printed {
  return netns.ipJson(`link show dev ${ifname}`)[0];
}
