// What host-local has given out, by the names of its files.

import { addressOf } from "../../ipam/reservation.ts";
import { hasCode } from "../../sys/error.ts";
import { readDirectory } from "../../sys/file.ts";
import { type Family, familyOf, type Ip } from "../../wire/ip.ts";
import type { Network } from "./network.ts";
import type { Node } from "./node.ts";

/** The addresses of a network that are taken; none where it has no store. Throws SyscallError. */
export function takenAddresses({ store }: Pick<Network, "store">): Ip[] {
  if (store === undefined) return [];
  try {
    return readDirectory(store).flatMap((name) => addressOf(name) ?? []);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}

/** Whether containers of the network have addresses of the family. */
export function hasAddresses(node: Node, network: Network, family: Family): boolean {
  return node.taken(network).some((ip) => familyOf(ip) === family);
}
