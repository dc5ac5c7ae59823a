// What ADD and CHECK of source based routing are told, and the picture of it:
//
//   rule   from 10.7.0.2 lookup 100        one for each address, in front of the main table's
//   100    default via 10.7.0.1 dev net1   what main had of the interface's routes, and a default route
//          10.7.0.0/24 dev net1
//
// so that packets from an address leave by the interface that has the address, whatever other interfaces there are.

import type { IpConfig } from "../cni/result.ts";
import { familyOf, type Ip } from "../wire/ip.ts";

export interface Wanted {
  /** The path of the container's network namespace. */
  readonly netns: string;
  /** Those of the interface. */
  readonly addresses: readonly IpConfig[];
  /** The table that all rules lead to, and whose routes others see to; undefined: a free one for each address. */
  readonly table: number | undefined;
  /** One of a family, which comes before the gateways of the addresses. */
  readonly gateways: readonly Ip[];
  /** Whether the main table keeps the routes to the subnets, with the address as their source. */
  readonly addSourceHints: boolean;
  /** Of the rules; undefined: the kernel's choice. */
  readonly priority: number | undefined;
}

/** The gateway that packets from the address go by; undefined where there is none. */
export function gatewayOf({ ip, gateway }: IpConfig, gateways: readonly Ip[]): Ip | undefined {
  return gateways.find((one) => familyOf(one) === familyOf(ip)) ?? gateway;
}
