// An interface on its way into a VRF and out again. The kernel takes the interface down and up again then, so its routes go,
// and IPv6 addresses that are not to outlive that; the routes to its subnets appear in the table of the VRF, or in main.

import type { Connection } from "../netlink/connection.ts";
import { type Address, addAddress, isTentative, listAddresses } from "../rtnetlink/address.ts";
import { type Device, deviceText } from "../rtnetlink/device.ts";
import { setLink } from "../rtnetlink/link.ts";
import { addRoute, listRoutes, type Route } from "../rtnetlink/route.ts";
import { RT_SCOPE, RT_TABLE, RTN, RTNLGRP, RTPROT } from "../rtnetlink/uapi.ts";
import { inNetns } from "../sys/netns.ts";
import { readSysctl, type SysctlName, trySetSysctl } from "../sys/sysctl.ts";
import { compareIp, formatIp, hostPrefix, sameCidr } from "../wire/ip.ts";
import type { LockedNetns } from "./namespaces.ts";
import { copiesTo, directFirst, executeUnlessDone, routesThrough } from "./routing-tables.ts";
import { awaitEvent, type Watch, withWatch } from "./watch.ts";

/** A VRF device and its table. */
export interface Vrf {
  readonly index: number;
  readonly name: string;
  readonly table: number;
}

type Port = Device & { readonly name: string };

/**
 * Makes the interface a port of the VRF, like `ip link set NAME master VRF`: with its IPv6 addresses, which can be used when
 * this returns, and with its routes of the main table, which are the VRF's then. Throws NetlinkError.
 */
export function enterVrf(namespace: LockedNetns, port: Port, vrf: Vrf): void {
  const { container, netns } = namespace;
  const through = routesThrough(container, port);
  const routes = through.map(({ own }) => own);
  const addresses = globalAddresses(container, port);
  // The kernel takes those away that are the interface's alone.
  const withdrawals = through.filter(({ isShared }) => isShared).map(({ withdrawal }) => withdrawal);
  executeUnlessDone(container, withdrawals, "ESRCH");
  withWatch(netns, [RTNLGRP.IPV6_ROUTE, RTNLGRP.IPV6_IFADDR], (watch) => {
    withoutLoss(namespace, port, addresses, () => {
      changeMaster(container, port, vrf.index, addresses);
      waitUntilUsable(container, port, vrf, addresses, watch);
    });
  });
  executeUnlessDone(container, copiesTo(vrf.table, routes), "EEXIST");
  dropSurplus(container, port, vrf.table, routes);
}

/**
 * The way back, like `ip link set NAME nomaster`. Routes to the same destination that main has by now stay there. Throws
 * NetlinkError where the interface stays in the VRF.
 */
export function leaveVrf(namespace: LockedNetns, port: Port, { table }: Vrf): void {
  const { container } = namespace;
  const routes = routesThrough(container, port, { table }).map(({ own }) => own);
  const addresses = globalAddresses(container, port);
  withoutLoss(namespace, port, addresses, () => changeMaster(container, port, 0, addresses));
  const unicast = routes.filter(({ type }) => type === RTN.UNICAST);
  // The interface is about to go: what main does not take of them is no loss.
  container.tryAll(directFirst(unicast).map((route) => addRoute({ ...route, table: RT_TABLE.MAIN })));
  dropSurplus(container, port, RT_TABLE.MAIN, unicast);
}

function globalAddresses(container: Connection, device: Device): Address[] {
  return listAddresses(container, { device, family: 6 }).filter(({ scope }) => scope === RT_SCOPE.UNIVERSE);
}

function changeMaster(container: Connection, port: Port, masterIndex: number, addresses: readonly Address[]): void {
  container.execute(setLink(port, { masterIndex }));
  const left = addresses.length === 0 ? [] : globalAddresses(container, port);
  const lost = addresses.filter(({ ip }) => !left.some((one) => compareIp(one.ip, ip) === 0));
  container.executeAll(lost.map((address) => addAddress(port, address)));
}

/**
 * While `work` takes the interface down and up, the interface keeps its IPv6 addresses, and nobody is asked again whether they
 * are someone else's.
 */
function withoutLoss({ netns }: LockedNetns, { name }: Port, addresses: readonly Address[], work: () => void): void {
  if (addresses.length === 0) {
    work();
    return;
  }
  const conf = `net/ipv6/conf/${name}` as const;
  const settled = !addresses.some(isTentative);
  const wanted: readonly (readonly [SysctlName, string])[] = [
    [`${conf}/keep_addr_on_down`, "1"],
    ...(settled ? [[`${conf}/accept_dad`, "0"] as const] : []),
  ];
  const before = inNetns(netns, () => wanted.map(([parameter]) => [parameter, readSysctl(parameter)] as const));
  inNetns(netns, () => {
    for (const [parameter, value] of wanted) trySetSysctl(parameter, value);
  });
  try {
    work();
  } finally {
    inNetns(netns, () => {
      for (const [parameter, value] of before) if (value !== undefined) trySetSysctl(parameter, value);
    });
  }
}

/** As upstream, about. */
const PATIENCE_MS = 5000;

/** The kernel adds the routes to a container's own addresses a moment after the addresses. */
function waitUntilUsable(
  container: Connection,
  port: Port,
  { table }: Vrf,
  addresses: readonly Address[],
  watch: Watch,
): void {
  let waiting = addresses;
  const isUsable = awaitEvent(watch, PATIENCE_MS, () => {
    waiting = addresses.length === 0 ? [] : notYetLocal(container, port, table, addresses);
    return waiting.length === 0 || undefined;
  });
  if (isUsable) return;
  const which = waiting.map(({ ip }) => formatIp(ip)).join(", ");
  throw new Error(`the kernel made no local route to ${which} of ${deviceText(port)} in table ${table}`);
}

function notYetLocal(container: Connection, device: Device, table: number, addresses: readonly Address[]): Address[] {
  const local = listRoutes(container, { family: 6, table, device }).filter(({ type }) => type === RTN.LOCAL);
  return addresses.filter(({ ip }) => !local.some(({ dst }) => sameCidr(dst, hostPrefix(ip))));
}

/** Of the routes to subnets that the kernel makes, a plugin may have removed some before (ptp does): they go again. */
function dropSurplus(container: Connection, port: Port, table: number, wanted: readonly Route[]): void {
  const surplus = routesThrough(container, port, { table }).filter(({ own }) => {
    const isKernels = own.protocol === RTPROT.KERNEL && own.type === RTN.UNICAST;
    return isKernels && !wanted.some((route) => isSame(route, own));
  });
  container.tryAll(surplus.map(({ withdrawal }) => withdrawal));
}

/** A subnet has one such route of IPv6, and of IPv4 one for each address. */
function isSame(one: Route, other: Route): boolean {
  const isDirect = one.gateway === undefined;
  return isDirect && sameCidr(one.dst, other.dst) && one.protocol === other.protocol;
}
