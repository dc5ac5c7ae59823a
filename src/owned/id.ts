// The ids that stand for networks and attachments in kernel maps and in the names of records.

import type { Attachment } from "../cni/attachment.ts";
import { sha512 } from "../hash/sha512.ts";

const ID_SIZE = 16;
const NETWORK_SIZE = 8;

/** The first half of every attachment id on this network: eight bytes. */
export function networkId(network: string): Uint8Array {
  return sha512(network, NETWORK_SIZE);
}

/**
 * Sixteen bytes that stand for the attachment in kernel maps: a digest of the network, then one of interface and container.
 * They never change while attachments live: records and elements bear them.
 */
export function attachmentId(attachment: Attachment): Uint8Array {
  const id = new Uint8Array(ID_SIZE);
  id.set(networkId(attachment.network));
  id.set(sha512(`${attachment.ifname}:${attachment.containerId}`, ID_SIZE - NETWORK_SIZE), NETWORK_SIZE);
  return id;
}

/** Whether an attachment id belongs to the network. */
export function isOfNetwork(id: Uint8Array, network: Uint8Array): boolean {
  return network.every((byte, i) => id[i] === byte);
}

/** An id, or a network's half of one, as hexadecimal digits: for file names and as the key of a Map. */
export function idText(id: Uint8Array): string {
  let text = "";
  for (let at = 0; at < id.length; at += 4) text += digitsAt(id, at);
  return text;
}

/** Eight digits for four bytes: there are four times as many calls of each byte by itself. */
function digitsAt(id: Uint8Array, at: number): string {
  const word = ((id[at] ?? 0) << 24) | ((id[at + 1] ?? 0) << 16) | ((id[at + 2] ?? 0) << 8) | (id[at + 3] ?? 0);
  return (word >>> 0).toString(16).padStart(8, "0");
}

/** The sixteen bytes that 32 hexadecimal digits stand for. */
export function idBytes(text: string): Uint8Array {
  const id = new Uint8Array(ID_SIZE);
  const view = new DataView(id.buffer);
  for (let at = 0; at < ID_SIZE; at += 4) view.setUint32(at, Number.parseInt(text.slice(2 * at, 2 * at + 8), 16));
  return id;
}
