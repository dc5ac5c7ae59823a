import { describe, expect, it } from "vitest";
import { call, DUAL, type Options } from "../../test/support/host-local-call.ts";
import { CniError } from "../cni/error.ts";
import { readHostLocalConfig } from "./host-local-config.ts";
import { formatSet } from "./range.ts";

function errorOf(work: () => unknown): CniError {
  try {
    work();
  } catch (error) {
    if (error instanceof CniError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

const setsOf = (options: Options): string[] => readHostLocalConfig(call(options)).sets.map(formatSet);
const requestedOf = (options: Options): string[] =>
  readHostLocalConfig(call(options)).requested.map((ip) => [...ip].join("."));

describe("the configuration of host-local", () => {
  it("takes the range sets of the runtime first, then the one at the top, then the others", () => {
    const ipam = { subnet: "10.2.0.0/24", rangeStart: "10.2.0.9", ranges: [[{ subnet: "10.3.0.0/24" }]] };
    const network = { runtimeConfig: { ipRanges: [[{ subnet: "10.4.0.0/24" }, { subnet: "10.5.0.0/24" }]] } };
    expect(setsOf({ ipam, network })).toEqual([
      "10.4.0.1-10.4.0.254,10.5.0.1-10.5.0.254",
      "10.2.0.9-10.2.0.254",
      "10.3.0.1-10.3.0.254",
    ]);
  });

  it("ignores start, end and gateway at the top where there is no subnet", () => {
    const ipam = { rangeStart: "10.9.0.9", gateway: "10.9.0.1", ranges: [[{ subnet: "10.3.0.0/24" }]] };
    expect(setsOf({ ipam })).toEqual(["10.3.0.1-10.3.0.254"]);
  });

  it.each<[string, Options, number, string]>([
    ["no ipam section", { network: { ipam: null } }, 7, "ipam is missing: it says which addresses to give out"],
    ["no ranges", { ipam: {} }, 7, "ipam: no IP ranges specified"],
    ["an empty range set", { ipam: { ranges: [[]] } }, 7, "ipam.ranges[0]: is an empty range set"],
    [
      "an object for a range set",
      { ipam: { ranges: [{ subnet: "10.1.0.0/24" }] } },
      6,
      'ipam.ranges[0]: {"subnet":"10.1.0.0/24"} is not an array',
    ],
    ["a wrong subnet at the top", { ipam: { subnet: "10.1.0.9/24" } }, 7, "ipam.subnet: 10.1.0.9/24 has host bits set"],
    [
      "a range end outside",
      { ipam: { ranges: [[{ subnet: "10.1.0.0/24", rangeEnd: "10.2.0.1" }]] } },
      7,
      "ipam.ranges[0][0].rangeEnd: 10.2.0.1 is not in subnet 10.1.0.0/24",
    ],
    [
      "sets that overlap",
      { ipam: { subnet: "10.1.0.0/16", ranges: [[{ subnet: "10.1.5.0/24" }]] } },
      7,
      "ipam.ranges[0]: range 10.1.5.1-10.1.5.254 overlaps with 10.1.0.1-10.1.255.254 of ipam",
    ],
    [
      "a wrong range of the runtime",
      { network: { runtimeConfig: { ipRanges: [[{ subnet: "x" }]] } } },
      7,
      'runtimeConfig.ipRanges[0][0].subnet: "x" is not a CIDR prefix',
    ],
    [
      "a wrong route",
      { ipam: { ...DUAL, routes: [{ dst: "10.0.0.0" }] } },
      7,
      'ipam.routes[0].dst: "10.0.0.0" is not a CIDR prefix',
    ],
    [
      "a data directory with a NUL",
      { ipam: { ...DUAL, dataDir: "/a\0b" } },
      7,
      'ipam.dataDir: "/a\\u0000b" is not a path',
    ],
    [
      "an address to ask for that is none",
      { network: { args: { cni: { ips: ["10.1.0"] } } } },
      7,
      'args.cni.ips[0]: "10.1.0" is not an IP address',
    ],
    [
      "an address of the runtime that is none",
      { network: { runtimeConfig: { ips: ["10.1.0.1/33"] } } },
      7,
      'runtimeConfig.ips[0]: "10.1.0.1/33" is not an IP address',
    ],
    ["a wrong CNI_ARGS", { args: "IP=nonsense" }, 4, 'CNI_ARGS: IP "nonsense" is not an IP address'],
    ["an unknown CNI_ARGS", { args: "K8S_POD_NAME=x" }, 4, "CNI_ARGS: this plugin does not know K8S_POD_NAME"],
    [
      "two addresses of a family before 0.3.0",
      {
        network: { cniVersion: "0.2.0" },
        ipam: { ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "10.2.0.0/24" }]] },
      },
      7,
      "ipam.ranges: CNI version 0.2.0 does not support more than 1 address per family",
    ],
  ])("refuses %s", (_, options, code, message) => {
    const error = errorOf(() => readHostLocalConfig(call(options)));
    expect({ code: error.code, message: error.message }).toEqual({ code, message });
  });

  it("takes an address of each family before 0.3.0", () => {
    expect(setsOf({ network: { cniVersion: "0.2.0" } })).toHaveLength(2);
  });

  it("gathers the addresses that are asked for in each place, with a prefix length or without", () => {
    const network = { args: { cni: { ips: ["10.1.0.8", "10.1.0.9/24"] } }, runtimeConfig: { ips: ["10.1.0.10/16"] } };
    const args = "IgnoreUnknown=1;K8S_POD_NAME=x;IP=10.1.0.7/24";
    expect(requestedOf({ network, args })).toEqual(["10.1.0.7", "10.1.0.8", "10.1.0.9", "10.1.0.10"]);
    expect(requestedOf({ args: "IP=" })).toEqual([]);
    expect(requestedOf({ network: { args: { cni: {} }, runtimeConfig: {} } })).toEqual([]);
  });
});
