// An interface of a container as a client of DHCP uses it: one packet socket, which is there only while an answer may come. So
// an idle daemon keeps no container's network namespace, and a container that has gone is noticed when it is next looked for.

import { Connection } from "../netlink/connection.ts";
import { NETLINK } from "../netlink/uapi.ts";
import { type BriefLink, getBriefLink } from "../rtnetlink/brief-link.ts";
import { setLink } from "../rtnetlink/link.ts";
import { hasCode } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { inNetns, NotNetnsError, openNetns } from "../sys/netns.ts";
import { ownNetnsId } from "../sys/netns-id.ts";
import { ETH_P, openPacketSocket, receivePacket, sendPacket } from "../sys/packet-socket.ts";
import { AF, bind, inetAddress, openSocket, SOCK } from "../sys/socket.ts";
import { sameBytes } from "../wire/codec.ts";
import { DecodeError } from "../wire/error.ts";
import type { Ip } from "../wire/ip.ts";
import type { Mac } from "../wire/mac.ts";
import { decodeClaim, encodeProbe } from "./arp.ts";
import type { Event } from "./client.ts";
import { decodeDatagram, encodeDatagram } from "./datagram.ts";
import { FILTER } from "./filter.ts";
import { decodeReply, encodeRequest } from "./message.ts";
import type { Outgoing } from "./requests.ts";
import { PORT } from "./uapi.ts";

/** The container, its namespace or its interface is not there any more. */
export class GoneError extends Error {
  override readonly name: string = "GoneError";
}

/** Which interface it is: a later one of the same name is another. */
export interface Interface {
  /** Path of the network namespace, as the daemon finds it. */
  readonly path: string;
  readonly netnsId: string;
  readonly ifname: string;
  readonly ifindex: number;
  readonly mac: Mac;
}

/** Looks an interface up, and brings it up where it is down. Throws GoneError. */
export function findInterface(path: string, ifname: string): Interface & Pick<BriefLink, "kind"> {
  return inside(path, (netns, netnsId) => {
    const container = Connection.open(NETLINK.ROUTE, { netns });
    try {
      const link = getBriefLink(container, ifname);
      if (link === undefined) throw new GoneError(`there is no interface ${ifname} in ${path}`);
      if (!link.isUp) container.execute(setLink(link, { up: true }));
      return { path, netnsId, ifname, ifindex: link.index, mac: link.mac, kind: link.kind };
    } finally {
      container.close();
    }
  });
}

/** Whether it is one interface. */
export function isSameInterface(one: Interface, other: Interface): boolean {
  return one.netnsId === other.netnsId && one.ifindex === other.ifindex && sameBytes(one.mac, other.mac);
}

/** The interface's packets. */
export class PacketLink {
  readonly fd: number;
  readonly #interface: Interface;
  /** Keeps the kernel from telling the server that nobody is at the port. */
  readonly #port: number | undefined;

  /** `bound` is the address that the interface has, if it has one. Throws GoneError, or SyscallError. */
  constructor(where: Interface, bound: Ip | undefined) {
    this.#interface = where;
    const { fd, port } = inside(where.path, (netns, netnsId) => {
      if (netnsId !== where.netnsId) throw new GoneError(`another network namespace has the path ${where.path} now`);
      requireInterface(netns, where);
      const opened = openPacketSocket("open a packet socket", { netns, ifindex: where.ifindex, filter: FILTER });
      return { fd: opened, port: bound === undefined ? undefined : openPort(netns, bound) };
    });
    this.fd = fd;
    this.#port = port;
  }

  /** Sends a message. Throws GoneError; SyscallError where the interface is down, say. */
  send({ request, source, destination, mac }: Outgoing): void {
    const payload = encodeDatagram({ source, destination, payload: encodeRequest(request) });
    this.#send({ protocol: ETH_P.IP, mac, payload });
  }

  /** Asks who has the address. Throws as `send`. */
  probe(ip: Ip): void {
    const { mac } = this.#interface;
    this.#send({ protocol: ETH_P.ARP, mac: new Uint8Array(6).fill(0xff), payload: encodeProbe(mac, ip) });
  }

  #send(packet: { readonly protocol: number; readonly mac: Mac; readonly payload: Uint8Array }): void {
    const { ifindex } = this.#interface;
    try {
      sendPacket("send a packet", this.fd, { ...packet, ifindex });
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
      return claim === undefined ? "other" : { kind: "claim", ...claim };
    }
    try {
      const reply = decodeReply(decodeDatagram(packet.payload).payload);
      return { kind: "reply", reply, mac: packet.mac };
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

function requireInterface(netns: number, { ifindex, mac, ifname }: Interface): void {
  const container = Connection.open(NETLINK.ROUTE, { netns });
  try {
    const link = getBriefLink(container, { index: ifindex });
    if (link === undefined || !sameBytes(link.mac, mac)) throw new GoneError(`the interface ${ifname} is gone`);
  } finally {
    container.close();
  }
}

function openPort(netns: number, ip: Ip): number | undefined {
  const fd = openSocket("open a port", { family: AF.INET, type: SOCK.DGRAM | SOCK.NONBLOCK, protocol: 0 }, netns);
  try {
    bind("open a port", fd, inetAddress(ip, PORT.CLIENT));
    return fd;
  } catch {
    close(fd); // somebody has the port, or the address is not there: answers come all the same
    return undefined;
  }
}

function inside<T>(path: string, use: (netns: number, netnsId: string) => T): T {
  const netns = openOrGone(path);
  try {
    return use(netns, inNetns(netns, ownNetnsId));
  } finally {
    close(netns);
  }
}

function openOrGone(path: string): number {
  try {
    return openNetns(path);
  } catch (error) {
    if (error instanceof NotNetnsError || hasCode(error, "ENOENT", "ENOTDIR", "ESRCH")) {
      throw new GoneError(`there is no network namespace at ${path}`, { cause: error });
    }
    throw error;
  }
}
