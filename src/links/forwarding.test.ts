import { describe, expect, it } from "vitest";
import { textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { enableForwarding } from "./forwarding.ts";

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
