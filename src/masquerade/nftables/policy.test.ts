import { describe, expect, it } from "vitest";
import { parseCidr } from "../../wire/ip.ts";
import { type MasqueradeOptions, PLAIN, readOptions } from "../options/options.ts";
import { destinationSet, policyFor } from "./policy.ts";

const ADDRESS = parseCidr("10.22.0.5/16") ?? { ip: new Uint8Array(4), prefixLength: 0 };
const options = (ipMasqOptions: Record<string, unknown>): MasqueradeOptions =>
  readOptions(JSON.parse(JSON.stringify(ipMasqOptions)));
const chain = (given: Record<string, unknown>): string => policyFor(ADDRESS, options(given)).chain;

describe("the chain of a policy", () => {
  it("is named after the subnet alone where there are no options", () => {
    expect(policyFor(ADDRESS, PLAIN).chain).toBe("outside-10.22.0.0/16");
    expect(chain({})).toBe("outside-10.22.0.0/16");
  });

  it("has another name for every difference in the options, and for lists as for the rest", () => {
    const all = [
      { exclude: ["10.0.0.0/8"] },
      { exclude: ["10.0.0.0/9"] },
      { only: ["10.0.0.0/8"] },
      { exclude: ["10.0.0.0/8"], ports: "1-2" },
      { exclude: ["10.0.0.0/8"], ports: "1-3" },
      { ports: "1-2" },
      { sameSubnet: false },
    ];
    expect(new Set(all.map(chain)).size).toBe(all.length);
  });

  it("is the same whatever the order and the case of the keys", () => {
    const name = chain({ exclude: ["10.0.0.0/8"], ports: "1-2" });
    expect(chain({ ports: "1-2", exclude: ["10.0.0.0/8"] })).toBe(name);
    expect(chain({ Ports: "1-2", EXCLUDE: ["10.0.0.0/8"] })).toBe(name);
    expect(chain({ Ports: "1-2", EXCLUDE: ["10.0.0.0/8"], only: null, unknown: 1 })).toBe(name);
  });
});

describe("a list of destinations", () => {
  it("is shared by policies that differ in all else", () => {
    const lists = [{ exclude: ["private"] }, { exclude: ["private"], ports: "1-2", dropInvalid: true }].map(options);
    expect(lists[0]?.listKey).toBe(lists[1]?.listKey);
  });

  it("is made anew for each family and for what a file says by now", () => {
    const given = options({ exclude: ["192.0.2.0/24", "2001:db8::/32"] });
    const first = destinationSet(given, 4, ["198.51.100.0/24"]);
    expect(first?.elements.filter(({ intervalEnd }) => intervalEnd !== true)).toHaveLength(2);
    expect(destinationSet(given, 6, ["198.51.100.0/24"])?.elements.every(({ key }) => key.length === 16)).toBe(true);
    const later = destinationSet(given, 4, ["198.51.100.0/24", "203.0.113.0/24"]);
    expect(later?.elements.filter(({ intervalEnd }) => intervalEnd !== true)).toHaveLength(3);
    expect(later?.name).toBe(first?.name);
  });
});
