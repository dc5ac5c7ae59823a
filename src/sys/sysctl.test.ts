import { describe, expect, it } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { SYS } from "./syscalls.ts";
import { readSysctl, writeSysctl } from "./sysctl.ts";

describe("sysctl", () => {
  it("reads a value without its newline", () => {
    expect(readSysctl("net/ipv4/ip_default_ttl")).toMatch(/^[0-9]+$/);
  });

  it("reads nothing where the kernel has no such parameter", () => {
    expect(readSysctl("net/ipv4/no_such_thing")).toBeUndefined();
  });

  it("throws when it can't be read for another reason", () => {
    const denied = (name: string) => (name === "openat" ? ("EACCES" as const) : undefined);
    expect(() => withSyscalls(denied, () => readSysctl("net/ipv4/ip_default_ttl"))).toThrow(
      "cannot open /proc/sys/net/ipv4/ip_default_ttl: EACCES",
    );
  });

  it("writes nothing where the value is there already, so that a read-only /proc/sys is no obstacle", () => {
    const value = readSysctl("net/ipv4/ip_default_ttl") ?? "";
    const readOnly = (name: string, args: readonly unknown[]) =>
      name === "openat" && (Number(args[2]) & 3) !== 0 ? ("EROFS" as const) : undefined;
    expect(() => withSyscalls(readOnly, () => writeSysctl("net/ipv4/ip_default_ttl", value))).not.toThrow();
    expect(() => withSyscalls(readOnly, () => writeSysctl("net/ipv4/ip_default_ttl", "7"))).toThrow("EROFS");
  });

  it("writes the value that differs", () => {
    let text = "";
    const { bautaEngine } = globalThis;
    const { syscall } = bautaEngine;
    bautaEngine.syscall = (number, ...args) => {
      const bytes = args[1];
      // Opened for reading instead, and never written: this is the machine's own parameter.
      if (number === SYS.openat) return syscall(number, args[0] ?? 0, args[1] ?? 0, Number(args[2]) & ~3, 0);
      if (number !== SYS.write || !(bytes instanceof Uint8Array)) return syscall(number, ...args);
      text += bautaEngine.decode(bytes);
      return bytes.length;
    };
    try {
      writeSysctl("net/ipv4/ip_default_ttl", "77");
    } finally {
      bautaEngine.syscall = syscall;
    }
    expect(text).toBe("77");
  });
});
