import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { run } from "../../test/support/netns.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { close } from "../sys/fd.ts";
import { openContainerNetns } from "./netns.ts";

describe("openContainerNetns()", () => {
  it("opens a namespace", () => {
    const fd = openContainerNetns("/proc/self/ns/net");
    expect(fd).toBeGreaterThan(2);
    close(fd);
  });

  it("says with code 3 that there is no such container", () => {
    for (const path of ["/nonexistent/netns", "/dev/null/netns"]) {
      expect(() => openContainerNetns(path)).toThrow(
        expect.objectContaining({
          name: "CniError",
          code: 3,
          message: `CNI_NETNS ${JSON.stringify(path)} does not exist: is the container gone?`,
        }),
      );
    }
  });

  it("says with code 8 that it is something else", () => {
    for (const path of ["/dev/null", "/etc/passwd", "/tmp"]) {
      expect(() => openContainerNetns(path)).toThrow(
        expect.objectContaining({ code: 8, message: `CNI_NETNS "${path}" is not a network namespace` }),
      );
    }
  });

  it("does not take a file of /proc, or another kind of namespace, for a network namespace", () => {
    for (const path of ["/proc/version", "/proc/self/ns/mnt", "/proc/self"]) {
      expect(() => openContainerNetns(path), path).toThrow(expect.objectContaining({ code: 8 }));
    }
  });

  it("says with code 8 that the path leads nowhere", () => {
    const directory = temporaryDirectory();
    symlinkSync("loop", `${directory}/loop`);
    for (const [path, code] of [
      [`${directory}/loop`, "ELOOP"],
      [`/${"x".repeat(300)}`, "ENAMETOOLONG"],
    ] as const) {
      expect(() => openContainerNetns(path)).toThrow(
        expect.objectContaining({
          code: 8,
          message: expect.stringMatching(/^CNI_NETNS "\/.* leads nowhere$/),
          cause: expect.objectContaining({ code }),
        }),
      );
    }
  });

  it("says with code 5 what keeps it from opening the path", () => {
    const refused = (): void =>
      withSyscalls(
        (name) => (name === "openat" ? "EACCES" : undefined),
        () => void openContainerNetns("/secret"),
      );
    expect(refused).toThrow(
      expect.objectContaining({
        code: 5,
        message: 'CNI_NETNS "/secret" cannot be opened',
        cause: expect.objectContaining({ code: "EACCES" }),
      }),
    );
  });

  it("does not wait for somebody at the other end of a FIFO", () => {
    const directory = mkdtempSync(join(tmpdir(), "netns-"));
    try {
      run("mkfifo", join(directory, "fifo"));
      expect(() => openContainerNetns(join(directory, "fifo"))).toThrow(expect.objectContaining({ code: 8 }));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
