// The routes of a lease: options 121 and 33, and the default route by option 3.

import type { Route } from "../cni/result.ts";
import { type Cidr, type Ip, networkOf } from "../wire/ip.ts";
import { addressesOf, gatewayOf, type Lease } from "./lease.ts";
import { OPTION } from "./uapi.ts";

const ANY: Cidr = { ip: new Uint8Array(4), prefixLength: 0 };
/** include/uapi/linux/rtnetlink.h: RT_SCOPE_LINK */
const SCOPE_LINK = 253;

/**
 * As upstream has them. Where there are classless routes (option 121) these are all; the routers' option counts no more
 * (RFC 3442). Otherwise those of option 33 and then the default route.
 */
export function routesOf(lease: Pick<Lease, "options">): Route[] {
  const classless = lease.options.get(OPTION.CLASSLESS_ROUTES);
  const routes = classless === undefined ? undefined : classlessRoutes(classless);
  if (routes !== undefined) return routes;
  const gateway = gatewayOf(lease);
  return [...staticRoutes(lease), ...(gateway === undefined ? [] : [{ dst: ANY, gw: gateway }])];
}

/** Undefined where it is not a list of routes (RFC 3442): then it is as if it were not there. */
function classlessRoutes(list: Uint8Array): Route[] | undefined {
  const routes: Route[] = [];
  for (let at = 0; at < list.length; ) {
    const prefixLength = list[at] ?? 0;
    const octets = Math.ceil(prefixLength / 8);
    const routerAt = at + 1 + octets;
    if (prefixLength > 32 || routerAt + 4 > list.length) return undefined;
    const ip = new Uint8Array(4);
    ip.set(list.subarray(at + 1, routerAt));
    const gw = list.slice(routerAt, routerAt + 4);
    // The router 0.0.0.0 says that the destination is on the link.
    const isOnLink = gw.every((byte) => byte === 0);
    routes.push({ dst: networkOf({ ip, prefixLength }), gw, ...(isOnLink ? { scope: SCOPE_LINK } : {}) });
    at = routerAt + 4;
  }
  return routes.length === 0 ? undefined : routes;
}

/** Pairs of a destination, whose class says its prefix (RFC 2132 section 5.8), and a router. */
function staticRoutes({ options }: Pick<Lease, "options">): Route[] {
  const addresses = addressesOf(options, OPTION.STATIC_ROUTES);
  return Array.from({ length: Math.floor(addresses.length / 2) }, (_, i) => i * 2).flatMap((i) => {
    const [ip, gw] = [addresses[i], addresses[i + 1]];
    const prefixLength = ip === undefined ? undefined : classfulLength(ip);
    // The default route is not one of them.
    if (ip === undefined || gw === undefined || prefixLength === undefined || ip.every((byte) => byte === 0)) return [];
    return [{ dst: networkOf({ ip, prefixLength }), gw }];
  });
}

/** RFC 791: networks of the classes A, B and C. */
function classfulLength([first = 0]: Ip): number | undefined {
  if (first < 128) return 8;
  if (first < 192) return 16;
  return first < 224 ? 24 : undefined;
}
