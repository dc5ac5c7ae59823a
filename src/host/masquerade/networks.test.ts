import { describe, expect, it } from "vitest";
import { NFT_VERDICT } from "../../nftables/uapi.ts";
import { lastOf, networkOf, parseCidr } from "../../wire/ip.ts";
import { Networks } from "./networks.ts";

const present = (
  subnet: string,
  chain: string,
  code: number = NFT_VERDICT.GOTO,
): ConstructorParameters<typeof Networks>[1] => {
  const cidr = parseCidr(subnet) ?? { ip: new Uint8Array(4), prefixLength: 0 };
  return [{ first: networkOf(cidr).ip, last: lastOf(cidr), data: { code, chain } }];
};

describe("the networks of a family", () => {
  it("go to whoever comes first, and to nobody whose subnet overlaps", () => {
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
