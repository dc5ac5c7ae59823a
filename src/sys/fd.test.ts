import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { syscallsOf, withResult, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { poll as pollUntil } from "../../test/support/netns.ts";
import { pipe } from "../../test/support/pipe.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { call } from "./call.ts";
import { errno } from "./errno.ts";
import { close, O, open, readAll, readAt, withOpen, writeAll, writeAt } from "./fd.ts";

const EAGAIN = errno("EAGAIN");
const F_GETFD = 1;
const FD_CLOEXEC = 1;

/** A file with this content. */
function file(content: string | Uint8Array): string {
  const path = `${temporaryDirectory()}/file`;
  writeFileSync(path, content);
  return path;
}

describe("open", () => {
  it("opens close-on-exec, so that no child inherits it", () => {
    const fd = open("/dev/null", O.RDONLY);
    expect(call("look", "fcntl", fd, F_GETFD, 0) & FD_CLOEXEC).toBe(FD_CLOEXEC);
    close(fd);
  });

  it("names the path when it can't", () => {
    expect(() => open("/nowhere/at all", O.RDONLY)).toThrow("cannot open /nowhere/at all: ENOENT");
  });

  it("gives a new file its mode", () => {
    const path = `${temporaryDirectory()}/new`;
    close(open(path, O.WRONLY | O.CREAT | O.EXCL, 0o600));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(() => open(path, O.WRONLY | O.CREAT | O.EXCL)).toThrow("EEXIST");
  });
});

describe("withOpen", () => {
  it("closes, whatever happens", () => {
    let kept = -1;
    const use = (fd: number): never => {
      kept = fd;
      throw new Error("stop");
    };
    expect(() => withOpen("/dev/null", O.RDONLY, use)).toThrow("stop");
    expect(() => call("look", "fcntl", kept, F_GETFD, 0)).toThrow("EBADF");
  });

  it("returns what was made of it", () => {
    expect(withOpen("/dev/null", O.RDONLY, (fd) => fd >= 0)).toBe(true);
  });
});

it("close never throws", () => {
  expect(() => close(12345)).not.toThrow();
});

describe("readAll", () => {
  it.each([0, 1, 4095, 4096, 4097, 16384, 70000])("reads a file of %i bytes to its end", (size) => {
    const content = Uint8Array.from({ length: size }, (_, i) => i % 251);
    const read = withOpen(file(content), O.RDONLY, (fd) => readAll(fd, "it", 1 << 20));
    expect(Buffer.compare(read, content)).toBe(0);
  });

  it("refuses content that is larger than the limit, and takes content of exactly that size", () => {
    const path = file("12345678");
    expect(withOpen(path, O.RDONLY, (fd) => readAll(fd, "it", 8))).toHaveLength(8);
    expect(() => withOpen(path, O.RDONLY, (fd) => readAll(fd, "it", 7))).toThrow(
      new RangeError("it is larger than 7 bytes"),
    );
  });

  it("stops at the limit where the input never ends", () => {
    expect(() => withOpen("/dev/zero", O.RDONLY, (fd) => readAll(fd, "it", 100_000))).toThrow(RangeError);
  });

  it("waits where a descriptor has nothing for now", () => {
    const { from, to } = pipe();
    writeAll(to, "it", Uint8Array.of(1, 2, 3));
    close(to);
    const names = syscallsOf(() => withResult("read", -EAGAIN, 1, () => readAll(from, "it", 100)));
    expect(names).toEqual(["ppoll", "read", "read"]);
  });

  it("throws when it can't be read", () => {
    expect(() => withOpen("/", O.RDONLY, (fd) => readAll(fd, "the root", 100))).toThrow(
      "cannot read the root: EISDIR: Is a directory (read)",
    );
  });
});

describe("writeAll", () => {
  it("goes on after short writes", () => {
    const path = `${temporaryDirectory()}/file`;
    const { bautaEngine } = globalThis;
    const { syscall } = bautaEngine;
    // Every write takes no more than three bytes.
    bautaEngine.syscall = (number, ...args) =>
      args.length === 3 && args[1] instanceof Uint8Array
        ? syscall(number, args[0] ?? 0, args[1].subarray(0, 3), Math.min(3, Number(args[2])))
        : syscall(number, ...args);
    try {
      withOpen(path, O.WRONLY | O.CREAT, (fd) => writeAll(fd, "it", Buffer.from("twelve bytes")), 0o600);
    } finally {
      bautaEngine.syscall = syscall;
    }
    expect(readFileSync(path, "utf8")).toBe("twelve bytes");
  });

  it("waits for a slow reader, whether the pipe blocks or not", () => {
    for (const flags of [0, O.NONBLOCK]) {
      const ends = new Int32Array(2);
      call("make a pipe", "pipe2", ends, flags | O.CLOEXEC);
      const [from = -1, to = -1] = ends;
      const path = `${temporaryDirectory()}/copy`;
      const copy = openSync(path, "w");
      // A pipe holds 64 KiB: the rest has to wait until the reader has come up.
      const reader = spawn("dd", ["bs=4096", "iflag=fullblock", "status=none"], { stdio: [from, copy, "inherit"] });
      close(from);
      closeSync(copy);
      const content = Buffer.alloc(300_000, "bauta ");
      writeAll(to, "it", content);
      close(to);
      pollUntil("the copy", () => statSync(path).size === content.length);
      expect(readFileSync(path).equals(content)).toBe(true);
      reader.unref();
    }
  });

  it("throws when the reader is gone, and when the disk is full", () => {
    const { from, to } = pipe();
    close(from);
    expect(() => writeAll(to, "the result", Uint8Array.of(1))).toThrow(
      "cannot write the result: EPIPE: Broken pipe (write)",
    );
    expect(() => withOpen("/dev/full", O.WRONLY, (fd) => writeAll(fd, "it", Uint8Array.of(1)))).toThrow(
      "cannot write it: ENOSPC: No space left on device",
    );
  });
});

describe("readAt and writeAt", () => {
  it("read and write in place", () => {
    const path = file("0123456789");
    withOpen(path, O.RDWR, (fd) => {
      writeAt(fd, "it", Buffer.from("abc"), 2);
      const bytes = new Uint8Array(4);
      expect(readAt(fd, "it", bytes, 1)).toBe(4);
      expect(Buffer.from(bytes).toString()).toBe("1abc");
      expect(readAt(fd, "it", bytes, 8)).toBe(2);
      expect(readAt(fd, "it", bytes, 10)).toBe(0);
    });
    expect(readFileSync(path, "utf8")).toBe("01abc56789");
  });

  it("go on after a short write", () => {
    const path = file("");
    const short = (name: string): undefined => void name;
    withOpen(path, O.RDWR, (fd) =>
      withSyscalls(short, () => withResult("pwrite64", 2, 1, () => writeAt(fd, "it", Buffer.from("abcd"), 0))),
    );
    // The first two were only said to be written.
    expect(readFileSync(path)).toEqual(Buffer.from("\0\0cd"));
  });

  it("throw naming what they were at", () => {
    withOpen("/dev/null", O.RDONLY, (fd) => {
      expect(() => writeAt(fd, "the record", Uint8Array.of(1), 0)).toThrow("cannot write the record: EBADF");
    });
    const { from } = pipe();
    expect(() => readAt(from, "the record", new Uint8Array(1), 0)).toThrow("cannot read the record: ESPIPE");
  });
});
