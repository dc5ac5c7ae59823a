// Sockets: socket(2), bind(2), connect(2), sendto(2), recvfrom(2), getsockopt(2) and setsockopt(2). The descriptor of a socket
// is closed by close of fd.ts.

import { call, tryCall } from "./call.ts";
import { errno } from "./errno.ts";
import { SyscallError } from "./error.ts";
import { inNetns } from "./netns.ts";

/** Address families (include/linux/socket.h). */
export const AF = { UNIX: 1, INET: 2, INET6: 10, NETLINK: 16 } as const;
/** Types of sockets (include/linux/net.h). Every socket here is close-on-exec. */
export const SOCK = { STREAM: 1, DGRAM: 2, RAW: 3, NONBLOCK: 0o4000 } as const;
const SOCK_CLOEXEC = 0o2000000;
/** Levels of options (include/linux/socket.h, include/uapi/asm-generic/socket.h). */
export const SOL = { SOCKET: 1, NETLINK: 270 } as const;
/** Options of every socket (include/uapi/asm-generic/socket.h). */
export const SO = { SNDBUF: 7, RCVBUF: 8, RCVTIMEO: 20, SNDTIMEO: 21, SNDBUFFORCE: 32, RCVBUFFORCE: 33 } as const;
/** Flags of a message (include/linux/socket.h). */
export const MSG = { TRUNC: 0x20, DONTWAIT: 0x40 } as const;

export interface SocketKind {
  readonly family: number;
  /** SOCK_, with SOCK.NONBLOCK where nothing may wait. */
  readonly type: number;
  readonly protocol: number;
}

/**
 * Opens a socket: in the network namespace whose descriptor is given, or in this thread's. `operation` says what for, in
 * errors. Throws SyscallError.
 */
export function openSocket(operation: string, { family, type, protocol }: SocketKind, netns?: number): number {
  const open = (): number => call(operation, "socket", family, type | SOCK_CLOEXEC, protocol);
  return netns === undefined ? open() : inNetns(netns, open);
}

/** Gives the socket an address: a sockaddr of its family. Throws SyscallError. */
export function bind(operation: string, fd: number, address: Uint8Array): void {
  call(operation, "bind", fd, address, address.length);
}

/** Begins a connection; throws SyscallError, EINPROGRESS where the socket does not wait. */
export function connect(operation: string, fd: number, address: Uint8Array): void {
  call(operation, "connect", fd, address, address.length);
}

/** Sends one datagram, to an address or to the peer; returns how many bytes the kernel has taken. Throws SyscallError. */
export function sendTo(operation: string, fd: number, datagram: Uint8Array, address?: Uint8Array): number {
  return call(operation, "sendto", fd, datagram, datagram.length, 0, address ?? 0, address?.length ?? 0);
}

/**
 * Receives one datagram into `buffer`; returns its whole length, which may be more than the buffer takes, or undefined where
 * none has come: at once without `wait`, else when the socket's time is up (SO.RCVTIMEO). The sender's address is written
 * into `sender`, whose length must be that of a sockaddr of the family. Throws SyscallError.
 */
export function receiveFrom(
  operation: string,
  fd: number,
  buffer: Uint8Array,
  wait: boolean,
  sender: Uint8Array,
): number | undefined {
  const flags = MSG.TRUNC | (wait ? 0 : MSG.DONTWAIT);
  const length = tryCall("recvfrom", fd, buffer, buffer.length, flags, sender, new Int32Array([sender.length]));
  if (length === -errno("EAGAIN")) return undefined;
  if (length < 0) throw new SyscallError("recvfrom", -length, operation);
  return length;
}

/** Sets an option: a number, or a struct as bytes or words. Throws SyscallError. */
export function setOption(
  operation: string,
  fd: number,
  level: number,
  option: number,
  value: number | Int32Array,
): void {
  const words = typeof value === "number" ? new Int32Array([value]) : value;
  call(operation, "setsockopt", fd, level, option, words, words.byteLength);
}

/** Sets an option that the kernel may refuse; returns whether it has taken it. */
export function trySetOption(fd: number, level: number, option: number, value: number): boolean {
  return tryCall("setsockopt", fd, level, option, new Int32Array([value]), 4) >= 0;
}

/** Reads an option into `buffer`, which is also what it is asked by. Throws SyscallError. */
export function getOption(operation: string, fd: number, level: number, option: number, buffer: Uint8Array): void {
  call(operation, "getsockopt", fd, level, option, buffer, new Int32Array([buffer.length]));
}

/**
 * struct sockaddr_in or sockaddr_in6 (include/uapi/linux/in.h, in6.h), by the length of the address: 4 bytes or 16. `ifindex` is
 * the interface of a link-local address of IPv6 (sin6_scope_id).
 */
export function inetAddress(ip: Uint8Array, port: number, ifindex = 0): Uint8Array {
  const isV4 = ip.length === 4;
  const bytes = new Uint8Array(isV4 ? 16 : 28);
  bytes.set([isV4 ? AF.INET : AF.INET6, 0, port >> 8, port & 0xff]);
  bytes.set(ip, isV4 ? 4 : 8);
  if (!isV4) new DataView(bytes.buffer).setUint32(24, ifindex, true);
  return bytes;
}
