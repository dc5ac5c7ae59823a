import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dieAt, syscallsOf, withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { addressFiles, filled, held, holder, ip } from "../../test/support/ipam-store.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { formatIp } from "../wire/ip.ts";
import { INDEX_NAME } from "./reservation-index.ts";
import { type Store, withStore } from "./store.ts";

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

  it.each(operations)(
    "has every file whole and none too many, %s",
    (_, operation) => {
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
          // The next call sees exactly what the files say.
          withStore(directory, (store) => {
            for (const id of [...Array(count).keys()].map((n) => `c${n}`).concat("new")) {
              const expected = [...contents].filter(([, content]) => content === `${id}\r\neth0`).map(([name]) => name);
              expect(store.addressesOf(holder(id)).map(formatIp)).toEqual(expected);
            }
          });
        }
      }
    },
    60_000,
  );
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
  it("is no free address", () => {
    const directory = `${temporaryDirectory()}/net`;
    mkdirSync(`${directory}/10.1.0.2`, { recursive: true });
    withStore(directory, (store) => {
      expect(store.addressesOf(holder("abc"))).toEqual([]);
      expect(store.nextFree(ip("10.1.0.2"))).toEqual(ip("10.1.0.3"));
      expect(store.reserve(ip("10.1.0.2"), holder("abc"))).toBe(false);
    });
  });
});
