// A node with a container and a host outside, in both families, made without a plugin: for tests that look at packets. This
// thread becomes the node.

import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { makeNetns, requireNamespaces, run, type TestNetns } from "./netns.ts";

export interface RoutedContainer {
  readonly container: TestNetns;
  readonly outside: TestNetns;
  remove(): void;
}

/** The container's addresses, those of the node's uplink, and those of the host outside. */
export const CONTAINER = { 4: "10.1.0.5", 6: "fd00:1::5" } as const;
export const UPLINK = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
export const OUTSIDE = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;
/** Beyond the host outside, by a gateway for which the uplink has a second address in IPv4. */
export const BEYOND = { 4: "203.0.113.9", 6: "2001:db8:9::9" } as const;
export const SECOND_UPLINK = "198.51.100.1";

export function prefixes(...texts: readonly string[]): Cidr[] {
  return texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw new Error(text);
    return cidr;
  });
}

export const CONTAINER_PREFIXES: readonly Cidr[] = prefixes(`${CONTAINER[4]}/16`, `${CONTAINER[6]}/64`);

/** Makes all of it; interfaces `veth5` (to the container) and `uplink` are the node's. */
export function makeRoutedContainer(): RoutedContainer {
  requireNamespaces();
  unshareNetns();
  const [container, outside] = [makeNetns(), makeNetns()];
  run("ip", "link", "set", "lo", "up");
  connect(container, "veth5", ["10.1.0.1/16", "fd00:1::1/64"], [`${CONTAINER[4]}/16`, `${CONTAINER[6]}/64`]);
  container.ip("route add default via 10.1.0.1");
  container.ip("route add default via fd00:1::1");
  connect(
    outside,
    "uplink",
    [`${UPLINK[4]}/24`, `${SECOND_UPLINK}/24`, `${UPLINK[6]}/64`],
    [`${OUTSIDE[4]}/24`, "198.51.100.2/24", `${BEYOND[4]}/32`, `${OUTSIDE[6]}/64`, `${BEYOND[6]}/128`],
  );
  // Packets that were not translated find their way back, too.
  outside.ip(`route add 10.1.0.0/16 via ${UPLINK[4]}`);
  outside.ip(`route add fd00:1::/64 via ${UPLINK[6]}`);
  run("ip", "route", "add", "203.0.113.0/24", "via", "198.51.100.2");
  run("ip", "route", "add", "2001:db8:9::/64", "via", OUTSIDE[6]);
  for (const key of ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]) run("sysctl", "-qw", `${key}=1`);
  return {
    container,
    outside,
    remove() {
      container.remove();
      outside.remove();
    },
  };
}

function connect(netns: TestNetns, name: string, here: readonly string[], there: readonly string[]): void {
  run("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", netns.name);
  netns.ip("link set lo up");
  netns.exec("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0");
  netns.exec("sysctl", "-qw", "net.ipv4.conf.eth0.rp_filter=0");
  const nodad = (address: string): string[] => (address.includes(":") ? ["nodad"] : []);
  for (const address of here) run("ip", "address", "add", address, "dev", name, ...nodad(address));
  for (const address of there) netns.ip(["address add", address, "dev eth0", ...nodad(address)].join(" "));
  run("ip", "link", "set", name, "up");
  netns.ip("link set eth0 up");
}
