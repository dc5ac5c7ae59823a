import { describe, expect, it } from "vitest";
import { ipDaddr, ipSaddr } from "../nftables/match.ts";
import { type Cidr, parseCidr } from "../wire/ip.ts";
import { sourceOf } from "./rule-source.ts";

const cidr = (text: string): Cidr => parseCidr(text) ?? { ip: new Uint8Array(4), prefixLength: 0 };

describe("sourceOf", () => {
  it.each(["10.22.0.5/32", "10.22.0.0/16", "fd00::5/128", "fd00::/64"])(
    "is the source that a rule asks for: %s",
    (text) => {
      const { ip, prefixLength } = cidr(text);
      const data = ip.subarray(0, prefixLength / 8);
      const [load] = ipSaddr({ ip, prefixLength: ip.length * 8 });
      if (load === undefined) throw new Error(text);
      const rule = [...ipDaddr(cidr(ip.length === 4 ? "192.0.2.7/32" : "2001:db8::7/128")), load];
      const compare = { kind: "cmp", sreg: 1, op: 0, data } as const;
      expect(sourceOf([...rule, compare], ip.length === 4 ? 4 : 6)).toEqual({ ip, prefixLength });
      expect(sourceOf([...rule, { ...compare, op: 1 }], ip.length === 4 ? 4 : 6)).toBeUndefined();
    },
  );

  it("is undefined where there is none, or a mask within a byte", () => {
    expect(sourceOf([], 4)).toBeUndefined();
    expect(sourceOf(ipDaddr(cidr("10.22.0.5/32")), 4)).toBeUndefined();
    expect(sourceOf(ipSaddr(cidr("10.22.0.0/20")), 4)).toBeUndefined();
  });
});
