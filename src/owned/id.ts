// The ids that stand for networks and attachments in kernel maps and in the names of records.

import type { Attachment } from "../cni/attachment.ts";
import { halfSipHash } from "../hash/half-siphash.ts";
import { engine } from "../sys/engine.ts";

const ID_SIZE = 16;
const NETWORK_SIZE = 8;

// "bauta id", as two words: any fixed key does, but it must never change while attachments live.
const KEY0 = 0x74756162;
const KEY1 = 0x64692061;

/** Of many attachments, few networks. */
const networkIds = new Map<string, Uint8Array>();

/** The first half of every attachment id on this network: eight bytes. */
export function networkId(network: string): Uint8Array {
  const id = networkIds.get(network) ?? halfSipHash(engine.encode(network), KEY0, KEY1);
  networkIds.set(network, id);
  return id;
}

/** Sixteen bytes that stand for the attachment in kernel maps: a hash of the network, then one of interface and container. */
export function attachmentId(attachment: Attachment): Uint8Array {
  if (attachment === last.attachment) return last.id;
  const id = new Uint8Array(ID_SIZE);
  id.set(networkId(attachment.network));
  id.set(halfSipHash(engine.encode(`${attachment.ifname}:${attachment.containerId}`), KEY0, KEY1), NETWORK_SIZE);
  last = { attachment, id };
  return id;
}

/** A call is about one attachment, and asks for its id again and again. */
let last: { readonly attachment: Attachment | undefined; readonly id: Uint8Array } = {
  attachment: undefined,
  id: new Uint8Array(0),
};

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
