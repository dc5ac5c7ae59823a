// IPv4 and UDP around a message, as a packet socket sends and receives them: RFC 791, RFC 768.

import { encode, u8, u16be } from "../wire/codec.ts";
import { decodeWithin, mustHold } from "../wire/error.ts";
import type { Ip } from "../wire/ip.ts";
import { struct } from "../wire/struct.ts";
import { octets } from "./octets.ts";
import { IPPROTO_UDP, PORT } from "./uapi.ts";

const address = octets(4);

const ipHeader = struct({
  versionAndLength: u8,
  tos: u8,
  totalLength: u16be,
  id: u16be,
  fragment: u16be,
  ttl: u8,
  protocol: u8,
  checksum: u16be,
  source: address,
  destination: address,
});

const udpHeader = struct({ source: u16be, destination: u16be, length: u16be, checksum: u16be });

const VERSION_4 = 0x40;
const WORDS = 5;
const TTL = 64;
/** The bit "more fragments", and the offset. */
const IS_FRAGMENT = 0x3fff;

/** A message on its way between addresses. */
export interface Datagram {
  readonly source: Ip;
  readonly destination: Ip;
  readonly payload: Uint8Array;
}

/** The packet that brings a message from the client's port to the server's, or the other way for `toClient`. */
export function encodeDatagram({ source, destination, payload }: Datagram, toClient = false): Uint8Array {
  const length = udpHeader.size + payload.length;
  const ports = toClient ? [PORT.SERVER, PORT.CLIENT] : [PORT.CLIENT, PORT.SERVER];
  const udp = { source: ports[0] ?? 0, destination: ports[1] ?? 0, length, checksum: 0 };
  const pseudo = pseudoSum(source, destination, length);
  const sum = complement(add(add(pseudo, sumOf(encode(udpHeader, udp))), sumOf(payload)));
  const ip = {
    versionAndLength: VERSION_4 | WORDS,
    tos: 0,
    totalLength: ipHeader.size + length,
    id: 0,
    fragment: 0,
    ttl: TTL,
    protocol: IPPROTO_UDP,
    checksum: 0,
    source,
    destination,
  };
  const checksum = complement(sumOf(encode(ipHeader, ip)));
  const packet = new Uint8Array(ip.totalLength);
  packet.set(encode(ipHeader, { ...ip, checksum }));
  packet.set(encode(udpHeader, { ...udp, checksum: sum === 0 ? 0xffff : sum }), ipHeader.size);
  packet.set(payload, ipHeader.size + udpHeader.size);
  return packet;
}

/** The message of a packet to the client's port. Throws DecodeError for whatever is none, or is damaged. */
export function decodeDatagram(packet: Uint8Array): Datagram {
  return decodeWithin("packet", () => {
    const ip = ipHeader.decode(packet);
    const headerLength = (ip.versionAndLength & 0xf) * 4;
    mustHold((ip.versionAndLength & 0xf0) === VERSION_4 && headerLength >= ipHeader.size, "not IPv4");
    mustHold(ip.totalLength <= packet.length && ip.totalLength >= headerLength + udpHeader.size, "a wrong length");
    mustHold((ip.fragment & IS_FRAGMENT) === 0, "a fragment");
    mustHold(ip.protocol === IPPROTO_UDP, "not UDP");
    mustHold(complement(sumOf(packet.subarray(0, headerLength))) === 0, "a wrong checksum of the IP header");
    const rest = packet.subarray(headerLength, ip.totalLength);
    const udp = udpHeader.decode(rest);
    mustHold(udp.destination === PORT.CLIENT, "not for the client's port");
    mustHold(udp.length >= udpHeader.size && udp.length <= rest.length, "a wrong length of UDP");
    const datagram = rest.subarray(0, udp.length);
    mustHold(isChecksumRight(ip.source, ip.destination, datagram, udp.checksum), "a wrong checksum");
    return { source: ip.source, destination: ip.destination, payload: datagram.slice(udpHeader.size) };
  });
}

/**
 * 0 says that there is none. What another process of this node has sent may hold the sum of the pseudo header alone: the kernel
 * leaves the rest to a network card that the packet never meets (CHECKSUM_PARTIAL, include/linux/skbuff.h).
 */
function isChecksumRight(source: Ip, destination: Ip, datagram: Uint8Array, checksum: number): boolean {
  const pseudo = pseudoSum(source, destination, datagram.length);
  return checksum === 0 || checksum === pseudo || complement(add(pseudo, sumOf(datagram))) === 0;
}

function pseudoSum(source: Ip, destination: Ip, length: number): number {
  return add(add(sumOf(source), sumOf(destination)), add(IPPROTO_UDP, length));
}

/** RFC 1071: the ones' complement sum of 16-bit words. */
function sumOf(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function add(one: number, other: number): number {
  const sum = one + other;
  return sum > 0xffff ? (sum & 0xffff) + 1 : sum;
}

function complement(sum: number): number {
  return ~sum & 0xffff;
}
