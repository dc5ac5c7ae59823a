// IPAM for plugins that make interfaces (CNI specification, section 4): the plugin that `ipam.type` names is executed,
// unless it is this executable under another name. Then it is called as a function: that saves a process an address.

import type { NetworkConfig } from "../cni/config.ts";
import { delegate, delegateAdd } from "../cni/delegate.ts";
import { CNI_CODE, CniError } from "../cni/error.ts";
import { isOwnPlugin } from "../cni/find-plugin.ts";
import type { Invocation } from "../cni/plugin.ts";
import type { Dns, Result } from "../cni/result.ts";
import { servedName } from "../cni/served-name.ts";
import type { Undo } from "../cni/undo.ts";
import { hostLocal } from "./host-local.ts";
import type { Ipam } from "./ipam.ts";
import { staticIpam } from "./static.ts";

/** Those that can be called as a function, by the name of their executable. */
const OWN: ReadonlyMap<string, Ipam> = new Map([
  ["host-local", hostLocal],
  ["static", staticIpam],
]);

/**
 * Asks the IPAM plugin for addresses (its ADD) and notes in `undo` how to give them back. Throws CniError 7 where the
 * configuration names no plugin, 999 where it gave no address, and else what the plugin said.
 */
export function allocateAddresses(invocation: Invocation, undo: Undo): Result {
  const type = requireType(invocation.config);
  const own = findOwn(type, invocation);
  // Either way, an ADD that fails has left nothing.
  const result = own === undefined ? delegateAdd(type, invocation) : own.add(invocation);
  undo.defer(() => releaseAddresses(invocation));
  if (result.ips.length === 0) {
    throw new CniError(CNI_CODE.INTERNAL, "IPAM plugin returned missing IP config", `ipam.type is ${type}`);
  }
  return result;
}

/** DNS settings for the container: those of the configuration where it has any, an empty list being one, else IPAM's. */
export function dnsOf({ dns }: NetworkConfig, ipam: Result): Dns {
  const isSaid = dns.nameservers !== undefined || dns.search !== undefined || dns.options !== undefined || dns.domain;
  return isSaid ? dns : ipam.dns;
}

/** Gives the attachment's addresses back (DEL). A configuration without an IPAM plugin never had any. */
export function releaseAddresses(invocation: Invocation): void {
  if (invocation.config.ipamType !== "") call(invocation.config.ipamType, "DEL", invocation);
}

/**
 * Whether the addresses are given back through the container's interface, which must be there still: a DHCP server hears of
 * the release on the container's network only.
 */
export function isReleasedByLink({ ipamType }: NetworkConfig): boolean {
  return servedName(ipamType, (known) => known === "dhcp") !== undefined;
}

/** Throws where the IPAM plugin does not know the attachment's addresses any more (CHECK). */
export function checkAllocation(invocation: Invocation): void {
  call(requireType(invocation.config), "CHECK", invocation);
}

/** Gives back the addresses of every attachment that isn't valid any more (GC). */
export function collectAllocations(invocation: Invocation): void {
  if (invocation.config.ipamType !== "") call(invocation.config.ipamType, "GC", invocation);
}

/** Throws where the IPAM plugin could not serve an ADD now (STATUS). */
export function allocatorStatus(invocation: Invocation): void {
  call(requireType(invocation.config), "STATUS", invocation);
}

const VERBS = { CHECK: "check", DEL: "del", GC: "gc", STATUS: "status" } as const;

function call(type: string, command: keyof typeof VERBS, invocation: Invocation): void {
  const own = findOwn(type, invocation);
  if (own === undefined) delegate(type, command, invocation);
  else own[VERBS[command]](invocation);
}

function requireType({ ipamType, type }: NetworkConfig): string {
  if (ipamType !== "") return ipamType;
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `ipam.type is missing: ${type === "" ? "the plugin" : type} takes its addresses from an IPAM plugin`,
    'add an "ipam" section, {"type": "host-local", …} for example',
  );
}

/** The plugin as a function, where the executable that would be run is our own. */
function findOwn(type: string, { path }: Invocation): Ipam | undefined {
  const name = servedName(type, (known) => OWN.has(known));
  return name !== undefined && isOwnPlugin(type, path) ? OWN.get(name) : undefined;
}
