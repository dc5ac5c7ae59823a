// One packet of our own, sent from inside the container: the beginning of a flow, and nothing after it.

import { hasCode } from "../../sys/error.ts";
import { close } from "../../sys/fd.ts";
import { openNetns } from "../../sys/netns.ts";
import { AF, bind, connect, inetAddress, openSocket, SOCK, sendTo } from "../../sys/socket.ts";
import type { Packet } from "./packet.ts";

const TYPES: Readonly<Record<number, number>> = { 1: SOCK.RAW, 6: SOCK.STREAM, 17: SOCK.DGRAM, 58: SOCK.RAW };
const ECHO_REQUEST = { 4: 8, 6: 128 } as const;

/** Whether packets of the protocol can be sent from here: TCP, UDP and the family's ICMP. */
export function canSend({ family, protocol }: Packet): boolean {
  return protocol === 6 || protocol === 17 || protocol === (family === 4 ? 1 : 58);
}

/**
 * Sends it from the namespace under the path: a TCP connection is begun and given up, a UDP datagram is empty, ICMP is an
 * echo request. Throws SyscallError, EADDRNOTAVAIL where the namespace does not have the address, or NotNetnsError.
 */
export function sendProbe(path: string, packet: Packet): () => void {
  const netns = openNetns(path);
  try {
    const family = packet.family === 4 ? AF.INET : AF.INET6;
    const type = (TYPES[packet.protocol] ?? SOCK.RAW) | SOCK.NONBLOCK;
    const fd = openSocket("open a socket", { family, type, protocol: packet.protocol }, netns);
    try {
      bind("send from the container's address", fd, inetAddress(packet.from, 0));
      send(fd, packet);
    } catch (error) {
      close(fd);
      throw error;
    }
    return () => close(fd);
  } finally {
    close(netns);
  }
}

function send(fd: number, packet: Packet): void {
  const to = inetAddress(packet.to, packet.port ?? 0);
  try {
    if (packet.protocol === 6) {
      connect("connect", fd, to);
      return;
    }
    const bytes = packet.protocol === 17 ? new Uint8Array(0) : echoRequest(packet.family);
    sendTo("send a packet", fd, bytes, to);
  } catch (error) {
    if (!hasCode(error, "EINPROGRESS")) throw error;
  }
}

/** struct icmphdr with no data; the checksum of ICMPv6 is the kernel's work (RFC 3542 section 3.1). */
function echoRequest(family: 4 | 6): Uint8Array {
  const type = ECHO_REQUEST[family];
  const sum = ~(type << 8) & 0xffff;
  return Uint8Array.of(type, 0, sum >> 8, sum & 0xff, 0, 0, 0, 0);
}
