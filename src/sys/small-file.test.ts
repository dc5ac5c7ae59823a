import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { syscallsOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { engine } from "./engine.ts";
import { SmallFile } from "./small-file.ts";

/** Overwrites the file, which is made where there is none, and returns what was in it. */
function put(path: string, text: string): string | undefined {
  const file = SmallFile.open(path);
  const before = file && engine.decode(file.content);
  const open = file ?? SmallFile.create(path, 0o600);
  open.overwrite(engine.encode(text));
  expect(engine.decode(open.content)).toBe(text);
  open.close();
  return before;
}

describe("SmallFile", () => {
  it("is made, and later becomes longer and shorter", () => {
    const path = `${temporaryDirectory()}/hint`;
    let before: string | undefined;
    for (const text of ["10.1.0.9", "10.1.0.100", "10.1.0.1", "", "10.1.0.2"]) {
      expect(put(path, text)).toBe(before);
      expect(readFileSync(path, "utf8")).toBe(text);
      before = text;
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("leaves nothing of what was too long to read, or was there without having been read", () => {
    const path = `${temporaryDirectory()}/hint`;
    for (const isRead of [true, false]) {
      writeFileSync(path, "x".repeat(200));
      const file = isRead ? SmallFile.open(path) : SmallFile.create(path, 0o600);
      for (const text of ["10.1.0.100", "10.1.0.1"]) {
        file?.overwrite(engine.encode(text));
        expect(readFileSync(path, "utf8")).toBe(text);
      }
      file?.close();
    }
  });

  it("takes five system calls to be read and overwritten with no less", () => {
    const path = `${temporaryDirectory()}/hint`;
    put(path, "10.1.0.1");
    expect(syscallsOf(() => put(path, "10.1.0.2"))).toEqual(["openat", "statx", "pread64", "pwrite64", "close"]);
  });

  it("names the file that it could not open", () => {
    const path = `${temporaryDirectory()}/hint`;
    mkdirSync(path);
    expect(() => SmallFile.open(path)).toThrow(`${path} is a directory`);
    expect(() => SmallFile.create(path, 0o600)).toThrow(`${path} is a directory`);
  });

  it("names the file that it could not read, and leaves no descriptor open", () => {
    const path = `${temporaryDirectory()}/hint`;
    writeFileSync(path, "10.1.0.1");
    const names: unknown[] = [];
    const fail = (): unknown =>
      withSyscalls(
        (name) => {
          names.push(name);
          return name === "pread64" ? "EIO" : undefined;
        },
        () => SmallFile.open(path),
      );
    expect(fail).toThrow(`cannot read ${path}: EIO`);
    expect(names).toEqual(["openat", "statx", "pread64", "close"]);
  });
});
