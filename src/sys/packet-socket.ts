// Packets as they pass an interface, before and beside the kernel's own IP: packet(7), without the header of the link.

import { call } from "./call.ts";
import { engine } from "./engine.ts";
import { close } from "./fd.ts";
import { bind, openSocket, receiveFrom, SOCK, SOL, sendTo } from "./socket.ts";

/** include/linux/socket.h */
const AF_PACKET = 17;
/** include/uapi/linux/if_ether.h */
export const ETH_P = { ALL: 0x0003, IP: 0x0800, ARP: 0x0806 } as const;
/** include/uapi/asm-generic/socket.h */
const SO_ATTACH_FILTER = 26;

const MAC_SIZE = 6;
const SOCKADDR_LL = 20;

/** An instruction of classic BPF: struct sock_filter of include/uapi/linux/filter.h. */
export type FilterInstruction = readonly [code: number, jumpTrue: number, jumpFalse: number, k: number];

/** A packet that has come: what it is (ETH_P), who has sent it, and what comes behind the link's header. */
export interface ReceivedPacket {
  readonly protocol: number;
  /** The sender's address on the link; empty where the link has none. */
  readonly mac: Uint8Array;
  readonly payload: Uint8Array;
}

/**
 * Opens a packet socket on one interface, which receives what the filter lets through. `netns` is a descriptor of the interface's
 * network namespace; the socket needs it no more once it is open. Throws SyscallError.
 */
export function openPacketSocket(
  operation: string,
  {
    netns,
    ifindex,
    filter,
  }: { readonly netns: number; readonly ifindex: number; readonly filter: readonly FilterInstruction[] },
): number {
  // With the protocol 0 nothing is received until bind names one: by then the filter is there.
  const fd = openSocket(operation, { family: AF_PACKET, type: SOCK.DGRAM | SOCK.NONBLOCK, protocol: 0 }, netns);
  try {
    filterPackets(operation, fd, filter);
    bind(operation, fd, linkAddress(ETH_P.ALL, ifindex, new Uint8Array(0)));
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/** Sends one packet to an address of the link. Throws SyscallError. */
export function sendPacket(
  operation: string,
  fd: number,
  { protocol, ifindex, mac, payload }: ReceivedPacket & { readonly ifindex: number },
): void {
  sendTo(operation, fd, payload, linkAddress(protocol, ifindex, mac));
}

/** The packet that has come, or undefined where none has. What is longer than `buffer` is cut. Throws SyscallError. */
export function receivePacket(operation: string, fd: number, buffer: Uint8Array): ReceivedPacket | undefined {
  const sender = new Uint8Array(SOCKADDR_LL);
  const length = receiveFrom(operation, fd, buffer, false, sender);
  if (length === undefined) return undefined;
  return {
    protocol: ((sender[2] ?? 0) << 8) | (sender[3] ?? 0),
    mac: sender.slice(12, 12 + Math.min(sender[11] ?? 0, 8)),
    payload: buffer.slice(0, Math.min(length, buffer.length)),
  };
}

// struct sockaddr_ll of include/uapi/linux/if_packet.h: family, protocol (big-endian), ifindex, hatype, pkttype, halen, addr[8]
function linkAddress(protocol: number, ifindex: number, mac: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SOCKADDR_LL);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol, false);
  view.setInt32(4, ifindex, true);
  bytes[11] = mac.length;
  bytes.set(mac.subarray(0, MAC_SIZE), 12);
  return bytes;
}

/** Has the socket receive what this filter lets through, instead of the one before. Throws SyscallError. */
export function filterPackets(operation: string, fd: number, filter: readonly FilterInstruction[]): void {
  const program = new Uint8Array(filter.length * 8); // struct sock_filter { __u16 code; __u8 jt, jf; __u32 k; }
  const instructions = new DataView(program.buffer);
  filter.forEach(([code, jumpTrue, jumpFalse, k], i) => {
    instructions.setUint16(i * 8, code, true);
    instructions.setUint8(i * 8 + 2, jumpTrue);
    instructions.setUint8(i * 8 + 3, jumpFalse);
    instructions.setUint32(i * 8 + 4, k >>> 0, true);
  });
  const header = new Uint8Array(16); // struct sock_fprog { unsigned short len; struct sock_filter *filter; }
  const view = new DataView(header.buffer);
  view.setUint16(0, filter.length, true);
  view.setBigUint64(8, BigInt(engine.address(program)), true);
  call(operation, "setsockopt", fd, SOL.SOCKET, SO_ATTACH_FILTER, header, header.length);
  program.fill(0); // the program had to stay until here
}
