import { describe, expect, it } from "vitest";
import { textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { enableForwarding } from "../links/forwarding.ts";
import { setParameter, trySysctl } from "./parameters.ts";
import { readSysctl } from "./sysctl.ts";

const NAME = "net/ipv4/ip_forward";
const PATH = `/proc/sys/${NAME}`;

/** As where /proc/sys is read-only. */
function readOnly<T>(work: () => T): T {
  return withSyscalls(
    (name, [, path, flags]) =>
      name === "openat" && textOf(path).startsWith("/proc/sys/") && Number(flags) & 1 ? "EROFS" : undefined,
    work,
  );
}

const present = readSysctl(NAME) ?? "";
const other = present === "1" ? "0" : "1";

describe("setParameter()", () => {
  it("tells that the kernel has no such parameter", () => {
    expect(setParameter("net/ipv4/no_such_parameter", "1")).toBe(false);
  });

  it("is content with a read-only parameter that already has the value, and with no other", () => {
    expect(readOnly(() => setParameter(NAME, present))).toBe(true);
    expect(() => readOnly(() => setParameter(NAME, other))).toThrow(`cannot open ${PATH}: EROFS`);
  });
});

describe("trySysctl()", () => {
  it("does not mind what can't be set", () => {
    expect(() => readOnly(() => trySysctl(NAME, other))).not.toThrow();
  });

  it("lets a fault of ours through", () => {
    const fault = (): void =>
      withSyscalls(
        () => {
          throw new TypeError("x");
        },
        () => trySysctl(NAME, present),
      );
    expect(fault).toThrow(TypeError);
  });
});

describe("enableForwarding()", () => {
  it("says which parameter the administrator has to set", () => {
    const off = (name: string, [, path]: readonly unknown[]) =>
      name === "openat" && textOf(path).startsWith("/proc/sys/") ? "EROFS" : undefined;
    expect(() => withSyscalls(off, () => enableForwarding(4))).toThrow(
      expect.objectContaining({
        message: "the node must forward its containers' packets, and net.ipv4.ip_forward=1 can't be set here",
        cause: expect.objectContaining({ code: "EROFS" }),
      }),
    );
  });

  it("leaves an IPv6 alone that the kernel doesn't have", () => {
    const absent = (name: string, [, path]: readonly unknown[]) =>
      name === "openat" && textOf(path).includes("/ipv6/") ? "ENOENT" : undefined;
    expect(() => withSyscalls(absent, () => enableForwarding(6))).not.toThrow();
  });
});
