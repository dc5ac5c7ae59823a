// The link of a container as if it were point to point: a veth is an Ethernet, and the gateway must answer for everybody
// else in the subnet. So the container reaches the gateway directly and all others by way of it.

import type { Request } from "../../netlink/message.ts";
import { addAddress } from "../../rtnetlink/address.ts";
import type { Device } from "../../rtnetlink/device.ts";
import { addRoute, deleteRoute, type NewRoute, prependRoute, replaceRoute } from "../../rtnetlink/route.ts";
import { IFA_F, RT_SCOPE } from "../../rtnetlink/uapi.ts";
import { type Cidr, familyOf, formatCidr, hostPrefix, type Ip, networkOf } from "../../wire/ip.ts";

/** An address of the container and the gateway that the node is for it. */
export interface Connected extends Cidr {
  readonly gateway: Ip;
}

/**
 * In the container, in place of the subnets' own routes: one to each gateway, and the subnet by way of it. Addresses that
 * share a gateway or a subnet share the route, whose source is the first of them.
 */
export function containerRoutes(device: Device, addresses: readonly Connected[]): Request[] {
  // The kernel makes no route to the "subnet" of a single IPv4 address, and needs none.
  const subnets = distinct(addresses, networkOf).filter(
    ({ ip, prefixLength }) => ip.length === 16 || prefixLength < 32,
  );
  const gateways = distinct(addresses, ({ gateway }) => hostPrefix(gateway));
  return [
    ...subnets.map((address) => deleteRoute({ dst: networkOf(address), device })),
    ...gateways.map(({ ip, gateway }) =>
      addRoute({ dst: hostPrefix(gateway), device, source: ip, scope: RT_SCOPE.LINK }),
    ),
    ...subnets.map((address) => {
      const { ip, gateway } = address;
      return addRoute({ dst: networkOf(address), gateway, device, source: ip, scope: RT_SCOPE.UNIVERSE });
    }),
  ];
}

/** On the node's end: the gateway addresses. */
export function gatewayAddresses(device: Device, addresses: readonly Connected[]): Request[] {
  const gateways = addresses.map(({ gateway }) => hostPrefix(gateway));
  return distinct(gateways, (one) => one).map((gateway) =>
    // Nobody else is on this link who could have the address: the container's are known.
    addAddress(device, { ...gateway, flags: familyOf(gateway.ip) === 6 ? IFA_F.NODAD : 0 }),
  );
}

/**
 * On the node, the way to the container's addresses. An address that is routed to another link already (a stale
 * attachment, or networks that overlap) is this container's from now on. With IPv4 it is the other's again once this
 * link has gone; IPv6 keeps one route only, as a second one of the same metric would not be looked at.
 */
export function routesToContainer(device: Device, addresses: readonly Cidr[]): Request[] {
  return addresses.map(({ ip }) => {
    const route: NewRoute = { dst: hostPrefix(ip), device, scope: RT_SCOPE.HOST };
    return familyOf(ip) === 4 ? prependRoute(route) : replaceRoute(route);
  });
}

/** The elements whose prefixes have not been among those of earlier ones. */
function distinct<T>(elements: readonly T[], prefixOf: (element: T) => Cidr): T[] {
  const seen = new Map<string, T>();
  for (const element of elements) {
    const prefix = formatCidr(prefixOf(element));
    if (!seen.has(prefix)) seen.set(prefix, element);
  }
  return [...seen.values()];
}
