// The node's link that leads to a container: what comes in by it for the container goes back by it, and connections to
// 127.0.0.1 leave by it.

import type { Connection } from "../netlink/connection.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import { getRoute } from "../rtnetlink/route.ts";
import { hasCode } from "../sys/error.ts";
import { ensureSysctl, type SysctlName } from "../sys/sysctl.ts";
import { type Cidr, familyOf } from "../wire/ip.ts";
import type { Container } from "./mapping.ts";

/** The address, and the link that the node's route to it goes by, if there is one. Throws NetlinkError. */
export function linkTowards(node: Connection, { ip, prefixLength }: Cidr): Container {
  const index = deviceOf(node, ip);
  const link = index === undefined ? undefined : getBriefLink(node, { index })?.name;
  return link === undefined ? { ip, prefixLength } : { ip, prefixLength, link };
}

function deviceOf(node: Connection, ip: Cidr["ip"]): number | undefined {
  try {
    return getRoute(node, ip).device?.index;
  } catch (error) {
    if (hasCode(error, "ENETUNREACH", "EHOSTUNREACH", "EACCES", "EINVAL")) return undefined; // no route, or one that forbids it
    throw error;
  }
}

/**
 * Lets packets from 127.0.0.1 leave by the link to the container, and the answers come back, like `sysctl -w
 * net.ipv4.conf.cni0.route_localnet=1`. The chain `loopback` of our table keeps others on the link from using that. As
 * upstream, it stays. Throws an Error where it cannot be set.
 */
export function allowLocalhost({ ip, link }: Container): void {
  if (familyOf(ip) !== 4 || link === undefined) return;
  const name: SysctlName = `net/ipv4/conf/${link}/route_localnet`;
  try {
    ensureSysctl(name, "1");
  } catch (error) {
    const setting = `net.ipv4.conf.${link}.route_localnet=1`;
    throw new Error(
      `published ports are reached from 127.0.0.1 with ${setting}, which cannot be set; "snat": false does without`,
      {
        cause: error,
      },
    );
  }
}
