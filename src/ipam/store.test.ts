import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it, vi } from "vitest";
import { textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { addressFiles, filled, held, holder, ip, writeAsUpstream } from "../../test/support/ipam-store.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { type Store, withExistingStore, withStore } from "./store.ts";

describe("withStore()", () => {
  it("makes the directory with all above it", () => {
    const directory = `${temporaryDirectory()}/a/b/net`;
    withStore(directory, () => undefined);
    expect(readdirSync(directory)).toEqual(["lock"]);
    expect(statSync(directory).mode & 0o777).toBe(0o755);
  });

  it("holds upstream's lock while it works, and ends it after an error too", () => {
    const directory = `${temporaryDirectory()}/net`;
    const locks: unknown[] = [];
    const watch = (): void =>
      withSyscalls(
        (name, args) => {
          if (name === "flock") locks.push(args[1]);
          return undefined;
        },
        () =>
          withStore(directory, () => {
            throw new Error("work failed");
          }),
      );
    expect(watch).toThrow("work failed");
    expect(locks).toEqual([6]); // LOCK_EX | LOCK_NB: who waits looks again, until the deadline
    // A lock that were still held would keep this from ever returning.
    expect(withStore(directory, () => "worked")).toBe("worked");
  });

  it("says that the data directory cannot be made", () => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/file`, "");
    expect(() => withStore(`${directory}/file/net`, () => undefined)).toThrow(/ENOTDIR/);
  });
});

describe("withExistingStore()", () => {
  it.each(["nowhere/net", "file/net"])("makes nothing of %s", (path) => {
    const directory = temporaryDirectory();
    writeFileSync(`${directory}/file`, "");
    expect(withExistingStore(`${directory}/${path}`, () => "worked")).toBeUndefined();
    expect(readdirSync(directory)).toEqual(["file"]);
  });

  it("says that a store cannot be opened", () => {
    const directory = `${temporaryDirectory()}/net`;
    withStore(directory, () => undefined);
    const refuse = (): unknown =>
      withSyscalls(
        (name) => (name === "openat" ? "EACCES" : undefined),
        () => withExistingStore(directory, () => "worked"),
      );
    expect(refuse).toThrow(`cannot open ${directory}/lock: EACCES: Permission denied`);
  });

  it.each(["ENOSPC", "EDQUOT", "EROFS"] as const)(
    "finds nothing where no lock can be made (%s) and nobody has been",
    (code) => {
      const directory = temporaryDirectory();
      const work = (): unknown =>
        withSyscalls(
          (name, [, path]) => (name === "openat" && textOf(path).endsWith("/lock") ? code : undefined),
          () => withExistingStore(directory, () => "worked"),
        );
      expect(work()).toBeUndefined();
      writeFileSync(`${directory}/10.1.0.2`, "abc\r\neth0");
      expect(work).toThrow(`cannot open ${directory}/lock: ${code}`);
    },
  );
});

describe("Store", () => {
  it("writes what upstream writes", () => {
    const directory = `${temporaryDirectory()}/net`;
    withStore(directory, (store) => {
      expect(store.reserve(ip("10.1.0.2"), holder("abc"))).toBe(true);
      expect(store.reserve(ip("fd00::2"), holder("abc"))).toBe(true);
      store.setLastReserved(0, ip("10.1.0.2"));
      store.setLastReserved(1, ip("fd00::2"));
    });
    const names = ["10.1.0.2", "fd00::2", "last_reserved_ip.0", "last_reserved_ip.1", "lock"];
    expect(readdirSync(directory).sort()).toEqual(names);
    expect(names.map((name) => readFileSync(`${directory}/${name}`, "utf8"))).toEqual([
      "abc\r\neth0",
      "abc\r\neth0",
      "10.1.0.2",
      "fd00::2",
      "",
    ]);
    expect(statSync(`${directory}/10.1.0.2`).mode & 0o777).toBe(0o600);
  });

  it("reads what upstream wrote", () => {
    const directory = `${temporaryDirectory()}/net`;
    writeAsUpstream(directory, "10.1.0.2", "abc\r\neth0");
    writeAsUpstream(directory, "fd00::2", "abc\r\neth0");
    writeAsUpstream(directory, "10.1.0.3", "abc\r\neth1");
    writeAsUpstream(directory, "last_reserved_ip.0", "10.1.0.3");
    expect(held(directory, holder("abc"))).toEqual(["10.1.0.2", "fd00::2"]);
    expect(held(directory, holder("abc", "eth1"))).toEqual(["10.1.0.3"]);
    expect(held(directory, holder("ab"))).toEqual([]);
    withStore(directory, (store) => {
      expect(store.reserve(ip("10.1.0.3"), holder("new"))).toBe(false);
      expect(store.lastReserved(0)).toEqual(ip("10.1.0.3"));
      expect(store.lastReserved(1)).toBeUndefined();
      expect(store.nextFree(ip("10.1.0.2"))).toEqual(ip("10.1.0.4"));
    });
  });

  it.each([
    ["abc", "of an old version, without an interface"],
    ["abc\r\n", "with the line break alone"],
    [" abc\n", "with white space around"],
  ])("counts the file %j as the container's, %s", (content) => {
    const directory = `${temporaryDirectory()}/net`;
    writeAsUpstream(directory, "10.1.0.2", content);
    expect(held(directory, holder("abc", "any"))).toEqual(["10.1.0.2"]);
    expect(withStore(directory, (store) => store.releaseAll(holder("abc", "any")))).toBe(1);
    expect(addressFiles(directory)).toEqual([]);
  });

  it("leaves the files of old versions alone where the attachment has one of its own", () => {
    const directory = `${temporaryDirectory()}/net`;
    writeAsUpstream(directory, "10.1.0.2", "abc");
    writeAsUpstream(directory, "10.1.0.3", "abc\r\neth0");
    expect(withStore(directory, (store) => store.releaseAll(holder("abc")))).toBe(1);
    expect(addressFiles(directory)).toEqual(["10.1.0.2"]);
  });

  it.each(["", "\r\n", "\0\0\0\0\0\0"])("counts a file that holds %j as free", (content) => {
    const directory = `${temporaryDirectory()}/net`;
    writeAsUpstream(directory, "10.1.0.2", content);
    withStore(directory, (store) => {
      expect(store.nextFree(ip("10.1.0.2"))).toEqual(ip("10.1.0.2"));
      expect(store.reserve(ip("10.1.0.2"), holder("abc"))).toBe(true);
    });
    expect(readFileSync(`${directory}/10.1.0.2`, "utf8")).toBe("abc\r\neth0");
  });

  it("takes no other file for an address, and leaves them all alone", () => {
    const directory = `${temporaryDirectory()}/net`;
    const names = ["notes", "10.1.0", "10.1.0.02", "FD00::1", "fd00:0::1", "last_reserved_ip.0", "10.1.0.2.bak"];
    for (const name of names) writeAsUpstream(directory, name, "abc\r\neth0");
    expect(held(directory, holder("abc"))).toEqual([]);
    withStore(directory, (store) => {
      expect(store.releaseAll(holder("abc"))).toBe(0);
      expect(store.keepOnly([])).toBe(0);
    });
    expect(readdirSync(directory).sort()).toEqual([...names, "lock"].sort());
  });

  it.each(["", "nonsense", "10.1.0.2\n"])("starts anew where the last address given out is %j", (content) => {
    const directory = `${temporaryDirectory()}/net`;
    writeAsUpstream(directory, "last_reserved_ip.0", content);
    expect(withStore(directory, (store) => store.lastReserved(0))).toBeUndefined();
  });

  it("does without the last address given out where its name is another thing's", () => {
    const directory = `${temporaryDirectory()}/net`;
    mkdirSync(`${directory}/last_reserved_ip.0`, { recursive: true });
    const log = vi.fn();
    const use = (store: Store): unknown => {
      store.setLastReserved(0, ip("10.1.0.2"));
      return store.lastReserved(0);
    };
    expect(withStore(directory, use, log)).toBeUndefined();
    expect(log.mock.calls).toEqual([[`${directory}: last_reserved_ip.0 is a directory: passed over`]]);
  });

  it("gives back one address, all of an attachment, and again nothing", () => {
    const directory = `${temporaryDirectory()}/net`;
    withStore(directory, (store) => {
      for (const text of ["10.1.0.2", "10.1.0.3", "fd00::2"]) store.reserve(ip(text), holder("abc"));
      store.reserve(ip("10.1.0.4"), holder("abc", "eth1"));
      store.release(ip("10.1.0.3"), holder("abc"));
      expect(store.nextFree(ip("10.1.0.2"))).toEqual(ip("10.1.0.3"));
      expect(store.releaseAll(holder("abc"))).toBe(2);
      expect(store.releaseAll(holder("abc"))).toBe(0);
    });
    expect(addressFiles(directory)).toEqual(["10.1.0.4"]);
  });

  it("keeps only what is valid: not even files without content", () => {
    const directory = `${temporaryDirectory()}/net`;
    withStore(directory, (store) => {
      for (const n of [1, 2, 3]) store.reserve(Uint8Array.of(10, 1, 0, n), holder(`c${n}`));
    });
    writeAsUpstream(directory, "10.1.0.4", "");
    writeAsUpstream(directory, "10.1.0.5", "c2");
    writeAsUpstream(directory, "10.1.0.6", "c2\r\neth1");
    expect(withStore(directory, (store) => store.keepOnly([holder("c2")]))).toBe(4);
    expect(addressFiles(directory)).toEqual(["10.1.0.2", "10.1.0.5"]);
    expect(held(directory, holder("c2"))).toEqual(["10.1.0.2", "10.1.0.5"]);
  });

  it.each([5, 40])("offers the addresses of %i that it gave back at once, and so does the next store", (count) => {
    const directory = filled(count);
    withStore(directory, (store) => {
      store.reserve(ip("10.1.9.9"), holder("new"));
      expect(store.keepOnly([holder("c3"), holder("new")])).toBe(count - 1);
      expect(store.nextFree(ip("10.1.0.2"))).toEqual(ip("10.1.0.2"));
      expect(store.nextFree(ip("10.1.0.3"))).toEqual(ip("10.1.0.4"));
    });
    withStore(directory, (store) => expect(store.nextFree(ip("10.1.0.2"))).toEqual(ip("10.1.0.2")));
    expect(held(directory, holder("new"))).toEqual(["10.1.9.9"]);
  });

  it("counts at most what there is", () => {
    const directory = `${temporaryDirectory()}/net`;
    writeAsUpstream(directory, "10.1.0.2", "");
    writeAsUpstream(directory, "10.1.0.3", "abc");
    writeAsUpstream(directory, "last_reserved_ip.0", "10.1.0.3");
    expect(withStore(directory, (store) => store.countAtMost())).toBe(2);
    expect(withStore(filled(40), (store) => store.countAtMost())).toBe(40);
  });
});
