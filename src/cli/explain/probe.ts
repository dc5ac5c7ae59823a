// One packet of our own, sent from inside the container: the beginning of a flow, and nothing after it.

import { call } from "../../sys/call.ts";
import { hasCode } from "../../sys/error.ts";
import { close } from "../../sys/fd.ts";
import { inNetns, openNetns } from "../../sys/netns.ts";
import type { Ip } from "../../wire/ip.ts";
import type { Packet } from "./packet.ts";

// include/linux/socket.h, include/linux/net.h
const AF = { 4: 2, 6: 10 } as const;
const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3, NONBLOCK: 0o4000, CLOEXEC: 0o2000000 } as const;
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
    const type = (TYPES[packet.protocol] ?? SOCK.RAW) | SOCK.NONBLOCK | SOCK.CLOEXEC;
    const fd = inNetns(netns, () => call("open a socket", "socket", AF[packet.family], type, packet.protocol));
    try {
      const own = socketAddress(packet.from, 0);
      call("send from the container's address", "bind", fd, own, own.length);
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
  const to = socketAddress(packet.to, packet.port ?? 0);
  try {
    if (packet.protocol === 6) {
      call("connect", "connect", fd, to, to.length);
      return;
    }
    const bytes = packet.protocol === 17 ? new Uint8Array(0) : echoRequest(packet.family);
    call("send a packet", "sendto", fd, bytes, bytes.length, 0, to, to.length);
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

/** struct sockaddr_in or sockaddr_in6. */
function socketAddress(ip: Ip, port: number): Uint8Array {
  const bytes = new Uint8Array(ip.length === 4 ? 16 : 28);
  bytes.set([ip.length === 4 ? AF[4] : AF[6], 0, port >> 8, port & 0xff]);
  bytes.set(ip, ip.length === 4 ? 4 : 8);
  return bytes;
}
