import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { syscallsOf, textOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { addressFiles, filled, held, holder, ip, writeAsUpstream } from "../../test/support/ipam-store.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { formatIp } from "../wire/ip.ts";
import { INDEX_NAME } from "./reservation-index.ts";
import { withStore } from "./store.ts";

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
    const [few, many] = [costs(50), costs(1000)];
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
    ["the index lost its pages", (directory) => truncateSync(`${directory}/${INDEX_NAME}`, 4096)],
    ["the index was emptied", (directory) => writeFileSync(`${directory}/${INDEX_NAME}`, "")],
    [
      "the index has another format",
      (directory) => {
        const bytes = readFileSync(`${directory}/${INDEX_NAME}`, "latin1");
        writeFileSync(`${directory}/${INDEX_NAME}`, bytes.replace("format 2", "format 1"), "latin1");
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
      "one of the index's counts is another",
      (directory) => {
        const bytes = readFileSync(`${directory}/${INDEX_NAME}`, "latin1");
        writeFileSync(`${directory}/${INDEX_NAME}`, bytes.replace(/slots \d/, "slots 9"), "latin1");
      },
    ],
    [
      "the index was overwritten behind its header",
      (directory) => {
        const bytes = readFileSync(`${directory}/${INDEX_NAME}`);
        writeFileSync(`${directory}/${INDEX_NAME}`, bytes.fill("nonsense", 4096));
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

  it("changes no answer where any part of it has been overwritten or cut off", () => {
    const damage = fc.record({
      at: fc.nat(4),
      offset: fc.nat(4095),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 5000 }),
      isCut: fc.boolean(),
    });
    const ids = Array.from({ length: 30 }, (_, n) => `c${n}`);
    fc.assert(
      fc.property(damage, fc.shuffledSubarray(ids, { minLength: 5 }), ({ at, offset, bytes, isCut }, order) => {
        const directory = filled(30);
        const path = `${directory}/${INDEX_NAME}`;
        const index = readFileSync(path);
        const from = Math.min(index.length, at * 4096 + offset);
        index.set(bytes.subarray(0, index.length - from), from);
        writeFileSync(path, isCut ? index.subarray(0, from) : index);
        withStore(directory, (store) => {
          for (const [i, id] of order.entries()) {
            const own = `10.1.0.${id.slice(1)}`;
            expect(store.addressesOf(holder(id)).map(formatIp)).toEqual([own]);
            if (i % 2 === 0) expect(store.releaseAll(holder(id))).toBe(1);
            else expect(store.reserve(ip(own), holder("new"))).toBe(false);
          }
          const free = [...ids.keys()].find((n) => !existsSync(`${directory}/10.1.0.${n}`));
          expect(store.nextFree(ip("10.1.0.0"))).toEqual(ip(`10.1.0.${free}`));
          expect(store.reserve(ip(`10.1.0.${free}`), holder("new"))).toBe(true);
        });
        expect(held(directory, holder("new"))).toHaveLength(1);
        const left = order.filter((_, i) => i % 2 === 1);
        for (const id of left) expect(held(directory, holder(id))).toEqual([`10.1.0.${id.slice(1)}`]);
      }),
      { numRuns: 25 },
    );
  });

  it("is made anew, before a range is called full, also where the clock has been set back since it was made", () => {
    const ages: readonly (readonly [seconds: bigint, isOld: boolean])[] = [
      [0n, false],
      [-1n, false],
      [59n, false],
      [61n, true],
      [-3600n, true],
    ];
    for (const [seconds, isOld] of ages) {
      const directory = filled(40);
      const path = `${directory}/${INDEX_NAME}`;
      const builtNs = statSync(directory, { bigint: true }).mtimeNs - seconds * 1_000_000_000n;
      writeFileSync(path, readFileSync(path, "latin1").replaceAll(/built \d+/g, `built ${builtNs}`), "latin1");
      expect(withStore(directory, (store) => store.refreshIfOld())).toBe(isOld);
    }
  });

  it("is sealed with a time that the kernel did not give and never will", () => {
    const directory = filled(40);
    const times: bigint[][] = [];
    withSyscalls(
      (name, args) => {
        if (name !== "utimensat") return undefined;
        const view = new DataView((args[2] as Uint8Array).buffer);
        const given = statSync(directory, { bigint: true }).mtimeNs;
        times.push([view.getBigInt64(16, true) * 1_000_000_000n + view.getBigInt64(24, true), given]);
        return undefined;
      },
      () => withStore(directory, (store) => store.releaseAll(holder("c7"))),
    );
    expect(times).toHaveLength(1);
    const [[seal, given] = []] = times;
    // Earlier than the last, for the kernel's clock goes forward only.
    expect(seal).toBeLessThan(given ?? 0n);
    expect(statSync(directory, { bigint: true }).mtimeNs).toBe(seal);
    expect(readFileSync(`${directory}/${INDEX_NAME}`, "latin1")).toContain(`\nseal ${seal}\n`);
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
        name === refused && (refused !== "openat" || textOf(args[1]).includes(INDEX_NAME)) ? "ENOSPC" : undefined,
      () => withStore(directory, (store) => expect(store.reserve(ip("10.1.9.9"), holder("new"))).toBe(true)),
    );
    expect(held(directory, holder("new"))).toEqual(["10.1.9.9"]);
    expect(held(directory, holder("c7"))).toEqual(["10.1.0.7"]);
  });

  it("is left out where there are no descriptors left, with an error that says so", () => {
    const directory = filled(40);
    const open = (): unknown =>
      withSyscalls(
        (name, args) => (name === "openat" && textOf(args[1]).includes(INDEX_NAME) ? "EMFILE" : undefined),
        () => held(directory, holder("c7")),
      );
    expect(open).toThrow(/EMFILE: Too many open files/);
  });

  it("agrees with the files, in whatever order whichever process changes them", () => {
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
