// Makes the same call to the executable of containernetworking/plugins and to our plugin, each on a node of its own, and looks
// at the results and at the nodes.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { Plugin } from "../../src/cni/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { makeNetns, type TestNetns } from "./netns.ts";
import { type NetnsState, settledState, withoutChance } from "./node-state.ts";
import { type CallPlugin, executable, inProcess, type PluginCall, type PluginOutcome } from "./plugin.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The directory of upstream's plugins, which tools/peer-plugins.sh prints. */
export function peerDirectory(): string {
  const directory = process.env["BAUTA_PEER_DIR"];
  if (directory !== undefined) return directory;
  throw new Error("BAUTA_PEER_DIR is not set: BAUTA_PEER_DIR=$(bash tools/peer-plugins.sh) gets upstream's plugins");
}

/** A node with a container, and a plugin that serves it. */
export interface TestNode {
  readonly node: TestNetns;
  readonly container: TestNetns;
  /** Calls the plugin on the node. The call is about the container's interface eth0, unless it says otherwise. */
  readonly call: CallPlugin;
  /** For `ipam.dataDir`. */
  readonly dataDir: string;
}

/** The state of a node and of its container. */
export interface Observed {
  readonly node: NetnsState;
  readonly container: NetnsState;
}

export interface NodeOptions {
  /**
   * Whether new interfaces look for duplicates of their IPv6 addresses, as the kernel has them do by default. This takes one
   * or two seconds each time, so only the tests that are about it have it.
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
  // A real node has more interfaces than its container, so the two ends of a veth have different indexes. Where the indexes
  // are the same the kernel takes a second to see the carrier.
  node.ip("link add taken type bridge");
  node.ip("link delete taken");
  for (const netns of detectsDuplicates ? [] : [container, node]) {
    netns.exec("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
  }
  const serveOnNode = serve(node);
  const call = (given: PluginCall): PluginOutcome => serveOnNode({ ...attachment(container), ...given });
  return { node, container, call, dataDir: temporaryDirectory() };
}

/** The result of an ADD and the state that it has made, in a form that can be compared. */
export function observe(
  { node, container, dataDir }: TestNode,
  outcome: PluginOutcome,
): Observed & { result: unknown } {
  const observed = { node: settledState(node), container: settledState(container), result: outcome.json };
  return withoutChance(observed, { NETNS: container.path, DATADIR: dataDir });
}

/** A node on which the executable that was built runs under this name. */
export function builtNode(name: string, options: NodeOptions = {}): TestNode {
  return executableNode(builtPlugin(name), options);
}

/** The executable that was built, under this plugin's name. */
export function builtPlugin(name: string): string {
  return fileURLToPath(new URL(`../../dist/cni/${name}`, import.meta.url));
}

/** A node on which this executable runs; its own directory is CNI_PATH. */
export function executableNode(path: string, options: NodeOptions = {}): TestNode {
  return makeNode(options, (netns) => {
    const call = executable(path);
    return (given) => inNetns(netns.fd, () => call(given));
  });
}
