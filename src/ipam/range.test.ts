import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CniError } from "../cni/error.ts";
import { formatIp, type Ip, parseIp } from "../wire/ip.ts";
import { capacityOf, checkDisjoint, completeRange, completeSet, formatSet, rangeFor, rangeSchema } from "./range.ts";

interface Written {
  readonly subnet: string;
  readonly rangeStart?: string;
  readonly rangeEnd?: string;
  readonly gateway?: string;
}

const AT = "ipam.ranges[0][0]";
const read = (written: Written) => rangeSchema.read({ ...written }, AT);
const complete = (written: Written) => completeRange(read(written), AT);
const set = (...written: Written[]) =>
  completeSet(
    written.map(read),
    "ipam.ranges[0]",
    written.map((_, i) => `ipam.ranges[0][${i}]`),
  );
const ip = (text: string): Ip => parseIp(text) ?? new Uint8Array();

function errorOf(work: () => unknown): { code: number; message: string; details: string | undefined } {
  try {
    work();
  } catch (error) {
    if (error instanceof CniError) return { code: error.code, message: error.message, details: error.details };
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("completeRange()", () => {
  it.each([
    [
      "an IPv4 subnet without its network and broadcast address",
      { subnet: "10.1.0.0/24" },
      "10.1.0.1",
      "10.1.0.254",
      "10.1.0.1",
    ],
    [
      "an IPv6 subnet to its very last address",
      { subnet: "fd00::/64" },
      "fd00::1",
      "fd00::ffff:ffff:ffff:ffff",
      "fd00::1",
    ],
    ["the smallest IPv4 subnet", { subnet: "10.1.0.4/30" }, "10.1.0.5", "10.1.0.6", "10.1.0.5"],
    ["the smallest IPv6 subnet", { subnet: "fd00::/126" }, "fd00::1", "fd00::3", "fd00::1"],
    [
      "the start that is given",
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.9" },
      "10.1.0.9",
      "10.1.0.254",
      "10.1.0.1",
    ],
    ["the end that is given", { subnet: "10.1.0.0/24", rangeEnd: "10.1.0.9" }, "10.1.0.1", "10.1.0.9", "10.1.0.1"],
    [
      "network and broadcast address where they are asked for",
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.0", rangeEnd: "10.1.0.255" },
      "10.1.0.0",
      "10.1.0.255",
      "10.1.0.1",
    ],
    [
      "a range of one address",
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.7", rangeEnd: "10.1.0.7" },
      "10.1.0.7",
      "10.1.0.7",
      "10.1.0.1",
    ],
    [
      "a gateway of another subnet",
      { subnet: "10.1.0.0/24", gateway: "192.0.2.1" },
      "10.1.0.1",
      "10.1.0.254",
      "192.0.2.1",
    ],
    [
      "empty texts as absent",
      { subnet: "10.1.0.0/24", rangeStart: "", rangeEnd: "", gateway: "" },
      "10.1.0.1",
      "10.1.0.254",
      "10.1.0.1",
    ],
    ["the whole of IPv4", { subnet: "0.0.0.0/0" }, "0.0.0.1", "255.255.255.254", "0.0.0.1"],
  ])("takes %s", (_, written, start, end, gateway) => {
    const range = complete(written);
    expect([range.start, range.end, range.gateway].map(formatIp)).toEqual([start, end, gateway]);
  });

  it.each([
    [{ subnet: "10.1.2.3/24" }, `${AT}.subnet: 10.1.2.3/24 has host bits set`, "the network is 10.1.2.0/24"],
    [{ subnet: "10.1.2.0/31" }, `${AT}.subnet: 10.1.2.0/31 is too small to allocate from`, "use a /30 or larger"],
    [{ subnet: "fd00::/127" }, `${AT}.subnet: fd00::/127 is too small to allocate from`, "use a /126 or larger"],
    [
      { subnet: "10.1.2.0/24", rangeStart: "10.1.3.1" },
      `${AT}.rangeStart: 10.1.3.1 is not in subnet 10.1.2.0/24`,
      undefined,
    ],
    [
      { subnet: "10.1.2.0/24", gateway: "fd00::1" },
      `${AT}.gateway: fd00::1 is IPv6, and subnet 10.1.2.0/24 is IPv4`,
      undefined,
    ],
    [
      { subnet: "fd00::/64", gateway: "10.1.2.1" },
      `${AT}.gateway: 10.1.2.1 is IPv4, and subnet fd00::/64 is IPv6`,
      undefined,
    ],
    [{ subnet: "10.1.2.0/24", rangeEnd: "fd00::1" }, `${AT}.rangeEnd: fd00::1 is not in subnet 10.1.2.0/24`, undefined],
    [
      { subnet: "10.1.2.0/24", rangeStart: "10.1.2.9", rangeEnd: "10.1.2.8" },
      `${AT}: rangeStart 10.1.2.9 comes after rangeEnd 10.1.2.8`,
      undefined,
    ],
    [
      { subnet: "10.1.2.0/24", rangeEnd: "10.1.2.0" },
      `${AT}: rangeStart 10.1.2.1 comes after rangeEnd 10.1.2.0`,
      undefined,
    ],
    [{ subnet: "10.1.2.0" }, `${AT}.subnet: "10.1.2.0" is not a CIDR prefix`, undefined],
    [{ subnet: "10.1.2.0/33" }, `${AT}.subnet: "10.1.2.0/33" is not a CIDR prefix`, undefined],
    [{ subnet: "10.1.2.0/24", gateway: "10.1.2.256" }, `${AT}.gateway: "10.1.2.256" is not an IP address`, undefined],
  ])("refuses %j", (written: Written, message, details) => {
    expect(errorOf(() => complete(written))).toMatchObject({ code: 7, message, ...(details && { details }) });
  });

  it("asks for the subnet", () => {
    expect(errorOf(() => rangeSchema.read({ rangeStart: "10.1.0.9" }, AT)).message).toBe(`${AT}.subnet is missing`);
  });
});

describe("completeSet()", () => {
  it("takes ranges beside each other in one subnet", () => {
    const ranges = set(
      { subnet: "10.1.0.0/24", rangeEnd: "10.1.0.99" },
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.100" },
    );
    expect(formatSet(ranges)).toBe("10.1.0.1-10.1.0.99,10.1.0.100-10.1.0.254");
  });

  it("refuses an empty one", () => {
    expect(errorOf(() => set())).toMatchObject({ code: 7, message: "ipam.ranges[0]: is an empty range set" });
  });

  it("refuses two families", () => {
    expect(errorOf(() => set({ subnet: "10.1.0.0/24" }, { subnet: "fd00::/64" })).message).toBe(
      "ipam.ranges[0]: mixes address families: 10.1.0.0/24 and fd00::/64",
    );
  });

  it.each([
    ["that are equal", { subnet: "10.1.0.0/24" }, { subnet: "10.1.0.0/24" }],
    ["of which one is inside the other", { subnet: "10.1.0.0/16" }, { subnet: "10.1.5.0/24" }],
    [
      "that share one address",
      { subnet: "10.1.0.0/24", rangeEnd: "10.1.0.9" },
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.9" },
    ],
  ])("refuses ranges %s", (_, a: Written, b: Written) => {
    expect(errorOf(() => set(a, b)).message).toMatch(/^ipam\.ranges\[0\]: ranges 10\.1\.0\.1-\S+ and \S+ overlap$/);
    expect(errorOf(() => set(b, a)).message).toMatch(/overlap$/);
  });
});

describe("checkDisjoint()", () => {
  const paths = ["runtimeConfig.ipRanges[0]", "ipam", "ipam.ranges[0]"];

  it("takes sets that share nothing, of whatever family", () => {
    const sets = [set({ subnet: "10.1.0.0/24" }), set({ subnet: "10.1.1.0/24" }), set({ subnet: "fd00::/64" })];
    expect(() => checkDisjoint(sets, paths)).not.toThrow();
  });

  it("names both sets and both ranges", () => {
    const sets = [set({ subnet: "10.9.0.0/24" }), set({ subnet: "10.1.0.0/16" }), set({ subnet: "10.1.7.0/24" })];
    expect(errorOf(() => checkDisjoint(sets, paths))).toMatchObject({
      code: 7,
      message: "ipam.ranges[0]: range 10.1.7.1-10.1.7.254 overlaps with 10.1.0.1-10.1.255.254 of ipam",
    });
  });
});

describe("rangeFor()", () => {
  it.each([
    ["10.1.0.10", 0],
    ["10.1.0.19", 0],
    ["10.1.0.20", undefined],
    ["10.1.0.30", 1],
    ["fd00::1", undefined],
  ])("finds the range of %s", (text, index) => {
    const ranges = set(
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.10", rangeEnd: "10.1.0.19" },
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.30" },
    );
    expect(rangeFor(ranges, ip(text))).toBe(index === undefined ? undefined : ranges[index]);
  });
});

describe("capacityOf()", () => {
  it.each([
    [{ subnet: "10.1.0.0/24" }, 253],
    [{ subnet: "10.1.0.0/24", gateway: "10.1.0.254" }, 253],
    [{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.10" }, 2],
    [{ subnet: "10.1.0.0/24", rangeEnd: "10.1.0.1" }, 0],
    [{ subnet: "10.1.0.0/16" }, 65533],
    [{ subnet: "fd00::/64" }, 2 ** 64],
  ])("counts %j", (written: Written, count) => {
    expect(capacityOf(set(written))).toBe(count);
  });

  it("is the number of addresses between start and end, whatever they are", () => {
    const numbers = fc.tuple(fc.nat(0xfffffd), fc.nat(0xfffffd)).map((pair) => pair.toSorted((a, b) => a - b));
    const text = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
    fc.assert(
      fc.property(numbers, ([a = 0, b = 0]) => {
        const range = { subnet: "10.0.0.0/8", rangeStart: text(a), rangeEnd: text(b), gateway: "192.0.2.1" };
        expect(capacityOf(set(range))).toBe(b - a + 1);
      }),
    );
  });
});
