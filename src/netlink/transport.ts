// How datagrams travel. The kernel's socket is one transport; the fake kernel of the tests is another.

import { close } from "../sys/fd.ts";
import { AF, bind, openSocket, receiveFrom, SO, SOCK, SOL, sendTo, setOption, trySetOption } from "../sys/socket.ts";
import { NetlinkProtocolError } from "./error.ts";
import { NETLINK, NETLINK_OPTION } from "./uapi.ts";

export interface Transport {
  /** Sends one datagram whole. */
  send(datagram: Uint8Array): void;
  /** The next datagram, valid until the next call. Undefined when `wait` is false and there is none. */
  receive(wait: boolean): Uint8Array | undefined;
  close(): void;
}

export interface SocketOptions {
  /** Descriptor of the network namespace to open the socket in; this thread's own when absent. */
  readonly netns?: number | undefined;
  /** Multicast groups to listen to, by number (not by bit). */
  readonly groups?: readonly number[];
  /** Bytes of receive buffer, where the default (212,992) is too small: a monitor's. */
  readonly receiveBuffer?: number;
}

/** No answer of the kernel's takes this long; a listener for events waits for ever. */
const RECEIVE_TIMEOUT_S = 30;
const RECEIVE_TIMEOUT = new Int32Array([RECEIVE_TIMEOUT_S, 0, 0, 0]); // struct timeval of two 64-bit fields
/** What surely fits into the buffers that a socket has from the beginning (net.core.wmem_default is 212,992). */
const LARGE_DATAGRAM = 65536;
/** Dumps come in datagrams of up to 32 KiB when the reader offers that much (NLMSG_GOODSIZE grows with it). */
const DATAGRAM_SIZE = 32768;

/**
 * A netlink socket with extended acknowledgements; of rtnetlink with strict checking, of others with acknowledgements that
 * are capped. Failing to set those is fatal.
 */
export class NetlinkSocket implements Transport {
  readonly fd: number;
  readonly #buffer = new Uint8Array(DATAGRAM_SIZE);
  readonly #sender = new Uint8Array(12); // struct sockaddr_nl { u16 family; u16 pad; u32 pid; u32 groups; }

  constructor(protocol: number, options: SocketOptions = {}) {
    const kind = { family: AF.NETLINK, type: SOCK.RAW, protocol };
    this.fd = openSocket("open a netlink socket", kind, options.netns);
    try {
      this.#configure(protocol, options);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #configure(protocol: number, options: SocketOptions): void {
    this.#turnOn(NETLINK_OPTION.EXT_ACK);
    // Elsewhere an error would bring the whole request back: of a transaction thousands.
    this.#turnOn(protocol === NETLINK.ROUTE ? NETLINK_OPTION.GET_STRICT_CHK : NETLINK_OPTION.CAP_ACK);
    if (options.groups === undefined) {
      setOption("set the netlink socket's time-out", this.fd, SOL.SOCKET, SO.RCVTIMEO, RECEIVE_TIMEOUT);
    }
    if (options.groups !== undefined) this.#listen(options.groups);
    if (options.receiveBuffer !== undefined) this.#setBuffer(SO.RCVBUFFORCE, SO.RCVBUF, options.receiveBuffer);
  }

  #listen(groups: readonly number[]): void {
    // The kernel passes over sockets whose port id is that of the sender, which for its own events is 0: a socket that
    // was never bound has that, too. Binding comes first, because it sets the first 32 groups anew.
    const anyPort = new Uint8Array(12); // struct sockaddr_nl
    anyPort[0] = AF.NETLINK;
    bind("bind the netlink socket", this.fd, anyPort);
    for (const group of groups) this.#set(SOL.NETLINK, NETLINK_OPTION.ADD_MEMBERSHIP, group);
  }

  #turnOn(option: number): void {
    this.#set(SOL.NETLINK, option, 1);
  }

  #set(level: number, option: number, value: number): void {
    setOption(`set netlink socket option ${option}`, this.fd, level, option, value);
  }

  /** The forced size goes past net.core.wmem_max but needs privilege over the first user namespace. */
  #setBuffer(forced: number, plain: number, size: number): void {
    if (!trySetOption(this.fd, SOL.SOCKET, forced, size)) this.#set(SOL.SOCKET, plain, size);
  }

  send(datagram: Uint8Array): void {
    if (datagram.length > LARGE_DATAGRAM) this.#makeRoom(datagram.length);
    const sent = sendTo("send a netlink message", this.fd, datagram);
    if (sent !== datagram.length) throw new NetlinkProtocolError(`the kernel took ${sent} of ${datagram.length} bytes`);
  }

  receive(wait: boolean): Uint8Array | undefined {
    for (;;) {
      const length = receiveFrom("receive a netlink message", this.fd, this.#buffer, wait, this.#sender);
      if (length === undefined) {
        if (!wait) return undefined;
        throw new NetlinkProtocolError(`the kernel did not answer within ${RECEIVE_TIMEOUT_S} s`);
      }
      // Another process may send to our port; only port id 0 is the kernel.
      if (this.#sender[4] || this.#sender[5] || this.#sender[6] || this.#sender[7]) continue;
      if (length > this.#buffer.length) throw new NetlinkProtocolError(`a reply of ${length} bytes was truncated`);
      return this.#buffer.subarray(0, length);
    }
  }

  /** A datagram must fit into the send buffer, and an error for each of its messages into the receive buffer. */
  #makeRoom(length: number): void {
    this.#setBuffer(SO.SNDBUFFORCE, SO.SNDBUF, length * 2);
    this.#setBuffer(SO.RCVBUFFORCE, SO.RCVBUF, length * 2);
  }

  close(): void {
    close(this.fd);
  }
}
