// CHECK of the node's side.

import { arePeers, CheckError, checkLink } from "../../links/check.ts";
import { isNodeEnd } from "../../links/veth.ts";
import { listAddresses } from "../../rtnetlink/address.ts";
import { listRoutes } from "../../rtnetlink/route.ts";
import { compareIp, familyOf, formatIp, hostPrefix, sameCidr } from "../../wire/ip.ts";
import type { Checking } from "../interface.ts";
import type { PtpConfig } from "./config.ts";

/** The node's end must be the peer, have the gateway addresses, and be where the container's addresses are routed to. */
export function checkRest({ namespaces: { node }, result, link: container }: Checking<PtpConfig>): void {
  const expected = result.interfaces.find(isNodeEnd);
  if (expected === undefined) throw new CheckError("prevResult does not have the node's end of the veth pair");
  const link = checkLink(node, expected, "veth", "on the node");
  if (!arePeers(link, container)) throw new CheckError(`${link.name} is not the other end of ${container.name}`);
  const addresses = listAddresses(node, { device: link });
  for (const { ip, gateway } of result.ips) {
    if (gateway !== undefined && !addresses.some((one) => compareIp(one.ip, gateway) === 0)) {
      throw new CheckError(`gateway address ${formatIp(gateway)} is not on interface ${link.name} on the node`);
    }
    const routes = listRoutes(node, { family: familyOf(ip), device: link });
    if (!routes.some(({ dst }) => sameCidr(dst, hostPrefix(ip)))) {
      throw new CheckError(`route to ${formatIp(ip)} through ${link.name} not found on the node`);
    }
  }
}
