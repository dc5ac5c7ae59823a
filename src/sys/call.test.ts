import { describe, expect, it } from "vitest";
import { withResult } from "../../test/support/intercept-syscalls.ts";
import { call, tryCall } from "./call.ts";
import { errno } from "./errno.ts";
import { hasCode, isNotFound, SyscallError } from "./error.ts";

describe("tryCall", () => {
  it("returns what the kernel returned", () => {
    expect(tryCall("getpid")).toBe(process.pid);
  });

  it("returns the negated errno of a failure", () => {
    expect(tryCall("close", 12345)).toBe(-errno("EBADF"));
  });

  it("makes a call again that was interrupted", () => {
    expect(withResult("getpid", -errno("EINTR"), 3, () => tryCall("getpid"))).toBe(process.pid);
  });

  it("passes a typed array from where it begins", () => {
    const whole = new Uint8Array(16).fill(0xee);
    expect(tryCall("getrandom", whole.subarray(4, 8), 4, 0)).toBe(4);
    expect(Array.from(whole.subarray(0, 4))).toEqual([0xee, 0xee, 0xee, 0xee]);
    expect(Array.from(whole.subarray(8))).toEqual(new Array(8).fill(0xee));
  });
});

describe("call", () => {
  it("passes text as the kernel reads it", () => {
    expect(() => call("open it", "openat", -100, "/nowhere/ä")).toThrow("cannot open it: ENOENT");
  });

  it("refuses text with a NUL in it, which the kernel would read as its end", () => {
    expect(() => call("open it", "openat", -100, "/tmp\0/nowhere")).toThrow(RangeError);
  });

  it("throws an error that names the operation, the errno and the system call", () => {
    expect(() => call("close nothing", "close", 12345)).toThrow(
      "cannot close nothing: EBADF: Bad file descriptor (close)",
    );
  });
});

describe("SyscallError", () => {
  const error = new SyscallError("openat", errno("ENOENT"), "open /nowhere");

  it("carries all that is known", () => {
    expect(error).toMatchObject({
      name: "SyscallError",
      message: "cannot open /nowhere: ENOENT: No such file or directory (openat)",
      syscall: "openat",
      errno: 2,
      code: "ENOENT",
    });
  });

  it("is asked for its code, also where it caused another error", () => {
    const outer = new Error("outer", { cause: new Error("middle", { cause: error }) });
    expect(hasCode(outer, "EPERM", "ENOENT")).toBe(true);
    expect(hasCode(outer, "EPERM")).toBe(false);
    expect(hasCode("ENOENT", "ENOENT")).toBe(false);
    expect(hasCode(undefined, "ENOENT")).toBe(false);
    expect(hasCode(Object.assign(new Error("CNI"), { code: 7 }), "7")).toBe(false);
  });

  it.each(["ENOENT", "ENODEV", "ESRCH", "ENXIO", "EADDRNOTAVAIL"] as const)("%s means that it isn't there", (code) => {
    expect(isNotFound(new SyscallError("sendto", errno(code), "do"))).toBe(true);
  });

  it.each(["EPERM", "EEXIST", "EACCES", "ENOTDIR"] as const)("%s does not mean that it isn't there", (code) => {
    expect(isNotFound(new SyscallError("sendto", errno(code), "do"))).toBe(false);
  });
});
