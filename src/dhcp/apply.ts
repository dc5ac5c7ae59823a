// What a lease changes in a container that runs: addresses and routes that come and go, and the interface's MTU.

import type { Result } from "../cni/result.ts";
import { configureContainer, nextHopOf } from "../links/configure.ts";
import { type Namespaces, withNamespaces } from "../links/namespaces.ts";
import type { Request } from "../netlink/message.ts";
import { deleteAddress } from "../rtnetlink/address.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import type { Device } from "../rtnetlink/device.ts";
import { setLink } from "../rtnetlink/link.ts";
import { deleteRoute } from "../rtnetlink/route.ts";
import { hasCode } from "../sys/error.ts";
import { type Ip, sameCidr } from "../wire/ip.ts";

/** The interface of a container. */
export interface Place {
  /** The path of its network namespace, as the daemon finds it. */
  readonly path: string;
  readonly device: Device & { readonly name: string };
}

/** Takes the addresses and routes of a result off the interface; what is gone already is no error. Throws NetlinkError. */
export function takeOff({ path, device }: Place, before: Result): void {
  withNamespaces(path, (namespaces) => remove(namespaces, device, before, undefined));
}

/** Gives the interface what a new result has, in the place of what an old one had. Throws NetlinkError. */
export function change({ path, device }: Place, before: Result | undefined, after: Result): void {
  withNamespaces(path, (namespaces) => {
    if (before !== undefined) remove(namespaces, device, before, after);
    const isThere = (one: Result["ips"][number]): boolean => before?.ips.some((other) => sameCidr(one, other)) ?? false;
    const addresses = after.ips.filter((one) => !isThere(one));
    configureContainer(namespaces, {
      device,
      addresses,
      routes: after.routes.map((route) => ({ ...route, gw: nextHopOf(route, after.ips) })),
    });
  });
}

/** Lowers the MTU of the interface to this one. Throws NetlinkError. */
export function lowerMtu({ path, device }: Place, mtu: number): void {
  withNamespaces(path, ({ container }) => {
    const link = getBriefLink(container, device);
    if (link !== undefined && link.mtu > mtu) container.execute(setLink(device, { mtu }));
  });
}

/** All routes go, so that what comes next meets none. An address that stays is not touched: connections live on. */
function remove({ container }: Namespaces, device: Device, before: Result, after: Result | undefined): void {
  const routes = before.routes.map((route) =>
    deleteRoute({
      dst: route.dst,
      gateway: unlessNone(nextHopOf(route, before.ips)),
      device,
      table: route.table || undefined,
      priority: route.priority || undefined,
      scope: route.scope,
    }),
  );
  const gone = before.ips.filter((one) => !after?.ips.some((other) => sameCidr(one, other)));
  for (const request of [...routes, ...gone.map((address) => deleteAddress(device, address))]) {
    executeUnlessGone(container, request);
  }
}

function executeUnlessGone(container: Namespaces["container"], request: Request): void {
  try {
    container.execute(request);
  } catch (error) {
    if (!hasCode(error, "ESRCH", "ENOENT", "EADDRNOTAVAIL")) throw error;
  }
}

/** 0.0.0.0 is none. */
function unlessNone(gateway: Ip | undefined): Ip | undefined {
  return gateway?.some((byte) => byte !== 0) ? gateway : undefined;
}
