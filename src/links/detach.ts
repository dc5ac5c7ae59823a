// What DEL takes away of an attachment: its interface, found by the names and addresses that the result of ADD has.

import type { Invocation } from "../cni/plugin.ts";
import type { Interface, Result } from "../cni/result.ts";
import type { Connection } from "../netlink/connection.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import { listLinks } from "../rtnetlink/link.ts";
import { formatMac } from "../wire/mac.ts";
import { type Namespaces, withNamespacesIfAny, withNode } from "./namespaces.ts";
import { deleteLinkIfAny, isNodeEnd } from "./veth.ts";

/**
 * Deletes the attachment's interface, a link of this kind (`veth`), like `ip link delete`. That nothing is left to delete is
 * no error. Throws NetlinkError or SyscallError.
 *
 * A veth pair is looked for by its end on the node first: that end is the same whatever name the container's end has by now,
 * and whichever container's namespace CNI_NETNS is by now. Otherwise the interface is looked for in the namespace. There the
 * name alone does not decide: the container may have renamed its interfaces, and the namespace may have become another
 * container's. Only where there is no result of ADD the name has to do, as it does for upstream's plugins.
 */
export function detachLink({ netns, ifname, prevResult }: Invocation, kind: string): void {
  const known = identityOf(ifname, kind, prevResult);
  if (withNode((node) => deleteNodeEnd(node, known))) return;
  withNamespacesIfAny(netns, (namespaces) => {
    const link = findInContainer(namespaces, ifname, kind, known);
    if (link !== undefined) deleteLinkIfAny(namespaces.container, link);
  });
}

/** What the result of ADD tells of an attachment's interface. */
interface Identity {
  /** The end on the node, of a veth pair; undefined also where there are several. */
  readonly node: Interface | undefined;
  readonly container: Interface | undefined;
}

function identityOf(ifname: string, kind: string, prevResult: Result | undefined): Identity {
  const interfaces = prevResult?.interfaces ?? [];
  const ends = kind === "veth" ? interfaces.filter(isNodeEnd) : [];
  return {
    node: ends.length === 1 ? ends[0] : undefined,
    container: interfaces.find(({ name, sandbox }) => name === ifname && Boolean(sandbox)),
  };
}

/** Returns whether there was a veth with the name and the address of the node's end. */
function deleteNodeEnd(connection: Connection, { node }: Identity): boolean {
  if (!node?.mac) return false;
  const link = getBriefLink(connection, node.name);
  return link?.kind === "veth" && hasMac(link, node.mac) && deleteLinkIfAny(connection, link);
}

function findInContainer(namespaces: Namespaces, ifname: string, kind: string, known: Identity): BriefLink | undefined {
  const named = getBriefLink(namespaces.container, ifname);
  // An interface of another kind is not ours: an ADD that found the name taken is followed by a DEL, too.
  if (named?.kind === kind && isOurs(namespaces.node, named, known) !== false) return named;
  if (known.node === undefined && known.container === undefined) return undefined;
  const renamed = listLinks(namespaces.container, { kind });
  const ours = renamed.filter((link) => isOurs(namespaces.node, link, known) === true);
  return ours.length === 1 ? ours[0] : undefined; // of several with one address, nobody can tell which is ours
}

/**
 * Whether a link in the container's namespace is the attachment's; undefined where the result does not tell. The peer on the
 * node decides, because several containers may have been given the same MAC address. Where the peer is not known, or is not on
 * the node, the MAC address decides.
 */
function isOurs(connection: Connection, link: BriefLink, { node, container }: Identity): boolean | undefined {
  const peer = node === undefined ? undefined : peerOf(connection, link);
  if (node !== undefined && peer !== undefined) {
    return peer.name === node.name || (Boolean(node.mac) && hasMac(peer, node.mac ?? ""));
  }
  return container?.mac ? hasMac(link, container.mac) : undefined;
}

function peerOf(connection: Connection, { index, linkIndex }: BriefLink): BriefLink | undefined {
  const peer = linkIndex === undefined ? undefined : getBriefLink(connection, { index: linkIndex });
  return peer?.kind === "veth" && peer.linkIndex === index ? peer : undefined;
}

function hasMac({ mac }: BriefLink, expected: string): boolean {
  return expected.toLowerCase() === formatMac(mac);
}
