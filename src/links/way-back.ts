// The node's routes to containers whose gateway is elsewhere: where the subnet that a gateway address brings along does not
// have the container's address, as with 10.1.0.5/32 and the gateway 169.254.1.1, the node has no way back to the container.

import type { IpConfig, Result } from "../cni/result.ts";
import type { Connection } from "../netlink/connection.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import type { Device } from "../rtnetlink/device.ts";
import { deleteRoute, listRoutes, type NewRoute, replaceRoute } from "../rtnetlink/route.ts";
import { RT_SCOPE } from "../rtnetlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { type Cidr, contains, familyOf, formatIp, hostPrefix, type Ip, sameCidr } from "../wire/ip.ts";
import { CheckError } from "./check.ts";

/**
 * Sees to it that the node reaches these addresses through the link that carries their gateways, like `ip route replace
 * 10.1.0.5 dev cni0 scope link`. Returns how to undo it; undefined where every address has its gateway in its subnet.
 */
export function ensureWaysBack(
  connection: Connection,
  link: Device,
  addresses: readonly IpConfig[],
): (() => void) | undefined {
  const routes = waysBack(link, addresses);
  if (routes.length === 0) return undefined;
  connection.executeAll(routes.map(replaceRoute));
  return () => removeRoutes(connection, routes);
}

/** Throws CheckError where one of the routes is missing. */
export function checkWaysBack(connection: Connection, link: Device, addresses: readonly IpConfig[]): void {
  for (const { dst } of waysBack(link, addresses)) {
    const present = listRoutes(connection, { family: familyOf(dst.ip), device: link });
    if (present.some((route) => sameCidr(route.dst, dst))) continue;
    throw new CheckError(`route to ${formatIp(dst.ip)} through ${link.name} not found on the node`);
  }
}

/**
 * Removes the routes of an attachment, by its result: through whichever of its interfaces on the node they go. Where there is no
 * result they stay until the addresses' next owners replace them: the addresses that the interface has tell nothing, because a
 * container can give its interface any.
 */
export function removeWaysBack(connection: Connection, result: Result): void {
  for (const { name, sandbox } of result.interfaces) {
    const link = sandbox ? undefined : getBriefLink(connection, name);
    if (link !== undefined) removeRoutes(connection, waysBack(link, result.ips));
  }
}

/** Whether the result has an address whose gateway is elsewhere. */
export function hasWayBack({ ips }: Result): boolean {
  return ips.some(isElsewhere);
}

function waysBack(device: Device, addresses: readonly IpConfig[]): (NewRoute & { readonly dst: Cidr })[] {
  return addresses.filter(isElsewhere).map(({ ip }) => routeBack(device, ip));
}

function routeBack(device: Device, ip: Ip): NewRoute & { readonly dst: Cidr } {
  return { dst: hostPrefix(ip), device, scope: RT_SCOPE.LINK };
}

/** Whether the subnet of the gateway, which has the prefix length of the address, does not have the address. */
function isElsewhere({ ip, prefixLength, gateway }: IpConfig): boolean {
  return gateway !== undefined && !contains({ ip: gateway, prefixLength }, ip);
}

function removeRoutes(connection: Connection, routes: readonly NewRoute[]): void {
  for (const route of routes) {
    try {
      connection.execute(deleteRoute(route));
    } catch (error) {
      if (!hasCode(error, "ESRCH", "ENODEV")) throw error; // gone already
    }
  }
}
