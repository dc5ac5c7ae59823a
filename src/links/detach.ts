// What DEL takes away of an attachment: its interface, found by the names and addresses that the result of ADD has.

import type { Invocation } from "../cni/plugin.ts";
import type { Interface, IpConfig, Result } from "../cni/result.ts";
import type { Connection } from "../netlink/connection.ts";
import { listAddresses } from "../rtnetlink/address.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import { listLinks } from "../rtnetlink/link.ts";
import { compareIp } from "../wire/ip.ts";
import { formatMac } from "../wire/mac.ts";
import { type Namespaces, withNamespacesIfAny, withNode } from "./namespaces.ts";
import { deleteLinkIfAny, isNodeEnd } from "./veth.ts";

/** What an attachment's interface is. */
export interface InterfaceKind {
  /** As `ip link show type` has it. */
  readonly kind: string;
  /** Whether it has the MAC address of the link that it hangs on, as others of that link have. */
  readonly sharesMac?: boolean | undefined;
}

/**
 * Deletes the attachment's interface, a link of this kind, like `ip link delete`. That nothing is left to delete is no error.
 * Throws NetlinkError or SyscallError.
 *
 * A veth pair is looked for by its end on the node first: that end is the same whatever name the container's end has by now,
 * and whichever container's namespace CNI_NETNS is by now. Otherwise the interface is looked for in the namespace. There the
 * name alone does not decide: the container may have renamed its interfaces, and the namespace may have become another
 * container's. Only where there is no result of ADD the name has to do, as it does for upstream's plugins.
 */
export function detachLink({ netns, ifname, prevResult }: Invocation, what: InterfaceKind): void {
  const known = identityOf(ifname, what, prevResult);
  if (what.kind === "veth" && withNode((node) => deleteNodeEnd(node, known))) return;
  withNamespacesIfAny(netns, (namespaces) => {
    const link = findInContainer(namespaces, ifname, known);
    if (link !== undefined) deleteLinkIfAny(namespaces.container, link);
  });
}

/** What the result of ADD tells of an attachment's interface. */
interface Identity extends InterfaceKind {
  /** The end on the node, of a veth pair; undefined also where there are several. */
  readonly node: Interface | undefined;
  readonly container: Interface | undefined;
  readonly ips: readonly IpConfig[];
}

function identityOf(ifname: string, what: InterfaceKind, prevResult: Result | undefined): Identity {
  const interfaces = prevResult?.interfaces ?? [];
  const ends = what.kind === "veth" ? interfaces.filter(isNodeEnd) : [];
  return {
    ...what,
    node: ends.length === 1 ? ends[0] : undefined,
    container: interfaces.find(({ name, sandbox }) => name === ifname && Boolean(sandbox)),
    ips: prevResult?.ips ?? [],
  };
}

/** Returns whether there was a veth with the name and the address of the node's end. */
function deleteNodeEnd(connection: Connection, { node }: Identity): boolean {
  if (!node?.mac) return false;
  const link = getBriefLink(connection, node.name);
  return link?.kind === "veth" && hasMac(link, node.mac) && deleteLinkIfAny(connection, link);
}

function findInContainer(namespaces: Namespaces, ifname: string, known: Identity): BriefLink | undefined {
  const { kind } = known;
  const named = getBriefLink(namespaces.container, ifname);
  // An interface of another kind is not ours: an ADD that found the name taken is followed by a DEL, too.
  if (named?.kind === kind && isOurs(namespaces, named, known) !== false) return named;
  if (known.node === undefined && known.container === undefined) return undefined;
  const renamed = listLinks(namespaces.container, { kind });
  const ours = renamed.filter((link) => isOurs(namespaces, link, known) === true);
  return ours.length === 1 ? ours[0] : undefined; // of several with one address, nobody can tell which is ours
}

/**
 * Whether a link in the container's namespace is the attachment's; undefined where the result does not tell. Of a veth the peer
 * on the node decides, because several containers may have been given the same MAC address. Where there is no peer, or it is
 * not known, the MAC address decides, and where that does not, the addresses of IPAM.
 */
function isOurs({ node, container }: Namespaces, link: BriefLink, known: Identity): boolean | undefined {
  const peer = known.node === undefined ? undefined : peerOf(node, link);
  if (known.node !== undefined && peer !== undefined) {
    return peer.name === known.node.name || (Boolean(known.node.mac) && hasMac(peer, known.node.mac ?? ""));
  }
  const isSameMac = known.container?.mac ? hasMac(link, known.container.mac) : undefined;
  if (known.kind === "veth" || (isSameMac && !known.sharesMac)) return isSameMac;
  if (known.ips.length > 0) {
    const there = listAddresses(container, { device: link });
    return known.ips.some((one) => there.some(({ ip }) => compareIp(ip, one.ip) === 0));
  }
  return known.sharesMac ? undefined : isSameMac;
}

function peerOf(connection: Connection, { index, linkIndex }: BriefLink): BriefLink | undefined {
  const peer = linkIndex === undefined ? undefined : getBriefLink(connection, { index: linkIndex });
  return peer?.kind === "veth" && peer.linkIndex === index ? peer : undefined;
}

function hasMac({ mac }: BriefLink, expected: string): boolean {
  return expected.toLowerCase() === formatMac(mac);
}
