import { describe, expect, it } from "vitest";
import { errno } from "../sys/errno.ts";
import { SyscallError } from "../sys/error.ts";
import { NotNetnsError } from "../sys/netns.ts";
import { CniError } from "./error.ts";
import { toCniError } from "./error-code.ts";

const tidy = (stack: string): string => `tidied ${stack.slice(0, 4)}`;

function convert(thrown: unknown, command: "ADD" | "STATUS" = "ADD"): CniError {
  return toCniError(thrown, command, tidy);
}

const busy = new SyscallError("sendto", errno("EBUSY"), "ask the kernel");
const full = new SyscallError("write", errno("ENOSPC"), "write /var/lib/cni/networks/n/10.0.0.2");

/** As the errors of rooms that this one doesn't know carry a kernel's answer. */
class KernelError extends Error {
  override readonly name: string = "KernelError";
  readonly code: string;
  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

describe("toCniError()", () => {
  it.each<[string, unknown, number]>([
    ["a CniError: its own", new CniError(100, "m"), 100],
    ["a CniError that another error wraps", new Error("outer", { cause: new CniError(3, "m") }), 3],
    ["a full disk", full, 5],
    ["a read-only directory", new SyscallError("mkdirat", errno("EROFS"), "create directory /x"), 5],
    ["an unreadable file, wrapped", new Error("cannot load the store", { cause: full }), 5],
    ["something busy", busy, 11],
    ["a kernel that says EBUSY", new KernelError("cannot add link", "EBUSY"), 11],
    ["a lock that took too long", new KernelError("cannot lock", "ETIMEDOUT"), 11],
    ["a file that is to be tried again", new SyscallError("openat", errno("EAGAIN"), "open /x"), 11],
    ["what is no namespace", new NotNetnsError("/etc/passwd is not a network namespace"), 8],
    ["any other kernel's answer", new KernelError("cannot add link", "EPERM"), 999],
    ["any other system call", new SyscallError("setns", errno("EPERM"), "enter the network namespace"), 999],
    ["an error that says nothing more", new Error("no more addresses"), 999],
    ["a fault in the program", new TypeError("x is undefined"), 999],
    ["a fault that looks like a busy device", Object.assign(new TypeError("x"), { code: "EBUSY" }), 999],
    ["what isn't even an Error", "text", 999],
    ["undefined", undefined, 999],
  ])("gives the code of %s", (_, thrown, code) => {
    expect(convert(thrown).code).toBe(code);
  });

  it.each<[string, Error, string | undefined]>([
    ["a namespace", new SyscallError("setns", errno("EPERM"), "enter the network namespace"), "CAP_NET_ADMIN"],
    ["a kernel's answer", new Error("no", { cause: new KernelError("cannot add link", "EPERM") }), "CAP_SYS_ADMIN"],
    ["a file, for which none may be enough", new SyscallError("openat", errno("EPERM"), "open /x"), undefined],
    ["something that takes none", new KernelError("cannot add link", "EEXIST"), undefined],
  ])("tells which privileges are missing for %s", (_, error, name) => {
    const { details } = convert(new AggregateError([error, error], "twice"));
    if (name === undefined) expect(details).toBeUndefined();
    else expect(details).toMatch(new RegExp(`^plugins need [^;]*${name}[^;]*$`));
  });

  it.each<[string, Error, number]>([
    ["an error without a code", new Error("all addresses are taken"), 50],
    ["a file that can't be read", full, 50],
    ["a delegate's unexplained error", new CniError(999, "failed to find plugin"), 50],
    ["a delegate's 51", new CniError(51, "m"), 51],
    ["a configuration that is wrong", new CniError(7, "m"), 7],
    ["what passes", busy, 11],
    ["a fault in the program", new TypeError("x"), 999],
  ])("says of STATUS and %s that ADD can't be served, unless something else is known", (_, error, code) => {
    expect(convert(error, "STATUS").code).toBe(code);
  });

  it("joins messages along the causes", () => {
    const error = new Error("cannot attach eth0", { cause: new Error("cannot add link", { cause: full }) });
    expect(convert(error)).toMatchObject({
      message:
        "cannot attach eth0: cannot add link: cannot write /var/lib/cni/networks/n/10.0.0.2: " +
        "ENOSPC: No space left on device (write)",
      details: undefined,
    });
  });

  it("keeps a CniError's message short, and tells its causes in the details", () => {
    const cause = new Error("outer cause", { cause: new Error("inner cause") });
    const error = new Error("cannot attach eth0", { cause: CniError.because(cause, 7, "no", "details") });
    expect(convert(error)).toMatchObject({
      code: 7,
      message: "cannot attach eth0: no",
      details: "details; outer cause: inner cause",
    });
    expect(convert(CniError.because(cause, 7, "no")).details).toBe("outer cause: inner cause");
    expect(convert(new CniError(7, "no", "")).details).toBeUndefined();
  });

  it("shows no stack for a RangeError that a CniError explains", () => {
    const cause = new RangeError("standard input is larger than 5 bytes");
    expect(convert(CniError.because(cause, 5, "no")).details).toBe("standard input is larger than 5 bytes");
  });

  it("brings the mapped stack of a fault, and names its kind", () => {
    const fault = new Error("cannot attach", { cause: new TypeError("x is undefined") });
    expect(convert(fault)).toMatchObject({
      message: "cannot attach: TypeError: x is undefined",
      details: "tidied Type",
    });
    expect(convert(new Error("no fault")).details).toBeUndefined();
  });

  it("flattens aggregates, and says each message once", () => {
    const error = new AggregateError([
      new Error("cannot delete link", { cause: busy }),
      new AggregateError([busy, new Error("cannot delete link", { cause: busy })]),
    ]);
    const told = "cannot ask the kernel: EBUSY: Device or resource busy (sendto)";
    expect(convert(error)).toMatchObject({ code: 11, message: `cannot delete link: ${told}; ${told}` });
  });

  it("finds aggregates behind other errors", () => {
    const inner = (...errors: readonly unknown[]): Error =>
      new Error("outer", { cause: new Error("middle", { cause: new AggregateError(errors, "several") }) });
    expect(convert(inner(new CniError(3, "a"), new CniError(3, "b")))).toMatchObject({
      code: 3,
      message: "outer: middle: a; outer: middle: b",
    });
    expect(convert(inner(new CniError(3, "a")))).toMatchObject({ code: 3, message: "outer: middle: a" });
  });

  it("gives an aggregate the code that all its errors share, and 999 otherwise", () => {
    expect(convert(new AggregateError([full, full])).code).toBe(5);
    expect(convert(new AggregateError([full, busy])).code).toBe(999);
    expect(convert(new AggregateError(["text", full])).message).toContain("text; cannot write");
    expect(convert(new AggregateError([], "nothing in it"))).toMatchObject({ code: 999, message: "nothing in it" });
  });

  it("collects the details of an aggregate", () => {
    const error = new AggregateError([new CniError(7, "a", "one"), new CniError(7, "b", "two"), new CniError(7, "c")]);
    expect(convert(error)).toMatchObject({ code: 7, message: "a; b; c", details: "one; two" });
  });

  it("names an error that has no message", () => {
    expect(convert(new Error("")).message).toBe("Error: ");
    expect(convert(null).message).toBe("thrown: null");
  });
});
