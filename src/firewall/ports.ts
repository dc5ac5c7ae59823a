// The ports of bridges that may not reach each other: those of the attachments on isolated segments.

import type { Attachment } from "../cni/attachment.ts";
import type { Connection } from "../netlink/connection.ts";
import { addElements, createElements, deleteElements, destroyElements, getElement } from "../nftables/element.ts";
import { ifnameKey } from "../nftables/match.ts";
import type { Command } from "../nftables/message.ts";
import { writeComment } from "../owned/comment.ts";
import { attachmentId } from "../owned/id.ts";
import { repairsOf } from "../owned/table.ts";
import { cstring, sameBytes } from "../wire/codec.ts";
import { listFrom } from "./holding.ts";
import { bridgeTable, ISOLATED_PORTS, PORTS } from "./table.ts";

/** The node's end of a container's veth pair, where that is a port of a bridge. */
export interface Port {
  readonly attachment: Attachment;
  readonly name: string;
}

/** Isolates ports; EEXIST where one of the name is isolated, ENOENT where there is no table. */
export function createPorts(ports: readonly Port[]): Command[] {
  const owned = ports.map(({ attachment, name }) => {
    return { key: ifnameKey(name), data: attachmentId(attachment), comment: writeComment(attachment) };
  });
  return [
    ...createElements({ ...PORTS, elements: owned }),
    ...createElements({ ...ISOLATED_PORTS, elements: owned.map(({ key }) => ({ key })) }),
  ];
}

/** Ends the isolation of the attachment's port; EEXIST or ENOENT, and nothing is done, where the port is not its own. */
export function releasePort(id: Uint8Array, name: string): Command[] {
  const key = ifnameKey(name);
  return [
    ...destroyElements({ ...PORTS, elements: [{ key, data: id }] }),
    ...deleteElements({ ...ISOLATED_PORTS, elements: [{ key }] }),
  ];
}

/** What isolates the ports, whatever is there of their names. Throws NetlinkError. */
export function planPorts(connection: Connection, ports: readonly Port[]): Command[] {
  if (ports.length === 0) return [];
  const faults = bridgeTable.faults(connection);
  const isFresh = faults.some(({ isWhole }) => isWhole);
  const wrong = isFresh ? ports : ports.filter((port) => !isIsolated(connection, port));
  const taken = isFresh ? [] : wrong.filter(({ name }) => getElement(connection, PORTS, ifnameKey(name)) !== undefined);
  const owned = wrong.map(({ attachment, name }) => {
    return { key: ifnameKey(name), data: attachmentId(attachment), comment: writeComment(attachment) };
  });
  return [
    ...repairsOf(faults),
    ...deleteElements({ ...PORTS, elements: taken.map(({ name }) => ({ key: ifnameKey(name) })) }),
    ...createElements({ ...PORTS, elements: owned }),
    ...addElements({ ...ISOLATED_PORTS, elements: owned.map(({ key }) => ({ key })) }),
  ];
}

function isIsolated(connection: Connection, { attachment, name }: Port): boolean {
  const key = ifnameKey(name);
  const owner = getElement(connection, PORTS, key)?.data;
  const isOwn = owner instanceof Uint8Array && sameBytes(owner, attachmentId(attachment));
  return isOwn && getElement(connection, ISOLATED_PORTS, key) !== undefined;
}

/** Ports that leave, by their names and the ids of their attachments. */
export interface Departing {
  readonly id: Uint8Array;
  readonly name: string;
}

/**
 * What ends the isolation of those of the ports that are still these attachments'. With `mayBeLast` the table goes with the last
 * port: that takes a listing. Throws NetlinkError.
 */
export function planDeparture(connection: Connection, ports: readonly Departing[], mayBeLast: boolean): Command[] {
  const own = ports.filter(({ id, name }) => {
    const owner = getElement(connection, PORTS, ifnameKey(name))?.data;
    return owner instanceof Uint8Array && sameBytes(owner, id);
  });
  if (own.length === 0) return [];
  if (mayBeLast && listFrom(connection, PORTS).length === own.length) return bridgeTable.removeEmpty();
  const elements = own.map(({ name }) => ({ key: ifnameKey(name) }));
  const named = elements.filter(({ key }) => getElement(connection, ISOLATED_PORTS, key) !== undefined);
  return [...deleteElements({ ...PORTS, elements }), ...deleteElements({ ...ISOLATED_PORTS, elements: named })];
}

/** The names of an attachment's ports: a listing, for where no record tells. Throws NetlinkError. */
export function searchPorts(connection: Connection, id: Uint8Array): string[] {
  return listFrom(connection, PORTS)
    .filter(({ data }) => data instanceof Uint8Array && sameBytes(data, id))
    .map(({ key }) => cstring.decode(key));
}

/** What is missing of a port's isolation, each as a phrase. Throws NetlinkError. */
export function portFaults(connection: Connection, port: Port): string[] {
  const faults = bridgeTable.faults(connection).map(({ text }) => text);
  if (faults.length > 0) return faults;
  const key = ifnameKey(port.name);
  const owner = getElement(connection, PORTS, key)?.data;
  const where = (set: string): string => `${set} of table bridge ${PORTS.table}`;
  if (owner === undefined) return [`${port.name} is missing in ${where(`map ${PORTS.set}`)}`];
  const isOwn = owner instanceof Uint8Array && sameBytes(owner, attachmentId(port.attachment));
  if (!isOwn) return [`${port.name} has another owner in ${where(`map ${PORTS.set}`)}`];
  const isThere = getElement(connection, ISOLATED_PORTS, key) !== undefined;
  return isThere ? [] : [`${port.name} is missing in ${where(`set ${ISOLATED_PORTS.set}`)}`];
}
