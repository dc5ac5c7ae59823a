// Attaches a container to a list of our plugins, in this process, as libcni does: each gets the result of the one before, and
// CHECK and DEL get the result of the last.

import { PLUGINS } from "../../src/plugins/all.ts";
import { inNetns } from "../../src/sys/netns.ts";
import type { TestNode } from "./differential.ts";
import type { TestNetns } from "./netns.ts";
import { type CallPlugin, inProcess, type PluginOutcome, succeed } from "./plugin.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results of any kind
type Json = any;

/** A list, and the container's interface that it makes. */
export interface List {
  readonly name: string;
  readonly plugins: readonly Json[];
  readonly ifname?: string;
  readonly container?: TestNetns;
}

export interface Attached {
  /** The result of the list. */
  readonly result: Json;
  /** The first error of a CHECK; undefined where all plugins are content. */
  readonly fault: () => string | undefined;
  readonly detach: () => void;
}

/** ADD of every plugin, in order. Throws where one fails. `served` are executables that serve types in place of ours. */
export function attachList(
  { node, container: own }: TestNode,
  { name, plugins, ifname = "eth0", container = own }: List,
  served: Readonly<Record<string, CallPlugin>> = {},
): Attached {
  let result: Json;
  const call = (command: string, plugin: Json): PluginOutcome => {
    const ours = PLUGINS.find((one) => one.name === plugin.type);
    const serve = served[plugin.type] ?? (ours && inProcess(ours));
    if (serve === undefined) throw new Error(`there is no plugin ${plugin.type}`);
    const config = { cniVersion: "1.1.0", name, ...plugin, ...(result === undefined ? {} : { prevResult: result }) };
    return inNetns(node.fd, () =>
      serve({ command, containerId: "container-1", netns: container.path, ifname, config }),
    );
  };
  for (const plugin of plugins) result = succeed(call("ADD", plugin));
  return {
    result,
    fault: () => plugins.map((plugin) => call("CHECK", plugin)).find(({ status }) => status !== 0)?.json.msg,
    detach() {
      for (const plugin of plugins.toReversed()) succeed(call("DEL", plugin));
    },
  };
}
