import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run } from "../../test/support/netns.ts";
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
