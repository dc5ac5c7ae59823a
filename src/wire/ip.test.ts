import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  byFamily,
  type Cidr,
  compareIp,
  contains,
  FAMILIES,
  familyOf,
  formatCidr,
  formatIp,
  hostPrefix,
  type Ip,
  isSingleHost,
  lastOf,
  maskLength,
  maskOf,
  networkOf,
  offsetIp,
  parseCidr,
  parseIp,
  sameCidr,
} from "./ip.ts";

function ip(text: string): Ip {
  const found = parseIp(text);
  if (found === undefined) throw new TypeError(`${text} is no address`);
  return found;
}

function cidr(text: string): Cidr {
  const found = parseCidr(text);
  if (found === undefined) throw new TypeError(`${text} is no prefix`);
  return found;
}

const anyIp = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 4 }),
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  // Zeros in runs, which is what compression is about.
  fc
    .array(fc.constantFrom(0, 0, 0, 1, 0xabcd, 0xffff), { minLength: 8, maxLength: 8 })
    .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]))),
);

/** IPv4 mapped into IPv6 is read as the IPv4 address: the one case where reading doesn't give back what was written. */
const isMapped = (address: Ip): boolean =>
  address.length === 16 && Buffer.from(address.subarray(0, 12)).toString("hex") === "00000000000000000000ffff";

