import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { describe, expect, it } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import {
  exists,
  link,
  linkStat,
  makeDirectories,
  readDirectory,
  readDirectoryIfAny,
  readFile,
  readLink,
  readText,
  remove,
  removeDirectory,
  rename,
  setModified,
  stat,
  symbolicLink,
  syncDirectory,
  writeFile,
} from "./file.ts";

describe("readFile and readText", () => {
  it("read it all", () => {
    const path = `${temporaryDirectory()}/a`;
    writeFileSync(path, "zürich");
    expect(readText(path)).toBe("zürich");
    expect(readFile(path)).toHaveLength(7);
  });

  it("read files of /proc, which say that they are empty", () => {
    expect(readText("/proc/self/stat")).toContain(String(process.pid));
  });

  it("refuse a file that is larger than the limit", () => {
    expect(() => readText("/proc/self/stat", 3)).toThrow("/proc/self/stat is larger than 3 bytes");
  });

  it("name the path when there is none", () => {
    expect(() => readText("/nowhere")).toThrow("cannot open /nowhere: ENOENT");
  });
});

describe("writeFile", () => {
  it("creates a file with a mode, and truncates a file that is there", () => {
    const path = `${temporaryDirectory()}/a`;
    writeFile(path, "a longer text", { mode: 0o600 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    writeFile(path, Uint8Array.of(0x61));
    expect(readFileSync(path, "utf8")).toBe("a");
  });

  it("can demand that there is none", () => {
    const path = `${temporaryDirectory()}/a`;
    writeFile(path, "first", { exclusive: true });
    expect(() => writeFile(path, "second", { exclusive: true })).toThrow(`cannot open ${path}: EEXIST`);
    expect(readFileSync(path, "utf8")).toBe("first");
  });
});

describe("names", () => {
  it("are changed, doubled and taken away", () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/a`, "it");
    rename(`${directory}/a`, `${directory}/b`);
    link(`${directory}/b`, `${directory}/c`);
    expect(readdirSync(directory).sort()).toEqual(["b", "c"]);
    expect(() => link(`${directory}/b`, `${directory}/c`)).toThrow("EEXIST");
    expect(remove(`${directory}/b`)).toBe(true);
    expect(remove(`${directory}/b`)).toBe(false);
    expect(readFileSync(`${directory}/c`, "utf8")).toBe("it");
  });

  it("are told in errors, both of them", () => {
    expect(() => rename("/nowhere/a", "/nowhere/b")).toThrow("cannot rename /nowhere/a to /nowhere/b: ENOENT");
    expect(() => link("/nowhere/a", "/nowhere/b")).toThrow("cannot link /nowhere/a to /nowhere/b: ENOENT");
    expect(() => symbolicLink("/x", "/nowhere/b")).toThrow("cannot link /nowhere/b to /x: ENOENT");
    expect(() => remove("/proc/self")).toThrow("cannot remove /proc/self: ");
    expect(() => readLink("/proc")).toThrow("cannot read link /proc: EINVAL");
  });

  it("can point elsewhere", () => {
    const path = `${temporaryDirectory()}/link`;
    symbolicLink("../target", path);
    expect(readlinkSync(path)).toBe("../target");
    expect(readLink(path)).toBe("../target");
  });
});

describe("directories", () => {
  it("are made with all that lead there, once and again", () => {
    const path = `${temporaryDirectory()}/a/b/c`;
    makeDirectories(path, 0o700);
    makeDirectories(path, 0o700);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(() => makeDirectories(`${path}/d/`)).not.toThrow();
  });

  it("are not made over a file, beneath one, or without a name", () => {
    const path = `${temporaryDirectory()}/file`;
    writeFileSync(path, "");
    expect(() => makeDirectories(path)).toThrow(`cannot create directory ${path}: EEXIST`);
    expect(() => makeDirectories(`${path}/a/b`)).toThrow("ENOTDIR");
    expect(() => makeDirectories("")).toThrow("ENOENT");
    // Where nothing can be made, although what it would be in is there.
    for (const nowhere of ["/proc/x", "/proc/x/y/z"]) expect(() => makeDirectories(nowhere)).toThrow("/proc/x: ENOENT");
  });

  it("are taken for made where a symbolic link leads to one, and not where it leads nowhere", () => {
    const directory = temporaryDirectory();
    symlinkSync(directory, `${directory}/good`);
    symlinkSync(`${directory}/nowhere`, `${directory}/bad`);
    expect(() => makeDirectories(`${directory}/good`)).not.toThrow();
    expect(() => makeDirectories(`${directory}/bad`)).toThrow("ENOENT");
    expect(() => makeDirectories(`${directory}/bad/a`)).toThrow("ENOENT");
  });

  it("are listed, however many names they have", () => {
    const directory = temporaryDirectory();
    const names = Array.from({ length: 1500 }, (_, i) => `a-rather-long-name-so-that-one-reading-is-not-enough-${i}`);
    for (const name of names) writeFileSync(`${directory}/${name}`, "");
    expect(readDirectory(directory).sort()).toEqual(names.sort());
    expect(() => readDirectory(`${directory}/${names[0]}`)).toThrow("ENOTDIR");
    expect(readDirectory(`${temporaryDirectory()}/.`)).toEqual([]);
  });

  it("are removed when empty, and synced", () => {
    const directory = temporaryDirectory();
    mkdirSync(`${directory}/a`);
    writeFileSync(`${directory}/a/b`, "");
    expect(() => removeDirectory(`${directory}/a`)).toThrow(`cannot remove ${directory}/a: ENOTEMPTY`);
    remove(`${directory}/a/b`);
    removeDirectory(`${directory}/a`);
    expect(() => syncDirectory(directory)).not.toThrow();
    expect(readdirSync(directory)).toEqual([]);
    expect(() => syncDirectory(`${directory}/a`)).toThrow("ENOENT");
  });
});

describe("readDirectoryIfAny", () => {
  it("has no names where there is no directory, and passes on every other error", () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/file`, "");
    expect([directory, `${directory}/none`, `${directory}/file`].map((path) => readDirectoryIfAny(path))).toEqual([
      ["file"],
      [],
      [],
    ]);
    const refused = (): unknown =>
      withSyscalls(
        (name) => (name === "getdents64" ? "EIO" : undefined),
        () => readDirectoryIfAny(directory),
      );
    expect(refused).toThrow("EIO");
  });
});

