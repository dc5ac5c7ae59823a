import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dieAt, syscallsOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { formatIp, type Ip, parseIp } from "../wire/ip.ts";
import { INDEX_NAME } from "./reservation-index.ts";
import { type Holder, type Store, withExistingStore, withStore } from "./store.ts";

const ip = (text: string): Ip => parseIp(text) ?? new Uint8Array();
const holder = (containerId: string, ifname = "eth0"): Holder => ({ containerId, ifname });
const held = (directory: string, who: Holder): string[] =>
  withStore(directory, (store) => store.addressesOf(who).map(formatIp).sort());
const addressFiles = (directory: string): string[] =>
  readdirSync(directory).filter((name) => parseIp(name) !== undefined);

/** What upstream's plugin would leave for one attachment. */
function writeAsUpstream(directory: string, address: string, content: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/${address}`, content, { mode: 0o600 });
}

/** A directory with this many addresses of 10.1.0.0/16 taken, each by a container of its own, and an index. */
function filled(count: number): string {
  const directory = `${temporaryDirectory()}/net`;
  withStore(directory, (store) => {
    for (let n = 0; n < count; n++) store.reserve(Uint8Array.of(10, 1, n >> 8, n & 255), holder(`c${n}`));
  });
  withStore(directory, (store) => store.addressesOf(holder("c0"))); // an index that fits is made by whoever comes next
  return directory;
}

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
    expect(locks).toEqual([2]); // LOCK_EX
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

  it("says when the last address given out cannot be read", () => {
    const directory = `${temporaryDirectory()}/net`;
    mkdirSync(`${directory}/last_reserved_ip.0`, { recursive: true });
    expect(() => withStore(directory, (store) => store.lastReserved(0))).toThrow(/last_reserved_ip.0: EISDIR/);
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

  it("counts at most what there is", () => {
    const directory = `${temporaryDirectory()}/net`;
    writeAsUpstream(directory, "10.1.0.2", "");
    writeAsUpstream(directory, "10.1.0.3", "abc");
    writeAsUpstream(directory, "last_reserved_ip.0", "10.1.0.3");
    expect(withStore(directory, (store) => store.countAtMost())).toBe(2);
    expect(withStore(filled(40), (store) => store.countAtMost())).toBe(40);
  });
});

describe("the index beside the files", () => {
  it("is not written for a few addresses, and goes with the last", () => {
    const directory = filled(15);
    expect(existsSync(`${directory}/${INDEX_NAME}`)).toBe(false);
    withStore(directory, (store) => store.reserve(ip("10.1.9.9"), holder("c15")));
    expect(existsSync(`${directory}/${INDEX_NAME}`)).toBe(true);
    for (let n = 0; n < 16; n++) withStore(directory, (store) => store.releaseAll(holder(`c${n}`)));
    expect(readdirSync(directory)).toEqual(["lock"]);
  });

  it("makes the cost of every operation independent of the number of addresses", () => {
    const costs = (count: number): readonly number[] => {
      const directory = filled(count);
      return [
        syscallsOf(() => withStore(directory, (store) => store.addressesOf(holder("c7")))).length,
        syscallsOf(() => withStore(directory, (store) => store.countAtMost())).length,
        syscallsOf(() =>
          withStore(directory, (store) => store.reserve(store.nextFree(ip("10.1.0.0")) ?? ip("::"), holder("new"))),
        ).length,
        syscallsOf(() => withStore(directory, (store) => store.releaseAll(holder("new")))).length,
        syscallsOf(() => withStore(directory, (store) => store.releaseAll(holder("absent")))).length,
      ];
    };
    const [few, many] = [costs(50), costs(3000)];
    many.forEach((cost, i) => {
      // A page or two more where a search goes over the edge of one.
      expect(cost).toBeLessThanOrEqual((few[i] ?? 0) + 4);
      expect(cost).toBeLessThan(40);
    });
  });

  it("is read where it holds, and no file is looked at that need not be", () => {
    const directory = filled(40);
    const names = syscallsOf(() => withStore(directory, (store) => store.addressesOf(holder("absent"))));
    expect(names).not.toContain("getdents64");
  });

  it.each<[string, (directory: string) => void]>([
    ["an address was added", (directory) => writeAsUpstream(directory, "10.1.200.1", "upstream\r\neth0")],
    ["an address was removed", (directory) => rmSync(`${directory}/10.1.0.7`)],
    ["a file was renamed", (directory) => renameSync(`${directory}/10.1.0.7`, `${directory}/10.1.200.1`)],
    ["the directory's time was set", (directory) => utimesSync(directory, 1, 1)],
    ["the index was cut short", (directory) => writeFileSync(`${directory}/${INDEX_NAME}`, "")],
    [
      "the index has another format",
      (directory) => {
        const bytes = readFileSync(`${directory}/${INDEX_NAME}`, "latin1");
        writeFileSync(`${directory}/${INDEX_NAME}`, bytes.replace("format 1", "format 2"), "latin1");
      },
    ],
    [
      "the index is of another boot",
      (directory) => {
        const bytes = readFileSync(`${directory}/${INDEX_NAME}`, "latin1");
        writeFileSync(`${directory}/${INDEX_NAME}`, bytes.replace(/boot [0-9a-f]/, "boot x"), "latin1");
      },
    ],
    [
      "the index lost its counts",
      (directory) => {
        const bytes = readFileSync(`${directory}/${INDEX_NAME}`, "latin1");
        writeFileSync(`${directory}/${INDEX_NAME}`, bytes.replace("slots", "sluts"), "latin1");
      },
    ],
  ])("does not count any more where %s", (_, change) => {
    const directory = filled(40);
    change(directory);
    const names = syscallsOf(() => {
      withStore(directory, (store) => {
        const files = addressFiles(directory);
        for (let n = 0; n < 40; n++) {
          const name = `10.1.0.${n}`;
          expect(store.addressesOf(holder(`c${n}`)).map(formatIp)).toEqual(
            files.includes(name) ? [name] : n === 7 && files.includes("10.1.200.1") ? ["10.1.200.1"] : [],
          );
        }
      });
    });
    expect(names).toContain("getdents64");
    // And the next one has an index that holds again.
    expect(syscallsOf(() => held(directory, holder("c8")))).not.toContain("getdents64");
  });

  it("does not count where the directory is a copy", () => {
    const directory = filled(40);
    const other = `${temporaryDirectory()}/net`;
    mkdirSync(other);
    for (const name of readdirSync(directory)) writeFileSync(`${other}/${name}`, readFileSync(`${directory}/${name}`));
    utimesSync(other, statSync(directory).atime, statSync(directory).mtime);
    expect(syscallsOf(() => held(other, holder("c8")))).toContain("getdents64");
  });

  it("is not believed against the files, when something went by it", () => {
    const directory = filled(40);
    // As if both had been done without the lock in the moment before the seal.
    const { mtimeNs } = statSync(directory, { bigint: true });
    renameSync(`${directory}/10.1.0.7`, `${directory}/10.1.0.200`);
    const seal = (path: string): void => {
      const seconds = Number(mtimeNs / 1_000_000_000n);
      utimesSync(path, seconds, seconds);
      const header = readFileSync(`${directory}/${INDEX_NAME}`, "latin1");
      writeFileSync(
        `${directory}/${INDEX_NAME}`,
        header.replace(/seal \d+/, `seal ${BigInt(seconds) * 1_000_000_000n}`),
        "latin1",
      );
    };
    seal(directory);
    // It has the address as free: the file says otherwise.
    withStore(directory, (store) => {
      expect(store.nextFree(ip("10.1.0.200"))).toEqual(ip("10.1.0.200"));
      expect(store.reserve(ip("10.1.0.200"), holder("new"))).toBe(false);
      expect(store.nextFree(ip("10.1.0.200"))).toEqual(ip("10.1.0.201"));
    });
    expect(held(directory, holder("c7"))).toEqual(["10.1.0.200"]);
    renameSync(`${directory}/10.1.0.200`, `${directory}/10.1.0.201`);
    seal(directory);
    // It has the old address for the container: that file is not there.
    expect(held(directory, holder("c7"))).toEqual(["10.1.0.201"]);
  });

  it("outgrows its file and is made anew", () => {
    const directory = filled(20);
    const size = statSync(`${directory}/${INDEX_NAME}`).size;
    for (let n = 20; n < 500; n++) {
      withStore(directory, (store) => store.reserve(Uint8Array.of(10, 1, n >> 8, n & 255), holder(`c${n}`)));
    }
    held(directory, holder("c1"));
    expect(statSync(`${directory}/${INDEX_NAME}`).size).toBeGreaterThan(size);
    for (const n of [0, 19, 20, 300, 499]) expect(held(directory, holder(`c${n}`))).toHaveLength(1);
  });

  it("is dropped without harm when more comes at once than it has room for", () => {
    const directory = filled(20);
    withStore(directory, (store) => {
      for (let n = 0; n < 600; n++) store.reserve(Uint8Array.of(10, 2, n >> 8, n & 255), holder(`d${n}`));
    });
    expect(held(directory, holder("d599"))).toEqual(["10.2.2.87"]);
    expect(addressFiles(directory)).toHaveLength(20 + 600);
  });

  it.each(["pwrite64", "utimensat", "openat"] as const)("is no obstacle where %s fails", (refused) => {
    const directory = filled(40);
    rmSync(`${directory}/${INDEX_NAME}`);
    withSyscalls(
      (name, args) =>
        name === refused && (refused !== "openat" || Buffer.from(args[1] as Uint8Array).includes(INDEX_NAME))
          ? "ENOSPC"
          : undefined,
      () => withStore(directory, (store) => expect(store.reserve(ip("10.1.9.9"), holder("new"))).toBe(true)),
    );
    expect(held(directory, holder("new"))).toEqual(["10.1.9.9"]);
    expect(held(directory, holder("c7"))).toEqual(["10.1.0.7"]);
  });

  it("is left out where there are no descriptors left, with an error that says so", () => {
    const directory = filled(40);
    const open = (): unknown =>
      withSyscalls(
        (name, args) =>
          name === "openat" && Buffer.from(args[1] as Uint8Array).includes(INDEX_NAME) ? "EMFILE" : undefined,
        () => held(directory, holder("c7")),
      );
    expect(open).toThrow(/EMFILE: Too many open files/);
  });

  it("keeps to the files, whatever is done in which order by whom", () => {
    const step = fc.record({
      who: fc.nat(30),
      what: fc.constantFrom("reserve", "release", "upstream adds", "upstream removes", "look"),
      address: fc.nat(40),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 60 }), (steps) => {
        const directory = `${temporaryDirectory()}/net`;
        withStore(directory, (store) => {
          for (let n = 100; n < 120; n++) store.reserve(Uint8Array.of(10, 1, 0, n), holder(`c${n}`));
        });
        for (const { who, what, address } of steps) {
          const name = `10.1.0.${address}`;
          const owner = holder(`c${who}`);
          const record = `c${who}\r\neth0`;
          const isTaken = existsSync(`${directory}/${name}`);
          if (what === "upstream adds" && !isTaken) writeAsUpstream(directory, name, record);
          if (what === "upstream removes") rmSync(`${directory}/${name}`, { force: true });
          const own = addressFiles(directory).filter((one) => readFileSync(`${directory}/${one}`, "utf8") === record);
          withStore(directory, (store) => {
            if (what === "reserve") expect(store.reserve(ip(name), owner)).toBe(!isTaken);
            if (what === "release") expect(store.releaseAll(owner)).toBe(own.length);
            if (what === "look") expect(store.addressesOf(owner).map(formatIp).sort()).toEqual(own.sort());
          });
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("a store whose process is killed", () => {
  const operations: readonly (readonly [string, (store: Store) => void])[] = [
    [
      "as it takes an address",
      (store) => {
        store.reserve(ip("10.1.200.1"), holder("new"));
        store.setLastReserved(0, ip("10.1.200.1"));
      },
    ],
    ["as it gives one back", (store) => void store.releaseAll(holder("c7"))],
    ["as it collects what is stale", (store) => void store.keepOnly([holder("c3"), holder("c4")])],
  ];

  it.each(operations)("has every file whole and none too many, %s", (_, operation) => {
    for (const count of [3, 20]) {
      const calls =
        syscallsOf(() => withStore(filled(count), operation)).length - syscallsOf(() => filled(count)).length;
      for (let nth = 0; nth < calls; nth++) {
        const directory = filled(count);
        dieAt(nth, () => withStore(directory, operation));
        const contents = new Map(
          addressFiles(directory).map((name) => [name, readFileSync(`${directory}/${name}`, "utf8")]),
        );
        for (const content of contents.values()) expect(content).toMatch(/^(c\d+|new)\r\neth0$/);
        const strange = readdirSync(directory).filter(
          (name) => !contents.has(name) && !["lock", "last_reserved_ip.0", INDEX_NAME].includes(name),
        );
        expect(strange).toEqual([]);
        // Whoever comes next sees exactly what the files say.
        withStore(directory, (store) => {
          for (const id of [...Array(count).keys()].map((n) => `c${n}`).concat("new")) {
            const expected = [...contents].filter(([, content]) => content === `${id}\r\neth0`).map(([name]) => name);
            expect(store.addressesOf(holder(id)).map(formatIp)).toEqual(expected);
          }
        });
      }
    }
  });
});

describe("a store on a read-only file system", () => {
  const readOnly = (name: string, args: readonly unknown[]) => {
    const writes = name === "openat" && (Number(args[2]) & 3) !== 0;
    return writes || ["unlinkat", "linkat", "mkdirat", "utimensat"].includes(name) ? "EROFS" : undefined;
  };

  it("can be looked at", () => {
    const directory = filled(40);
    expect(withSyscalls(readOnly, () => held(directory, holder("c7")))).toEqual(["10.1.0.7"]);
  });

  it("says so when an address is to be taken or given back", () => {
    const directory = filled(3);
    const run = (work: (store: Store) => unknown) => () => withSyscalls(readOnly, () => withStore(directory, work));
    expect(run((store) => store.reserve(ip("10.1.0.9"), holder("new")))).toThrow(/EROFS: Read-only file system/);
    expect(run((store) => store.releaseAll(holder("c1")))).toThrow(/EROFS/);
    expect(addressFiles(directory)).toHaveLength(3);
  });
});

describe("a reservation that cannot be read", () => {
  it("is an error, not a free address", () => {
    const directory = `${temporaryDirectory()}/net`;
    mkdirSync(`${directory}/10.1.0.2`, { recursive: true });
    expect(() => held(directory, holder("abc"))).toThrow(/10.1.0.2: EISDIR/);
  });
});
