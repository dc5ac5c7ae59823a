// The node's end of a container's veth pair.

import { getLink, type Link } from "../rtnetlink/link.ts";
import { getNetnsId } from "../rtnetlink/netns-id.ts";
import { arePeers } from "./check.ts";
import type { Namespaces } from "./namespaces.ts";

/**
 * The other end of the container's link, where that is a veth and its peer is on the node; otherwise undefined. Indexes alone
 * would not do: in every container the first interface has the same. Throws NetlinkError.
 */
export function peerOnNode({ node, netns }: Namespaces, link: Link): Link | undefined {
  if (link.kind !== "veth" || link.linkIndex === undefined) return undefined;
  const peer = getLink(node, { index: link.linkIndex });
  if (peer?.kind !== "veth" || !arePeers(link, peer) || peer.linkNetnsId === undefined) return undefined;
  return peer.linkNetnsId === getNetnsId(node, netns) ? peer : undefined;
}
