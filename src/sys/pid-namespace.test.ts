import { readlinkSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { isInInitialPidNamespace } from "./pid-namespace.ts";

describe("the initial process-id namespace", () => {
  it("is known by its inode", () => {
    expect(isInInitialPidNamespace()).toBe(readlinkSync("/proc/self/ns/pid") === "pid:[4026531836]");
  });

  it("is not assumed where /proc is missing", () => {
    const missing = (): boolean => withSyscalls(() => "ENOENT", isInInitialPidNamespace);
    expect(missing()).toBe(false);
  });
});
