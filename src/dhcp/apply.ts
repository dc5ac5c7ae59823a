// What a lease changes in a container that runs: addresses and routes that come and go, and the interface's MTU.

import type { Result } from "../cni/result.ts";
import { configureContainer, nextHopOf } from "../links/configure.ts";
import type { Request } from "../netlink/message.ts";
import { deleteAddress } from "../rtnetlink/address.ts";
import { setLink } from "../rtnetlink/link.ts";
import { deleteRoute } from "../rtnetlink/route.ts";
import { hasCode } from "../sys/error.ts";
import { type Ip, sameCidr } from "../wire/ip.ts";
import { type Interface, type OpenInterface, withInterface } from "./interface.ts";

/** Takes the addresses and routes of a result off the interface; what is gone already is no error. Throws GoneError, NetlinkError. */
export function takeOff(where: Interface, before: Result): void {
  withInterface(where, (open) => remove(open, before, undefined));
}

/** Gives the interface what a new result has, in the place of what an old one had. Throws GoneError, NetlinkError. */
export function change(where: Interface, before: Result | undefined, after: Result): void {
  withInterface(where, (open) => {
    if (before !== undefined) remove(open, before, after);
    const isThere = (one: Result["ips"][number]): boolean => before?.ips.some((other) => sameCidr(one, other)) ?? false;
    const addresses = after.ips.filter((one) => !isThere(one));
    configureContainer(open, {
      device: open.link,
      addresses,
      routes: after.routes.map((route) => ({ ...route, gw: nextHopOf(route, after.ips) })),
    });
  });
}

/** Lowers the MTU of the interface to this one. Throws GoneError, NetlinkError. */
export function lowerMtu(where: Interface, mtu: number): void {
  withInterface(where, ({ container, link }) => {
    if (link.mtu > mtu) container.execute(setLink(link, { mtu }));
  });
}

/** All routes go, so that what comes next meets none. An address that stays is not touched: connections live on. */
function remove({ container, link }: OpenInterface, before: Result, after: Result | undefined): void {
  const routes = before.routes.map((route) =>
    deleteRoute({
      dst: route.dst,
      gateway: unlessNone(nextHopOf(route, before.ips)),
      device: link,
      table: route.table || undefined,
      priority: route.priority || undefined,
      scope: route.scope,
    }),
  );
  const gone = before.ips.filter((one) => !after?.ips.some((other) => sameCidr(one, other)));
  for (const request of [...routes, ...gone.map((address) => deleteAddress(link, address))]) {
    executeUnlessGone(container, request);
  }
}

function executeUnlessGone(container: OpenInterface["container"], request: Request): void {
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
