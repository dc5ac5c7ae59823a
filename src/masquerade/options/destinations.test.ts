import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contains, formatIp, type Ip, parseCidr, parseIp } from "../../wire/ip.ts";
import { keptDestinations } from "./destinations.ts";
import { readOptions } from "./options.ts";

const text = (given: Record<string, readonly string[]>, family: 4 | 6 = 4): string[] =>
  keptDestinations(readOptions(given), family).map(({ first, last }) => `${formatIp(first)}-${formatIp(last)}`);

describe("keptDestinations", () => {
  it("joins prefixes that touch and drops those inside others", () => {
    expect(text({ exclude: ["10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16"] })).toEqual(["10.0.0.0-10.255.255.255"]);
  });

  it("lets the longest prefix win, at any depth", () => {
    const given = { exclude: ["10.0.0.0/8", "10.1.2.0/24"], excludeExceptions: ["10.1.0.0/16"] };
    expect(text(given)).toEqual(["10.0.0.0-10.0.255.255", "10.1.2.0-10.1.2.255", "10.2.0.0-10.255.255.255"]);
  });

  it("keeps everything but what only names, to both ends of the address space", () => {
    expect(text({ only: ["8.0.0.0/8"] })).toEqual(["0.0.0.0-7.255.255.255", "9.0.0.0-255.255.255.255"]);
    expect(text({ only: ["0.0.0.0/0"] })).toEqual([]);
    expect(text({ only: ["2001:db8::/32"] }, 4)).toEqual(["0.0.0.0-255.255.255.255"]);
  });

  it("excludes inside only", () => {
    expect(text({ only: ["8.0.0.0/8"], exclude: ["8.8.0.0/16"] })).toEqual([
      "0.0.0.0-7.255.255.255",
      "8.8.0.0-8.8.255.255",
      "9.0.0.0-255.255.255.255",
    ]);
  });

  it("knows the presets in both families", () => {
    expect(text({ exclude: ["private"] })).toEqual([
      "10.0.0.0-10.255.255.255",
      "172.16.0.0-172.31.255.255",
      "192.168.0.0-192.168.255.255",
    ]);
    expect(text({ exclude: ["link-local"] }, 6)).toEqual(["fe80::-febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]);
  });

  it("refuses what is no prefix, and one that is on both sides", () => {
    expect(() => text({ exclude: ["10.0.0.0/33"] })).toThrow(
      'ipMasqOptions.exclude[0]: "10.0.0.0/33" is not a CIDR prefix',
    );
    expect(() => text({ exclude: ["10.0.0.0/8"], only: ["10.0.0.0/8"] })).toThrow(
      'ipMasqOptions.only[0]: "10.0.0.0/8" is not possible',
    );
  });

  it("decides as the longest prefix does, for any lists and any address", () => {
    const prefix = fc.tuple(
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 20 }),
    );
    const list = fc.array(
      prefix.map(([a, b, length]) => `${a}.${b}.0.0/${length}`),
      { maxLength: 12 },
    );
    const address = fc.tuple(
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 255 }),
      fc.integer({ min: 0, max: 255 }),
    );
    fc.assert(
      fc.property(list, list, fc.boolean(), address, (exclude, others, hasOnly, [a, b, c]) => {
        const ip = parseIp(`${a}.${b}.${c}.7`);
        if (ip === undefined) throw new Error("no address");
        const key = hasOnly ? "only" : "excludeExceptions";
        let kept: readonly { first: Ip; last: Ip }[];
        try {
          kept = keptDestinations(readOptions({ exclude, [key]: others }), 4);
        } catch {
          return; // the same prefix on both sides
        }
        const longest = [...exclude.map((p) => ({ p, keeps: true })), ...others.map((p) => ({ p, keeps: false }))]
          .map((e) => ({ ...e, cidr: parseCidr(e.p) }))
          .filter(({ cidr }) => cidr !== undefined && contains(cidr, ip))
          .sort((x, y) => (y.cidr?.prefixLength ?? 0) - (x.cidr?.prefixLength ?? 0))[0];
        const number = (x: Ip): number => x.reduce((sum, byte) => sum * 256 + byte, 0);
        const isKept = kept.some(({ first, last }) => number(first) <= number(ip) && number(ip) <= number(last));
        expect(isKept).toBe(longest?.keeps ?? hasOnly);
        for (let i = 1; i < kept.length; i++) {
          expect(number(kept[i]?.first ?? ip)).toBeGreaterThan(number(kept[i - 1]?.last ?? ip) + 1);
        }
      }),
    );
  });
});
