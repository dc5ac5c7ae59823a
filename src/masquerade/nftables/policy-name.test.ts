import { describe, expect, it } from "vitest";
import { formatCidr, parseCidr } from "../../wire/ip.ts";
import { apart, baseOf, goesByNetwork, policyName, subnetOf } from "./policy-name.ts";

const SUBNETS = ["10.22.0.0/16", "0.0.0.0/0", "10.0.0.1/32", "fd61:7465:6d65:1000::/112", "::/0", "fd00::1/128"];
const KEYS = [undefined, "0123456789abcdef"];
const name = (subnet: string, key?: string): string =>
  policyName(parseCidr(subnet) ?? { ip: new Uint8Array(4), prefixLength: 0 }, key);

describe("the name of a policy's chain", () => {
  it("has no colon, which nft could not read back, and tells the subnet", () => {
    for (const subnet of SUBNETS) {
      for (const key of KEYS) {
        for (const chain of [name(subnet, key), apart(name(subnet, key))]) {
          expect(chain).toMatch(/^[a-z][0-9a-z/._-]*$/);
          const read = subnetOf(chain);
          expect(read && formatCidr(read)).toBe(subnet);
        }
      }
    }
  });

  it("tells no subnet where the chain is no policy's", () => {
    for (const chain of [
      "postrouting",
      "outside-",
      "outside-x/17",
      "inside-10.0.0.0/8",
      "outside-10.0.0.0/",
      "outside-10.0.0.0/33",
    ])
      expect(subnetOf(chain)).toBeUndefined();
  });

  it("tells the two chains of a policy apart", () => {
    const chain = name("10.22.0.0/16");
    expect(apart(chain)).not.toBe(chain);
    expect(apart(apart(chain))).toBe(apart(chain));
    expect([baseOf(chain), baseOf(apart(chain))]).toEqual([chain, chain]);
  });

  it("tells whether the network leads there", () => {
    for (const key of KEYS) {
      for (const subnet of ["10.22.0.0/16", "10.0.0.0/3", "0.0.0.0/0"]) {
        expect(goesByNetwork(4, name(subnet, key))).toBe(true);
        expect(goesByNetwork(4, apart(name(subnet, key)))).toBe(false);
      }
      expect(goesByNetwork(4, name("10.0.0.1/32", key))).toBe(false);
      expect(goesByNetwork(6, name("fd00::/32", key))).toBe(true);
      expect(goesByNetwork(6, name("fd00::1/128", key))).toBe(false);
    }
  });
});
