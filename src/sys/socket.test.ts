import { describe, expect, it } from "vitest";
import { prefixed, wrongConstants } from "../../test/support/c-constants.ts";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { close } from "./fd.ts";
import {
  AF,
  bind,
  connect,
  getOption,
  inetAddress,
  MSG,
  openSocket,
  receiveFrom,
  SO,
  SOCK,
  SOL,
  sendTo,
  setOption,
  trySetOption,
} from "./socket.ts";

const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const UDP = { family: AF.INET, type: SOCK.DGRAM, protocol: 17 };

function withSocket<T>(use: (fd: number) => T, kind = UDP): T {
  const fd = openSocket("open a test's socket", kind);
  try {
    return use(fd);
  } finally {
    close(fd);
  }
}

it("has the numbers of the system's headers", () => {
  const constants = prefixed({ AF, SOCK, SOL, SO, MSG });
  expect(wrongConstants(["sys/socket.h"], constants)).toEqual([]);
});

describe("a socket", () => {
  it("receives a datagram that is sent to its address, and reports the sender", () => {
    withSocket((receiver) =>
      withSocket((sender) => {
        bind("bind", receiver, inetAddress(LOOPBACK, 54_321));
        bind("bind", sender, inetAddress(LOOPBACK, 54_322));
        expect(sendTo("send", sender, Uint8Array.of(1, 2, 3), inetAddress(LOOPBACK, 54_321))).toBe(3);
        const [buffer, from] = [new Uint8Array(8), new Uint8Array(16)];
        expect(receiveFrom("receive", receiver, buffer, true, from)).toBe(3);
        expect([...buffer]).toEqual([1, 2, 3, 0, 0, 0, 0, 0]);
        expect(from).toEqual(inetAddress(LOOPBACK, 54_322));
      }),
    );
  });

  it("reports the whole length of a datagram that does not fit", () => {
    withSocket((fd) => {
      bind("bind", fd, inetAddress(LOOPBACK, 54_323));
      connect("connect", fd, inetAddress(LOOPBACK, 54_323));
      sendTo("send", fd, new Uint8Array(100));
      expect(receiveFrom("receive", fd, new Uint8Array(10), true, new Uint8Array(16))).toBe(100);
    });
  });

  it("has nothing to tell where nothing has come", () => {
    withSocket((fd) => {
      expect(receiveFrom("receive", fd, new Uint8Array(10), false, new Uint8Array(16))).toBeUndefined();
      setOption("limit the wait", fd, SOL.SOCKET, SO.RCVTIMEO, new Int32Array([0, 0, 1000, 0]));
      expect(receiveFrom("receive", fd, new Uint8Array(10), true, new Uint8Array(16))).toBeUndefined();
    });
  });

  it("names the operation when the kernel refuses", () => {
    expect(() => openSocket("open a socket of no family", { ...UDP, family: 9999 })).toThrow(
      "cannot open a socket of no family: EAFNOSUPPORT",
    );
    withSocket((fd) => {
      expect(() => setOption("set an option", fd, SOL.SOCKET, 9999, 1)).toThrow("cannot set an option: ENOPROTOOPT");
      expect(() => getOption("read an option", fd, SOL.SOCKET, 9999, new Uint8Array(4))).toThrow("ENOPROTOOPT");
      expect(trySetOption(fd, SOL.SOCKET, 9999, 1)).toBe(false);
      expect(trySetOption(fd, SOL.SOCKET, SO.RCVBUF, 4096)).toBe(true);
    });
    withSyscalls(
      (name) => (name === "recvfrom" ? "ENOBUFS" : undefined),
      () =>
        withSocket((fd) => {
          expect(() => receiveFrom("receive", fd, new Uint8Array(1), true, new Uint8Array(16))).toThrow("ENOBUFS");
        }),
    );
  });
});
