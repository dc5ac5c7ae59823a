// Routes: `ip route`.

import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import { type Message, type Request, request } from "../netlink/message.ts";
import { NLM_F } from "../netlink/uapi.ts";
import { attr, attrs, type RawAttribute } from "../wire/attrs.ts";
import { bytes, type Infer, u8, u32 } from "../wire/codec.ts";
import { decodeWithin } from "../wire/error.ts";
import { type Cidr, type Family, familyOf, formatCidr, formatIp, type Ip } from "../wire/ip.ts";
import { struct } from "../wire/struct.ts";
import { ip } from "./codecs.ts";
import { addressFamily, type Device, deviceText } from "./device.ts";
import { type NextHop, nextHops } from "./next-hops.ts";
import { AF, RT_SCOPE, RT_TABLE, RTA, RTAX, RTM, RTM_F, RTN, RTNH_F, RTPROT } from "./uapi.ts";

/** struct rtmsg, include/uapi/linux/rtnetlink.h */
const rtmsg = struct({
  family: u8,
  dstLength: u8,
  srcLength: u8,
  tos: u8,
  table: u8,
  protocol: u8,
  scope: u8,
  type: u8,
  flags: u32,
});

/** include/uapi/linux/rtnetlink.h, RTA_* and RTAX_* */
const routeAttributes = attrs({
  dst: attr(RTA.DST, ip),
  src: attr(RTA.SRC, ip),
  gateway: attr(RTA.GATEWAY, ip),
  source: attr(RTA.PREFSRC, ip),
  table: attr(RTA.TABLE, u32),
  priority: attr(RTA.PRIORITY, u32),
  oif: attr(RTA.OIF, u32),
  metrics: attr(RTA.METRICS, attrs({ mtu: attr(RTAX.MTU, u32), advmss: attr(RTAX.ADVMSS, u32) })),
  iif: attr(RTA.IIF, u32),
  nextHops: attr(RTA.MULTIPATH, nextHops),
  cacheInfo: attr(RTA.CACHEINFO, bytes),
});

type RouteHeader = Infer<typeof rtmsg>;
type RouteAttributes = Infer<typeof routeAttributes>;

/** A route to be added, or as much of one as is to be deleted. */
export interface NewRoute {
  /** `0.0.0.0/0` or `::/0` is the default route. Its family is the route's. */
  readonly dst: Cidr;
  readonly gateway?: Ip | undefined;
  readonly device?: Device | undefined;
  /** The address that packets of our own are sent from (`src`). */
  readonly source?: Ip | undefined;
  /** Routing table; main when absent. */
  readonly table?: number | undefined;
  /** Metric: lower wins. */
  readonly priority?: number | undefined;
  /** RT_SCOPE; when absent UNIVERSE, or LINK for an IPv4 route without gateway. */
  readonly scope?: number | undefined;
  /** RTPROT; BOOT when absent, as with ip(8). */
  readonly protocol?: number | undefined;
  /** RTN; UNICAST when absent. */
  readonly type?: number | undefined;
  readonly mtu?: number | undefined;
  readonly advmss?: number | undefined;
  /** Take the gateway as reachable through the device though no address of ours is in its subnet. */
  readonly onlink?: boolean | undefined;
  /** The next hops, where there are several: each has a device and a gateway of its own, and the route has none. */
  readonly nextHops?: readonly NextHop[] | undefined;
  /** What else the kernel tells of a route, so that a route that is added again loses nothing. */
  readonly rest?: readonly RawAttribute[] | undefined;
  /** The same of its metrics. */
  readonly otherMetrics?: readonly RawAttribute[] | undefined;
}

/** A route as the kernel describes it. */
export interface Route extends NewRoute {
  readonly table: number;
  readonly scope: number;
  readonly protocol: number;
  readonly type: number;
  readonly onlink: boolean;
  /** RTM_F and RTNH_F bits. */
  readonly flags: number;
}

/** Like `ip route add`. Fails with EEXIST when there is one with this destination and metric in the table. */
export function addRoute(route: NewRoute): Request {
  return routeRequest(RTM.NEWROUTE, NLM_F.CREATE | NLM_F.EXCL, "add", route);
}

