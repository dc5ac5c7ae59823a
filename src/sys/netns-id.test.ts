import { describe, expect, it } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { ownNetnsId } from "./netns-id.ts";

describe("ownNetnsId()", () => {
  it("says the same each time", () => {
    expect(ownNetnsId()).toMatch(/^(cookie:\d+|inode:\d+:\d+:\d+)$/);
    expect(ownNetnsId()).toBe(ownNetnsId());
  });

  it("goes by the inode where the kernel has no cookie", () => {
    const older = (name: string) => (name === "getsockopt" ? ("ENOPROTOOPT" as const) : undefined);
    expect(withSyscalls(older, ownNetnsId)).toMatch(/^inode:\d+:\d+:\d+$/);
  });

  it.each(["socket", "getsockopt"])("gives no other id where %s fails for another reason", (call) => {
    const failing = (name: string) => (name === call ? ("EMFILE" as const) : undefined);
    expect(() => withSyscalls(failing, ownNetnsId)).toThrow("cannot tell the network namespace: EMFILE");
  });
});
