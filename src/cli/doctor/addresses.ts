// What host-local has given out, by the names of its files.

import { addressOf } from "../../ipam/reservation.ts";
import { readDirectoryIfAny } from "../../sys/file.ts";
import { type Family, familyOf, type Ip } from "../../wire/ip.ts";
import type { Network } from "./network.ts";
import type { Node } from "./node.ts";

/** The addresses of a network that are taken; none where it has no store. Throws SyscallError. */
export function takenAddresses({ store }: Pick<Network, "store">): Ip[] {
  if (store === undefined) return [];
  return readDirectoryIfAny(store).flatMap((name) => addressOf(name) ?? []);
}

/** Whether containers of the network have addresses of the family. */
export function hasAddresses(node: Node, network: Network, family: Family): boolean {
  return node.taken(network).some((ip) => familyOf(ip) === family);
}
