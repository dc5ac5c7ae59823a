import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { O } from "./fd.ts";
import { readDirectory } from "./file.ts";
import { OddEntryError, openRegular, readRegular, readRegularText } from "./regular-file.ts";

/** Makes an entry of this kind and returns its path. */
const ENTRIES: Record<string, (path: string) => Promise<void> | void> = {
  "a directory": (path) => mkdirSync(path),
  "a FIFO": (path) => void execFileSync("mkfifo", [path]),
  "a symbolic link": (path) => {
    writeFileSync(`${path}.target`, "a secret");
    symlinkSync(`${path}.target`, path);
  },
  "a socket or a device without a driver": (path) =>
    new Promise((resolve) => {
      const server = createServer().listen(path, resolve);
      onTestFinished(() => void server.close());
    }),
  "larger than 10 bytes": (path) => writeFileSync(path, "eleven byte"),
};

async function make(kind: string): Promise<string> {
  const path = `${temporaryDirectory()}/entry`;
  await ENTRIES[kind]?.(path);
  return path;
}

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("readRegularText", () => {
  it("reads a file up to the limit", () => {
    const path = `${temporaryDirectory()}/entry`;
    writeFileSync(path, "zürich");
    expect(readRegularText(path, 7)).toBe("zürich");
    writeFileSync(path, "");
    expect(readRegularText(path, 7)).toBe("");
  });

  it("takes no more memory than the file, however large the limit is", () => {
    const path = `${temporaryDirectory()}/entry`;
    writeFileSync(path, "x".repeat(10_000));
    expect(readRegularText(path, Number.MAX_SAFE_INTEGER - 1)).toHaveLength(10_000);
  });

  it.each(Object.keys(ENTRIES))("refuses %s, and does not wait", async (kind) => {
    const path = await make(kind);
    const error = errorOf(() => readRegularText(path, 10));
    expect(error).toBeInstanceOf(OddEntryError);
    expect(error).toMatchObject({ path, reason: kind, message: `${path} is ${kind}` });
  });

  it("refuses a device", () => {
    expect(() => readRegularText("/dev/zero", 10)).toThrow("/dev/zero is a character device");
  });

  it.each(["EACCES", "EIO"] as const)("says which file cannot be opened or read: %s", (code) => {
    const path = `${temporaryDirectory()}/entry`;
    writeFileSync(path, "x");
    for (const call of ["openat", "read"] as const) {
      const error = errorOf(() =>
        withSyscalls(
          (name) => (name === call ? code : undefined),
          () => readRegularText(path, 10),
        ),
      );
      expect(error).toBeInstanceOf(OddEntryError);
      expect(error).toMatchObject({ reason: expect.stringMatching(`^unreadable \\(${code}: `) });
    }
  });

  it("passes on what says nothing of the entry", () => {
    expect(() => readRegularText("/nowhere", 10)).toThrow("cannot open /nowhere: ENOENT");
    const path = `${temporaryDirectory()}/entry`;
    writeFileSync(path, "x");
    const full = () => readRegularText(path, 10);
    expect(() => withSyscalls((name) => (name === "openat" ? "EMFILE" : undefined), full)).toThrow("EMFILE");
  });

  it("leaves no descriptor open", async () => {
    const before = readDirectory("/proc/self/fd").length;
    for (const kind of ["a FIFO", "a directory", "larger than 10 bytes"]) {
      const path = await make(kind);
      errorOf(() => readRegularText(path, 10));
    }
    expect(readDirectory("/proc/self/fd")).toHaveLength(before);
  });
});

describe("readRegular", () => {
  it("reads into the same memory again", () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/a`, "first");
    writeFileSync(`${directory}/b`, "2nd");
    const buffer = new Uint8Array(16);
    expect(readRegular(`${directory}/a`, buffer)).toHaveLength(5);
    expect(Buffer.from(readRegular(`${directory}/b`, buffer)).toString()).toBe("2nd");
  });
});

describe("openRegular", () => {
  it("refuses a directory and a FIFO to those who would write, too", async () => {
    for (const kind of ["a directory", "a FIFO"]) {
      const path = await make(kind);
      expect(() => openRegular(path, O.RDWR)).toThrow(`${path} is ${kind}`);
    }
  });
});

describe("readDirectory", () => {
  it("does not wait at a FIFO", async () => {
    const path = await make("a FIFO");
    expect(() => readDirectory(path)).toThrow("ENOTDIR");
  });
});
