// TCP segments that belong to no connection, and who the host outside sees them come from.

import { familyOf } from "../../../src/wire/ip.ts";
import type { TestNetns } from "../../support/netns.ts";
import { ipOf, Socket } from "../../support/sockets.ts";

const IPPROTO_TCP = 6;
const HEADER = 20;

/** Conntrack takes neither for the beginning of a connection (RFC 9293 3.1; an ACK alone it would pick up). */
export const STRAY = { RST: 0x04, "SYN+ACK": 0x12, none: 0x00 } as const;

/** A raw socket outside; close it. */
export function listenForSegments(outside: TestNetns, family: 4 | 6): Socket {
  return Socket.open(outside, family, "raw", IPPROTO_TCP);
}

/** Sends a segment with these flags from the container's address. */
export function sendSegment(container: TestNetns, from: string, to: string, port: number, flags: number): void {
  const raw = Socket.open(container, familyOf(ipOf(from)), "raw", IPPROTO_TCP);
  try {
    raw.bind({ address: from, port: 0 }).sendBytes(segment(from, to, port, flags), { address: to, port: 0 });
  } finally {
    raw.close();
  }
}

/** The source of the next segment to this port. */
export function sourceOfSegment(listener: Socket, port: number): string {
  for (;;) {
    const { from, bytes } = listener.receive();
    if (portOf(listener, bytes) === port) return from;
  }
}

/** Whether a segment to this port has come. */
export function hasSegment(listener: Socket, port: number): boolean {
  for (let got = listener.receiveIfAny(); got !== undefined; got = listener.receiveIfAny()) {
    if (portOf(listener, got.bytes) === port) return true;
  }
  return false;
}

/** Raw IPv4 sockets give the IP header, too (raw(7)). */
function portOf({ family }: Socket, bytes: Uint8Array): number {
  const offset = family === 4 ? ((bytes[0] ?? 0) & 15) * 4 : 0;
  return new DataView(bytes.buffer, bytes.byteOffset + offset).getUint16(2);
}

function segment(from: string, to: string, port: number, flags: number): Uint8Array {
  const bytes = new Uint8Array(HEADER);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, 45_678);
  view.setUint16(2, port);
  view.setUint32(4, 0x01020304);
  view.setUint32(8, flags === STRAY.none ? 0 : 0x05060708);
  view.setUint8(12, (HEADER / 4) << 4);
  view.setUint8(13, flags);
  view.setUint16(14, 1024);
  view.setUint16(16, checksum([...ipOf(from), ...ipOf(to), 0, IPPROTO_TCP, 0, HEADER, ...bytes]));
  return bytes;
}

/** RFC 1071, over an even number of bytes. */
function checksum(bytes: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