describe("parseIp", () => {
  it("returns bytes that are the caller's own", () => {
    for (const text of ["10.22.0.5", "fd00::5", "::ffff:10.22.0.5"]) {
      const first = ip(text);
      const given = first.slice();
      first.fill(0xff);
      expect(ip(text)).toEqual(given);
      expect(cidr(`${text}/120`.replace(/^10.*/, "10.22.0.5/24")).ip).toEqual(given);
    }
  });

  // What Go's net.ParseIP says, which upstream reads every address with.
  it.each([
    ["0.0.0.0", [0, 0, 0, 0]],
    ["10.22.0.5", [10, 22, 0, 5]],
    ["255.255.255.255", [255, 255, 255, 255]],
    ["::", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["::1", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]],
    ["1::", [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]],
    ["2001:DB8::aB", [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xab]],
    ["1:2:3:4:5:6:7:8", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
    ["1:2:3:4:5:6:7::", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 0]],
    ["::2:3:4:5:6:7:8", [0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8]],
    ["64:ff9b::192.0.2.33", [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 33]],
    ["1:2:3:4:5:6:1.2.3.4", [0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 1, 2, 3, 4]],
    ["::ffff:10.22.0.5", [10, 22, 0, 5]],
    ["::FFFF:0a16:0005", [10, 22, 0, 5]],
    ["0:0:0:0:0:ffff:10.22.0.5", [10, 22, 0, 5]],
    ["::10.22.0.5", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 22, 0, 5]],
  ])("reads %s", (text, raw) => {
    expect(parseIp(text)).toEqual(Uint8Array.from(raw));
  });

  it.each([
    "",
    ".",
    ":",
    ":::",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.",
    ".1.2.3",
    "1..2.3",
    "1.2.3.256",
    "1.2.3.1000",
    "010.0.0.1", // octal to some, decimal to others: Go refuses it since 1.17
    "1.2.3.04",
    "0x1.2.3.4",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.4\n",
    "+1.2.3.4",
    "1.2.3.-4",
    "1.2.3.4/24",
    "١.2.3.4",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1:2:3:4:5:6:7:8",
    "1:2:3:4::5:6:7:8",
    ":1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:",
    "::1:",
    ":1::",
    "12345::",
    "g::",
    "::1.2.3",
    "::1.2.3.04",
    "1.2.3.4::",
    "::1.2.3.4:5",
    "1:2:3:4:5:6:7:1.2.3.4",
    "fe80::1%eth0", // a zone is no part of an address
    "[::1]",
    "::ffff:1.2.3.256",
  ])("refuses %j", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  it("says the same as Node of any text that looks like an address, zones aside", () => {
    const piece = fc.constantFrom(
      "0",
      "1",
      "00",
      "01",
      "255",
      "256",
      "abcd",
      "ffff",
      "12345",
      ".",
      ":",
      "::",
      "%a",
      "-",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 16 }), (pieces) => {
        const text = pieces.join("");
        expect(parseIp(text) !== undefined, text).toBe(isIP(text) !== 0 && !text.includes("%"));
      }),
      { numRuns: 3000 },
    );
  });

  it("says the same as Node of addresses with a character changed", () => {
    const address = fc.tuple(anyIp, fc.nat(), fc.constantFrom("0", "f", ".", ":", "", "::", "25"));
    fc.assert(
      fc.property(address, ([value, at, change]) => {
        const good = formatIp(value);
        const cut = at % (good.length + 1);
        const text = good.slice(0, cut) + change + good.slice(cut + 1);
        expect(parseIp(text) !== undefined, text).toBe(isIP(text) !== 0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("formatIp", () => {
  it.each([
    ["10.22.0.5", "10.22.0.5"],
    ["2001:db8:0:0:0:0:0:1", "2001:db8::1"], // RFC 5952 4.2.1: as much as possible
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"], // 4.2.2: not one group alone
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"], // 4.2.3: the longest run
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"], // 4.2.3: the first of equals
    ["2001:0DB8::ABCD", "2001:db8::abcd"], // 4.1 and 4.3: no leading zeros, lower case
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["::10.22.0.5", "::a16:5"],
  ])("writes %s as %s", (text, written) => {
    expect(formatIp(ip(text))).toBe(written);
  });

  it("writes IPv4 mapped into IPv6 as such", () => {
    expect(formatIp(Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 22, 0, 5))).toBe("::ffff:10.22.0.5");
  });

  it("is read back by parseIp, and is what a URL makes of it", () => {
    fc.assert(
      fc.property(anyIp, (address) => {
        const text = formatIp(address);
        if (!isMapped(address)) {
          expect(parseIp(text)).toEqual(address);
          if (address.length === 16) expect(new URL(`http://[${text}]`).hostname).toBe(`[${text}]`);
        }
        expect(isIP(text)).toBe(familyOf(address));
      }),
      { numRuns: 500 },
    );
  });
});

describe("parseCidr", () => {
  it.each([
    ["10.22.0.5/16", "10.22.0.5", 16],
    ["0.0.0.0/0", "0.0.0.0", 0],
    ["10.0.0.1/32", "10.0.0.1", 32],
    ["fd00::1/112", "fd00::1", 112],
    ["::/0", "::", 0],
    ["::1/128", "::1", 128],
    ["::ffff:10.0.0.1/120", "10.0.0.1", 24],
    ["::ffff:10.0.0.1/24", "10.0.0.1", 0],
  ])("reads %s, keeping the address as it stands", (text, address, prefixLength) => {
    expect(parseCidr(text)).toEqual({ ip: ip(address), prefixLength });
  });

  it.each([
    "10.0.0.1",
    "10.0.0.1/",
    "10.0.0.1/33",
    "::/129",
    "10.0.0.1/-1",
    "10.0.0.1/+8",
    "10.0.0.1/8/8",
    "/8",
    "x/8",
  ])("refuses %j", (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });

  it.each(["10.0.0.1/ 8", "10.0.0.1/8 ", "10.0.0.1/0x8", "10.0.0.1/8.0", "10.0.0.1/1e1", "10.0.0.1/٨"])(
    "refuses %j, which Number() would read",
    (text) => {
      expect(parseCidr(text)).toBeUndefined();
    },
  );

  it("reads what formatCidr writes", () => {
    expect(formatCidr(cidr("fd00:0::1/64"))).toBe("fd00::1/64");
  });
});

describe("a prefix", () => {
  it.each([
    ["10.22.0.5/16", "255.255.0.0", "10.22.0.0", "10.22.255.255"],
    ["10.22.77.130/25", "255.255.255.128", "10.22.77.128", "10.22.77.255"],
    ["10.22.0.5/0", "0.0.0.0", "0.0.0.0", "255.255.255.255"],
    ["10.22.0.5/32", "255.255.255.255", "10.22.0.5", "10.22.0.5"],
    ["10.22.0.5/31", "255.255.255.254", "10.22.0.4", "10.22.0.5"],
    ["fd00::1:5/112", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:0", "fd00::1:0", "fd00::1:ffff"],
    ["fd00::5/121", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ff80", "fd00::", "fd00::7f"],
    ["fd00::5/0", "::", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ])("%s has mask %s, network %s and last address %s", (text, mask, network, last) => {
    const prefix = cidr(text);
    expect(formatIp(maskOf(prefix.prefixLength, familyOf(prefix.ip)))).toBe(mask);
    expect(maskLength(maskOf(prefix.prefixLength, familyOf(prefix.ip)))).toBe(prefix.prefixLength);
    expect(formatCidr(networkOf(prefix))).toBe(`${network}/${prefix.prefixLength}`);
    expect(formatIp(lastOf(prefix))).toBe(last);
  });

  it.each(["255.0.255.0", "0.0.0.1", "ff:ff00::"])("has no mask that is %s", (mask) => {
    expect(maskLength(ip(mask))).toBeUndefined();
  });

  it("contains its addresses and no others", () => {
    expect(contains(cidr("10.22.0.5/16"), ip("10.22.255.255"))).toBe(true);
    expect(contains(cidr("10.22.0.5/16"), ip("10.23.0.0"))).toBe(false);
    expect(contains(cidr("0.0.0.0/0"), ip("::"))).toBe(false);
    expect(contains(cidr("::/0"), ip("10.0.0.1"))).toBe(false);
    expect(contains(cidr("fd00::/127"), ip("fd00::1"))).toBe(true);
    expect(contains(cidr("fd00::/127"), ip("fd00::2"))).toBe(false);
  });

  it("contains exactly what lies between its network and its last address", () => {
    fc.assert(
      fc.property(anyIp, fc.nat(128), anyIp, (base, length, other) => {
        const prefix = { ip: base, prefixLength: Math.min(length, base.length * 8) };
        fc.pre(base.length === other.length);
        const between = compareIp(networkOf(prefix).ip, other) <= 0 && compareIp(other, lastOf(prefix)) <= 0;
        expect(contains(prefix, other)).toBe(between);
      }),
    );
  });

  it("leaves the address it was asked about as it was", () => {
    const prefix = cidr("10.22.0.5/16");
    networkOf(prefix);
    lastOf(prefix);
    offsetIp(prefix.ip, 300);
    expect(formatIp(prefix.ip)).toBe("10.22.0.5");
  });
});

describe("sameCidr()", () => {
  it.each([
    ["10.0.0.5/16", "10.0.0.5/16", true],
    ["10.0.0.5/16", "10.0.0.0/16", false], // the bits behind the prefix count
    ["10.0.0.5/16", "10.0.0.5/17", false],
    ["fd00::1/64", "fd00:0::1/64", true],
    ["0.0.0.0/0", "::/0", false],
  ])("%s and %s: %s", (a, b, same) => {
    expect(sameCidr(cidr(a), cidr(b))).toBe(same);
    expect(sameCidr(cidr(b), cidr(a))).toBe(same);
  });
});

describe("byFamily()", () => {
  it("keeps the order within a family, IPv4 before IPv6", () => {
    const [a, b, c] = ["fd00::2/64", "10.0.0.2/16", "fd00::1/64"].map(cidr);
    expect(byFamily([a, b, c] as Cidr[])).toEqual([
      [4, [b]],
      [6, [a, c]],
    ]);
    expect(FAMILIES).toEqual([4, 6]);
  });

  it("leaves out a family that has nothing", () => {
    expect(byFamily([cidr("fd00::1/64")]).map(([family]) => family)).toEqual([6]);
    expect(byFamily([])).toEqual([]);
  });
});

describe("compareIp", () => {
  it("puts IPv4 before IPv6, and smaller before larger", () => {
    const inOrder = ["0.0.0.1", "10.0.0.2", "10.0.0.10", "255.0.0.0", "::", "::2", "::10", "fd00::"].map(ip);
    expect(inOrder.toReversed().sort(compareIp)).toEqual(inOrder);
    expect(compareIp(ip("fd00::1"), ip("fd00::1"))).toBe(0);
  });
});

describe("hostPrefix() and isSingleHost()", () => {
  it("are of one address alone", () => {
    for (const text of ["10.22.0.5", "fd00::5"]) {
      const prefix = hostPrefix(ip(text));
      expect(prefix).toEqual({ ip: ip(text), prefixLength: text.includes(":") ? 128 : 32 });
      expect(isSingleHost(prefix)).toBe(true);
      expect(isSingleHost({ ...prefix, prefixLength: prefix.prefixLength - 1 })).toBe(false);
    }
    expect(isSingleHost({ ip: ip("fd00::5"), prefixLength: 32 })).toBe(false);
  });
});

describe("offsetIp", () => {
  it.each([
    ["10.0.0.255", 1, "10.0.1.0"],
    ["10.0.1.0", -1, "10.0.0.255"],
    ["10.0.0.5", 0, "10.0.0.5"],
    ["10.0.0.0", 0x1000000, "11.0.0.0"],
    ["255.255.255.255", -0xffffffff, "0.0.0.0"],
    ["fd00::ffff:ffff", 1, "fd00::1:0:0"],
    ["fd00::", 2 ** 40 + 3, "fd00::100:0:3"],
    ["fd00::1:0:0", -1, "fd00::ffff:ffff"],
  ])("%s and %i is %s", (from, step, to) => {
    expect(offsetIp(ip(from), step)).toEqual(ip(to));
  });

  it.each([
    ["255.255.255.255", 1],
    ["0.0.0.0", -1],
    ["10.0.0.0", 2 ** 32],
    ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1],
    ["::", -1],
  ])("%s and %i is past the end", (from, step) => {
    expect(offsetIp(ip(from), step)).toBeUndefined();
  });

  it("counts like an integer", () => {
    const value = (address: Ip): bigint => BigInt(`0x${Buffer.from(address).toString("hex")}`);
    fc.assert(
      fc.property(anyIp, fc.maxSafeInteger(), (address, step) => {
        const want = value(address) + BigInt(step);
        const inside = want >= 0n && want < 1n << BigInt(address.length * 8);
        const found = offsetIp(address, step);
        expect(found === undefined ? undefined : value(found)).toBe(inside ? want : undefined);
      }),
    );
  });
});
