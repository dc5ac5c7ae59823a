import { describe, expect, it } from "vitest";
import { textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import type { ErrnoName } from "./errno.ts";
import { SYS } from "./syscalls.ts";
import { ensureSysctl, isSameValue, readSysctl, setSysctl, trySetSysctl } from "./sysctl.ts";

const NAME = "net/ipv4/ip_default_ttl";
const PATH = `/proc/sys/${NAME}`;
const present = readSysctl(NAME) ?? "";

/** Runs `work` where files under /proc/sys can't be opened for writing. */
function readOnly<T>(work: () => T, code: ErrnoName = "EROFS"): T {
  return withSyscalls(
    (name, [, path, flags]) => (isOfSysctl(name, path) && Number(flags) & 1 ? code : undefined),
    work,
  );
}

function isOfSysctl(name: string, path: unknown): boolean {
  return name === "openat" && textOf(path).startsWith("/proc/sys/");
}

/** What `work` writes; nothing is really written, as this is the machine's own parameter. */
function written(work: () => void): string {
  let text = "";
  const { bautaEngine } = globalThis;
  const { syscall } = bautaEngine;
  bautaEngine.syscall = (number, ...args) => {
    const bytes = args[1];
    if (number === SYS.openat) return syscall(number, args[0] ?? 0, args[1] ?? 0, Number(args[2]) & ~3, 0);
    if (number !== SYS.write || !(bytes instanceof Uint8Array)) return syscall(number, ...args);
    text += bautaEngine.decode(bytes);
    return bytes.length;
  };
  try {
    work();
  } finally {
    bautaEngine.syscall = syscall;
  }
  return text;
}

describe("readSysctl()", () => {
  it("reads a value without its newline", () => {
    expect(present).toMatch(/^[0-9]+$/);
  });

  it("reads nothing where the kernel has no such parameter", () => {
    expect(readSysctl("net/ipv4/no_such_thing")).toBeUndefined();
  });

  it("throws when the value can't be read for another reason", () => {
    const denied = (name: string) => (name === "openat" ? ("EACCES" as const) : undefined);
    expect(() => withSyscalls(denied, () => readSysctl(NAME))).toThrow(`cannot open ${PATH}: EACCES`);
  });
});

describe("isSameValue()", () => {
  it("takes a tab for a blank, and nothing else", () => {
    expect(isSameValue("4096\t87380\t6291456", " 4096  87380 6291456\n")).toBe(true);
    expect(isSameValue("", "\n")).toBe(true);
    expect(isSameValue("1", "01")).toBe(false);
    expect(isSameValue("1 2", "12")).toBe(false);
  });
});

describe.each([
  ["setSysctl()", setSysctl, present],
  ["ensureSysctl()", ensureSysctl, ""],
  ["trySetSysctl()", trySetSysctl, present],
] as const)("%s", (_, write, writtenAgain) => {
  it("writes a value that differs", () => {
    expect(written(() => write(NAME, "77"))).toBe("77");
  });

  it("reads first, or does not, where the parameter has the value", () => {
    expect(written(() => write(NAME, present))).toBe(writtenAgain);
  });

  it.each(["EROFS", "EACCES", "EPERM"] as const)("is content with a value that is there, whatever %s says", (code) => {
    expect(() => readOnly(() => write(NAME, present), code)).not.toThrow();
  });

  it("does not mind a parameter that the kernel does not have", () => {
    expect(write("net/ipv4/no_such_thing", "1") ?? false).toBe(false);
  });

  it("lets a fault of ours through", () => {
    const fault = (): never => {
      throw new TypeError("x");
    };
    expect(() => withSyscalls(fault, () => write(NAME, present))).toThrow(TypeError);
  });
});

describe("a parameter that can't be set and has another value", () => {
  it.each([
    ["setSysctl()", setSysctl],
    ["ensureSysctl()", ensureSysctl],
  ] as const)("is an error of %s", (_, write) => {
    expect(() => readOnly(() => write(NAME, "7"))).toThrow(`cannot open ${PATH}: EROFS`);
    expect(() => readOnly(() => write(NAME, "7"), "ENOSPC")).toThrow("ENOSPC");
  });

  it("is an error of setSysctl() also where the value can't be read", () => {
    const closed = (name: string, [, path]: readonly unknown[]) => (isOfSysctl(name, path) ? "EACCES" : undefined);
    expect(() => withSyscalls(closed, () => setSysctl(NAME, present))).toThrow("EACCES");
  });

  it("is none of trySetSysctl()", () => {
    expect(() => readOnly(() => trySetSysctl(NAME, "7"))).not.toThrow();
  });
});
