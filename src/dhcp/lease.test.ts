import { describe, expect, it } from "vitest";
import { DecodeError } from "../wire/error.ts";
import { formatCidr, formatIp } from "../wire/ip.ts";
import { addressOf, dnsOf, mtuOf, problemOf, timesOf } from "./lease.ts";
import { resultOfLease } from "./result.ts";
import { routesOf } from "./routes.ts";

const ip = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const u32 = (value: number): Uint8Array => ip(value >>> 24, (value >> 16) & 255, (value >> 8) & 255, value & 255);
const lease = (options: readonly (readonly [number, Uint8Array])[], address = ip(10, 1, 2, 3)) => ({
  ip: address,
  options: new Map(options),
  server: ip(10, 1, 2, 1),
  serverMac: ip(2, 0, 0, 0, 0, 1),
  since: 1000,
});
const MASK = [1, ip(255, 255, 255, 0)] as const;
const texts = (options: readonly (readonly [number, Uint8Array])[]): string[] =>
  routesOf(lease(options)).map(
    ({ dst, gw, scope }) => `${formatCidr(dst)} ${gw && formatIp(gw)}${scope === undefined ? "" : ` ${scope}`}`,
  );

describe("the routes of a lease", () => {
  const router = [3, ip(10, 1, 2, 1, 10, 1, 2, 254)] as const;

  it("are the default route by the first router", () => {
    expect(texts([router])).toEqual(["0.0.0.0/0 10.1.2.1"]);
    expect(texts([])).toEqual([]);
  });

  it("are the classless ones alone where there are any (RFC 3442), 0.0.0.0 on the link", () => {
    const classless = [121, ip(24, 10, 9, 8, 10, 1, 2, 9, 16, 172, 16, 0, 0, 0, 0, 0, 10, 1, 2, 7)] as const;
    expect(texts([router, classless])).toEqual([
      "10.9.8.0/24 10.1.2.9",
      "172.16.0.0/16 0.0.0.0 253",
      "0.0.0.0/0 10.1.2.7",
    ]);
  });

  it("of option 33 have the prefix of their class, and come before the default route", () => {
    const routes = ip(10, 7, 7, 7, 10, 1, 2, 9, 172, 20, 0, 0, 10, 1, 2, 8, 192, 168, 5, 9, 10, 1, 2, 7);
    const wrong = ip(224, 0, 0, 1, 10, 1, 2, 9, 0, 0, 0, 0, 10, 1, 2, 9);
    expect(texts([router, [33, ip(...routes, ...wrong)]])).toEqual([
      "10.0.0.0/8 10.1.2.9",
      "172.20.0.0/16 10.1.2.8",
      "192.168.5.0/24 10.1.2.7",
      "0.0.0.0/0 10.1.2.1",
    ]);
  });

  it.each([
    ["cut off", ip(24, 10, 9, 8, 10, 1, 2)],
    ["longer than an address", ip(33, 10, 9, 8, 7, 6, 10, 1, 2, 9)],
    ["empty", ip()],
  ])("that are %s are as if they were not there", (_, classless) => {
    expect(texts([router, [121, classless]])).toEqual(["0.0.0.0/0 10.1.2.1"]);
  });

  it("have the priority that the configuration says", () => {
    expect(resultOfLease(lease([MASK, router]), 77).routes).toMatchObject([{ priority: 77 }]);
  });
});

describe("the times of a lease", () => {
  it.each([
    ["a half and seven eighths", [[51, u32(800)]], [401_000, 701_000, 801_000]],
    [
      "the server's",
      [
        [51, u32(800)],
        [58, u32(100)],
        [59, u32(200)],
      ],
      [101_000, 201_000, 801_000],
    ],
    [
      "not the server's where T1 is after T2",
      [
        [51, u32(800)],
        [58, u32(300)],
        [59, u32(200)],
      ],
      [201_000, 201_000, 801_000],
    ],
    [
      "not the server's where T2 is after the end",
      [
        [51, u32(800)],
        [59, u32(900)],
      ],
      [401_000, 701_000, 801_000],
    ],
    ["of an hour where the server says none", [], [1_801_000, 3_151_000, 3_601_000]],
    ["of five seconds where the server grants none", [[51, u32(0)]], [3500, 5375, 6000]],
    ["never, of a lease for ever", [[51, u32(0xffffffff)]], [Infinity, Infinity, Infinity]],
  ] as const)("are %s", (_, options, [renewal, rebinding, expiry]) => {
    expect(timesOf(lease(options as readonly (readonly [number, Uint8Array])[]))).toEqual({
      renewal,
      rebinding,
      expiry,
    });
  });
});

describe("an address", () => {
  it.each([
    ["0.0.0.0", ip(0, 0, 0, 0), MASK[1]],
    ["of the loopback", ip(127, 0, 0, 5), MASK[1]],
    ["of a group", ip(224, 0, 0, 5), MASK[1]],
    ["255.255.255.255", ip(255, 255, 255, 255), MASK[1]],
    ["of all hosts of its subnet", ip(10, 1, 2, 255), MASK[1]],
    ["of its subnet", ip(10, 1, 2, 0), MASK[1]],
    ["with a mask that has holes", ip(10, 1, 2, 3), ip(255, 0, 255, 0)],
    ["with a mask of no bit", ip(10, 1, 2, 3), ip(0, 0, 0, 0)],
    ["with a mask of three bytes", ip(10, 1, 2, 3), ip(255, 255, 255)],
  ])("is nobody's: %s", (_, yiaddr, mask) => {
    expect(problemOf({ yiaddr, options: new Map([[1, mask]]) })).toBeDefined();
  });

  it("can be the only one of its prefix, or one of two", () => {
    for (const last of [254, 255]) {
      const options = new Map([[1, ip(255, 255, 255, last)]]);
      expect(problemOf({ yiaddr: ip(10, 1, 2, 254), options })).toBeUndefined();
    }
  });

  it("without a mask is refused in upstream's words", () => {
    expect(() => addressOf(lease([]))).toThrow(DecodeError);
    expect(() => addressOf(lease([]))).toThrow("DHCP option Subnet Mask not found in DHCPACK");
  });
});

describe("what else a server says", () => {
  it("is name servers, domain and search list", () => {
    const search = Uint8Array.from(Buffer.from("\x01a\x02bc\x00", "latin1"));
    const domain = Uint8Array.from(Buffer.from("example.org\0"));
    const found = dnsOf(
      lease([
        [6, ip(9, 9, 9, 9, 8, 8, 8, 8)],
        [15, domain],
        [119, search],
      ]),
    );
    expect(found).toEqual({ nameservers: ["9.9.9.9", "8.8.8.8"], domain: "example.org", search: ["a.bc"] });
  });

  it("is nothing where it is not as it should be", () => {
    const found = dnsOf(
      lease([
        [6, ip(9, 9, 9)],
        [15, Uint8Array.from(Buffer.from("a\nnameserver 1"))],
      ]),
    );
    expect(found).toEqual({ nameservers: undefined, domain: undefined, search: undefined });
  });

  it("is an MTU that a link can have", () => {
    const mtus = [ip(5, 120), ip(0, 67), ip(5), ip(0, 0, 5, 120)].map((value) => mtuOf(lease([[26, value]])));
    expect(mtus).toEqual([1400, undefined, undefined, undefined]);
  });
});
