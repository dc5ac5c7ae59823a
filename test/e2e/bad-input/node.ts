// The node that bad input is tried on: one container is attached and must come to no harm, another is free. What a
// refused call may leave behind is looked for in one place, `expectRefused`.

import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { makeNetns, type TestNetns } from "../../support/netns.ts";
import { type CallPlugin, executable, type PluginCall, type PluginOutcome, succeed } from "../../support/plugin.ts";
import { type NodeState, stateOf } from "../../support/whole-node.ts";
import { becomeNode, PLUGINS } from "../masquerade/node.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations are whatever the tests make
export type Json = any;

export type PluginName = "bridge" | "ptp" | "macvlan" | "host-local" | "static" | "loopback";
export const PLUGIN_NAMES: readonly PluginName[] = ["bridge", "ptp", "macvlan", "host-local", "static", "loopback"];

/** A network that nothing is wrong with, of either family, with every key that takes more than the plugin itself. */
export function networkOf(type: PluginName, more: Json = {}): Json {
  const network = { cniVersion: "1.1.0", name: "net", type, ...more };
  if (type === "loopback") return network;
  const ipam = type === "static" ? STATIC : HOST_LOCAL;
  const makesLinks = type === "bridge" || type === "ptp";
  return {
    ...(makesLinks ? { ipMasq: true } : {}),
    ...(type === "macvlan" ? { master: "uplink" } : {}),
    ...(type === "bridge" ? { bridge: BRIDGE, isGateway: true } : {}),
    ...network,
    ipam: { ...ipam, ...more.ipam },
  };
}

export const BRIDGE = "br0";
const HOST_LOCAL = {
  type: "host-local",
  ranges: [[{ subnet: "198.18.0.0/24" }], [{ subnet: "fd61:7465:6d65:1000::/112" }]],
  routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
};
const STATIC = { type: "static", addresses: [{ address: "198.18.9.2/24", gateway: "198.18.9.1" }] };

/** What a test file has to work with, from `beforeAll` on. */
export interface BadInputNode {
  /** The container that calls are about. Nothing is attached to it. */
  readonly container: TestNetns;
  /** Calls a plugin for that container: an ADD of `eth0` where the call doesn't say otherwise. */
  readonly call: (plugin: PluginName, call: Partial<PluginCall>, through?: readonly string[]) => PluginOutcome;
  /** Throws unless the attachment made before all tests is as it was, in the opinion of CHECK. */
  readonly checkBystander: () => void;
}

/** Makes the worker of this test file such a node; its CHECK of the attached container comes after all tests. */
export function useNode(): BadInputNode {
  const made: { node?: BadInputNode } = {};
  const node = (): BadInputNode => {
    if (made.node === undefined) throw new Error("the node is made in beforeAll");
    return made.node;
  };
  beforeAll(() => {
    made.node = makeNode();
  });
  afterAll(() => made.node?.checkBystander());
  return {
    get container() {
      return node().container;
    },
    call: (...call) => node().call(...call),
    checkBystander: () => node().checkBystander(),
  };
}

function makeNode(): BadInputNode {
  becomeNode();
  const [bystander, container] = [makeNetns("bystander"), makeNetns("container")];
  const attachment = { containerId: "bystander", netns: bystander.path, ifname: "eth0" };
  const config = networkOf("bridge");
  const bridge = executable(join(PLUGINS, "bridge"));
  const prevResult = succeed(bridge({ command: "ADD", ...attachment, config }));
  return {
    container,
    call: (plugin, call, through) =>
      callPlugin(
        plugin,
        through,
      )({
        command: "ADD",
        containerId: "container-1",
        netns: container.path,
        ifname: "eth0",
        config: networkOf(plugin),
        ...call,
      }),
    checkBystander: () => void succeed(bridge({ command: "CHECK", ...attachment, config: { ...config, prevResult } })),
  };
}

function callPlugin(plugin: PluginName, through: readonly string[] = []): CallPlugin {
  return executable(join(PLUGINS, plugin), through);
}

/** How a call is to be refused. */
export interface Refusal {
  /** The code of the CNI specification. */
  readonly code: number;
  /** What the message and its details must tell, each of them. */
  readonly says: readonly (string | RegExp)[];
  /** Whether it came so far that directories, locks and the like may have been made, which every later call shares. */
  readonly mayPrepare?: boolean;
}

/**
 * The call fails with this code and in these words, without showing its inside, and the node and its containers are
 * afterwards what they were before.
 */
export function expectRefused(attempt: () => PluginOutcome, { code, says, mayPrepare = false }: Refusal): void {
  const before = stateOfNode();
  const outcome = attempt();
  expectError(outcome, code, says);
  const after = stateOfNode();
  expect(mayPrepare ? { ...after, prepared: before.prepared } : after).toEqual(before);
}

/**
 * Around all tests of the group that it is called in: the node and its containers are afterwards what they were before. For
 * the many calls that are refused before anything has been done.
 */
export function leavesNothing(): void {
  let before: NodeState;
  beforeAll(() => {
    before = stateOfNode();
  });
  afterAll(() => expect(stateOfNode()).toEqual(before));
}

/** The outcome is an error in the form of the specification, with this code and in these words. */
export function expectError(outcome: PluginOutcome, code: number, says: readonly (string | RegExp)[]): void {
  expect(outcome).toMatchObject({ status: 1, json: { code, cniVersion: expect.any(String), msg: expect.any(String) } });
  const { msg, details = "" } = outcome.json;
  const text = `${msg}; ${details}`;
  for (const one of says) expect(text).toMatch(one);
  // A stack is for our own faults.
  expect(text).not.toMatch(/src\/|\bat <|(Type|Range|Internal|Syntax|Reference)Error/);
  // Room for two paths.
  expect(text.length).toBeLessThan(8192 + 1000);
}

/** The state of the node, of the container and of the one that is attached. */
export function stateOfNode(): NodeState {
  return stateOf(["bystander", "container"]);
}
