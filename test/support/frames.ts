// The frames that pass an interface, as a packet socket sees them (packet(7)): no program has to be started, and a socket
// that could not be opened is an error.

import { call, tryCall } from "../../src/sys/call.ts";
import { errno } from "../../src/sys/errno.ts";
import { close } from "../../src/sys/fd.ts";
import { inNetns } from "../../src/sys/netns.ts";
import type { TestNetns } from "./netns.ts";

// include/linux/socket.h, include/linux/net.h, include/uapi/linux/if_ether.h, include/uapi/linux/if_packet.h
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_ALL = 0x0003;
const PACKET_OUTGOING = 4;
const MSG_DONTWAIT = 0x40;
/** Of struct sockaddr_ll. */
const SLL = { protocol: 2, ifindex: 4, pkttype: 10, size: 20 };

/** A frame, and whether the interface sent it or received it. */
export interface Frame {
  readonly isOutgoing: boolean;
  readonly bytes: Uint8Array;
}

/** Listens at one interface from when it is opened. */
export class FrameListener {
  readonly #fd: number;

  private constructor(fd: number) {
    this.#fd = fd;
  }

  /** Throws SyscallError where the interface is not there. */
  static open(netns: TestNetns, ifname: string): FrameListener {
    const address = new DataView(new ArrayBuffer(SLL.size));
    address.setUint16(0, AF_PACKET, true);
    address.setUint16(SLL.protocol, ETH_P_ALL);
    address.setInt32(SLL.ifindex, netns.ipJson(`link show dev ${ifname}`)[0].ifindex, true);
    // Of no protocol, it hears nothing before it is bound.
    const fd = inNetns(netns.fd, () => call("open a packet socket", "socket", AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    call(`listen at ${ifname}`, "bind", fd, new Uint8Array(address.buffer), SLL.size);
    return new FrameListener(fd);
  }

  /** The frames that have passed since the last call. */
  heard(): Frame[] {
    const frames: Frame[] = [];
    for (;;) {
      const [bytes, address] = [new Uint8Array(2048), new Uint8Array(SLL.size)];
      const length = Int32Array.of(SLL.size);
      const count = tryCall("recvfrom", this.#fd, bytes, bytes.length, MSG_DONTWAIT, address, length);
      if (count === -errno("EAGAIN")) return frames;
      if (count < 0) throw new Error(`a packet socket cannot receive: errno ${-count}`);
      frames.push({ isOutgoing: address[SLL.pkttype] === PACKET_OUTGOING, bytes: bytes.subarray(0, count) });
    }
  }

  close(): void {
    close(this.#fd);
  }
}

/** The IPv4 address that an Ethernet frame asks for by ARP (RFC 826); undefined for every other frame. */
export function askedByArp({ bytes }: Frame): string | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [ethertype, operation, target] = [12, 20, 38];
  if (bytes.length < target + 4 || view.getUint16(ethertype) !== 0x0806 || view.getUint16(operation) !== 1)
    return undefined;
  return bytes.subarray(target, target + 4).join(".");
}
