// The real socket. Only questions that anybody may ask, and that change nothing, are put to the kernel here.

import { readdirSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { withResult, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { call } from "../sys/call.ts";
import { type ErrnoName, errno } from "../sys/errno.ts";
import { SyscallError } from "../sys/error.ts";
import type { Writer } from "../wire/writer.ts";
import { Connection } from "./connection.ts";
import { NetlinkError, NetlinkProtocolError } from "./error.ts";
import type { Request } from "./message.ts";
import { NetlinkSocket, type SocketOptions } from "./transport.ts";
import { NETLINK, NLMSG } from "./uapi.ts";

/** include/uapi/linux/netlink.h: for programs to talk to each other; anybody may send. */
const NETLINK_USERSOCK = 2;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;

const open: { close(): void }[] = [];

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

function socket(protocol: number, options?: SocketOptions): NetlinkSocket {
  const made = new NetlinkSocket(protocol, options);
  open.push(made);
  return made;
}

function connect(): Connection {
  const made = Connection.open(NETLINK.ROUTE);
  open.push(made);
  return made;
}

/** RTM_GETLINK by name. */
function getLink(name: string): Request {
  return {
    type: 18,
    flags: 0,
    operation: () => `link show ${name}`,
    encode(out) {
      out.zeros(16);
      out.u16(4 + name.length + 1);
      out.u16(3);
      for (const letter of Buffer.from(`${name}\0`)) out.u8(letter);
      out.align4();
    },
  };
}

/** Fails one system call by name each time it is made. */
const failing = (wanted: string, code: ErrnoName) => (name: string) => (name === wanted ? code : undefined);

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("a connection to the kernel", () => {
  it("asks and is answered", () => {
    const [message] = connect().execute(getLink("lo"));
    expect(message?.type).toBe(16);
    expect(Buffer.from(message?.payload ?? []).includes("lo\0")).toBe(true);
  });

  it("is told with the name of the error when there is no such thing", () => {
    const error = thrown(() => connect().execute(getLink("no-such-link")));
    expect(error).toBeInstanceOf(NetlinkError);
    expect(error).toMatchObject({ code: "ENODEV", message: "cannot link show no-such-link: ENODEV: No such device" });
  });

  it("checks strictly: a request with more in it than it should have is refused with a reason", () => {
    const request = getLink("lo");
    const encode = (out: Writer): void => {
      out.u16(0x0100); // the byte of padding behind the family
      out.zeros(14);
    };
    expect(thrown(() => connect().execute({ ...request, encode }))).toMatchObject({
      code: "EINVAL",
      extack: { message: "Invalid values in header for get link request" },
    });
  });

  it("goes on when a system call is interrupted", () => {
    const connection = connect();
    const answer = withResult("recvfrom", -errno("EINTR"), 3, () => connection.execute(getLink("lo")));
    expect(answer).toHaveLength(1);
    expect(withResult("sendto", -errno("EINTR"), 3, () => connection.execute(getLink("lo")))).toHaveLength(1);
  });
});

describe("a socket", () => {
  it.each([
    ["sendto", "EMSGSIZE", "cannot send a netlink message: EMSGSIZE: Message too long (sendto)"],
    ["recvfrom", "ENOBUFS", "cannot receive a netlink message: ENOBUFS: No buffer space available (recvfrom)"],
  ] as const)("throws the SyscallError of a failed %s", (name, code, text) => {
    const connection = connect();
    const error = thrown(() => withSyscalls(failing(name, code), () => connection.execute(getLink("lo"))));
    expect(error).toBeInstanceOf(SyscallError);
    expect(error).toMatchObject({ code, syscall: name, message: text });
  });

  it("refuses to go on when the kernel took a part of a message", () => {
    const connection = connect();
    const error = thrown(() => withResult("sendto", 7, 1, () => connection.execute(getLink("lo"))));
    expect(error).toEqual(new NetlinkProtocolError("the kernel took 7 of 40 bytes"));
  });

  it("refuses a reply that was truncated", () => {
    const connection = connect();
    const error = thrown(() => withResult("recvfrom", 40000, 1, () => connection.execute(getLink("lo"))));
    expect(error).toEqual(new NetlinkProtocolError("a reply of 40000 bytes was truncated"));
  });

  it("throws when the kernel does not answer in time", () => {
    const connection = connect();
    const error = thrown(() => withSyscalls(failing("recvfrom", "EAGAIN"), () => connection.execute(getLink("lo"))));
    expect(error).toEqual(new NetlinkProtocolError("the kernel did not answer within 30 s"));
  });

  it("says so where nothing is there and it is not to wait", () => {
    expect(socket(NETLINK.ROUTE).receive(false)).toBeUndefined();
  });

  it("receives messages from the kernel only", () => {
    const listener = socket(NETLINK_USERSOCK);
    const name = new Uint8Array(12);
    name[0] = 16;
    call("bind", "bind", listener.fd, name, name.length);
    call("ask for the port id", "getsockname", listener.fd, name, new Int32Array([name.length]));
    const other = socket(NETLINK_USERSOCK);
    const forged = new Uint8Array(20);
    call("send", "sendto", other.fd, forged, forged.length, 0, name, name.length);
    // It is there, as a look past the socket's own check tells, and is passed over.
    const peeked = call("peek", "recvfrom", listener.fd, new Uint8Array(64), 64, 0x2 | 0x40, 0, 0);
    expect(peeked).toBe(20);
    expect(listener.receive(false)).toBeUndefined();
  });

  it("has the receive buffer that is asked for, without privileges as far as the system lets it", () => {
    const sizeOf = (one: NetlinkSocket): number => {
      const size = new Int32Array(1);
      call("ask for a buffer's size", "getsockopt", one.fd, SOL_SOCKET, SO_RCVBUF, size, new Int32Array([4]));
      return size[0] ?? 0;
    };
    const unprivileged = (name: string, args: readonly unknown[]): ErrnoName | undefined =>
      name === "setsockopt" && args[2] === SO_RCVBUFFORCE ? "EPERM" : undefined;
    const receiveBuffer = 100_000; // below net.core.rmem_max; the kernel doubles it
    expect(sizeOf(withSyscalls(unprivileged, () => socket(NETLINK.ROUTE, { receiveBuffer })))).toBe(200_000);
    expect(sizeOf(socket(NETLINK.ROUTE, { receiveBuffer }))).toBe(200_000);
  });

  it("makes room for a datagram that is larger than its send buffer", () => {
    const noop = {
      type: NLMSG.NOOP,
      flags: 0,
      operation: () => "nothing",
      encode: (out: Writer) => out.zeros(300_000),
    };
    expect(connect().execute(noop)).toEqual([]);
  });

  it("that can't be set up is closed, and the reason thrown", () => {
    const before = readdirSync("/proc/self/fd").length;
    const error = thrown(() => withSyscalls(failing("setsockopt", "ENOPROTOOPT"), () => socket(NETLINK.ROUTE)));
    expect(error).toMatchObject({ name: "SyscallError", code: "ENOPROTOOPT", syscall: "setsockopt" });
    expect(readdirSync("/proc/self/fd")).toHaveLength(before);
  });

  it("of an unknown protocol is refused", () => {
    expect(thrown(() => socket(99))).toMatchObject({
      name: "SyscallError",
      message: "cannot open a netlink socket: EPROTONOSUPPORT: Protocol not supported (socket)",
    });
  });
});
