// Address ranges that can't be right, and other configurations that don't make sense.

import { describe, expect, it, onTestFinished } from "vitest";
import { run } from "../../support/netns.ts";
import {
  BRIDGE,
  expectError,
  expectRefused,
  type Json,
  leavesNothing,
  networkOf,
  type PluginName,
  stateOfNode,
  useNode,
} from "./node.ts";

const { call } = useNode();

const WITH_RANGES: readonly PluginName[] = ["bridge", "ptp", "host-local"];

/** The `ipam` section, and what is said of it. */
type Case = readonly [about: string, ipam: Json, says: readonly string[]];

const set = (...ranges: readonly Json[]): Json => ({ ranges: [ranges] });
const sets = (...subnets: readonly string[]): Json => ({ ranges: subnets.map((subnet) => [{ subnet }]) });

const CASES: readonly Case[] = [
  [
    "that overlap in one set",
    set({ subnet: "10.1.0.0/24", rangeEnd: "10.1.0.100" }, { subnet: "10.1.0.0/24", rangeStart: "10.1.0.100" }),
    ["ipam.ranges[0]", "10.1.0.1-10.1.0.100", "10.1.0.100-10.1.0.254", "overlap"],
  ],
  [
    "of which one contains the other",
    set({ subnet: "10.1.0.0/16" }, { subnet: "10.1.7.0/24" }),
    ["ipam.ranges[0]", "10.1.0.1-10.1.255.254", "10.1.7.1-10.1.7.254", "overlap"],
  ],
  [
    "that overlap in two sets",
    sets("fd00::/64", "10.1.0.0/24", "fd00::/112"),
    ["ipam.ranges[2]", "fd00::1-fd00::ffff", "overlaps", "of ipam.ranges[0]"],
  ],
  [
    "that overlap with `subnet`",
    { subnet: "10.1.0.0/24", ...sets("10.1.0.128/25") },
    ["ipam.ranges[0]", "10.1.0.129-10.1.0.254", "overlaps", "10.1.0.1-10.1.0.254 of ipam"],
  ],
  [
    "that are reversed",
    set({ subnet: "10.1.0.0/24", rangeStart: "10.1.0.20", rangeEnd: "10.1.0.10" }),
    ["ipam.ranges[0][0]", "rangeStart 10.1.0.20 comes after rangeEnd 10.1.0.10"],
  ],
  [
    "that are reversed in IPv6",
    set({ subnet: "fd00::/64", rangeStart: "fd00::f", rangeEnd: "fd00::a" }),
    ["ipam.ranges[0][0]", "rangeStart fd00::f comes after rangeEnd fd00::a"],
  ],
  [
    "of which one begins after the subnet's end",
    set({ subnet: "10.1.0.0/24", rangeStart: "10.1.1.1" }),
    ["ipam.ranges[0][0].rangeStart", "10.1.1.1 is not in subnet 10.1.0.0/24"],
  ],
  [
    "of which one ends outside the subnet",
    set({ subnet: "10.1.0.0/24", rangeEnd: "10.2.0.1" }),
    ["ipam.ranges[0][0].rangeEnd", "10.2.0.1 is not in subnet 10.1.0.0/24"],
  ],
  ...["10.1.0.0/31", "10.1.0.1/32", "fd00::/127", "fd00::1/128"].map((subnet): Case => {
    const smallest = subnet.includes(":") ? "/126" : "/30";
    return [`of ${subnet}, too small`, sets(subnet), ["ipam.ranges[0][0].subnet", subnet, "too small", smallest]];
  }),
  [
    "that mix families",
    set({ subnet: "10.1.0.0/24" }, { subnet: "fd00::/64" }),
    ["ipam.ranges[0]", "mixes address families", "10.1.0.0/24 and fd00::/64", "a range set of its own"],
  ],
  [
    "whose start is of the other family",
    set({ subnet: "10.1.0.0/24", rangeStart: "fd00::1" }),
    ["ipam.ranges[0][0].rangeStart", "fd00::1 is not in subnet 10.1.0.0/24"],
  ],
  [
    "whose gateway is of the other family",
    set({ subnet: "10.1.0.0/24", gateway: "fd00::1" }),
    ["ipam.ranges[0][0].gateway", "fd00::1", "10.1.0.0/24 is IPv4"],
  ],
  [
    "that are no network address",
    sets("10.1.0.5/24"),
    ["ipam.ranges[0][0].subnet", "10.1.0.5/24 has host bits set", "10.1.0.0/24"],
  ],
  ["without a subnet", set({ rangeStart: "10.1.0.1" }), ["ipam.ranges[0][0].subnet is missing"]],
  ["of an empty set", { ranges: [[]] }, ["ipam.ranges[0]", "empty range set"]],
  ["of which there are none", { ranges: [] }, ["no IP ranges", "ipam.ranges"]],
  ["of too long a prefix", sets("10.1.0.0/33"), ["ipam.ranges[0][0].subnet", '"10.1.0.0/33" is not a CIDR prefix']],
  ["of a negative prefix", sets("10.1.0.0/-1"), ["ipam.ranges[0][0].subnet", '"10.1.0.0/-1" is not a CIDR prefix']],
  ["with an octet of 256", sets("10.1.256.0/24"), ["ipam.ranges[0][0].subnet", "is not a CIDR prefix"]],
  ["in octal", sets("010.1.0.0/24"), ["ipam.ranges[0][0].subnet", "is not a CIDR prefix"]],
  ["with spaces", sets(" 10.1.0.0/24"), ["ipam.ranges[0][0].subnet", "is not a CIDR prefix"]],
  ["of a scope", sets("fe80::%eth0/64"), ["ipam.ranges[0][0].subnet", "is not a CIDR prefix"]],
];

