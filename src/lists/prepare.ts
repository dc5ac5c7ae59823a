// What can be found wrong before the first plugin of a list is called, so that nothing half-done has to be taken back.

import { configSchema } from "../cni/config.ts";
import { interfaceNameProblem, nameProblem } from "../cni/environment.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { findPlugin } from "../cni/find-plugin.ts";
import { excerpt, type JsonObject } from "../cni/json.ts";
import { openContainerNetns } from "../cni/netns.ts";
import type { OwnPlugin } from "../cni/plugin.ts";
import { object, string, withDefault } from "../cni/schema.ts";
import { hasCode } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { exists } from "../sys/file.ts";
import { inNetns } from "../sys/netns.ts";
import { isInCache } from "./cache.ts";
import { ownPlugin } from "./call.ts";
import type { NetworkList } from "./list.ts";
import { type Container, configOf, type Runtime, runtimeConfigOf } from "./run.ts";

/** Throws CniError 4 for a container ID or an interface name that can't be one. */
export function checkNames({ containerId, ifname }: Pick<Container, "containerId" | "ifname">): void {
  const wrongId = nameProblem(containerId);
  if (wrongId !== undefined) throw invalidName(`the container ID ${excerpt(containerId)} is ${wrongId}`);
  const wrongName = interfaceNameProblem(ifname);
  if (wrongName !== undefined) throw invalidName(`the interface name ${excerpt(ifname)} is ${wrongName}`);
}

function invalidName(message: string): CniError {
  return new CniError(CNI_CODE.INVALID_ENVIRONMENT, message);
}

/**
 * Looks whether an ADD could go through: the namespace is one, has no such interface, and no such attachment is known; each plugin is
 * along CNI_PATH, and takes its configuration if it is ours. Throws CniError, which says what stands in the way.
 */
export function checkAdd(list: NetworkList, container: Container, runtime: Runtime): void {
  checkNames(container);
  checkNamespace(container);
  if (isInCache(runtime.cache, { network: list.name, ...container })) {
    const { containerId, ifname } = container;
    throw new CniError(
      CNI_CODE.INVALID_CONFIG,
      `${ifname} of container ${containerId} is attached to network ${list.name} already, by what ${runtime.cache} says`,
      "an attachment is added once: DEL removes it first, and also what is known of one whose container is gone",
    );
  }
  for (const plugin of list.plugins) {
    findPlugin(plugin.type, runtime.path);
    const own = ownPlugin(plugin.type, runtime.path);
    if (own === undefined) continue;
    const config = configOf(list, plugin, runtimeConfigOf(plugin, container));
    checkKeys(own, config, plugin.at, (type) => ownPlugin(type, runtime.path));
  }
}

/** DEL after a failed ADD would remove an interface that somebody else has made: bridge takes it by its name. */
function checkNamespace({ netns, ifname }: Container): void {
  const fd = openContainerNetns(netns, "the network namespace");
  try {
    if (ifname === "lo" || !inNetns(fd, () => exists(`/proc/sys/net/ipv4/conf/${ifname}`))) return;
  } catch (error) {
    // Who may not look may not attach either, and the plugins say so.
    if (hasCode(error, "EPERM")) return;
    throw error;
  } finally {
    close(fd);
  }
  throw new CniError(CNI_CODE.INVALID_ENVIRONMENT, `${netns} has an interface ${ifname} already`);
}

/**
 * Reads a configuration by the schemas that the plugin reads it by; `find` finds the IPAM plugin by its type, where it is ours.
 * Throws CniError, with the key's whole path, which begins with `at`.
 */
export function checkKeys(
  plugin: OwnPlugin,
  config: JsonObject,
  at: string,
  find: (type: string) => OwnPlugin | undefined,
): void {
  const { ipam } = configSchema.read(config, at);
  const isAllocator = plugin.kind === "ipam";
  if (!isAllocator) for (const schema of plugin.keys) schema.read(config, at);
  if (ipam === undefined || (!isAllocator && plugin.ipam === undefined)) return;
  const atIpam = at === "" ? "ipam" : `${at}.ipam`;
  const { type } = ipamSchema.read(ipam, atIpam);
  const allocator = isAllocator || type === "" ? plugin : find(type);
  if (allocator?.kind !== "ipam") return;
  for (const schema of allocator.keys) schema.read(ipam, atIpam);
}

const ipamSchema = object({ type: withDefault(string(), "") });
