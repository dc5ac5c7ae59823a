// The link that carries an attachment's limits: the node's end of the container's veth pair, which the container cannot
// reach. Where there is no such end (macvlan, ipvlan, a device of the node) it is the container's own link.

import { requireContainerLink } from "../links/container-link.ts";
import { type Namespaces, withNode, withRecordedNetns } from "../links/namespaces.ts";
import { peerOnNode } from "../links/peer.ts";
import type { Connection } from "../netlink/connection.ts";
import { getBriefLink } from "../rtnetlink/brief-link.ts";
import { getLink } from "../rtnetlink/link.ts";
import type { Side } from "./plan.ts";
import type { LimitRecord } from "./records.ts";
import type { LimitedLink } from "./shape.ts";

export interface Target {
  readonly side: Side;
  /** rtnetlink where the link is. */
  readonly connection: Connection;
  readonly link: LimitedLink;
}

/** Where the limits of a container's interface are to be. Throws CniError 7 where the container has no such interface. */
export function targetOf(namespaces: Namespaces, ifname: string): Target {
  const { node, container } = namespaces;
  const link = requireContainerLink(getLink(container, ifname), ifname);
  const peer = peerOnNode(namespaces, link);
  return peer === undefined
    ? { side: "container", connection: container, link }
    : { side: "node", connection: node, link: peer };
}

/** Calls `use` with the link that a record tells of; returns undefined, without a call, where it is gone. */
export function withRecorded<T>(record: LimitRecord, use: (target: Target) => T): T | undefined {
  const { side, link } = record;
  const find = (connection: Connection): T | undefined => {
    const found = getBriefLink(connection, { index: link.index });
    return found === undefined ? undefined : use({ side, connection, link: found });
  };
  if (side === "node") return withNode(find);
  return withRecordedNetns(record, find);
}
