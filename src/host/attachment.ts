// An attachment: one interface of one container on one network (CNI specification, "Overview").

import { host } from "../sys/host.ts";
import { halfSipHash } from "../wire/half-siphash.ts";

/** What names an attachment. */
export interface Attachment {
  readonly network: string;
  readonly containerId: string;
  readonly ifname: string;
}

const ID_SIZE = 16;
const NETWORK_SIZE = 8;

// "bauta id", as two words: any fixed key does, but it must never change while attachments live.
const KEY0 = 0x74756162;
const KEY1 = 0x64692061;

/** The first half of every attachment id on this network: eight bytes. */
export function networkId(network: string): Uint8Array {
  return halfSipHash(host.encode(network), KEY0, KEY1);
}

/** Sixteen bytes that stand for the attachment in kernel maps: a hash of the network, then one of interface and container. */
export function attachmentId(attachment: Attachment): Uint8Array {
  const id = new Uint8Array(ID_SIZE);
  id.set(networkId(attachment.network));
  id.set(halfSipHash(host.encode(`${attachment.ifname}:${attachment.containerId}`), KEY0, KEY1), NETWORK_SIZE);
  return id;
}

/** Whether an attachment id belongs to the network. */
export function isOfNetwork(id: Uint8Array, network: Uint8Array): boolean {
  return network.every((byte, i) => id[i] === byte);
}

/** An id as 32 hexadecimal digits, for file names and as the key of a Map. */
export function idText(id: Uint8Array): string {
  return Array.from(id, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
