import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { withSyscalls } from "../../test/support/intercept-syscalls.ts";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { formatIp, type Ip, parseIp } from "../wire/ip.ts";
import { AllocationError, allocate, hasFree } from "./allocator.ts";
import { capacityOf, completeSet, type RangeSet, rangeSchema } from "./range.ts";
import { INDEX_NAME } from "./reservation-index.ts";
import { withStore } from "./store.ts";

type Written = Readonly<Record<string, string>>;

const ip = (text: string): Ip => parseIp(text) ?? new Uint8Array();
const set = (...ranges: Written[]): RangeSet =>
  completeSet(
    ranges.map((range) => rangeSchema.read(range, "range")),
    "set",
    [],
  );

class Network {
  readonly directory = `${temporaryDirectory()}/net`;
  readonly sets: readonly RangeSet[];

  constructor(...sets: RangeSet[]) {
    this.sets = sets;
  }

  add(containerId: string, ...requested: string[]): string {
    const holder = { containerId, ifname: "eth0" };
    const allocations = withStore(this.directory, (store) => allocate(store, this.sets, holder, requested.map(ip)));
    return allocations.map((one) => formatIp(one.ip)).join(" ");
  }

  delete(containerId: string): void {
    withStore(this.directory, (store) => store.releaseAll({ containerId, ifname: "eth0" }));
  }

  /** The addresses that are taken. */
  taken(): string[] {
    return readdirSync(this.directory)
      .filter((name) => parseIp(name) !== undefined)
      .sort();
  }

  lastReserved(): string {
    return readFileSync(`${this.directory}/last_reserved_ip.0`, "utf8");
  }

  hasFree(): boolean[] {
    return withStore(this.directory, (store) => this.sets.map((one) => hasFree(store, one)));
  }
}

const SMALL = { subnet: "10.1.0.0/29" }; // gateway .1, then .2 to .6

