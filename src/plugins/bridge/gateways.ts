// What the configuration makes of the addresses that IPAM gave: which gateways the bridge carries for them, and which
// default routes they get.

import { CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import type { IpConfig, Result, Route } from "../../cni/result.ts";
import { servedName } from "../../cni/served-name.ts";
import { readHostLocalConfig } from "../../ipam/host-local-config.ts";
import { type Cidr, type Ip, networkOf, offsetIp, sameCidr } from "../../wire/ip.ts";

const RT_TABLE_MAIN = 254; // include/uapi/linux/rtnetlink.h

/**
 * Completes what IPAM gave, as upstream does: `isGateway` makes the first address of a subnet its gateway where there is none,
 * and `isDefaultGateway` adds default routes where there are none.
 */
export function completeGateways(
  ipam: Result,
  { isGateway, isDefaultGateway }: { readonly isGateway: boolean; readonly isDefaultGateway: boolean },
): { readonly ips: readonly IpConfig[]; readonly routes: readonly Route[] } {
  const routes = [...ipam.routes];
  const ips = ipam.ips.map(({ ip, prefixLength, gateway: given }) => {
    const gateway = given ?? (isGateway ? firstAddress({ ip, prefixLength }) : undefined);
    const everywhere = { ip: new Uint8Array(ip.length), prefixLength: 0 };
    if (isDefaultGateway && !routes.some(isDefault(everywhere))) routes.push({ dst: everywhere, gw: gateway });
    return { ip, prefixLength, gateway };
  });
  return { ips, routes };
}

/** The addresses that a bridge carries as the gateway of these: the gateway of each, with its prefix length. */
export function gatewaysOf(addresses: readonly IpConfig[]): Cidr[] {
  const gateways: Cidr[] = [];
  for (const { gateway, prefixLength } of addresses) {
    if (gateway === undefined) continue;
    const one = { ip: gateway, prefixLength };
    if (!gateways.some((other) => sameCidr(other, one))) gateways.push(one);
  }
  return gateways;
}

/**
 * A test for addresses that a bridge has for another subnet of the same network: where a range set has several subnets, an
 * attachment gets an address of one of them, and the bridge is the gateway of them all.
 */
export function gatewayOfNetwork(invocation: Invocation): (address: Cidr) => boolean {
  let own: readonly Cidr[] | undefined;
  return (address) => {
    own ??= rangeGateways(invocation);
    return own.some((gateway) => sameCidr(gateway, address));
  };
}

function rangeGateways(invocation: Invocation): Cidr[] {
  if (servedName(invocation.config.ipamType, (name) => name === "host-local") === undefined) return [];
  try {
    const { sets } = readHostLocalConfig(invocation);
    return sets.flat().map(({ gateway, subnet }) => ({ ip: gateway, prefixLength: subnet.prefixLength }));
  } catch (error) {
    // The one that is executed may understand what ours doesn't.
    if (error instanceof CniError) return [];
    throw error;
  }
}

/** Whether a route is one to `everywhere`, 0.0.0.0/0 or ::/0, that leaves no room for another: upstream overlooks those without a next hop. */
function isDefault(everywhere: Cidr): (route: Route) => boolean {
  return (route) => {
    if (!sameCidr(route.dst, everywhere)) return false;
    const isInMainTable = (route.table ?? RT_TABLE_MAIN) === RT_TABLE_MAIN;
    return route.gw !== undefined || (isInMainTable && !route.priority);
  };
}

function firstAddress(address: Cidr): Ip | undefined {
  return offsetIp(networkOf(address).ip, 1);
}
