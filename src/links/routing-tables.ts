// Routing tables of a network namespace: which ones are in use, and a link's routes on their way from one to another.

import type { Connection } from "../netlink/connection.ts";
import type { Request } from "../netlink/message.ts";
import type { Device } from "../rtnetlink/device.ts";
import type { Link } from "../rtnetlink/link.ts";
import { deleteRoute, listRoutes, type Route, replaceRoute } from "../rtnetlink/route.ts";
import { RT_TABLE } from "../rtnetlink/uapi.ts";
import { FAMILIES, type Family, familyOf } from "../wire/ip.ts";

/** RTPROT of the rules and routes that bauta thinks of itself. Those that it moves keep the protocol that they had. */
export const RTPROT_BAUTA = 66;

/** The table of a VRF device; undefined of any other link. */
export function tableOfVrf({ info }: Pick<Link, "info">): number | undefined {
  return info?.kind === "vrf" && "table" in info ? info.table : undefined;
}

/** What a table has of a link's routes. */
export interface RouteThrough {
  /** The route, with those next hops only that go through the link. */
  readonly own: Route;
  /** Takes the route out of its table; the next hops through other links stay. */
  readonly withdrawal: Request;
  /** Whether the route has next hops through other links as well. */
  readonly isShared: boolean;
}

/** The routes of a table (main when absent) that go through the link, of both families or of one. Throws NetlinkError. */
export function routesThrough(
  connection: Connection,
  device: Device,
  {
    table = RT_TABLE.MAIN,
    families = FAMILIES,
  }: { readonly table?: number; readonly families?: readonly Family[] } = {},
): RouteThrough[] {
  return families.flatMap((family) =>
    listRoutes(connection, { family, table, device }).flatMap((one) => split(one, device)),
  );
}

function split(route: Route, device: Device): RouteThrough[] {
  const { nextHops } = route;
  if (nextHops === undefined) return [{ own: route, withdrawal: deleteRoute(route), isShared: false }];
  const hops = nextHops.filter((hop) => hop.device.index === device.index);
  const others = nextHops.filter((hop) => hop.device.index !== device.index);
  // IPv6 keeps each next hop as a route of its own, and tells them together.
  if (familyOf(route.dst.ip) === 6) {
    return hops.map((hop) => {
      const own = withHops(route, [hop]);
      return { own, withdrawal: deleteRoute(own), isShared: hops.length < nextHops.length };
    });
  }
  const withdrawal = others.length === 0 ? deleteRoute(route) : replaceRoute(withHops(route, others));
  return [{ own: withHops(route, hops), withdrawal, isShared: others.length > 0 }];
}

function withHops(route: Route, hops: NonNullable<Route["nextHops"]>): Route {
  const [only, ...more] = hops;
  if (only === undefined || more.length > 0) return { ...route, nextHops: hops };
  const { device, gateway, onlink, rest = [] } = only;
  return { ...route, device, gateway, onlink, nextHops: undefined, rest: [...(route.rest ?? []), ...rest] };
}
