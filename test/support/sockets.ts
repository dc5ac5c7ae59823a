// Sockets in any namespace, by system calls from this thread: they bind to the address that a test is about, and nothing
// has to be started, waited for or ended.

import { PATIENCE_S } from "../../engine/patience.mjs";
import { call } from "../../src/sys/call.ts";
import { engine } from "../../src/sys/engine.ts";
import { errno } from "../../src/sys/errno.ts";
import { hasCode, SyscallError } from "../../src/sys/error.ts";
import { close } from "../../src/sys/fd.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { type Family, familyOf, formatIp, type Ip, parseIp } from "../../src/wire/ip.ts";
import type { TestNetns } from "./netns.ts";

// The numbers that src/sys/syscalls.ts has as well; here nothing depends on it.
const { connect, listen, accept4 } =
  engine.arch === "x64" ? { connect: 42, listen: 50, accept4: 288 } : { connect: 203, listen: 201, accept4: 242 };

// include/linux/socket.h, include/uapi/asm-generic/socket.h, include/uapi/linux/in.h, in6.h
const AF = { 4: 2, 6: 10 } as const;
const TYPE = { stream: 1, datagram: 2, raw: 3 } as const;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO = { REUSEADDR: 2, RCVTIMEO: 20, SNDTIMEO: 21 };
const MSG_DONTWAIT = 0x40;

/** An address and a port, and for IPv6 link-local and multicast addresses the interface. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  readonly ifindex?: number;
}

/** A datagram or the beginning of a stream, and where it came from. */
export interface Received {
  readonly from: string;
  readonly endpoint: Endpoint;
  readonly bytes: Uint8Array;
}

/** A blocking socket that gives up after PATIENCE_S. */
export class Socket {
  readonly #fd: number;
  readonly family: Family;

  private constructor(fd: number, family: Family) {
    this.#fd = fd;
    this.family = family;
  }

  static open(netns: TestNetns, family: Family, type: keyof typeof TYPE, protocol = 0): Socket {
    const fd = inNetns(netns.fd, () => openHere(family, type, protocol));
    return Socket.#prepared(fd, family);
  }

  /** In the namespace of this thread, the node's. */
  static openOnNode(family: Family, type: keyof typeof TYPE, protocol = 0): Socket {
    return Socket.#prepared(openHere(family, type, protocol), family);
  }

  static #prepared(fd: number, family: Family): Socket {
    const socket = new Socket(fd, family);
    socket.patience(PATIENCE_S);
    return socket;
  }

  /** How many seconds it waits: fewer where no answer is an answer, too. */
  patience(seconds: number): void {
    const timeout = new Uint8Array(BigInt64Array.of(BigInt(seconds), 0n).buffer); // struct timeval
    for (const option of [SO.RCVTIMEO, SO.SNDTIMEO]) this.set(SOL_SOCKET, option, timeout);
  }

  set(level: number, option: number, value: Uint8Array): void {
    call(`set option ${level}/${option}`, "setsockopt", this.#fd, level, option, value, value.length);
  }

  bind(endpoint: Endpoint): this {
    this.set(SOL_SOCKET, SO.REUSEADDR, uint32(1));
    const address = socketAddress(endpoint);
    call(`bind to ${endpoint.address}`, "bind", this.#fd, address, address.length);
    return this;
  }

  listen(): this {
    check("listen", listen, this.#fd, 64);
    return this;
  }

  /** Throws SyscallError: EINPROGRESS where no answer has come in time. */
  connect(endpoint: Endpoint): this {
    const address = socketAddress(endpoint);
    check(`connect to ${endpoint.address}`, connect, this.#fd, address, address.length);
    return this;
  }

  /** The next connection; `from` is who it comes from. */
  accept(): { readonly from: string; readonly endpoint: Endpoint; readonly socket: Socket } {
    const [address, length] = addressBuffer();
    const fd = check("accept a connection", accept4, this.#fd, address, length, SOCK_CLOEXEC);
    const endpoint = formatEndpoint(address);
    return { from: endpoint.address, endpoint, socket: Socket.#prepared(fd, this.family) };
  }

  send(text: string, to?: Endpoint): void {
    this.sendBytes(engine.encode(text), to);
  }

  sendBytes(bytes: Uint8Array, to?: Endpoint): void {
    const address = to === undefined ? 0 : socketAddress(to);
    call(
      `send to ${to?.address ?? "the peer"}`,
      "sendto",
      this.#fd,
      bytes,
      bytes.length,
      0,
      address,
      address === 0 ? 0 : address.length,
    );
  }

  /** Waits for the next datagram. */
  receive(flags = 0): Received {
    const bytes = new Uint8Array(2048);
    const [address, length] = addressBuffer();
    const count = call("receive", "recvfrom", this.#fd, bytes, bytes.length, flags, address, length);
    const endpoint = formatEndpoint(address);
    return { from: endpoint.address, endpoint, bytes: bytes.subarray(0, count) };
  }

  /** The next datagram if there is one already. */
  receiveIfAny(): Received | undefined {
    try {
      return this.receive(MSG_DONTWAIT);
    } catch (error) {
      if (hasCode(error, "EAGAIN")) return undefined;
      throw error;
    }
  }

  close(): void {
    close(this.#fd);
  }
}

function openHere(family: Family, type: keyof typeof TYPE, protocol: number): number {
  return call("open a socket", "socket", AF[family], TYPE[type] | SOCK_CLOEXEC, protocol);
}

/**
 * Makes a system call that src/sys/syscalls.ts does not have; like `call`, it makes the call again when a signal interrupts
 * it. A socket with a time-out is interrupted even where the handler says SA_RESTART (signal(7)), and Node's handlers run
 * when they will. A second connect(2) waits for the connection that the first one began; where that does not come it says
 * EALREADY, and this says EINPROGRESS as the first would have.
 */
function check(operation: string, number: number, ...args: readonly (number | Uint8Array | Int32Array)[]): number {
  let result: number;
  do result = engine.syscall(number, ...args);
  while (result === -errno("EINTR"));
  if (result === -errno("EALREADY")) result = -errno("EINPROGRESS");
  if (result < 0) throw new SyscallError(`system call ${number}`, -result, operation);
  return result;
}

export function uint32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** The text as an address; throws where it is none. */
export function ipOf(text: string): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is not an address`);
  return ip;
}

/** struct sockaddr_in or sockaddr_in6. */
export function socketAddress({ address, port, ifindex = 0 }: Endpoint): Uint8Array {
  const ip = ipOf(address);
  const family = familyOf(ip);
  const bytes = new Uint8Array(family === 4 ? 16 : 28);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, AF[family], true);
  view.setUint16(2, port);
  bytes.set(ip, family === 4 ? 4 : 8);
  if (family === 6) view.setUint32(24, ifindex, true);
  return bytes;
}

function addressBuffer(): [Uint8Array, Int32Array] {
  return [new Uint8Array(28), Int32Array.of(28)];
}

function formatEndpoint(bytes: Uint8Array): Endpoint {
  const view = new DataView(bytes.buffer);
  const ip = view.getUint16(0, true) === AF[4] ? bytes.subarray(4, 8) : bytes.subarray(8, 24);
  return { address: formatIp(ip), port: view.getUint16(2), ifindex: view.getUint32(24, true) };
}