/**
 * Like `ip route prepend`: adds it in front of others with this destination and metric, so that it is the one that counts
 * while it is there. IPv6 makes one route of several next hops of those with gateways. Fails with EEXIST when there is
 * this very route already.
 */
export function prependRoute(route: NewRoute): Request {
  return routeRequest(RTM.NEWROUTE, NLM_F.CREATE, "prepend", route);
}

/** Like `ip route replace`: adds it, or puts it in the place of the one with this destination and metric. */
export function replaceRoute(route: NewRoute): Request {
  return routeRequest(RTM.NEWROUTE, NLM_F.CREATE | NLM_F.REPLACE, "replace", route);
}

/** Like `ip route delete`: the first that agrees with all that is given. Fails with ESRCH when there is none. */
export function deleteRoute(route: NewRoute): Request {
  return routeRequest(RTM.DELROUTE, 0, "delete", route);
}

/** Which routes are listed. */
export interface RouteChoice {
  readonly family: Family;
  /** Main when absent; UNSPEC: all. */
  readonly table?: number;
  readonly device?: Device;
  /** Whether only default routes are. */
  readonly isDefault?: boolean;
}

/**
 * Like `ip route show`: the routes of one family, all or those through a device. A route of several next hops goes through
 * the device of each.
 */
export function listRoutes(connection: Connection, only: RouteChoice): Route[] {
  const { family, table = RT_TABLE.MAIN, device, isDefault = false } = only;
  const operation = (): string => `${family === 4 ? "" : "-6 "}route show table ${table}`;
  const attributes: RouteAttributes = { table: table === RT_TABLE.UNSPEC ? undefined : table, oif: device?.index };
  try {
    const dump = request(RTM.GETROUTE, 0, operation, [rtmsg, emptyHeader(family)], [routeAttributes, attributes]);
    const isWanted = ({ payload }: Message): boolean => {
      const { family: found, dstLength } = rtmsg.decode(payload);
      // Asked for the routes of a family that it does not have, the kernel tells of the others'.
      return found === addressFamily(family) && !(isDefault && dstLength > 0);
    };
    return connection.dump(dump, { isWanted }).map(decodeRoute);
  } catch (error) {
    // A table comes into being with its first route: before, the kernel says ENOENT, "FIB table does not exist".
    if (error instanceof NetlinkError && error.code === "ENOENT") return [];
    throw error;
  }
}

/**
 * Like `ip route get`: how a packet to this address would go; with `forwarded`, one that came from that address through
 * that device (`from … iif …`). Throws NetlinkError, ENETUNREACH where there is no route, EHOSTUNREACH or EACCES where a
 * route or the lack of forwarding forbids it, EXDEV where the reverse path filter does.
 */
export function getRoute(
  connection: Connection,
  destination: Ip,
  forwarded?: { readonly from: Ip; readonly device: Device },
): Route {
  return askRoute(connection, destination, forwarded, decodeRoute);
}

/** The type of that route alone, of RTN, which costs a third of it. */
export function getRouteType(connection: Connection, destination: Ip): number {
  return askRoute(connection, destination, undefined, ({ payload }) => rtmsg.decode(payload).type);
}

function askRoute<T>(
  connection: Connection,
  destination: Ip,
  forwarded: { readonly from: Ip; readonly device: Device } | undefined,
  read: (answer: Message) => T,
): T {
  const family = familyOf(destination);
  // IPv4 names the table only when asked to; IPv6 always does, and refuses the flag.
  const flags = family === 4 ? RTM_F.LOOKUP_TABLE : 0;
  const length = destination.length * 8;
  const header = { ...emptyHeader(family), dstLength: length, srcLength: forwarded === undefined ? 0 : length, flags };
  const operation = (): string => {
    const by = forwarded === undefined ? "" : ` from ${formatIp(forwarded.from)} iif ${deviceText(forwarded.device)}`;
    return `route get ${formatIp(destination)}${by}`;
  };
  const attributes: RouteAttributes = { dst: destination, src: forwarded?.from, iif: forwarded?.device.index };
  const get = request(RTM.GETROUTE, 0, operation, [rtmsg, header], [routeAttributes, attributes]);
  return connection.ask(get, read);
}

