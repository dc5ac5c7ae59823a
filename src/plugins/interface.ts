// The skeleton of the plugins that make a container's interface: the order of steps that ADD, CHECK, DEL, GC and STATUS have
// in common. A plugin says what kind of link it makes, how it makes one, and what else there is to do.

import { CNI_CODE, CniError } from "../cni/error.ts";
import { type Invocation, type OwnPlugin, type PluginFacts, requirePrevResult } from "../cni/plugin.ts";
import type { Dns, Interface, IpConfig, Result, Route } from "../cni/result.ts";
import { runAll, type Undo, undoOnFailure } from "../cni/undo.ts";
import {
  allocateAddresses,
  allocatorStatus,
  checkAllocation,
  collectAllocations,
  dnsOf,
  isReleasedByLink,
  releaseAddresses,
} from "../ipam/call.ts";
import { checkAddressing, checkLink, containerInterface } from "../links/check.ts";
import { type ContainerSetup, configureContainer } from "../links/configure.ts";
import { detachLink } from "../links/detach.ts";
import { requireMtuFor } from "../links/ipv6-mtu.ts";
import { type Namespaces, withNamespaces } from "../links/namespaces.ts";
import { deleteLinkIfAny } from "../links/veth.ts";
import { closingLast } from "../owned/commit.ts";
import { type TryOut, tryOutOnce } from "../owned/tried-out.ts";
import type { Device } from "../rtnetlink/device.ts";
import type { Link } from "../rtnetlink/link.ts";
import { setSysctls } from "../tuning/sysctls.ts";
import { formatMac, type Mac } from "../wire/mac.ts";
import { checkEarlySysctls, earlySysctlKeys, readEarlySysctls, requireAllowed } from "./early-sysctls.ts";
import type { Extra } from "./extras.ts";

/** A plugin that makes an interface. `C` is what it has read of its configuration. */
export interface InterfacePlugin<C> extends Omit<PluginFacts, "kind"> {
  /** The kind of link in the container, as `ip link show type` has it; undefined: any, and `detach` takes it away. */
  readonly linkKind: string | undefined;
  /** Whether the interface has the MAC address of the link that it hangs on. */
  readonly sharesMac?: boolean;
  /** Reads the plugin's keys. Throws CniError. */
  readonly read: (invocation: Invocation) => C;
  /** ADD: addresses that the interface gets though the configuration names no IPAM plugin. */
  readonly given?: (invocation: Invocation) => Result | undefined;
  /** Makes the interface, without addresses and down, and notes in `undo` how to remove it. */
  readonly make: (attaching: Attaching<C>) => Made;
  /** Throws CheckError where something that the plugin made besides addresses and routes is not as ADD left it. */
  readonly checkRest?: (checking: Checking<C>) => void;
  /** Whether there is a link in the container that CHECK can look at; absent: always. */
  readonly hasLink?: (config: C) => boolean;
  /** DEL: removes what the plugin made besides the interface, by the result of ADD. */
  readonly removeRest?: (result: Result) => void;
  /** DEL: takes the interface out of the container, where it is not to be deleted. That there is none is no error. */
  readonly detach?: (invocation: Invocation) => void;
  /** GC: takes away what attachments that aren't valid any more own besides addresses. */
  readonly collect?: (invocation: Invocation) => void;
  /** STATUS: what stands in the way of an ADD on this node; undefined where nothing does. */
  readonly unavailable?: (config: C, invocation: Invocation, tryOut: TryOut) => string | undefined;
  /** In the order in which DEL ends them. */
  readonly extras?: readonly Extra<C>[];
}

/** An ADD at work. */
export interface Attaching<C> {
  readonly invocation: Invocation;
  readonly config: C;
  readonly namespaces: Namespaces;
  readonly undo: Undo;
}

/** A CHECK at work. */
export interface Checking<C> {
  readonly invocation: Invocation;
  readonly config: C;
  readonly namespaces: Namespaces;
  /** The result of ADD. */
  readonly result: Result;
  /** The container's interface. */
  readonly link: Link;
}

