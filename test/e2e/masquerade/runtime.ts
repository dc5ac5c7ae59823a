// The container runtime: networks, and the calls that attach containers to them.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { makeNetns, type TestNetns } from "../../support/netns.ts";
import { executable, type PluginCall, type PluginOutcome, start, succeed } from "../../support/plugin.ts";
import { PLUGINS } from "./node.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results are whatever the tests make or look into
export type Json = any;

export type Type = "bridge" | "ptp";
export const TYPES: readonly Type[] = ["bridge", "ptp"];

/** One range a family, as in the documentation. */
export const DUAL = ["198.18.0.0/17", "fd61:7465:6d65:1000::/112"];
/** Two IPv4 and five IPv6 ranges. */
export const SEVEN = ["198.18.0.0/17", "198.19.7.0/24", ...[1, 2, 3, 4, 5].map((n) => `fd61:7465:6d65:${n}000::/112`)];

let networks = 0;

/** A configuration of a network of its own, with host-local IPAM. */
export function networkOf(type: Type, subnets: readonly string[] = DUAL, more: object = {}): Json {
  return {
    cniVersion: "1.1.0",
    name: `net${++networks}`,
    type,
    ...(type === "bridge" ? { bridge: `br${networks}`, isGateway: true } : {}),
    ipMasq: true,
    ipMasqBackend: "nftables",
    ipam: {
      type: "host-local",
      ranges: subnets.map((subnet) => [{ subnet }]),
      routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
    },
    ...more,
  };
}

/** What a call has besides; `through` is a command that executes the plugin in its turn. */
type More = Partial<Omit<PluginCall, "command" | "config">> & { readonly through?: readonly string[] };

function run(command: string, config: Json, more: More): PluginOutcome {
  const { through, ...call } = more;
  return executable(join(PLUGINS, config.type), through)({ command, config, ...call });
}

const attachmentOf = (container: TestNetns): More => ({
  containerId: container.name,
  netns: container.path,
  ifname: "eth0",
});

/** Attaches the container and returns the result; throws when that fails. */
export function add(config: Json, container: TestNetns, more: More = {}): Json {
  return succeed(tryAdd(config, container, more));
}

export function tryAdd(config: Json, container: TestNetns, more: More = {}): PluginOutcome {
  return run("ADD", config, { ...attachmentOf(container), ...more });
}

export function check(config: Json, container: TestNetns, prevResult: Json, more: More = {}): PluginOutcome {
  return run("CHECK", { ...config, prevResult }, { ...attachmentOf(container), ...more });
}

/** Detaches the container; `config` may have a prevResult. */
export function del(config: Json, container: TestNetns, more: More = {}): PluginOutcome {
  return run("DEL", config, { ...attachmentOf(container), ...more });
}

/** GC or STATUS: calls that are about no container. */
export function callNetwork(command: "GC" | "STATUS", config: Json, more: More = {}): PluginOutcome {
  return run(command, config, more);
}

/** A call that is not waited for, of ADD, CHECK or DEL. */
export function startCall(
  command: string,
  config: Json,
  container: TestNetns,
  more: More = {},
): Promise<PluginOutcome> {
  return start(join(PLUGINS, config.type), { command, config, ...attachmentOf(container), ...more });
}

/** The addresses of a result, without their prefix lengths. */
export function addressesOf(result: Json): string[] {
  return result.ips.map(({ address }: { address: string }) => address.slice(0, address.indexOf("/")));
}

/** A container on a network, and what its ADD said. */
export interface Attached {
  readonly container: TestNetns;
  readonly result: Json;
}

/** Attaches a new container until the running test ends. */
export function attach(config: Json): Attached {
  const container = containerFor(config);
  return { container, result: add(config, container) };
}

/** A new container, which goes when the running test ends, and with it whatever it has of this network by then. */
export function containerFor(config: Json): TestNetns {
  const container = makeNetns();
  onTestFinished(() => {
    del(config, container);
    if (existsSync(container.path)) container.remove();
    // It stays after the last container, with its gateway addresses, which the next network may have, too.
    if (config.type === "bridge") runIfPossible("ip", "link", "delete", config.bridge);
  });
  return container;
}

function runIfPossible(command: string, ...args: readonly string[]): void {
  spawnSync(command, args, { stdio: "ignore" });
}
