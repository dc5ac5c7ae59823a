// An interface of a container as a client of DHCP uses it: one packet socket, which is there only while an answer may come. So
// an idle daemon keeps no container's network namespace, and a container that has gone is noticed when it is next looked for.

import { hasCode, SyscallError } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { ETH_P, filterPackets, openPacketSocket, receivePacket, sendPacket } from "../sys/packet-socket.ts";
import { AF, bind, inetAddress, openSocket, SOCK } from "../sys/socket.ts";
import { sameBytes } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import type { Ip } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import { decodeClaim, encodeProbe } from "./arp.ts";
import type { Event } from "./client.ts";
import { decodeDatagram, encodeDatagram } from "./datagram.ts";
import { filterFor } from "./filter.ts";
import { GoneError, type Interface, withInterface } from "./interface.ts";
import { decodeReply, encodeRequest } from "./message.ts";
import { EVERYBODY_ON_LINK, type Outgoing } from "./requests.ts";
import { PORT } from "./uapi.ts";

/** The interface's packets. */
export class PacketLink {
  readonly fd: number;
  readonly #ifindex: number;
  /** The address that the interface has now: clients say this one, and are answered to it. */
  readonly #mac: Mac;
  /** Keeps the kernel from telling the server that nobody is at the port. */
  readonly #port: number | undefined;

  /** `bound` is the address that the interface has, if it has one. Throws GoneError, or SyscallError. */
  constructor(where: Interface, bound: Ip | undefined) {
    const { ifindex } = where;
    const { fd, port, mac } = withInterface(where, ({ netns, link }) => {
      const opened = openPacketSocket("open a packet socket", { netns, ifindex, filter: filterFor() });
      return { fd: opened, port: bound === undefined ? undefined : openPort(netns, bound), mac: link.mac };
    });
    this.fd = fd;
    this.#ifindex = ifindex;
    this.#mac = mac;
    this.#port = port;
  }

  /** Sends a message. Throws GoneError; SyscallError where the interface is down, say. */
  send({ request, source, destination, mac }: Outgoing): void {
    const payload = encodeDatagram({ source, destination, payload: encodeRequest({ ...request, chaddr: this.#mac }) });
    this.#send({ protocol: ETH_P.IP, mac, payload });
  }

  /** Asks who has the address. Only from here on what is said of it is heard. Throws as `send`. */
  probe(ip: Ip): void {
    filterPackets("hear who has an address", this.fd, filterFor(ip));
    this.#send({ protocol: ETH_P.ARP, mac: EVERYBODY_ON_LINK, payload: encodeProbe(this.#mac, ip) });
  }

  #send(packet: { readonly protocol: number; readonly mac: Mac; readonly payload: Uint8Array }): void {
    try {
      sendPacket("send a packet", this.fd, { ...packet, ifindex: this.#ifindex });
    } catch (error) {
      if (hasCode(error, "ENXIO", "ENODEV")) throw new GoneError("the interface is gone", { cause: error });
      throw error;
    }
  }

  /** What has come, as an event; "other" for what is nothing to a client; undefined where nothing has come. */
  receive(buffer: Uint8Array): Event | "other" | undefined {
    const packet = receivePacket("receive a packet", this.fd, buffer);
    if (packet === undefined) return undefined;
    if (packet.protocol === ETH_P.ARP) {
      const claim = decodeClaim(packet.payload);
      return claim === undefined || sameBytes(claim.mac, this.#mac) ? "other" : { kind: "claim", ip: claim.ip };
    }
    try {
      const reply = decodeReply(decodeDatagram(packet.payload).payload);
      return sameBytes(reply.chaddr, this.#mac) ? { kind: "reply", reply, mac: packet.mac } : "other";
    } catch (error) {
      if (error instanceof DecodeError) return "other";
      throw error;
    }
  }

  close(): void {
    close(this.fd);
    if (this.#port !== undefined) close(this.#port);
  }
}

/** Undefined where somebody has the port, or the address is not there, say: answers come all the same. */
function openPort(netns: number, ip: Ip): number | undefined {
  let fd: number | undefined;
  try {
    fd = openSocket("open a port", { family: AF.INET, type: SOCK.DGRAM | SOCK.NONBLOCK, protocol: 0 }, netns);
    bind("open a port", fd, inetAddress(ip, PORT.CLIENT));
    return fd;
  } catch (error) {
    if (fd !== undefined) close(fd);
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}
