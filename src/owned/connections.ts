// What the kernel remembers of an address's connections: forgotten when the address leaves, so that the address's next
// holder does not inherit them. That comes after the rules are gone, or packets that are under way begin new ones.

import {
  deleteFlow,
  deleteFlows,
  endOf,
  type Flow,
  type FlowFilter,
  hasAddress,
  listFlows,
  listFlowsOf,
} from "../conntrack/flow.ts";
import { mayHaveSource } from "../conntrack/flow-search.ts";
import { haveNoFlows } from "../conntrack/proc.ts";
import type { Connection } from "../netlink/connection.ts";
import { NetlinkError } from "../netlink/error.ts";
import type { Message } from "../netlink/message.ts";
import { errno } from "../sys/errno.ts";
import { hasCode } from "../sys/error.ts";
import { familyOf, type Ip } from "../wire/ip.ts";

/**
 * Where the address of a container stands in a flow: as the source of what it has begun, before any translation, and as
 * the source of its answers to others, behind any. The kernel goes through its whole table for each, so no more are asked.
 */
const PLACES = [
  { direction: "original", end: "source" },
  { direction: "reply", end: "source" },
] as const;

/** With more addresses than this, going through the list of all connections once costs less than to look for each. */
const ADDRESSES_MAX = 32;

/**
 * Deletes all connections of these addresses from the connection tracking table, over a socket of NETLINK_NETFILTER; others
 * stay. Where the kernel does not let itself be asked about connections there is nothing to do. `haveNone` is whether it
 * is certain beforehand that there are none. Throws NetlinkError.
 */
export function deleteConnectionsOf(connection: Connection, addresses: readonly Ip[], haveNone = haveNoFlows): void {
  if (addresses.length === 0 || haveNone(addresses)) return;
  const of = (family: 4 | 6): Ip[] => addresses.filter((ip) => familyOf(ip) === family);
  try {
    deleteIpv4(connection, of(4));
    deleteOneByOne(connection, askForAll(connection, 6, of(6)));
  } catch (error) {
    if (!hasCode(error, "EINVAL")) throw error; // nfnetlink_rcv_msg(): no such subsystem
  }
}

function deleteIpv4(connection: Connection, addresses: readonly Ip[]): void {
  if (addresses.length === 0) return;
  const filters = addresses.flatMap((address) => PLACES.map((place): FlowFilter => ({ ...place, address })));
  const isFew = addresses.length <= ADDRESSES_MAX;
  if (isFew && deleteAtOnce(connection, filters)) return;
  const flows = isFew ? askForEach(connection, filters) : undefined;
  deleteOneByOne(connection, flows ?? askForAll(connection, 4, addresses));
}

/** The kernel looks for them itself. Returns false, with nothing done, where it does not know how: before Linux 6.11. */
function deleteAtOnce(connection: Connection, filters: readonly FlowFilter[]): boolean {
  try {
    connection.executeAll(filters.map(deleteFlows));
    return true;
  } catch (error) {
    if (hasCode(error, "EINVAL")) return false;
    throw error;
  }
}

/** Lets the kernel choose what it lists. Undefined where it passes the filter over and lists all: before Linux 5.8. */
function askForEach(connection: Connection, filters: readonly FlowFilter[]): Flow[] | undefined {
  const found: Flow[] = [];
  for (const filter of filters) {
    let isChosen = true;
    const isWanted = (message: Message): boolean => {
      const matches = hasAddress(message, filter);
      isChosen &&= matches;
      return matches;
    };
    found.push(...listFlowsOf(connection, filter, isWanted));
    if (!isChosen) return undefined;
  }
  return found;
}

/** Goes through the list of all: for IPv6 the only way. docs/adr/0008-connections.md tells what that costs, and why. */
function askForAll(connection: Connection, family: 4 | 6, addresses: readonly Ip[]): Flow[] {
  if (addresses.length === 0) return [];
  const key = (ip: Ip): string => String.fromCharCode(...ip);
  const wanted = new Set(addresses.map(key));
  const isWanted = (message: Message): boolean =>
    PLACES.some(({ direction, end }) => {
      const ip = endOf(message, direction, end);
      return ip !== undefined && wanted.has(key(ip));
    });
  return listFlows(connection, family, {
    isWanted,
    ...(addresses.length <= ADDRESSES_MAX && { isWorthReading: mayHaveSource(addresses) }),
  });
}

/** The acknowledgements of more might not fit into the socket's receive buffer. */
const DELETIONS_MAX = 100;

/** Deletes flows by a request for each. A flow may end in the meantime, or be in the list twice. Throws NetlinkError. */
export function deleteOneByOne(connection: Connection, flows: readonly Flow[]): void {
  for (let at = 0; at < flows.length; at += DELETIONS_MAX) {
    const requests = flows.slice(at, at + DELETIONS_MAX).map(deleteFlow);
    connection.tryAll(requests).forEach((ack, i) => {
      if (ack.errno !== 0 && ack.errno !== errno("ENOENT"))
        throw new NetlinkError(requests[i]?.operation() ?? "conntrack -D", ack);
    });
  }
}
