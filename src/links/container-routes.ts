// The routes of a container's interface, for CHECK, in whichever tables plugins have put them: vrf into the table of the
// interface's VRF, sbr into tables for packets from one address each.

import type { IpConfig } from "../cni/result.ts";
import type { Connection } from "../netlink/connection.ts";
import type { Device } from "../rtnetlink/device.ts";
import { getLink } from "../rtnetlink/link.ts";
import type { Route } from "../rtnetlink/route.ts";
import { listRules, type Rule } from "../rtnetlink/rule.ts";
import { RT_TABLE } from "../rtnetlink/uapi.ts";
import { type Cidr, compareIp, type Family, formatIp, type Ip, isSingleHost } from "../wire/ip.ts";
import { RTPROT_BAUTA, routesThrough, tableOfVrf } from "./routing-tables.ts";

/** A link, with the index of its master where it has one. */
export type RoutedLink = Device & { readonly masterIndex?: number | undefined };

/** The routes through one link, each table read once. Nothing is read before it is asked for. */
export class ContainerRoutes {
  readonly #connection: Connection;
  readonly #link: RoutedLink;
  readonly #sources: ReadonlySet<string>;
  readonly #read = new Map<string, readonly Route[]>();
  #usual: number | undefined;
  #bySource: readonly number[] | undefined;

  /** `addresses` are those of the interface. */
  constructor(connection: Connection, link: RoutedLink, addresses: readonly IpConfig[]) {
    this.#connection = connection;
    this.#link = link;
    this.#sources = new Set(addresses.map(({ ip }) => formatIp(ip)));
  }

  /**
   * Whether there is such a route in this table, or, where that is undefined, in a table that packets from the addresses are
   * routed by. Throws NetlinkError.
   */
  some(family: Family, table: number | undefined, isWanted: (route: Route) => boolean): boolean {
    const isIn = (one: number): boolean => this.#in(family, one).some(isWanted);
    if (table !== undefined) return isIn(table);
    this.#usual ??= this.#usualTable();
    if (isIn(this.#usual)) return true;
    this.#bySource ??= this.#tablesBySource();
    return this.#bySource.some(isIn);
  }

  #in(family: Family, table: number): readonly Route[] {
    const key = `${family} ${table}`;
    const routes =
      this.#read.get(key) ??
      routesThrough(this.#connection, this.#link, { table, families: [family] }).map(({ own }) => own);
    this.#read.set(key, routes);
    return routes;
  }

  /** The kernel puts a port's routes into the table of its VRF, and all other links' into main. */
  #usualTable(): number {
    const { masterIndex } = this.#link;
    const master = masterIndex === undefined ? undefined : getLink(this.#connection, { index: masterIndex });
    return (master && tableOfVrf(master)) ?? RT_TABLE.MAIN;
  }

  #tablesBySource(): number[] {
    const rules = listRules(this.#connection);
    const isOurs = ({ source, isPlain }: Rule): boolean => isPlain && source !== undefined && this.#isAddress(source);
    return [...new Set(rules.filter(isOurs).map(({ table }) => table))];
  }

  #isAddress(source: Cidr): boolean {
    return isSingleHost(source) && this.#sources.has(formatIp(source.ip));
  }
}

/**
 * Whether the route goes by this gateway; by any where that is undefined. A default route that sbr has made goes by the gateway
 * that sbr was given, which is for sbr to check.
 */
export function goesBy({ dst, gateway, nextHops, protocol }: Route, wanted: Ip | undefined): boolean {
  if (wanted === undefined || (dst.prefixLength === 0 && protocol === RTPROT_BAUTA)) return true;
  return (nextHops ?? [{ gateway }]).some((hop) => hop.gateway !== undefined && compareIp(hop.gateway, wanted) === 0);
}