/** A route from an RTM_NEWROUTE or RTM_DELROUTE, answered or heard. Throws DecodeError. */
export function decodeRoute(message: Message): Route {
  return decodeWithin("route", () => {
    const header = rtmsg.decode(message.payload);
    const found = routeAttributes.decode(message.payload.subarray(rtmsg.size));
    const any = new Uint8Array(header.family === AF.INET ? 4 : 16);
    return {
      dst: { ip: found.dst ?? any, prefixLength: header.dstLength },
      gateway: found.gateway,
      device: found.oif === undefined ? undefined : { index: found.oif },
      source: found.source,
      table: found.table ?? header.table,
      priority: found.priority,
      scope: header.scope,
      protocol: header.protocol,
      type: header.type,
      mtu: found.metrics?.mtu,
      advmss: found.metrics?.advmss,
      onlink: (header.flags & RTNH_F.ONLINK) !== 0,
      nextHops: found.nextHops,
      rest: found.unknown,
      otherMetrics: found.metrics?.unknown,
      flags: header.flags,
    };
  });
}

function emptyHeader(family: Family): RouteHeader {
  const none = { dstLength: 0, srcLength: 0, tos: 0, table: 0, protocol: 0, scope: 0, type: 0, flags: 0 };
  return { family: addressFamily(family), ...none };
}

/** Tables past 255 stand in RTA_TABLE only. */
function tableByte(table: number): number {
  return table <= 0xff ? table : RT_TABLE.UNSPEC;
}

function routeRequest(type: number, flags: number, verb: string, route: NewRoute): Request {
  const { dst, table = RT_TABLE.MAIN, mtu, advmss, otherMetrics } = route;
  const hasMetrics = mtu !== undefined || advmss !== undefined || otherMetrics !== undefined;
  const header = {
    ...(type === RTM.DELROUTE ? headerOfDelete(route) : headerOfNew(route)),
    family: addressFamily(dst.ip),
    dstLength: dst.prefixLength,
    table: tableByte(table),
    flags: route.onlink ? RTNH_F.ONLINK : 0,
  };
  const attributes: RouteAttributes = {
    dst: dst.prefixLength === 0 ? undefined : dst.ip,
    gateway: route.gateway,
    source: route.source,
    table: table <= 0xff ? undefined : table,
    priority: route.priority,
    oif: route.device?.index,
    metrics: hasMetrics ? { mtu, advmss, unknown: otherMetrics } : undefined,
    nextHops: route.nextHops,
    unknown: route.rest,
  };
  const operation = (): string => `route ${verb} ${routeText(route)}`;
  return request(type, flags, operation, [rtmsg, header], [routeAttributes, attributes]);
}

/** What ip(8) takes for what isn't said. */
function headerOfNew({ dst, gateway, scope, type, protocol }: NewRoute): RouteHeader {
  const direct = familyOf(dst.ip) === 4 && gateway === undefined;
  return {
    ...emptyHeader(familyOf(dst.ip)),
    protocol: protocol ?? RTPROT.BOOT,
    scope: scope ?? (direct ? RT_SCOPE.LINK : RT_SCOPE.UNIVERSE),
    type: type ?? RTN.UNICAST,
  };
}

/** What isn't said agrees with every route. */
function headerOfDelete({ dst, scope, type, protocol }: NewRoute): RouteHeader {
  const anyScope = familyOf(dst.ip) === 4 ? RT_SCOPE.NOWHERE : RT_SCOPE.UNIVERSE;
  return {
    ...emptyHeader(familyOf(dst.ip)),
    protocol: protocol ?? RTPROT.UNSPEC,
    scope: scope ?? anyScope,
    type: type ?? RTN.UNSPEC,
  };
}

function routeText({ dst, gateway, device, source, table, priority, onlink }: NewRoute): string {
  const isDefault = dst.prefixLength === 0;
  let text = isDefault ? (familyOf(dst.ip) === 4 ? "default" : "::/0") : formatCidr(dst);
  if (gateway !== undefined) text += ` via ${formatIp(gateway)}`;
  if (device !== undefined) text += ` dev ${deviceText(device)}`;
  if (source !== undefined) text += ` src ${formatIp(source)}`;
  if (table !== undefined) text += ` table ${table}`;
  if (priority !== undefined) text += ` metric ${priority}`;
  return onlink ? `${text} onlink` : text;
}