/** An interface that has been made, and the steps that are left. */
export interface Made {
  readonly device: Device & { readonly name: string; readonly mac: Mac };
  /** The MTU that was asked for; undefined: the kernel's default. */
  readonly mtu?: number | undefined;
  /** Whether the interface gets no addresses: it stays down, or the container has none. */
  readonly staysDown?: boolean;
  /** Completes what IPAM gave. */
  readonly complete?: (ipam: Result) => Addressing;
  /** Does what comes before the container gets its addresses, and returns how the container is set up. */
  readonly setUp?: (addresses: readonly IpConfig[]) => Partial<ContainerSetup>;
  /** Does what comes last where there are addresses. What other attachments share comes here: it stays when the ADD fails. */
  readonly finish?: (addresses: readonly IpConfig[]) => void;
  /** Waits until frames can pass. */
  readonly wait?: () => void;
  /** Takes the interface out of the container again when the ADD fails; absent: it is deleted. */
  readonly takeBack?: () => void;
  /** The interfaces of the result: that of the container, and those on the node. */
  readonly interfaces?: (container: Interface) => readonly Interface[];
}

/** Addresses and routes of a result. */
interface Addressing {
  readonly ips: readonly IpConfig[];
  readonly routes: readonly Route[];
}

/** The plugin with its verbs. */
export function interfacePlugin<C>(plugin: InterfacePlugin<C>): OwnPlugin {
  const { name, keys, ipam } = plugin;
  return {
    name,
    kind: "interface",
    keys: [...keys, earlySysctlKeys],
    ...(ipam === undefined ? {} : { ipam }),
    unavailable: (invocation, tryOut) => unavailable(plugin, invocation, tryOut),
    judge(invocation) {
      plugin.read(invocation);
      readEarlySysctls(invocation);
    },
    add: (invocation) => add(plugin, invocation),
    check: (invocation) => check(plugin, invocation),
    del: (invocation) => del(plugin, invocation),
    gc: (invocation) => gc(plugin, invocation),
    status: (invocation) => status(plugin, invocation),
  };
}

/** Makes the attachment; a failure at whatever step leaves nothing of it. */
function add<C>(plugin: InterfacePlugin<C>, invocation: Invocation): Result {
  const config = plugin.read(invocation);
  const sysctls = readEarlySysctls(invocation);
  requireAllowed(sysctls);
  return withNamespaces(invocation.netns, (namespaces) =>
    undoOnFailure(invocation.log, (undo) => {
      const prepare = sysctls.length === 0 ? undefined : (): void => setSysctls(sysctls);
      const attaching = { invocation, config, namespaces, undo, prepare };
      const made = plugin.make(attaching);
      const given = asksIpam(plugin, invocation) ? allocateAddresses(invocation, undo) : plugin.given?.(invocation);
      const { ips, routes, dns } =
        given === undefined ? giveNone(attaching, made) : giveAddresses(plugin, attaching, made, given);
      if (!made.staysDown) made.wait?.();
      const container = interfaceOf(made, invocation);
      const interfaces = made.interfaces?.(container) ?? [container];
      const index = interfaces.indexOf(container);
      return { interfaces, ips: ips.map((ip) => ({ ...ip, interface: index })), routes, dns };
    }),
  );
}

/** A CAN bus, and a device that is not in the container, have no address. */
function interfaceOf({ device: { name, mac } }: Made, { netns }: Invocation): Interface {
  return { name, ...(mac.length === 0 ? {} : { mac: formatMac(mac) }), sandbox: netns };
}

/** Some IPAM plugins (dhcp) need the interface, so it is made before they are asked. */
function giveAddresses<C>(plugin: InterfacePlugin<C>, attaching: Prepared<C>, made: Made, ipam: Result): Given {
  const { invocation, config, namespaces, undo, prepare } = attaching;
  const { device, mtu } = made;
  // The next owner of the addresses must not meet the interface that has them: it goes before they are given back.
  if (!isReleasedByLink(invocation.config)) {
    undo.defer(made.takeBack ?? (() => void deleteLinkIfAny(namespaces.container, device)));
  }
  const { ips, routes } = made.complete?.(ipam) ?? ipam;
  requireMtuFor(ips, mtu);
  if (!made.staysDown)
    configureContainer(namespaces, { device, addresses: ips, routes, prepare, ...made.setUp?.(ips) });
  for (const { begin } of plugin.extras ?? []) begin?.(invocation, config, ips, undo);
  made.finish?.(ips);
  return { ips, routes, dns: dnsOf(invocation.config, ipam) };
}

