// The guard of one attachment: an element in each of the table's sets.

import type { Attachment } from "../cni/attachment.ts";
import type { Connection } from "../netlink/connection.ts";
import { concatKey } from "../nftables/datatype.ts";
import { createElements, deleteElements, type Element, getElement, listElements } from "../nftables/element.ts";
import { ifnameKey } from "../nftables/match.ts";
import type { Command } from "../nftables/message.ts";
import { NFT_VERDICT } from "../nftables/uapi.ts";
import { writeComment } from "../owned/comment.ts";
import { attachmentId } from "../owned/id.ts";
import { hasCode } from "../sys/error.ts";
import { sameBytes } from "../wire/codec.ts";
import type { Mac } from "../wire/mac.ts";
import { ALLOWED, ATTACHMENTS, GUARDED, PORT_LENGTH, PORTS } from "./table.ts";

/** What CHECK and ADD are told of a guard. */
export interface GuardedPort {
  /** The name of the node's end of the container's veth pair. */
  readonly port: string;
  /** The address that the container may send under. */
  readonly mac: Mac;
}

/** What an attachment may send: frames from this port under this MAC. */
export interface Guard {
  /** The attachment's id. */
  readonly id: Uint8Array;
  /** The port's name as a key: 16 bytes. */
  readonly port: Uint8Array;
  /** Port and MAC as a key. */
  readonly allowed: Uint8Array;
}

export function guardOf(attachment: Attachment, { port, mac }: GuardedPort): Guard {
  const key = ifnameKey(port);
  return { id: attachmentId(attachment), port: key, allowed: concatKey(key, mac) };
}

/** A guard, and whose it is. */
export interface OwnedGuard {
  readonly attachment: Attachment;
  readonly guard: Guard;
}

/** Sets the guards up; EEXIST where an attachment has one, or a port another's. */
export function createGuards(all: readonly OwnedGuard[]): Command[] {
  const goto = { code: NFT_VERDICT.GOTO, chain: GUARDED };
  const owners = all.map(({ attachment, guard: { id, allowed } }) => {
    return { key: id, data: allowed, comment: writeComment(attachment) };
  });
  return [
    ...createElements({ ...ATTACHMENTS, elements: owners }),
    ...createElements({ ...PORTS, elements: all.map(({ guard }) => ({ key: guard.port, data: goto })) }),
    ...createElements({ ...ALLOWED, elements: all.map(({ guard }) => ({ key: guard.allowed })) }),
  ];
}

/** Takes the guard away; ENOENT, and nothing is done, where any part of it has gone: it is then another's or altered. */
export function deleteGuard({ id, port, allowed }: Guard): Command[] {
  return [
    ...deleteElements({ ...ATTACHMENTS, elements: [{ key: id }] }),
    ...deleteElements({ ...PORTS, elements: [{ key: port }] }),
    ...deleteElements({ ...ALLOWED, elements: [{ key: allowed }] }),
  ];
}

/** The guard of an attachment, or undefined. Throws NetlinkError. */
export function readGuard(connection: Connection, id: Uint8Array): Guard | undefined {
  const found = getElement(connection, ATTACHMENTS, id);
  return found === undefined ? undefined : fromElement(found);
}

/** All guards. A listing: not for the common case. */
export function listGuards(connection: Connection): ListedGuard[] {
  return listIfAny(connection, ATTACHMENTS).flatMap((element) => {
    const guard = fromElement(element);
    return guard === undefined ? [] : [{ ...guard, comment: element.comment }];
  });
}

/** A guard, and the comment of its element. */
export interface ListedGuard extends Guard {
  readonly comment: string | undefined;
}

/** The ports that go to the chain that looks, and what may pass there, both as keys. Throws NetlinkError. */
export function listWays(connection: Connection): { readonly ports: Uint8Array[]; readonly allowed: Uint8Array[] } {
  const isLookedAt = ({ data }: Element): boolean =>
    data !== undefined && !(data instanceof Uint8Array) && data.chain === GUARDED;
  return {
    ports: listIfAny(connection, PORTS)
      .filter(isLookedAt)
      .map(({ key }) => key),
    allowed: listIfAny(connection, ALLOWED).map(({ key }) => key),
  };
}

function fromElement({ key, data }: Element): Guard | undefined {
  if (!(data instanceof Uint8Array)) return undefined;
  return { id: key, port: data.subarray(0, PORT_LENGTH), allowed: data };
}

/**
 * Deletes whatever there is of these guards, and whatever else guards their ports. To be committed for the generation
 * that it has read.
 */
export function deleteRemains(connection: Connection, guards: readonly Guard[]): Command[] {
  const has = (keys: readonly Uint8Array[], key: Uint8Array): boolean => keys.some((one) => sameBytes(one, key));
  const ids = guards.map(({ id }) => id);
  const ports = guards.map(({ port }) => port);
  const claims = listGuards(connection).filter(({ id, port }) => has(ids, id) || has(ports, port));
  const all = [...ports, ...claims.map(({ port }) => port)];
  const pick = (set: typeof PORTS | typeof ALLOWED): Element[] =>
    listIfAny(connection, set).filter(({ key }) => has(all, key.subarray(0, PORT_LENGTH)));
  return [
    ...deleteElements({ ...ATTACHMENTS, elements: claims.map(({ id }) => ({ key: id })) }),
    ...deleteElements({ ...PORTS, elements: pick(PORTS).map(({ key }) => ({ key })) }),
    ...deleteElements({ ...ALLOWED, elements: pick(ALLOWED).map(({ key }) => ({ key })) }),
  ];
}

function listIfAny(connection: Connection, set: typeof ATTACHMENTS | typeof PORTS | typeof ALLOWED): Element[] {
  try {
    return listElements(connection, set);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** What of the guard is missing, each as a phrase; empty when all is well. */
export function guardFaults(connection: Connection, guard: Guard): string[] {
  const found = readGuard(connection, guard.id);
  if (found === undefined) return [`the element of map ${ATTACHMENTS.set} is missing`];
  if (!sameBytes(found.allowed, guard.allowed))
    return [`the element of map ${ATTACHMENTS.set} has another port or address`];
  const faults: string[] = [];
  const port = getElement(connection, PORTS, guard.port)?.data;
  if (port === undefined) faults.push(`the port's element of map ${PORTS.set} is missing`);
  else if (port instanceof Uint8Array || port.chain !== GUARDED)
    faults.push(`the port does not go to chain ${GUARDED}`);
  if (getElement(connection, ALLOWED, guard.allowed) === undefined) {
    faults.push(`the port's element of set ${ALLOWED.set} is missing`);
  }
  return faults;
}