describe("allocate()", () => {
  it("goes round, past the gateway, and comes back only at the end", () => {
    const network = new Network(set(SMALL));
    const seen: string[] = [];
    for (let n = 0; n < 7; n++) {
      seen.push(network.add("c"));
      network.delete("c");
    }
    expect(seen.map((text) => text.slice("10.1.0.".length))).toEqual(["2", "3", "4", "5", "6", "2", "3"]);
  });

  it.each<[string, Written, string[]]>([
    ["at the start", { ...SMALL, gateway: "10.1.0.1" }, ["2", "3", "4", "5", "6"]],
    ["in the middle", { ...SMALL, gateway: "10.1.0.3" }, ["1", "2", "4", "5", "6"]],
    ["at the end", { ...SMALL, gateway: "10.1.0.6" }, ["1", "2", "3", "4", "5"]],
    ["in another subnet", { ...SMALL, gateway: "192.0.2.1" }, ["1", "2", "3", "4", "5", "6"]],
    ["outside of start and end", { ...SMALL, rangeStart: "10.1.0.4", rangeEnd: "10.1.0.5" }, ["4", "5"]],
  ])("gives out all but the gateway, where that is %s, and then none", (_, range, expected) => {
    const network = new Network(set(range));
    const seen = expected.map((_one, n) => network.add(`c${n}`).slice("10.1.0.".length));
    expect(seen).toEqual(expected);
    expect(network.hasFree()).toEqual([false]);
    expect(() => network.add("more")).toThrow(
      /^failed to allocate for range 0: no IP addresses available in range set: 10\.1\.0\.\d-10\.1\.0\.\d$/,
    );
    expect(network.taken()).toHaveLength(expected.length);
  });

  it("goes from range to range of a set and round again", () => {
    const network = new Network(
      set(
        { subnet: "10.1.0.0/30" }, // .2
        { subnet: "10.2.0.0/29", rangeStart: "10.2.0.5" }, // .5 .6
        { subnet: "10.3.0.0/30", gateway: "10.3.0.2" }, // .1
      ),
    );
    const seen = ["a", "b", "c", "d"].map((id) => network.add(id));
    expect(seen).toEqual(["10.1.0.2", "10.2.0.5", "10.2.0.6", "10.3.0.1"]);
    network.delete("b");
    network.delete("a");
    expect(network.add("e")).toBe("10.1.0.2");
    expect(network.add("f")).toBe("10.2.0.5");
    expect(() => network.add("g")).toThrow("10.1.0.1-10.1.0.2,10.2.0.5-10.2.0.6,10.3.0.1-10.3.0.2");
  });

  it("gives an address of each set", () => {
    const network = new Network(set(SMALL), set({ subnet: "fd00::/64" }), set({ subnet: "10.2.0.0/24" }));
    expect(network.add("a")).toBe("10.1.0.2 fd00::2 10.2.0.2");
    expect(network.add("b")).toBe("10.1.0.3 fd00::3 10.2.0.3");
    expect(network.hasFree()).toEqual([true, true, true]);
  });

  it.each<[string, string]>([
    ["of no range any more", "10.9.9.9"],
    ["before the range", "10.1.0.0"],
    ["behind the range", "10.1.0.7"],
    ["of the other family", "fd00::2"],
    ["that is none", "nonsense"],
  ])("starts anew where the last address given out is one %s", (_, last) => {
    const network = new Network(set(SMALL));
    network.add("a");
    writeFileSync(`${network.directory}/last_reserved_ip.0`, last);
    expect(network.add("b")).toBe("10.1.0.3");
  });

  it("comes round from the very last address there is", () => {
    const network = new Network(set({ subnet: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/126" }));
    expect([network.add("a"), network.add("b")].map((text) => text.slice(-1))).toEqual(["e", "f"]);
    network.delete("a");
    expect(network.add("c").slice(-1)).toBe("e");
  });

  it("refuses a second address to the same interface, and takes nothing for it in any set", () => {
    const network = new Network(set(SMALL), set({ subnet: "fd00::/64" }));
    network.add("a");
    const before = network.taken();
    expect(() => network.add("a")).toThrow(
      "failed to allocate for range 0: 10.1.0.2 has been allocated to a, duplicate allocation is not allowed",
    );
    expect(() => network.add("a", "10.1.0.5")).toThrow("duplicate allocation is not allowed");
    expect(network.taken()).toEqual(before);
    expect(network.lastReserved()).toBe("10.1.0.2");
  });

  it("counts the file of an old version as an address of all the container's interfaces", () => {
    const network = new Network(set(SMALL));
    network.add("a");
    writeFileSync(`${network.directory}/10.1.0.5`, "old");
    expect(() => network.add("old")).toThrow("10.1.0.5 has been allocated to old");
  });

  it("does not mind an address of the same interface that is of no set", () => {
    const network = new Network(set(SMALL));
    network.add("b");
    writeFileSync(`${network.directory}/10.9.0.5`, "a\r\neth0");
    expect(network.add("a")).toBe("10.1.0.3");
  });

  it("gives the addresses that are asked for, set by set, and goes on from there", () => {
    const network = new Network(set(SMALL), set({ subnet: "fd00::/64" }));
    expect(network.add("a", "fd00::99", "10.1.0.4")).toBe("10.1.0.4 fd00::99");
    expect(network.add("b", "fd00::98")).toBe("10.1.0.5 fd00::98");
    expect(network.add("c", "10.1.0.2", "10.1.0.2")).toBe("10.1.0.2 fd00::9a");
  });

  it.each<[string, string[], string]>([
    [
      "is taken",
      ["10.1.0.2"],
      "failed to allocate for range 0: requested IP address 10.1.0.2 is not available in range set 10.1.0.1-10.1.0.6",
    ],
    ["is the gateway", ["fd00::1"], "failed to allocate for range 1: requested ip fd00::1 is subnet's gateway"],
    ["is in no set", ["10.9.9.9", "10.1.0.4"], "failed to allocate all requested IPs: 10.9.9.9"],
    ["is the second of a set", ["10.1.0.4", "10.1.0.5"], "failed to allocate all requested IPs: 10.1.0.5"],
  ])("refuses a requested address that %s, and takes none", (_, requested, message) => {
    const network = new Network(set(SMALL), set({ subnet: "fd00::/64" }));
    network.add("other");
    const before = network.taken();
    expect(() => network.add("a", ...requested)).toThrow(new AllocationError(message));
    expect(network.taken()).toEqual(before);
  });

  it("gives back the addresses that it took when a later set has none left", () => {
    const network = new Network(set(SMALL), set({ subnet: "10.2.0.0/30" }));
    network.add("a");
    expect(() => network.add("b")).toThrow("failed to allocate for range 1: no IP addresses available");
    expect(network.taken()).toEqual(["10.1.0.2", "10.2.0.2"]);
    network.delete("a");
    expect(network.add("b")).toBe("10.1.0.3 10.2.0.2");
  });

  it("gives back the addresses that it took when the disk is full", () => {
    const network = new Network(set(SMALL), set({ subnet: "fd00::/64" }));
    network.add("a");
    for (let nth = 1; nth <= 4; nth++) {
      let writes = 0;
      const add = (): unknown =>
        withSyscalls(
          (name) => ((name === "write" || name === "pwrite64") && ++writes >= nth ? "ENOSPC" : undefined),
          () => network.add("b"),
        );
      expect(add).toThrow(/ENOSPC: No space left on device/);
      expect(network.taken()).toEqual(["10.1.0.2", "fd00::2"]);
    }
  });

  it("reports both errors when the addresses that it took cannot be given back", () => {
    const network = new Network(set(SMALL), set({ subnet: "10.2.0.0/30" }));
    network.add("a");
    const add = (): unknown =>
      withSyscalls(
        (name) => (name === "unlinkat" ? "EIO" : undefined),
        () => network.add("b"),
      );
    expect(add).toThrow(AggregateError);
  });

  it("finds the one address that is left of many, and the one that was given back behind the index's back", () => {
    const network = new Network(set({ subnet: "10.1.0.0/24" }));
    for (let n = 0; n < 253; n++) network.add(`c${n}`);
    expect(() => network.add("more")).toThrow("no IP addresses available");
    network.delete("c100");
    expect(network.add("d")).toBe("10.1.0.102");
    // The index is made to hold for the directory without the file, as if that had gone in the moment before the seal.
    rmSync(`${network.directory}/10.1.0.77`);
    utimesSync(network.directory, 2_000_000_000, 2_000_000_000);
    const index = `${network.directory}/${INDEX_NAME}`;
    const text = readFileSync(index, "latin1").replace(/seal \d+/, `seal ${2_000_000_000n * 1_000_000_000n}`);
    writeFileSync(index, text, "latin1");
    expect(network.hasFree()).toEqual([false]);
    expect(network.add("e")).toBe("10.1.0.77");
  });

  it("never gives an address to two, and always one while there is one", () => {
    const step = fc.record({ id: fc.nat(12), remove: fc.boolean() });
    const start = fc.nat(8).map((n) => `10.1.0.${1 + n}`);
    fc.assert(
      fc.property(start, fc.array(step, { maxLength: 40 }), (rangeStart, steps) => {
        const range = set({ subnet: "10.1.0.0/28", rangeStart });
        const network = new Network(range, set({ subnet: "fd00::/125" }));
        const size = Math.min(...network.sets.map(capacityOf));
        const held = new Map<string, string>();
        for (const { id, remove } of steps) {
          const name = `c${id}`;
          if (remove) {
            network.delete(name);
            held.delete(name);
          } else if (held.has(name)) expect(() => network.add(name)).toThrow("duplicate allocation");
          else if (held.size === size) expect(() => network.add(name)).toThrow("no IP addresses available");
          else held.set(name, network.add(name));
          const addresses = [...held.values()].flatMap((text) => text.split(" "));
          expect(new Set(addresses).size).toBe(addresses.length);
          expect(network.taken()).toEqual(addresses.toSorted());
        }
      }),
      { numRuns: 40 },
    );
  });
});
