// The socket of a client of DHCPv6. What goes to servers comes from the link-local address and goes to all of them, by
// multicast; what they answer goes to that address. So no packet socket is needed, and none of the container's routes.

import { hasCode } from "../../sys/error.ts";
import { close } from "../../sys/fd.ts";
import { AF, bind, inetAddress, openSocket, receiveFrom, SOCK, sendTo } from "../../sys/socket.ts";
import { DecodeError } from "../../wire/error.ts";
import type { Ip } from "../../wire/ip.ts";
import { GoneError, type Interface, withInterface } from "../interface.ts";
import { decodeReply6, encodeRequest6, type Reply6, type Request6 } from "./message.ts";
import { ALL_SERVERS, PORT6 } from "./uapi.ts";

const SOCKADDR_IN6 = 28;

/** The interface's port 546. */
export class ClientSocket {
  readonly fd: number;
  readonly #servers: Uint8Array;

  /** Throws GoneError; SyscallError, EADDRINUSE where a program of the container has the port. */
  constructor(where: Interface, linkLocal: Ip) {
    this.#servers = inetAddress(ALL_SERVERS, PORT6.SERVER, where.ifindex);
    const operation = `open port ${PORT6.CLIENT} of ${where.ifname}`;
    this.fd = withInterface(where, ({ netns }) =>
      openSocket(operation, { family: AF.INET6, type: SOCK.DGRAM | SOCK.NONBLOCK, protocol: 0 }, netns),
    );
    try {
      bind(operation, this.fd, inetAddress(linkLocal, PORT6.CLIENT, where.ifindex));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Throws GoneError; SyscallError where the interface is down, say. */
  send(message: Request6): void {
    try {
      sendTo("send a message of DHCPv6", this.fd, encodeRequest6(message), this.#servers);
    } catch (error) {
      if (hasCode(error, "ENXIO", "ENODEV")) throw new GoneError("the interface is gone", { cause: error });
      throw error;
    }
  }

  /** What has come; "other" for what is no answer of a server; undefined where nothing has come. */
  receive(buffer: Uint8Array): Reply6 | "other" | undefined {
    const length = receiveFrom("receive a message of DHCPv6", this.fd, buffer, false, new Uint8Array(SOCKADDR_IN6));
    if (length === undefined) return undefined;
    try {
      return decodeReply6(buffer.subarray(0, Math.min(length, buffer.length)));
    } catch (error) {
      if (error instanceof DecodeError) return "other";
      throw error;
    }
  }

  close(): void {
    close(this.fd);
  }
}