describe("stat and exists", () => {
  it("report what Node reports", () => {
    const path = `${temporaryDirectory()}/a`;
    writeFileSync(path, "12345");
    utimesSync(path, 1, 1234567890.25);
    chmodSync(path, 0o4751);
    const { ino, dev, uid, size, mtimeNs } = statSync(path, { bigint: true });
    const major = (dev >> 8n) & 0xfffn;
    const minor = (dev & 0xffn) | ((dev >> 12n) & 0xfff00n);
    expect(stat(path)).toEqual({
      device: `${major}:${minor}`,
      inode: ino,
      size: Number(size),
      isDirectory: false,
      isRegular: true,
      isSymbolicLink: false,
      isSocket: false,
      mode: 0o4751,
      userId: Number(uid),
      mtimeNs,
    });
    expect(stat("/proc")).toMatchObject({ isDirectory: true, isRegular: false });
    expect(stat("/dev/null")).toMatchObject({ isDirectory: false, isRegular: false });
    expect(() => stat("/nowhere")).toThrow("cannot look at /nowhere: ENOENT");
  });

  it("tell a symbolic link from what it leads to", () => {
    const path = `${temporaryDirectory()}/link`;
    symlinkSync("/proc", path);
    expect(stat(path)).toMatchObject({ isDirectory: true, isSymbolicLink: false });
    expect(linkStat(path)).toMatchObject({ isDirectory: false, isSymbolicLink: true });
  });

  it("tell the time of modification that was set, and leave the other", () => {
    const path = `${temporaryDirectory()}/a`;
    writeFileSync(path, "");
    const { atimeNs } = statSync(path, { bigint: true });
    setModified(path, 1_234_567_890_123_456_789n);
    expect(stat(path).mtimeNs).toBe(1_234_567_890_123_456_789n);
    expect(statSync(path, { bigint: true }).atimeNs).toBe(atimeNs);
    expect(() => setModified("/nowhere", 0n)).toThrow("cannot set the time of /nowhere: ENOENT");
  });

  it("tell whether there is anything", () => {
    expect(exists("/proc/self/stat")).toBe(true);
    expect(exists("/nowhere")).toBe(false);
    expect(exists("/proc/self/stat/beneath")).toBe(false);
    for (const code of ["EACCES", "EIO", "ENOMEM"] as const) {
      const refused = (): boolean =>
        withSyscalls(
          (name) => (name === "statx" ? code : undefined),
          () => exists("/proc"),
        );
      expect(refused).toThrow(`cannot look at /proc: ${code}`);
    }
  });
});
