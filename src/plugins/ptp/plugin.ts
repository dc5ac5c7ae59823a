// The ptp plugin: a veth pair between the node and the container, without a bridge. The node is the container's gateway
// and routes all that the container sends, also what goes to other containers.

import { CNI_CODE, CniError } from "../../cni/error.ts";
import type { IpConfig } from "../../cni/result.ts";
import { waitForCarrier } from "../../links/carrier.ts";
import type { ContainerSetup } from "../../links/configure.ts";
import { enableForwarding } from "../../links/forwarding.ts";
import type { Namespaces } from "../../links/namespaces.ts";
import { createVeth, type Veth } from "../../links/veth.ts";
import { trySetSysctl } from "../../sys/sysctl.ts";
import { familyOf, formatCidr } from "../../wire/ip.ts";
import { formatMac } from "../../wire/mac.ts";
import { ipMasq } from "../extras.ts";
import { type Attaching, interfacePlugin, type Made } from "../interface.ts";
import { addressKeys, masqueradeOptionKeys } from "../shared-keys.ts";
import { checkRest } from "./check.ts";
import { type PtpConfig, ptpSchema, readPtpConfig } from "./config.ts";
import { type Connected, containerRoutes, gatewayAddresses, routesToContainer } from "./routes.ts";

export const plugin = interfacePlugin({
  name: "ptp",
  keys: [ptpSchema, addressKeys, masqueradeOptionKeys],
  ipam: "required",
  linkKind: "veth",
  read: readPtpConfig,
  make,
  checkRest,
  extras: [ipMasq],
});

function make({ invocation: { ifname }, config: { mtu }, namespaces, undo }: Attaching<PtpConfig>): Made {
  const veth = createVeth(namespaces, { ifname, mtu }, undo);
  const node = { name: veth.node.name, mac: formatMac(veth.node.mac) };
  return {
    device: veth.container,
    mtu,
    setUp: (addresses) => connect(namespaces, veth, addresses.map(requireGateway)),
    // Last, as it may take an address from a stale attachment: nothing fails after it.
    finish: (addresses) => namespaces.node.executeAll(routesToContainer(veth.node, addresses)),
    wait: () => waitForCarrier(namespaces.node, veth.node),
    interfaces: (container) => [node, container],
  };
}

function requireGateway(address: IpConfig): Connected {
  const { gateway } = address;
  if (gateway !== undefined) return { ...address, gateway };
  throw new CniError(
    CNI_CODE.INVALID_CONFIG,
    `ptp needs a gateway for ${formatCidr(address)}, and the IPAM plugin gave none`,
    "with static IPAM, add a gateway to the address",
  );
}

/** Gives the node's end the gateways, and says how the container's end gets its addresses and its routes to them. */
function connect(namespaces: Namespaces, veth: Veth, addresses: readonly Connected[]): Partial<ContainerSetup> {
  const { node, container } = veth;
  const families = new Set(addresses.map(({ ip }) => familyOf(ip)));
  for (const family of families) enableForwarding(family);
  // Nobody but these two is on the link, so the link-local addresses are theirs at once, too. Until its own is, the node
  // could not ask for the container's Ethernet address (ndisc_solicit() in net/ipv6/ndisc.c) on behalf of others.
  if (families.has(6)) trySetSysctl(`net/ipv6/conf/${node.name}/accept_dad`, "0");
  namespaces.node.executeAll(gatewayAddresses(node, addresses));
  return {
    parameters: families.has(6) ? [[`net/ipv6/conf/${container.name}/accept_dad`, "0"]] : [],
    afterwards: containerRoutes(container, addresses),
  };
}
