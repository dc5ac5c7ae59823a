// What can be said without privileges; test/kernel/netlink.test.ts switches for real.

import { readdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { run } from "../../test/support/netns.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { tryCall } from "./call.ts";
import { errno } from "./errno.ts";
import { close } from "./fd.ts";
import { inNetns, isOwnNetns, NotNetnsError, openNetns, unshareNetns } from "./netns.ts";
import { SYS } from "./syscalls.ts";

describe("openNetns", () => {
  it.each(["EPERM", "EACCES", "ENOMEM"] as const)(
    "does not take a namespace for another file where the kernel says %s",
    (code) => {
      const refused = () =>
        withSyscalls(
          (name) => (name === "ioctl" ? code : undefined),
          () => openNetns("/proc/self/ns/net"),
        );
      const before = readdirSync("/proc/self/fd").length;
      expect(refused).toThrow(`cannot find out whether /proc/self/ns/net is a namespace: ${code}`);
      expect(readdirSync("/proc/self/fd")).toHaveLength(before);
    },
  );

  it("opens a network namespace", () => {
    const fd = openNetns("/proc/self/ns/net");
    expect(fd).toBeGreaterThan(2);
    close(fd);
  });

  it.each(["/dev/null", "/proc/self/stat", "/", "/proc/self/ns/mnt", "/proc/self/ns/pid"])(
    "refuses %s, which is none, and closes it",
    (path) => {
      let opened = -1;
      const watch = (name: string, args: readonly unknown[]): undefined => {
        if (name === "ioctl") opened = Number(args[0]);
      };
      expect(() => withSyscalls(watch, () => openNetns(path))).toThrow(
        new NotNetnsError(`${path} is not a network namespace`),
      );
      expect(tryCall("fcntl", opened, 1, 0)).toBe(-errno("EBADF"));
    },
  );

  it("refuses an ordinary file and a FIFO, for which it does not wait", () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/file`, "");
    run("mkfifo", `${directory}/fifo`);
    expect(() => openNetns(`${directory}/file`)).toThrow(NotNetnsError);
    expect(() => openNetns(`${directory}/fifo`)).toThrow(NotNetnsError);
  });

  it("names the path when there is nothing", () => {
    expect(() => openNetns("/run/netns/nowhere")).toThrow("cannot open /run/netns/nowhere: ENOENT");
  });
});

describe("isOwnNetns", () => {
  it("knows the namespace that it is in", () => {
    expect(isOwnNetns("/proc/self/ns/net")).toBe(true);
    expect(isOwnNetns("/proc/self/ns/mnt")).toBe(false);
  });
});

describe("inNetns", () => {
  const own = "/proc/self/ns/net";

  it("throws when the switch is refused, and runs nothing", () => {
    const fd = openNetns(own);
    let ran = false;
    const work = (): void =>
      inNetns(fd, () => {
        ran = true;
      });
    expect(() => withSyscalls((name) => (name === "setns" ? "EPERM" : undefined), work)).toThrow(
      "cannot enter the network namespace: EPERM: Operation not permitted (setns)",
    );
    expect(ran).toBe(false);
    close(fd);
  });

  it("comes back to its namespace when the function throws, and throws the same error", () => {
    const fd = openNetns(own);
    const calls: unknown[] = [];
    const { bautaEngine } = globalThis;
    const { syscall } = bautaEngine;
    bautaEngine.syscall = (number, ...args) => {
      if (number !== SYS.setns) return syscall(number, ...args);
      calls.push(args[0]);
      return 0;
    };
    try {
      const fail = (): never => {
        throw new Error("stop");
      };
      expect(() => inNetns(fd, fail)).toThrow("stop");
    } finally {
      bautaEngine.syscall = syscall;
    }
    expect(calls).toHaveLength(2);
    expect(calls[0]).toBe(fd);
    expect(tryCall("fcntl", Number(calls[1]), 1, 0)).toBe(-errno("EBADF"));
    close(fd);
  });

  it("comes back where the kernel refuses the way back once", () => {
    const fd = openNetns(own);
    let switches = 0;
    const refuse = (name: string) => (name === "setns" && ++switches === 2 ? ("ENOMEM" as const) : undefined);
    const result = withSyscalls(
      (name) => refuse(name),
      () => inNetns(fd, () => "what it returns"),
    );
    expect([result, switches]).toEqual(["what it returns", 3]);
    close(fd);
  });

  it("ends the process when the way back is refused again and again", () => {
    const fd = openNetns(own);
    let switches = 0;
    const ended = new Error("the process ended with status 125");
    const { bautaEngine } = globalThis;
    const { syscall } = bautaEngine;
    bautaEngine.syscall = (number, ...args) => {
      if (number === SYS.setns) return switches++ === 0 ? 0 : -errno("EPERM");
      if (number === SYS.exit_group && args[0] === 125) throw ended;
      return syscall(number, ...args);
    };
    try {
      expect(() => inNetns(fd, () => "never told")).toThrow(ended);
    } finally {
      bautaEngine.syscall = syscall;
    }
    close(fd);
  });
});

it("unshareNetns names the operation when the kernel refuses", () => {
  expect(() => withSyscalls((name) => (name === "unshare" ? "EPERM" : undefined), unshareNetns)).toThrow(
    "cannot make a network namespace: EPERM: Operation not permitted (unshare)",
  );
});
