// What the kernel remembers of flows to published ports. A client of UDP or SCTP that keeps sending goes on to where its first
// packet went, whatever the rules say by now: so such flows end after the rules have changed.

import { type Flow, listFlowsTo } from "../conntrack/flow.ts";
import { haveNoFlowsTo } from "../conntrack/proc.ts";
import { withNode } from "../links/namespaces.ts";
import type { Connection } from "../netlink/connection.ts";
import { deleteOneByOne } from "../owned/connections.ts";
import { getRouteType } from "../rtnetlink/route.ts";
import { RTN } from "../rtnetlink/uapi.ts";
import { hasCode } from "../sys/error.ts";
import { sameBytes } from "../wire/codec.ts";
import { formatIp, type Ip } from "../wire/ip.ts";
import { type Entry, type Part, partsOf } from "./elements.ts";
import { hostAddress, PROTOCOLS, type Protocol, type Publication } from "./mapping.ts";

/** Protocols without a handshake that a new flow must begin with, as far as connection tracking can tell. */
const LASTING: readonly Protocol[] = ["udp", "udplite", "sctp"];

/** Ends the flows to published ports of the node that lead elsewhere: they are older than the rules. Throws NetlinkError. */
export function endFlowsElsewhere(connection: Connection, publication: Publication): void {
  endFlows(connection, publication, (flow, { mapping }, { container }) => {
    const { original, reply } = flow;
    if (original.destination === undefined || (reply.source !== undefined && sameBytes(reply.source, container.ip))) {
      return false;
    }
    const address = hostAddress(mapping);
    return address === undefined ? isLocal(original.destination) : sameBytes(original.destination, address);
  });
}

/** Ends the flows that were led to the container. Throws NetlinkError. */
export function endFlowsToContainer(connection: Connection, publication: Publication): void {
  endFlows(connection, publication, ({ reply }, { mapping }, { container }) => {
    const isAnswer = reply.source !== undefined && sameBytes(reply.source, container.ip);
    return isAnswer && reply.protocol?.sourcePort === mapping.containerPort;
  });
}

type IsOver = (flow: Flow, entry: Entry, part: Part) => boolean;

function endFlows(connection: Connection, publication: Publication, isOver: IsOver): void {
  for (const part of partsOf(publication)) {
    for (const protocol of LASTING) {
      const entries = part.entries.filter(({ mapping }) => mapping.protocol === protocol);
      const ports = new Set(entries.map(({ mapping }) => mapping.hostPort));
      if (ports.size === 0 || haveNoFlowsTo(ports)) continue;
      const flows = listIfAny(connection, part, protocol, ports);
      const over = flows.filter((flow) =>
        entries.some((entry) => {
          return entry.mapping.hostPort === flow.original.protocol?.destinationPort && isOver(flow, entry, part);
        }),
      );
      deleteOneByOne(connection, over);
    }
  }
}

function listIfAny(connection: Connection, { family }: Part, protocol: Protocol, ports: ReadonlySet<number>): Flow[] {
  try {
    return listFlowsTo(connection, { family, protocol: PROTOCOLS[protocol], ports });
  } catch (error) {
    if (hasCode(error, "EINVAL")) return []; // nfnetlink_rcv_msg(): no such subsystem
    throw error;
  }
}

/** Whether the address is one of the node's. */
function isLocal(ip: Ip): boolean {
  try {
    return withNode((node) => getRouteType(node, ip)) === RTN.LOCAL;
  } catch (error) {
    if (hasCode(error, "ENETUNREACH", "EHOSTUNREACH", "EACCES", "EINVAL")) return false;
    throw new Error(`cannot tell whether ${formatIp(ip)} is an address of this node`, { cause: error });
  }
}
