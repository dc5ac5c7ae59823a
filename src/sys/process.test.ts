import { describe, expect, it } from "vitest";
import { withResult, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { effectiveUserId, exit, logLine, monotonicMs, randomBytes, readStdin, writeStdout } from "./process.ts";
import { SYS } from "./syscalls.ts";

/** Everything that `work` writes to a descriptor, which it doesn't reach. */
function writtenTo(fd: number, work: () => void): string {
  const { bautaEngine } = globalThis;
  const { syscall } = bautaEngine;
  let text = "";
  bautaEngine.syscall = (number, ...args) => {
    const bytes = args[1];
    if (number !== SYS.write || args[0] !== fd || !(bytes instanceof Uint8Array)) return syscall(number, ...args);
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

describe("this process", () => {
  it("writes to standard output and standard error", () => {
    expect(writtenTo(1, () => writeStdout('{"a": "ä"}'))).toBe('{"a": "ä"}');
    expect(writtenTo(2, () => logLine("a line"))).toBe("a line\n");
  });

  it("reports that standard output is closed, but not that standard error is closed", () => {
    const closed = (name: string) => (name === "write" ? ("EBADF" as const) : undefined);
    expect(() => withSyscalls(closed, () => writeStdout("x"))).toThrow("cannot write standard output: EBADF");
    expect(() => withSyscalls(closed, () => logLine("x"))).not.toThrow();
  });

  it("reads standard input to its end, within a limit", () => {
    expect(withResult("read", 0, 1, () => readStdin(100))).toHaveLength(0);
    expect(() => withResult("read", 101, 1, () => readStdin(100))).toThrow("standard input is larger than 100 bytes");
  });

  it("knows its user", () => {
    expect(effectiveUserId()).toBe(process.geteuid?.());
  });

  it("has a clock that only goes forward, in milliseconds", () => {
    const [node, ours] = [Number(process.hrtime.bigint()) / 1e6, monotonicMs()];
    expect(ours).toBeGreaterThanOrEqual(node);
    expect(ours - node).toBeLessThan(10_000);
    expect(monotonicMs()).toBeGreaterThanOrEqual(ours);
  });

  it("gets random bytes", () => {
    expect(randomBytes(16)).toHaveLength(16);
    expect(randomBytes(16)).not.toEqual(randomBytes(16));
  });

  it("ends with a status, at once", () => {
    const { bautaEngine } = globalThis;
    const { syscall } = bautaEngine;
    const ended: unknown[] = [];
    bautaEngine.syscall = (number, ...args) => {
      if (number !== SYS.exit_group) return syscall(number, ...args);
      ended.push(args[0]);
      return 0;
    };
    try {
      expect(() => exit(3)).toThrow("exit_group returned");
    } finally {
      bautaEngine.syscall = syscall;
    }
    expect(ended).toEqual([3]);
  });
});
