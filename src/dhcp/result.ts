// A lease as the result of an IPAM plugin.

import type { Result } from "../cni/result.ts";
import { addressOf, dnsOf, gatewayOf, type Lease } from "./lease.ts";
import { routesOf } from "./routes.ts";

/** As upstream has it, and name servers, domain and search list. `priority` is the metric of every route, where it is not 0. */
export function resultOfLease(lease: Pick<Lease, "ip" | "options">, priority: number): Result {
  return {
    interfaces: [],
    ips: [{ ...addressOf(lease), gateway: gatewayOf(lease) }],
    routes: routesOf(lease).map((route) => (priority === 0 ? route : { ...route, priority })),
    dns: dnsOf(lease),
  };
}
