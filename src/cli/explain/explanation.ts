// What there is to say of a packet, before it is put into words.

import { isStrict, ownerByIptables, ownerByNftables, POSTROUTING, TABLE } from "../../masquerade/explain.ts";
import type { Connection } from "../../netlink/connection.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { getTable } from "../../nftables/table.ts";
import { NFT_TABLE_F, nfproto } from "../../nftables/uapi.ts";
import type { AttachmentName } from "../../owned/feature.ts";
import { compareIp, familyOf, formatIp, type Ip } from "../../wire/ip.ts";
import { effectsOn } from "./effects.ts";
import type { Packet } from "./packet.ts";
import { findInterference, type Interference } from "./surroundings.ts";
import { type Ending, type Walk, walk } from "./walk.ts";
import { findWay, masqueradeSource, type Way } from "./way.ts";

/** Nothing of ours knows the packet's source. */
export class UnknownSourceError extends Error {
  override readonly name: string = "UnknownSourceError";
}

/** Source addresses that a packet may leave with: one, or from the first to the last. */
export interface Sources {
  readonly first: Ip;
  readonly last: Ip;
}

export interface Explanation {
  readonly packet: Packet;
  readonly owner: AttachmentName;
  readonly way: Way;
  /** Undefined where the packet does not come to postrouting. */
  readonly walk: Walk | undefined;
  /** The policy's chain; undefined where the packet came to none. */
  readonly policy: string | undefined;
  /** What it leaves with; undefined where it does not leave, or nobody can tell. */
  readonly sources: Sources | undefined;
  /** Whether its address is one whose invalid packets are dropped ("dropInvalid"). */
  readonly isStrict: boolean;
  /** What is done to it by other means than rules, as phrases. */
  readonly effects: readonly string[];
  readonly interference: readonly Interference[];
}

/**
 * Explains a packet from what the kernel has now: rules, sets, routes, addresses. Throws UnknownSourceError for an
 * address that is no attachment's, NetlinkError or SyscallError.
 */
export function explainPacket(nft: Nftables, routes: Connection, asked: Omit<Packet, "oifname">): Explanation {
  const where = { family: nfproto(asked.family), table: TABLE };
  const owner = ownerOf(nft, asked.from);
  const way = findWay(routes, asked.from, asked.to);
  const packet: Packet = { ...asked, oifname: way.output?.name };
  const isDormant =
    ((getTable(nft.connection, { family: where.family, name: TABLE })?.flags ?? 0) & NFT_TABLE_F.DORMANT) !== 0;
  const isWalked = way.kind === "forward" && !isDormant;
  const walked = isWalked ? walk(nft, packet, { ...where, chain: POSTROUTING }) : undefined;
  const policy = walked?.steps.map(({ rule }) => rule.chain).find((chain) => chain !== POSTROUTING);
  return {
    packet,
    owner,
    way,
    walk: walked,
    policy,
    sources: walked === undefined ? undefined : sourcesOf(walked.ending, packet, way, routes),
    isStrict: isStrict(nft, packet.from),
    effects: effectsOn(owner, "egress", packet.to),
    interference: findInterference(nft, packet, way, TABLE),
  };
}

function ownerOf(nft: Nftables, from: Ip): AttachmentName {
  const owner = ownerByNftables(nft, from);
  if (owner === undefined) throw new UnknownSourceError(`${formatIp(from)} is ${notOurs(from)}`);
  return owner;
}

/** What can be said of an address that is in none of our maps. */
function notOurs(from: Ip): string {
  const owner = ownerByIptables(from);
  if (owner === undefined) {
    return "no attachment's: nothing of bauta's translates what it sends. bauta list shows the addresses under masquerade";
  }
  const { containerId, ifname, network } = owner.attachment;
  const program = familyOf(from) === 4 ? "iptables" : "ip6tables";
  return `${ifname} of container ${containerId} on network ${network}, under ipMasqBackend "iptables", whose rules explain does not follow: \`${program} -t nat -vnL ${owner.chain}\` shows them`;
}

function sourcesOf(ending: Ending, packet: Packet, way: Way, routes: Connection): Sources | undefined {
  if (ending.kind === "kept") return { first: packet.from, last: packet.from };
  if (ending.kind !== "translated") return undefined;
  const { first, last, kind } = ending.translation;
  if (first !== undefined && last !== undefined) return { first, last };
  const own = kind === "masquerade" ? masqueradeSource(routes, way, packet.to) : undefined;
  return own === undefined ? undefined : { first: own, last: own };
}

/** `192.0.2.1`, or `192.0.2.1-192.0.2.9` */
export function sourcesText({ first, last }: Sources): string {
  return compareIp(first, last) === 0 ? formatIp(first) : `${formatIp(first)}-${formatIp(last)}`;
}