interface Prepared<C> extends Attaching<C> {
  /** Sets the interface's own parameters, in the container's namespace. */
  readonly prepare: (() => void) | undefined;
}

interface Given extends Addressing {
  readonly dns: Dns;
}

function giveNone<C>({ invocation, namespaces, prepare }: Prepared<C>, { device, staysDown }: Made): Given {
  if (!staysDown) configureContainer(namespaces, { device, addresses: [], routes: [], prepare });
  return { ips: [], routes: [], dns: invocation.config.dns };
}

/** Is everything that ADD made still there, and as it was made? */
function check<C>(plugin: InterfacePlugin<C>, invocation: Invocation): void {
  const config = plugin.read(invocation);
  const sysctls = readEarlySysctls(invocation);
  withNamespaces(invocation.netns, (namespaces) => {
    const { container, netns } = namespaces;
    const isAddressed = asksIpam(plugin, invocation);
    if (isAddressed) checkAllocation(invocation);
    const result = requirePrevResult(invocation);
    if (plugin.hasLink?.(config) === false) return;
    const link = checkLink(container, containerInterface(invocation, result), plugin.linkKind, "in the container");
    checkAddressing(container, link, result);
    checkEarlySysctls(sysctls, netns);
    plugin.checkRest?.({ invocation, config, namespaces, result, link });
    const addresses = isAddressed ? result.ips : [];
    for (const extra of addresses.length > 0 ? (plugin.extras ?? []) : []) extra.check?.(invocation, config, addresses);
  });
}

/**
 * The rules go first and the addresses back to IPAM last, so that their next owner meets nothing of ours; but for addresses that
 * are given back through the interface.
 */
function del<C>(plugin: InterfacePlugin<C>, invocation: Invocation): void {
  const { prevResult } = invocation;
  const isReleasedFirst = isReleasedByLink(invocation.config);
  closingLast((keep) =>
    runAll([
      ...(plugin.extras ?? []).map((extra) => () => extra.end(invocation, keep)),
      () => {
        if (isReleasedFirst) releaseAddresses(invocation);
      },
      () => {
        if (prevResult !== undefined) plugin.removeRest?.(prevResult);
      },
      () => {
        const { linkKind: kind, sharesMac } = plugin;
        if (kind !== undefined) detachLink(invocation, { kind, sharesMac });
        plugin.detach?.(invocation);
        if (!isReleasedFirst) releaseAddresses(invocation);
      },
    ]),
  );
}

function gc<C>(plugin: InterfacePlugin<C>, invocation: Invocation): void {
  runAll([
    ...(plugin.extras ?? []).map((extra) => () => extra.collect(invocation)),
    () => plugin.collect?.(invocation),
    () => collectAllocations(invocation),
  ]);
}

function status<C>(plugin: InterfacePlugin<C>, invocation: Invocation): void {
  plugin.read(invocation);
  readEarlySysctls(invocation);
  if (asksIpam(plugin, invocation)) allocatorStatus(invocation);
  const reason = unavailable(plugin, invocation, tryOutOnce);
  if (reason !== undefined) throw new CniError(CNI_CODE.NOT_AVAILABLE, reason);
}

function unavailable<C>(plugin: InterfacePlugin<C>, invocation: Invocation, tryOut: TryOut): string | undefined {
  const config = plugin.read(invocation);
  const reason = plugin.unavailable?.(config, invocation, tryOut);
  if (reason !== undefined) return reason;
  for (const extra of plugin.extras ?? []) {
    const why = extra.unavailable(config, tryOut);
    if (why !== undefined) return `${extra.key}: this node can't do it: ${why}`;
  }
  return undefined;
}

/** Whether addresses come from an IPAM plugin; where that is required, asking for it tells that it is missing. */
function asksIpam<C>({ ipam }: InterfacePlugin<C>, { config }: Invocation): boolean {
  return ipam === "required" || (ipam === "optional" && config.ipamType !== "");
}