describe.each(WITH_RANGES)("%s refuses ranges", (plugin) => {
  leavesNothing();

  it.each(CASES)("%s", (_, ipam, says) => {
    const { ranges, ...base } = networkOf(plugin).ipam;
    const config = { ...networkOf(plugin), ipam: { ...base, ...ipam } };
    for (const command of ["ADD", "STATUS"]) expectError(call(plugin, { command, config }), 7, says);
  });
});

describe.each(WITH_RANGES)("%s refuses ranges", (plugin) => {
  it("from the runtime, by their own name", () => {
    const ipRanges = [[{ subnet: "10.1.0.0/24" }], [{ subnet: "10.1.0.0/25" }]];
    const config = networkOf(plugin, { runtimeConfig: { ipRanges }, capabilities: { ipRanges: true } });
    const says = ["runtimeConfig.ipRanges[1]", "overlaps", "runtimeConfig.ipRanges[0]"];
    expectRefused(() => call(plugin, { config }), { code: 7, says });
  });

  it("of one family twice before 0.3.0, whose result has no room for them", () => {
    const config = networkOf(plugin, { cniVersion: "0.2.0", ipam: sets("10.1.0.0/24", "10.2.0.0/24") });
    expectRefused(() => call(plugin, { config }), {
      code: 7,
      says: ["0.2.0", "more than 1 address per family", "0.3.0"],
    });
  });

  it("that have no address left", () => {
    // Of a /30 one address is the network, one broadcast, one the gateway; the last is given to another.
    const config = networkOf(plugin, { name: "small", ipam: sets("10.1.0.0/30", "fd61::/64") });
    expect(call("host-local", { containerId: "other", config })).toMatchObject({ status: 0 });
    const says = [/^(failed to allocate for range 0: )?no IP addresses available in range set: 10.1.0.1-10.1.0.2; $/];
    expectRefused(() => call(plugin, { config }), { code: 999, says, mayPrepare: true });
    expectRefused(() => call(plugin, { command: "STATUS", config }), { code: 50, says, mayPrepare: true });
    expect(call("host-local", { command: "DEL", containerId: "other", config })).toMatchObject({ status: 0 });
  });

  it("and requested addresses that aren't in them, or are another's", () => {
    const wanted = (...ips: readonly string[]): Json => networkOf(plugin, { args: { cni: { ips } } });
    const outside = ["failed to allocate all requested IPs: 10.9.9.9"];
    expectRefused(() => call(plugin, { config: wanted("10.9.9.9") }), { code: 999, says: outside, mayPrepare: true });
    const gateway = ["requested ip 198.18.0.1 is subnet's gateway"];
    expectRefused(() => call(plugin, { config: wanted("198.18.0.1") }), { code: 999, says: gateway, mayPrepare: true });
    // The bystander has the first address of its network, which is this one.
    const taken = ["requested IP address 198.18.0.2 is not available"];
    expectRefused(() => call(plugin, { config: wanted("198.18.0.2") }), { code: 999, says: taken, mayPrepare: true });
  });
});

