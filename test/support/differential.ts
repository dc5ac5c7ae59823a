// The same call to containernetworking/plugins' own executable and to our plugin, each on a node of its own, and what
// came of it.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { Plugin } from "../../src/cni/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { makeNetns, type TestNetns } from "./netns.ts";
import { type NetnsState, settledState, withoutChance } from "./node-state.ts";
import { type CallPlugin, executable, inProcess, type PluginCall, type PluginOutcome } from "./plugin.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Where upstream's plugins are; tools/peer-plugins.sh puts them there. */
export function peerDirectory(): string {
  const directory = process.env["BAUTA_PEER_DIR"];
  if (directory !== undefined) return directory;
  throw new Error("BAUTA_PEER_DIR is not set: BAUTA_PEER_DIR=$(bash tools/peer-plugins.sh) gets upstream's plugins");
}

/** A node with a container, and a plugin that serves it. */
export interface TestNode {
  readonly node: TestNetns;
  readonly container: TestNetns;
  /** Calls the plugin on the node, for the container's interface eth0 where the call doesn't say otherwise. */
  readonly call: CallPlugin;
  /** For `ipam.dataDir`. */
  readonly dataDir: string;
}

/** What can be seen of a node and its container. */
export interface Observed {
  readonly node: NetnsState;
  readonly container: NetnsState;
}

export interface NodeOptions {
  /**
   * Whether new interfaces make sure that nobody else has their IPv6 addresses, as they do unless told otherwise. That
   * takes a second or two each time, so it is left to the tests that are about it.
   */
  readonly detectsDuplicates?: boolean;
}

/** A node on which our plugin runs, in this process. */
export function ourNode(plugin: Plugin, options: NodeOptions = {}): TestNode {
  return makeNode(options, (netns) => {
    const call = inProcess(plugin);
    return (given) => inNetns(netns.fd, () => call(given));
  });
}

/** A node on which upstream's plugin of this name runs. */
export function peerNode(name: string, options: NodeOptions = {}): TestNode {
  return makeNode(options, (netns) => {
    const call = executable(join(peerDirectory(), name));
    return (given) => inNetns(netns.fd, () => call(given));
  });
}

/** Upstream's plugin of this name, for the same node and container as ours. */
export function peerOn({ node, container }: TestNode, name: string): CallPlugin {
  const call = executable(join(peerDirectory(), name));
  return (given) => inNetns(node.fd, () => call({ ...attachment(container), ...given }));
}

function attachment(container: TestNetns): Pick<PluginCall, "containerId" | "netns" | "ifname"> {
  return { containerId: "container-1", netns: container.path, ifname: "eth0" };
}

function makeNode({ detectsDuplicates = false }: NodeOptions, serve: (node: TestNetns) => CallPlugin): TestNode {
  const [node, container] = [makeNetns(), makeNetns()];
  onTestFinished(() => {
    for (const netns of [container, node]) netns.remove();
  });
  node.ip("link set lo up");
  // Nodes have interfaces of their own, so that a veth's ends have different indexes: where those are the same the kernel
  // takes a second to see a carrier.
  node.ip("link add taken type bridge");
  node.ip("link delete taken");
  for (const netns of detectsDuplicates ? [] : [container, node]) {
    netns.exec("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  }
  const serveOnNode = serve(node);
  const call = (given: PluginCall): PluginOutcome => serveOnNode({ ...attachment(container), ...given });
  return { node, container, call, dataDir: temporaryDirectory() };
}

/** What an ADD printed and made, comparable. */
export function observe(
  { node, container, dataDir }: TestNode,
  outcome: PluginOutcome,
): Observed & { result: unknown } {
  const observed = { node: settledState(node), container: settledState(container), result: outcome.json };
  return withoutChance(observed, { NETNS: container.path, DATADIR: dataDir });
}

/** A node on which the executable that was built runs under this name. */
export function builtNode(name: string, options: NodeOptions = {}): TestNode {
  const path = fileURLToPath(new URL(`../../dist/cni/${name}`, import.meta.url));
  return makeNode(options, (netns) => {
    const call = executable(path);
    return (given) => inNetns(netns.fd, () => call(given));
  });
}
