// The elements of one attachment: the segment that it is on, and the addresses that it has.

import type { Attachment } from "../cni/attachment.ts";
import type { Connection } from "../netlink/connection.ts";
import {
  createElements,
  deleteElements,
  destroyElements,
  type Element,
  type ElementSet,
  getElement,
  listElements,
} from "../nftables/element.ts";
import type { Command } from "../nftables/message.ts";
import { NFT_VERDICT } from "../nftables/uapi.ts";
import { writeComment } from "../owned/comment.ts";
import { attachmentId } from "../owned/id.ts";
import { hasCode } from "../sys/error.ts";
import { sameBytes } from "../wire/codec.ts";
import { byFamily, familyOf, formatIp, type Ip } from "../wire/ip.ts";
import { segmentChain, segmentOfChain } from "./segment.ts";
import { ATTACHMENTS, OWNERS } from "./table.ts";

/** An attachment, and what the tables say of it. */
export interface Holding {
  readonly attachment: Attachment;
  /** The id of its segment. */
  readonly segment: Uint8Array;
  readonly addresses: readonly Ip[];
}

/** Adds the elements of attachments; EEXIST where one is there. */
export function createHoldings(all: readonly Holding[]): Command[] {
  const attachments = all.map(({ attachment, segment }) => ({
    key: attachmentId(attachment),
    data: { code: NFT_VERDICT.GOTO, chain: segmentChain(segment) },
    comment: writeComment(attachment),
  }));
  return [...createElements({ ...ATTACHMENTS, elements: attachments }), ...createOwners(all)];
}

/** Makes attachments the owners of their addresses; EEXIST where an address has an owner. */
export function createOwners(all: readonly Pick<Holding, "attachment" | "addresses">[]): Command[] {
  const owned = all.flatMap(({ attachment, addresses }) => {
    const data = attachmentId(attachment);
    return addresses.map((ip) => ({ ip, data, comment: writeComment(attachment, formatIp(ip)) }));
  });
  return byFamily(owned).flatMap(([family, own]) =>
    createElements({ ...OWNERS[family], elements: own.map(({ ip, ...rest }) => ({ key: ip, ...rest })) }),
  );
}

/** Deletes the attachment's element; ENOENT where it has none. */
export function deleteAttachment(id: Uint8Array): Command[] {
  return deleteElements({ ...ATTACHMENTS, elements: [{ key: id }] });
}

/** Sees to it that the attachment does not own the addresses; EEXIST, and nothing is done, where another does. */
export function disown(id: Uint8Array, addresses: readonly Ip[]): Command[] {
  return byFamily(addresses.map((ip) => ({ ip }))).flatMap(([family, own]) =>
    destroyElements({ ...OWNERS[family], elements: own.map(({ ip }) => ({ key: ip, data: id })) }),
  );
}

/** Deletes the owner of an address, whichever attachment that is; ENOENT where the address has none. */
export function deleteOwner(ip: Ip): Command[] {
  return deleteElements({ ...OWNERS[familyOf(ip)], elements: [{ key: ip }] });
}

/** The id of the segment that an attachment is on; undefined where there is no such attachment. Throws NetlinkError. */
export function segmentHolding(connection: Connection, id: Uint8Array): Uint8Array | "unknown" | undefined {
  const found = getElement(connection, ATTACHMENTS, id);
  if (found === undefined) return undefined;
  const { data } = found;
  const chain = data === undefined || data instanceof Uint8Array ? undefined : data.chain;
  return segmentOfChain(chain) ?? "unknown";
}

/** The id of the attachment that owns the address, or undefined. Throws NetlinkError. */
export function ownerOf(connection: Connection, ip: Ip): Uint8Array | undefined {
  const data = getElement(connection, OWNERS[familyOf(ip)], ip)?.data;
  return data instanceof Uint8Array ? data : undefined;
}

/** Of these addresses, those that the attachment owns. Throws NetlinkError. */
export function ownedBy(connection: Connection, id: Uint8Array, addresses: readonly Ip[]): Ip[] {
  return addresses.filter((ip) => {
    const owner = ownerOf(connection, ip);
    return owner !== undefined && sameBytes(owner, id);
  });
}

/** All elements of one of our maps; none where it is not there. A listing: not for the common case. Throws NetlinkError. */
export function listFrom(connection: Connection, set: ElementSet): Element[] {
  try {
    return listElements(connection, set);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
