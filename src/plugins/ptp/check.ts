// CHECK: is everything that ADD made still there, and as it was made?

import { type Invocation, requirePrevResult } from "../../cni/plugin.ts";
import type { Result } from "../../cni/result.ts";
import { checkAllocation } from "../../ipam/call.ts";
import { arePeers, CheckError, checkAddresses, checkLink, checkRoutes, containerInterface } from "../../links/check.ts";
import { readAssignments } from "../../links/configure.ts";
import { withNamespaces } from "../../links/namespaces.ts";
import { isNodeEnd } from "../../links/veth.ts";
import { checkIpMasq } from "../../masquerade/masquerade.ts";
import type { Connection } from "../../netlink/connection.ts";
import { listAddresses } from "../../rtnetlink/address.ts";
import type { Link } from "../../rtnetlink/link.ts";
import { listRoutes } from "../../rtnetlink/route.ts";
import { sameBytes } from "../../wire/codec.ts";
import { familyOf, formatIp } from "../../wire/ip.ts";
import { readPtpConfig } from "./config.ts";

export function check(invocation: Invocation): void {
  const { ipMasq, ipMasqBackend } = readPtpConfig(invocation);
  withNamespaces(invocation.netns, ({ node, container }) => {
    checkAllocation(invocation);
    const result = requirePrevResult(invocation);
    const link = checkLink(container, containerInterface(invocation, result), "veth", "in the container");
    checkAddresses(container, link, result);
    checkRoutes(container, result);
    checkNode(node, result, link);
    if (ipMasq) checkIpMasq(invocation, ipMasqBackend, readAssignments(result));
  });
}

/** The node's end must be the peer, have the gateway addresses, and be where the container's addresses are routed to. */
function checkNode(node: Connection, result: Result, container: Link): void {
  const expected = result.interfaces.find(isNodeEnd);
  if (expected === undefined) throw new CheckError("prevResult does not have the node's end of the veth pair");
  const link = checkLink(node, expected, "veth", "on the node");
  if (!arePeers(link, container)) throw new CheckError(`${link.name} is not the other end of ${container.name}`);
  const addresses = listAddresses(node, { device: link });
  for (const { ip, gateway } of readAssignments(result)) {
    if (gateway !== undefined && !addresses.some((one) => sameBytes(one.ip, gateway))) {
      throw new CheckError(`gateway address ${formatIp(gateway)} is not on interface ${link.name} on the node`);
    }
    const routes = listRoutes(node, { family: familyOf(ip), device: link });
    if (!routes.some(({ dst }) => dst.prefixLength === ip.length * 8 && sameBytes(dst.ip, ip))) {
      throw new CheckError(`route to ${formatIp(ip)} through ${link.name} not found on the node`);
    }
  }
}
