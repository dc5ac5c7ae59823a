// How datagrams travel. The kernel's socket is one transport; the fake kernel of the tests is another.

import { call, tryCall } from "../sys/call.ts";
import { errno } from "../sys/errno.ts";
import { SyscallError } from "../sys/error.ts";
import { close } from "../sys/fd.ts";
import { inNetns } from "../sys/netns.ts";
import { NetlinkProtocolError } from "./error.ts";
import { AF_NETLINK, NETLINK, NETLINK_OPTION, SOCK_RAW, SOL_NETLINK } from "./uapi.ts";

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

const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO = { SNDBUF: 7, RCVBUF: 8, RCVTIMEO: 20, SNDBUFFORCE: 32, RCVBUFFORCE: 33 } as const;
const MSG = { TRUNC: 0x20, DONTWAIT: 0x40 } as const;
/** No answer of the kernel's takes this long; a listener for events waits for ever. */
const RECEIVE_TIMEOUT_S = 30;
const RECEIVE_TIMEOUT = new Int32Array([RECEIVE_TIMEOUT_S, 0, 0, 0]); // struct timeval of two 64-bit fields
const ON = new Int32Array([1]);
/** What surely fits into the buffers that a socket has from the beginning (net.core.wmem_default is 212,992). */
const LARGE_DATAGRAM = 65536;
/** Dumps come in datagrams of up to 32 KiB when the reader offers that much (NLMSG_GOODSIZE grows with it). */
const DATAGRAM_SIZE = 32768;

/**
 * For the first sockets of a process. These are in the executable: of memory that is asked for now each page would be
 * cleared, here only those that datagrams are received into are taken.
 */
const spareBuffers = Array.from({ length: 3 }, () => new Uint8Array(DATAGRAM_SIZE));

/**
 * A netlink socket with extended acknowledgements; of rtnetlink with strict checking, of others with acknowledgements that
 * are capped. Failing to set those is fatal.
 */
export class NetlinkSocket implements Transport {
  readonly fd: number;
  readonly #buffer = spareBuffers.pop() ?? new Uint8Array(DATAGRAM_SIZE);
  readonly #sender = new Uint8Array(12); // struct sockaddr_nl { u16 family; u16 pad; u32 pid; u32 groups; }
  readonly #senderLength = new Int32Array(1);

  constructor(protocol: number, options: SocketOptions = {}) {
    const open = (): number => call("open a netlink socket", "socket", AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
    this.fd = options.netns === undefined ? open() : inNetns(options.netns, open);
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
      call("set the netlink socket's time-out", "setsockopt", this.fd, SOL_SOCKET, SO.RCVTIMEO, RECEIVE_TIMEOUT, 16);
    }
    if (options.groups !== undefined) this.#listen(options.groups);
    if (options.receiveBuffer !== undefined) this.#setBuffer(SO.RCVBUFFORCE, SO.RCVBUF, options.receiveBuffer);
  }

  #listen(groups: readonly number[]): void {
    // The kernel passes over sockets whose port id is that of the sender, which for its own events is 0: a socket that
    // was never bound has that, too. Binding comes first, because it sets the first 32 groups anew.
    const anyPort = new Uint8Array(12); // struct sockaddr_nl
    anyPort[0] = AF_NETLINK;
    call("bind the netlink socket", "bind", this.fd, anyPort, anyPort.length);
    for (const group of groups) this.#setOption(SOL_NETLINK, NETLINK_OPTION.ADD_MEMBERSHIP, group);
  }

  #turnOn(option: number): void {
    const result = tryCall("setsockopt", this.fd, SOL_NETLINK, option, ON, 4);
    if (result < 0) throw new SyscallError("setsockopt", -result, `set netlink socket option ${option}`);
  }

  #setOption(level: number, option: number, value: number): void {
    call(`set netlink socket option ${option}`, "setsockopt", this.fd, level, option, new Int32Array([value]), 4);
  }

  /** The forced size goes past net.core.wmem_max but needs privilege over the first user namespace. */
  #setBuffer(forced: number, plain: number, size: number): void {
    const value = new Int32Array([size]);
    if (tryCall("setsockopt", this.fd, SOL_SOCKET, forced, value, 4) < 0) this.#setOption(SOL_SOCKET, plain, size);
  }

  send(datagram: Uint8Array): void {
    if (datagram.length > LARGE_DATAGRAM) this.#makeRoom(datagram.length);
    const sent = call("send a netlink message", "sendto", this.fd, datagram, datagram.length, 0, 0, 0);
    if (sent !== datagram.length) throw new NetlinkProtocolError(`the kernel took ${sent} of ${datagram.length} bytes`);
  }

  receive(wait: boolean): Uint8Array | undefined {
    for (;;) {
      this.#senderLength[0] = this.#sender.length;
      const flags = MSG.TRUNC | (wait ? 0 : MSG.DONTWAIT);
      const length = tryCall(
        "recvfrom",
        this.fd,
        this.#buffer,
        this.#buffer.length,
        flags,
        this.#sender,
        this.#senderLength,
      );
      if (length === -errno("EAGAIN")) {
        if (!wait) return undefined;
        throw new NetlinkProtocolError(`the kernel did not answer within ${RECEIVE_TIMEOUT_S} s`);
      }
      if (length < 0) throw new SyscallError("recvfrom", -length, "receive a netlink message");
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
