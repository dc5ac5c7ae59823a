import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dieAt, syscallsOf, textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { engine } from "./engine.ts";
import type { ErrnoName } from "./errno.ts";
import { createWhole, removeReplaced, replaceFile } from "./whole-file.ts";

const content = engine.encode("the content");

function create(directory: string): boolean {
  return createWhole(directory, "name", content, { mode: 0o600, spare: ".spare" });
}

const withoutNamelessFiles = (failure: ErrnoName) => (name: string, args: readonly unknown[]) =>
  name === "openat" && (Number(args[2]) & 0o20000000) !== 0 ? failure : undefined;

const withoutProc = (name: string, args: readonly unknown[]) =>
  name === "linkat" && textOf(args[1]).startsWith("/proc") ? "ENOENT" : undefined;

const WAYS = [
  ["as a file without a name", () => undefined],
  ["where the file system has no files without a name", withoutNamelessFiles("EOPNOTSUPP")],
  ["where the kernel knows no files without a name", withoutNamelessFiles("EISDIR")],
  ["where there is no /proc", withoutProc],
] as const;

describe.each(WAYS)("createWhole() %s", (_, intercept) => {
  it("creates the file with its content and mode, and nothing else", () => {
    const directory = temporaryDirectory();
    expect(withSyscalls(intercept, () => create(directory))).toBe(true);
    expect(readFileSync(`${directory}/name`, "utf8")).toBe("the content");
    expect(statSync(`${directory}/name`).mode & 0o777).toBe(0o600);
    expect(readdirSync(directory)).toEqual(["name"]);
  });

  it("leaves a file that is there alone, and says so", () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/name`, "another's");
    expect(withSyscalls(intercept, () => create(directory))).toBe(false);
    expect(readFileSync(`${directory}/name`, "utf8")).toBe("another's");
    expect(readdirSync(directory)).toEqual(["name"]);
  });

  it("leaves nothing when the disk is full", () => {
    const directory = temporaryDirectory();
    const full = (name: string, args: readonly unknown[]) => (name === "write" ? "ENOSPC" : intercept(name, args));
    expect(() => withSyscalls(full, () => create(directory))).toThrow(
      `cannot write ${directory}/name: ENOSPC: No space left on device`,
    );
    expect(readdirSync(directory)).toEqual([]);
  });

  it("leaves nothing when the name cannot be given", () => {
    const directory = temporaryDirectory();
    const refuse = (name: string, args: readonly unknown[]) =>
      intercept(name, args) ?? (name === "linkat" ? "EDQUOT" : undefined);
    expect(() => withSyscalls(refuse, () => create(directory))).toThrow(`cannot create ${directory}/name: EDQUOT`);
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("createWhole()", () => {
  it("shows the whole file or none, whenever it is killed", () => {
    const calls = syscallsOf(() => create(temporaryDirectory())).length;
    for (let nth = 0; nth < calls; nth++) {
      const directory = temporaryDirectory();
      expect(dieAt(nth, () => create(directory))).toBe(true);
      const names = readdirSync(directory);
      if (names.length > 0) {
        expect(names).toEqual(["name"]);
        expect(readFileSync(`${directory}/name`, "utf8")).toBe("the content");
      }
    }
  });

  it("says which directory is missing", () => {
    expect(() => create("/nowhere")).toThrow("cannot create a file in /nowhere: ENOENT");
  });
});

describe("replaceFile", () => {
  it("gives new content, with its mode and nothing beside it", () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/a`, "old");
    writeFileSync(`${directory}/a.tmp`, "left over");
    replaceFile(`${directory}/a`, "new");
    expect(readFileSync(`${directory}/a`, "utf8")).toBe("new");
    expect(readdirSync(directory)).toEqual(["a"]);
  });

  it("makes a new file that no kill leaves half, and no other beside it", () => {
    const calls = syscallsOf(() => replaceFile(`${temporaryDirectory()}/a`, "new")).length;
    for (let nth = 0; nth < calls; nth++) {
      const directory = temporaryDirectory();
      expect(dieAt(nth, () => replaceFile(`${directory}/a`, "new"))).toBe(true);
      expect([nth, readdirSync(directory).filter((name) => name !== "a")]).toEqual([nth, []]);
      if (readdirSync(directory).length > 0) expect(readFileSync(`${directory}/a`, "utf8")).toBe("new");
    }
  });

  it("shows the old content or the new, whenever it is killed, and what is left goes with the file", () => {
    const directory = temporaryDirectory();
    const work = (): void => replaceFile(`${directory}/a`, "new");
    writeFileSync(`${directory}/a`, "old");
    const calls = syscallsOf(work).length;
    for (let nth = 0; nth < calls; nth++) {
      writeFileSync(`${directory}/a`, "old");
      expect(dieAt(nth, work)).toBe(true);
      expect(["old", "new"]).toContain(readFileSync(`${directory}/a`, "utf8"));
      expect(removeReplaced(`${directory}/a`)).toBe(true);
      expect([nth, readdirSync(directory)]).toEqual([nth, []]);
    }
    expect(removeReplaced(`${directory}/a`)).toBe(false);
  });

  it("is done where another process has given the file its name in between", () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/a`, "old");
    const other = (name: string): undefined => {
      if (name === "renameat") renameSync(`${directory}/a.tmp`, `${directory}/a`);
      return undefined;
    };
    withSyscalls(other, () => replaceFile(`${directory}/a`, "new"));
    expect(readFileSync(`${directory}/a`, "utf8")).toBe("new");
  });

  it.each(["write", "renameat"])("keeps the old content, and leaves nothing over, when %s fails", (failing) => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/a`, "old");
    const work = (): void => replaceFile(`${directory}/a`, "new");
    expect(() => withSyscalls((name) => (name === failing ? "ENOSPC" : undefined), work)).toThrow("ENOSPC");
    expect(readFileSync(`${directory}/a`, "utf8")).toBe("old");
    expect(readdirSync(directory)).toEqual(["a"]);
  });
});
