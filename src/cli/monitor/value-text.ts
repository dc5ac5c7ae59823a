// Keys and data of elements as nft writes them. Which type they have is told by their set, and by nothing else.

import { type Data, verdictText } from "../../nftables/data.ts";
import { layoutOf, partsOf, TYPE } from "../../nftables/datatype.ts";
import { cstring, sameBytes, u16be, u32 } from "../../wire/codec.ts";
import { formatIp, lastOf, networkOf } from "../../wire/ip.ts";
import { formatMac } from "../../wire/mac.ts";

/** `198.18.0.5`, `"veth1" . 0a:58:0a:16:00:05`; hexadecimal where the type is not known. */
export function valueText(type: number | undefined, value: Data): string {
  if (!(value instanceof Uint8Array)) return verdictText(value);
  const types = type === undefined ? [] : partsOf(type);
  const texts: string[] = [];
  let at = 0;
  for (const one of types) {
    const length = layoutOf(one)?.length;
    if (length === undefined || at + length > value.length) return hexText(value);
    texts.push(partText(one, value.subarray(at, at + length)));
    at += length + (-length & 3); // in a concatenation each part is padded
  }
  return texts.length === 0 ? hexText(value) : texts.join(" . ");
}

/** `10.0.0.0/8`, `10.0.0.1-10.0.0.9`, `80`: from the first key to the last, both included. */
export function rangeText(type: number | undefined, first: Uint8Array, last: Uint8Array): string {
  const text = valueText(type, first);
  if (sameBytes(first, last)) return text;
  const isAddress = type === TYPE.IPADDR || type === TYPE.IP6ADDR;
  const prefixLength = isAddress ? prefixLengthOf(first, last) : undefined;
  return prefixLength === undefined ? `${text}-${valueText(type, last)}` : `${text}/${prefixLength}`;
}

/** The length of the prefix that has just these addresses; undefined where there is none. */
function prefixLengthOf(first: Uint8Array, last: Uint8Array): number | undefined {
  let prefixLength = first.findIndex((byte, i) => byte !== last[i]) * 8;
  const differing = (first[prefixLength / 8] ?? 0) ^ (last[prefixLength / 8] ?? 0);
  prefixLength += Math.clz32(differing) - 24; // of the eight bits
  const prefix = { ip: first, prefixLength };
  return sameBytes(networkOf(prefix).ip, first) && sameBytes(lastOf(prefix), last) ? prefixLength : undefined;
}

function partText(type: number, bytes: Uint8Array): string {
  switch (type) {
    case TYPE.IPADDR:
    case TYPE.IP6ADDR:
      return formatIp(bytes);
    case TYPE.ETHERADDR:
      return formatMac(bytes);
    case TYPE.IFNAME:
      return `"${cstring.decode(bytes)}"`;
    case TYPE.INET_SERVICE:
      return String(u16be.decode(bytes));
    case TYPE.INET_PROTOCOL:
      return protocolText(bytes[0] ?? 0);
    case TYPE.MARK:
      return `0x${u32.decode(bytes).toString(16).padStart(8, "0")}`;
    default:
      return bytes.length === 1 ? String(bytes[0]) : hexText(bytes);
  }
}

/** include/uapi/linux/in.h, in the words of /etc/protocols, as nft has them. */
const PROTOCOLS = new Map([
  [1, "icmp"],
  [6, "tcp"],
  [17, "udp"],
  [33, "dccp"],
  [58, "ipv6-icmp"],
  [132, "sctp"],
  [136, "udplite"],
]);

/** `tcp`; the number of a protocol that is not known. */
export function protocolText(number: number): string {
  return PROTOCOLS.get(number) ?? String(number);
}

function hexText(bytes: Uint8Array): string {
  return `0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