describe.each<PluginName>(["bridge", "ptp"])("%s refuses", (plugin) => {
  it.each<readonly [string, Json, readonly string[]]>([
    ["an unknown masquerade back end", { ipMasqBackend: "pf" }, ["ipMasqBackend", '"pf"', '"nftables"', '"iptables"']],
    ["a back end in capitals", { ipMasqBackend: "NFTables" }, ["ipMasqBackend", '"NFTables"', '"nftables"']],
    ["an MTU below what IP needs", { mtu: 67 }, ["mtu", "67", "68 to 65535"]],
    ["an MTU above what there is", { mtu: 65536 }, ["mtu", "65536", "65535"]],
    ["a network without a name", { name: "" }, ["name is missing"]],
  ])("%s", (_, change, says) => {
    expectRefused(() => call(plugin, { config: networkOf(plugin, change) }), { code: 7, says });
  });

  it.each([
    ["unknown", "9.9.9"],
    ["no version at all", "one"],
  ])("a CNI version that is %s", (_, cniVersion) => {
    const config = networkOf(plugin, { cniVersion });
    expectRefused(() => call(plugin, { config }), { code: 1, says: ["incompatible CNI version", cniVersion, "1.1.0"] });
  });

  it("an MTU that leaves no room for IPv6, where there are IPv6 addresses", () => {
    // One bridge has an IPv6 address already, which would go with the MTU; to the other it would be new.
    // With an address of its own, which the kernel leaves it when ports go.
    run("ip", "link", "add", "bare0", "up", "address", "02:00:00:00:00:01", "type", "bridge");
    onTestFinished(() => void run("ip", "link", "delete", "bare0"));
    for (const bridge of [BRIDGE, "bare0"]) {
      const config = networkOf(plugin, { mtu: 1279, ...(plugin === "bridge" ? { bridge } : {}) });
      expectRefused(() => call(plugin, { config }), {
        code: 7,
        says: ["mtu", "1279", "IPv6", "1280"],
        mayPrepare: true,
      });
    }
  });

  it("IPAM that nobody has installed", () => {
    const config = networkOf(plugin, { ipam: { type: "whereabouts" } });
    expectRefused(() => call(plugin, { config }), { code: 999, says: ["whereabouts", "CNI_PATH"] });
  });

  it.each(["../host-local", "/bin/sh", ".", "..", "host-local\0", "a/b"])("IPAM that is the path %j", (type) => {
    const config = networkOf(plugin, { ipam: { type } });
    expectRefused(() => call(plugin, { config }), {
      code: 7,
      says: [JSON.stringify(type), "not the name of a plugin"],
    });
  });

  it("an interface that the container has already", () => {
    const before = stateOfNode();
    const container = { containerId: "bystander", netns: "/run/netns/bystander" };
    // As the bystander's own: not as its duplicate, which is told apart.
    const config = networkOf(plugin, { name: "another" });
    expectRefused(() => call(plugin, { ...container, config }), {
      code: 999,
      says: ['"eth0"', "already exists"],
      mayPrepare: true,
    });
    expect(stateOfNode().files).toEqual(before.files);
  });

  it("an ADD that has been done", () => {
    const config = networkOf(plugin);
    const twice = { containerId: "bystander", netns: "/run/netns/bystander", config };
    expectRefused(() => call(plugin, twice), { code: 999, says: ["already exists"], mayPrepare: true });
  });
});

describe("static refuses", () => {
  it.each<readonly [string, Json, readonly string[]]>([
    ["an address without a prefix", { addresses: [{ address: "10.1.0.2" }] }, ["10.1.0.2", "not a CIDR prefix"]],
    ["an entry without an address", { addresses: [{ gateway: "10.1.0.1" }] }, ["addresses[0].address is missing"]],
    [
      "a gateway of the other family",
      { addresses: [{ address: "10.1.0.2/24" }, { address: "10.1.0.3/24", gateway: "fd00::1" }] },
      ["addresses[1].gateway", "fd00::1 is IPv6", "10.1.0.3/24 is IPv4"],
    ],
    ["a route to a name", { routes: [{ dst: "default" }] }, ["routes[0].dst", '"default" is not a CIDR prefix']],
  ])("%s", (_, ipam, says) => {
    for (const plugin of ["static", "bridge", "ptp"] as const) {
      const config = networkOf(plugin, { ipam: { ranges: undefined, type: "static", ...ipam } });
      expectRefused(() => call(plugin, { config }), { code: 7, says });
    }
  });
});

it("ptp refuses an address without a gateway", () => {
  const config = networkOf("ptp", { ipam: { type: "static", addresses: [{ address: "10.1.0.2/24" }] } });
  expectRefused(() => call("ptp", { config }), { code: 7, says: ["10.1.0.2/24", "gateway"] });
});

it("ptp refuses to be without IPAM", () => {
  const says = ["ipam.type is missing", "host-local"];
  for (const ipam of [{}, { type: "" }, undefined]) {
    expectRefused(() => call("ptp", { config: { ...networkOf("ptp"), ipam } }), { code: 7, says });
  }
});

describe("bridge refuses", () => {
  it.each<readonly [string, Json, readonly string[]]>([
    ["hairpinMode with promiscMode", { hairpinMode: true, promiscMode: true }, ["hairpinMode", "promiscMode"]],
    ["disableContainerInterface with IPAM", { disableContainerInterface: true }, ["disableContainerInterface", "ipam"]],
    ["half a VLAN range", { vlanTrunk: [{ minID: 5 }] }, ["vlanTrunk[0]", "maxID is missing"]],
    ["a reversed VLAN range", { vlanTrunk: [{ minID: 9, maxID: 5 }] }, ["vlanTrunk[0]", "9", "5"]],
    ["a multicast MAC address", { runtimeConfig: { mac: "01:00:5e:00:00:01" } }, ["mac", "multicast"]],
    ["no MAC address", { args: { cni: { mac: "00:00:00:00:00:00" } } }, ["mac", "00:00:00:00:00:00"]],
    ["a VLAN's name that is too long", { bridge: "bridge-of-names", vlan: 42 }, ["bridge-of-names.42", "15 bytes"]],
  ])("%s", (_, change, says) => {
    expectRefused(() => call("bridge", { config: networkOf("bridge", change) }), { code: 7, says });
  });
});
