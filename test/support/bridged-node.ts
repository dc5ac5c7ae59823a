// A node with bridges, containers on them and a host outside, in both families, made without a plugin: for plugins that are
// chained behind bridge.

import { onTestFinished } from "vitest";
import { inNetns } from "../../src/sys/netns.ts";
import { makeNetns, type TestNetns } from "./netns.ts";
import { ping } from "./outside.ts";
import type { CallPlugin, PluginCall, PluginOutcome } from "./plugin.ts";

/** The host outside. It has a route to every container, so nothing needs to be translated. */
export const OUTSIDE = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;

/** A container on a bridge. */
export interface BridgedContainer {
  readonly netns: TestNetns;
  readonly bridge: string;
  /** The node's end of its veth pair. */
  readonly port: string;
  readonly 4: string;
  readonly 6: string;
  /** What bridge would have returned. */
  readonly prevResult: Readonly<Record<string, unknown>>;
  /** What names its attachment in calls of plugins. */
  readonly names: Required<Pick<PluginCall, "containerId" | "netns" | "ifname">>;
}

export interface BridgedNode {
  readonly node: TestNetns;
  readonly outside: TestNetns;
  /** A new container on a bridge, which is made where it is not there. */
  attach(bridge: string): BridgedContainer;
  /** Serves calls on the node. */
  on(call: CallPlugin): CallPlugin;
}

/** Makes the node and the host outside; all of it goes with the test. */
export function makeBridgedNode(): BridgedNode {
  const [node, outside] = [temporaryNetns(), temporaryNetns()];
  for (const netns of [node, outside]) {
    netns.ip("link set lo up");
    netns.exec("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  }
  node.exec("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
  node.ip(`link add uplink type veth peer name uplink netns ${outside.name}`);
  for (const [netns, host] of [[node, 1] as const, [outside, 2] as const]) {
    netns.ip(`address add 192.0.2.${host}/24 dev uplink`);
    netns.ip(`address add 2001:db8::${host}/64 dev uplink nodad`);
    netns.ip("link set uplink up");
  }
  for (const address of Object.values(OUTSIDE)) ping(node, address);
  outside.ip("route add 10.0.0.0/8 via 192.0.2.1");
  outside.ip("route add fd00::/8 via 2001:db8::1");
  const bridges = new Map<string, number>();
  let hosts = 1;
  const numberOf = (bridge: string): number => {
    const known = bridges.get(bridge) ?? bridges.size + 1;
    if (bridges.has(bridge)) return known;
    bridges.set(bridge, known);
    node.ip(`link add ${bridge} up type bridge`);
    node.ip(`address add 10.60.${known}.1/24 dev ${bridge}`);
    node.ip(`address add fd00:60:${known}::1/64 dev ${bridge} nodad`);
    return known;
  };
  return {
    node,
    outside,
    attach: (bridge) => connect(node, bridge, numberOf(bridge), ++hosts),
    on:
      (call) =>
      (given: PluginCall): PluginOutcome =>
        inNetns(node.fd, () => call(given)),
  };
}

function temporaryNetns(): TestNetns {
  const netns = makeNetns();
  onTestFinished(() => netns.remove());
  return netns;
}

function connect(node: TestNetns, bridge: string, network: number, host: number): BridgedContainer {
  const netns = temporaryNetns();
  const port = `veth${host}`;
  const addresses = { 4: `10.60.${network}.${host}`, 6: `fd00:60:${network}::${host}` } as const;
  const gateways = { 4: `10.60.${network}.1`, 6: `fd00:60:${network}::1` } as const;
  netns.ip("link set lo up");
  netns.exec("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  node.ip(`link add ${port} up master ${bridge} type veth peer name eth0 netns ${netns.name}`);
  netns.ip(`address add ${addresses[4]}/24 dev eth0`);
  netns.ip(`address add ${addresses[6]}/64 dev eth0 nodad`);
  netns.ip("link set eth0 up");
  netns.ip(`route add default via ${gateways[4]}`);
  netns.ip(`route add default via ${gateways[6]}`);
  // Neighbours are known from here on, so that what is not answered at once has been dropped.
  for (const gateway of Object.values(gateways)) ping(netns, gateway);
  const interfaces = [{ name: bridge }, { name: port }, { name: "eth0", sandbox: netns.path }];
  const ips = [
    { address: `${addresses[4]}/24`, gateway: gateways[4], interface: 2 },
    { address: `${addresses[6]}/64`, gateway: gateways[6], interface: 2 },
  ];
  const prevResult = { cniVersion: "1.1.0", interfaces, ips };
  const names = { containerId: `c${host}`, netns: netns.path, ifname: "eth0" };
  return { netns, bridge, port, ...addresses, prevResult, names };
}
