import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NFT_VERDICT } from "../../nftables/uapi.ts";
import { type Cidr, contains, formatCidr, lastOf, networkOf, parseCidr } from "../../wire/ip.ts";
import { Networks } from "./networks.ts";
import { apart, policyName } from "./policy-name.ts";

const present = (
  subnet: string,
  chain: string,
  code: number = NFT_VERDICT.GOTO,
): ConstructorParameters<typeof Networks>[1] => {
  const cidr = parseCidr(subnet) ?? { ip: new Uint8Array(4), prefixLength: 0 };
  return [{ first: networkOf(cidr).ip, last: lastOf(cidr), data: { code, chain } }];
};

describe("the networks of a family", () => {
  it("go to the network that comes first, and to none whose subnet overlaps", () => {
    const networks = new Networks(4);
    expect(networks.chainFor("outside-10.0.0.0/16")).toBe("outside-10.0.0.0/16");
    expect(networks.chainFor("outside-10.0.0.0/16")).toBe("outside-10.0.0.0/16");
    expect(networks.chainFor("outside-10.0.0.0/16-0123456789abcdef")).toBe(
      "outside-10.0.0.0/16-0123456789abcdef-apart",
    );
    expect(networks.chainFor("outside-10.0.3.0/24")).toBe("outside-10.0.3.0/24-apart");
    expect(networks.chainFor("outside-10.0.0.0/8")).toBe("outside-10.0.0.0/8-apart");
    expect(networks.chainFor("outside-10.1.0.0/16")).toBe("outside-10.1.0.0/16");
  });

  it("never overlap, whatever the order they are asked for in, and are refused only to those that would", () => {
    const network = fc
      .tuple(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.integer({ min: 0, max: 31 }))
      .map(([ip, prefixLength]) => networkOf({ ip: ip.map((byte) => byte & 0x81), prefixLength }));
    fc.assert(
      fc.property(fc.array(network, { maxLength: 20 }), (all) => {
        const networks = new Networks(4);
        const had: Cidr[] = [];
        for (const one of all) {
          const inTheWay = had.filter((other) => contains(other, one.ip) || contains(one, other.ip));
          const isFree = inTheWay.every((other) => formatCidr(other) === formatCidr(one));
          const chain = policyName(one);
          expect(networks.chainFor(chain)).toBe(isFree ? chain : apart(chain));
          if (isFree) had.push(one);
        }
      }),
    );
  });

  it("are had again by a policy that was apart, once they are free", () => {
    expect(new Networks(6).chainFor("outside-fd00--/64-apart")).toBe("outside-fd00--/64");
  });

  it("are never of one address", () => {
    expect(new Networks(4).chainFor("outside-10.0.0.1/32")).toBe("outside-10.0.0.1/32");
    expect(new Networks(6).chainFor("outside-fd00--1/128")).toBe("outside-fd00--1/128");
  });

  it("are there only where they lead to the chain, and are promised only once", () => {
    const chain = "outside-10.0.0.0/16";
    const networks = new Networks(4, present("10.0.0.0/16", chain));
    expect(networks.has(chain)).toBe(true);
    expect(networks.has("outside-10.1.0.0/16")).toBe(false);
    networks.chainFor("outside-10.1.0.0/16");
    expect(networks.has("outside-10.1.0.0/16")).toBe(false);
    for (const other of [
      present("10.0.0.0/17", chain),
      present("10.0.0.0/16", "x"),
      present("10.0.0.0/16", chain, NFT_VERDICT.JUMP),
    ]) {
      expect(new Networks(4, other).has(chain)).toBe(false);
      expect(new Networks(4, other).chainFor(chain)).toBe(`${chain}-apart`);
    }
  });
});
