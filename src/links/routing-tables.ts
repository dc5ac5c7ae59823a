// Routing tables of a network namespace: which ones are in use, and a link's routes on their way from one to another.

import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import type { Request } from "../netlink/message.ts";
import type { Device } from "../rtnetlink/device.ts";
import { type Link, listLinks } from "../rtnetlink/link.ts";
import { deleteRoute, listRoutes, prependRoute, type Route, replaceRoute } from "../rtnetlink/route.ts";
import type { Rule } from "../rtnetlink/rule.ts";
import { RT_TABLE } from "../rtnetlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { FAMILIES, type Family, familyOf } from "../wire/ip.ts";

/** RTPROT of the rules and routes that bauta makes. Routes that bauta moves keep the protocol that they had. */
export const RTPROT_BAUTA = 66;

/** Finds numbers of tables that no rule leads to, and that have no routes and no VRF. */
export class FreeTables {
  readonly #used: Set<number>;

  /** Lists the tables that are in use in the namespace now. Throws NetlinkError. */
  constructor(connection: Connection, rules: readonly Rule[]) {
    const ofRoutes = FAMILIES.flatMap((family) => listRoutes(connection, { family, table: RT_TABLE.UNSPEC }));
    const ofVrfs = listLinks(connection, { kind: "vrf" }).map(tableOfVrf);
    this.#used = new Set([...RESERVED, ...rules.map(({ table }) => table), ...ofRoutes.map(({ table }) => table)]);
    for (const table of ofVrfs) if (table !== undefined) this.#used.add(table);
  }

  /** Returns the first free number from this one on, and counts its table as used from then on. */
  take(from: number): number {
    let table = from;
    while (this.#used.has(table)) table++;
    this.#used.add(table);
    return table;
  }
}

/** What the kernel and iproute2 have these for. */
const RESERVED = [RT_TABLE.UNSPEC, RT_TABLE.COMPAT, RT_TABLE.DEFAULT, RT_TABLE.MAIN, RT_TABLE.LOCAL];

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

/**
 * Requests that add the routes to a table, each in front of others to the same destination (IPv6: beside them). The first of
 * the routes stays the first.
 */
export function copiesTo(table: number, routes: readonly Route[]): Request[] {
  return directFirst(routes.toReversed()).map((route) => prependRoute({ ...route, table }));
}

/** The same routes, but first those without a gateway: others need them to reach theirs. */
export function directFirst(routes: readonly Route[]): Route[] {
  const isDirect = ({ gateway, nextHops }: Route): boolean => gateway === undefined && nextHops === undefined;
  return [...routes.filter(isDirect), ...routes.filter((route) => !isDirect(route))];
}

/**
 * Carries out requests each of which may find its work done already, by these codes of the kernel. Throws the
 * NetlinkError of the first that failed for another reason, after all have been tried.
 */
export function executeUnlessDone(
  connection: Connection,
  requests: readonly Request[],
  ...done: readonly string[]
): void {
  const errors = connection.tryAll(requests).flatMap((ack, i) => {
    const request = requests[i];
    return ack.errno === 0 || request === undefined ? [] : [new NetlinkError(request.operation(), ack)];
  });
  const failed = errors.find((error) => !hasCode(error, ...done));
  if (failed !== undefined) throw failed;
}
