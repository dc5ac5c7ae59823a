// ADD: a veth pair, addresses from IPAM, and the node as the gateway of each.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import type { Result } from "../../cni/result.ts";
import { undoOnFailure } from "../../cni/undo.ts";
import { allocateAddresses, dnsOf } from "../../ipam/call.ts";
import { waitForCarrier } from "../../links/carrier.ts";
import { type Assignment, configureContainer, readAssignments } from "../../links/configure.ts";
import { enableForwarding } from "../../links/forwarding.ts";
import { requireMtuFor } from "../../links/ipv6-mtu.ts";
import { type Namespaces, withNamespaces } from "../../links/namespaces.ts";
import { createVeth, type Veth } from "../../links/veth.ts";
import { beginMasquerade } from "../../masquerade/masquerade.ts";
import { trySetSysctl } from "../../sys/sysctl.ts";
import { familyOf, formatCidr } from "../../wire/ip.ts";
import { formatMac } from "../../wire/mac.ts";
import { readPtpConfig } from "./config.ts";
import { type Connected, containerRoutes, gatewayAddresses, routesToContainer } from "./routes.ts";

/** Makes the attachment; a failure at whatever step leaves nothing of it. */
export function add(invocation: Invocation): Result {
  const { mtu, ipMasq, ipMasqBackend } = readPtpConfig(invocation);
  const { ifname, netns, config } = invocation;
  return withNamespaces(netns, (namespaces) =>
    undoOnFailure(invocation.log, (undo) => {
      const ipam = allocateAddresses(invocation, undo);
      const addresses = readAssignments(ipam).map(requireGateway);
      requireMtuFor(addresses, mtu);
      for (const family of new Set(addresses.map(({ ip }) => familyOf(ip)))) enableForwarding(family);
      const veth = createVeth(namespaces, { ifname, mtu }, undo);
      connect(namespaces, veth, addresses, ipam);
      if (ipMasq) beginMasquerade(invocation, ipMasqBackend, addresses, undo);
      // Last, as it may take an address from a stale attachment: nothing fails after it.
      namespaces.node.executeAll(routesToContainer(veth.node, addresses));
      waitForCarrier(namespaces.node, veth.node);
      return resultOf(veth, netns, { ...ipam, dns: dnsOf(config, ipam) });
    }),
  );
}

function requireGateway(assignment: Assignment): Connected {
  const { gateway } = assignment;
  if (gateway !== undefined) return { ...assignment, gateway };
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `ptp needs a gateway for ${formatCidr(assignment)}, and the IPAM plugin gave none`,
    "with static IPAM, add a gateway to the address",
  );
}

/** Gives both ends their addresses and the container its routes. */
function connect(namespaces: Namespaces, veth: Veth, addresses: readonly Connected[], { routes }: Result): void {
  const { node, container } = veth;
  const hasIpv6 = addresses.some(({ ip }) => familyOf(ip) === 6);
  // Nobody but these two is on the link, so the link-local addresses are theirs at once, too. Until its own is, the node
  // could not ask for the container's Ethernet address (ndisc_solicit() in net/ipv6/ndisc.c) on behalf of others.
  if (hasIpv6) trySetSysctl(`net/ipv6/conf/${node.name}/accept_dad`, "0");
  namespaces.node.executeAll(gatewayAddresses(node, addresses));
  configureContainer(namespaces, {
    device: container,
    addresses,
    routes,
    parameters: hasIpv6 ? [[`net/ipv6/conf/${container.name}/accept_dad`, "0"]] : [],
    afterwards: containerRoutes(container, addresses),
  });
}

/** Index of the container's end among the interfaces. */
const CONTAINER = 1;

function resultOf({ node, container }: Veth, sandbox: string, ipam: Result): Result {
  return {
    interfaces: [
      { name: node.name, mac: formatMac(node.mac) },
      { name: container.name, mac: formatMac(container.mac), sandbox },
    ],
    ips: ipam.ips.map((ip) => ({ ...ip, interface: CONTAINER })),
    routes: ipam.routes,
    dns: ipam.dns,
  };
}
