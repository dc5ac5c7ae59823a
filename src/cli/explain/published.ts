// A packet to a port of the node that a container publishes: which rule leads it where, and with which source it arrives.

import { bridgeNetfilter } from "../../links/bridge-netfilter.ts";
import type { Connection } from "../../netlink/connection.ts";
import { IPS } from "../../netlink/netfilter.ts";
import { listElements } from "../../nftables/element.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { nfproto } from "../../nftables/uapi.ts";
import { readComment } from "../../owned/comment.ts";
import type { AttachmentName } from "../../owned/feature.ts";
import { idText } from "../../owned/id.ts";
import { records } from "../../portmap/records.ts";
import { OWNERS, setIn, TABLE } from "../../portmap/table-names.ts";
import { getRouteType } from "../../rtnetlink/route.ts";
import { RTN } from "../../rtnetlink/uapi.ts";
import { hasCode } from "../../sys/error.ts";
import { sameBytes } from "../../wire/codec.ts";
import { formatIp, type Ip } from "../../wire/ip.ts";
import { effectsOn } from "./effects.ts";
import { hasPorts, type Packet } from "./packet.ts";
import { type Walk, walk } from "./walk.ts";
import { findWay, masqueradeSource, type Way } from "./way.ts";

/** What becomes of a packet that is led to a container. */
export interface PublishedExplanation {
  readonly packet: Packet;
  /** By the rules that choose the container. */
  readonly to: Walk;
  readonly container: Ip;
  readonly port: number;
  /** Whose container that is. */
  readonly owner: AttachmentName | undefined;
  /** The way from the client to the container. */
  readonly way: Way;
  /** By the rules that may translate the source; undefined where no route leads to the container, so that it comes to none. */
  readonly from: Walk | undefined;
  /** What the container sees; undefined where it gets nothing, or nobody can tell. */
  readonly source: Ip | undefined;
  /** What is done to it by other means than rules, as phrases. */
  readonly effects: readonly string[];
}

/** Explains a packet to a published port; undefined where the packet is for none. Throws NetlinkError or SyscallError. */
export function explainPublished(nft: Nftables, routes: Connection, asked: Packet): PublishedExplanation | undefined {
  if (asked.port === undefined || !hasPorts(asked.protocol) || !isLocal(routes, asked.to)) return undefined;
  const base = { family: nfproto(asked.family), table: TABLE };
  const isOwn = isLocal(routes, asked.from);
  const input = isOwn ? undefined : findWay(routes, asked.from, asked.from).input?.name;
  const packet = { ...asked, iifname: input, isForNode: true };
  const to = walk(nft, packet, { ...base, chain: isOwn ? "output" : "prerouting" });
  if (to.ending.kind !== "translated") return undefined;
  const { first: container, ports } = to.ending.translation;
  if (container === undefined || ports === undefined) return undefined;
  const port = ports.first;
  const way = findWay(routes, asked.from, container);
  const led = { ...packet, to: container, port, ctStatus: IPS.DST_NAT, iifname: linkIn(asked, input, way) };
  const from = way.kind === "none" ? undefined : walk(nft, led, { ...base, chain: "postrouting" });
  const owner = ownerOf(nft, asked, container);
  const source = from && sourceOf(from, asked, way, routes, container);
  return {
    packet: asked,
    to,
    container,
    port,
    owner,
    way,
    from,
    source,
    effects: way.kind === "none" ? [] : effectsOn(owner, "ingress", source ?? asked.from),
  };
}

function isLocal(routes: Connection, ip: Ip): boolean {
  try {
    return getRouteType(routes, ip) === RTN.LOCAL;
  } catch (error) {
    if (hasCode(error, "ENETUNREACH", "EHOSTUNREACH", "EACCES", "EINVAL")) return false;
    throw error;
  }
}

/** Behind a bridge whose frames pass the rules of IP the kernel does not tell the link that a frame came by. */
function linkIn({ family }: Packet, input: string | undefined, way: Way): string | undefined {
  const isBridged = input !== undefined && input === way.output?.name && bridgeNetfilter([family]).length > 0;
  return isBridged ? "" : (input ?? "");
}

function ownerOf(nft: Nftables, { family }: Packet, container: Ip): AttachmentName | undefined {
  const owner = listElements(nft.connection, setIn(family, OWNERS)).find(({ data }) => {
    return data instanceof Uint8Array && sameBytes(data, container);
  });
  if (owner === undefined) return undefined;
  const recorded = records.byId(idText(owner.key))?.attachment;
  return recorded === undefined ? readComment(owner.comment, false) : { ...recorded, isCut: false };
}

function sourceOf(from: Walk, packet: Packet, way: Way, routes: Connection, container: Ip): Ip | undefined {
  if (from.ending.kind === "translated") return masqueradeSource(routes, way, container);
  return from.ending.kind === "kept" ? packet.from : undefined;
}

/** `10.22.0.5:80` */
export function targetText({ container, port }: PublishedExplanation): string {
  return container.length === 4 ? `${formatIp(container)}:${port}` : `[${formatIp(container)}]:${port}`;
}
