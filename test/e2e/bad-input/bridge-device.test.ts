// The bridge that a configuration names is there already, and isn't what it should be.

import { describe, expect, it, onTestFinished } from "vitest";
import { run } from "../../support/netns.ts";
import { BRIDGE, expectError, expectRefused, type Json, networkOf, stateOfNode, useNode } from "./node.ts";

const { call } = useNode();

/** Makes a bridge with addresses until the running test ends. */
function makeBridge(name: string, ...addresses: readonly string[]): void {
  // With a MAC address of its own, which the kernel leaves it when ports go.
  run("ip", "link", "add", name, "up", "address", "02:00:00:00:00:01", "type", "bridge");
  onTestFinished(() => void run("ip", "link", "delete", name));
  for (const address of addresses) run("ip", "address", "add", address, "dev", name);
}

const addressesOf = (name: string): string[] =>
  JSON.parse(run("ip", "-j", "address", "show", "dev", name))[0]
    .addr_info.filter(({ scope }: Json) => scope === "global")
    .map(({ local, prefixlen }: Json) => `${local}/${prefixlen}`);

describe("a bridge's name that is another link's", () => {
  it.each([
    ["lo", [], "not a bridge"],
    ["uplink", [], "a link of type veth"],
    ["pair0", ["pair0", "type", "veth", "peer", "name", "pair1"], "a link of type veth"],
    ["mac0", ["link", "uplink", "name", "mac0", "type", "macvlan"], "a link of type macvlan"],
  ])("%s is refused, and stays as it is", (bridge, make, says) => {
    if (make.length > 0) {
      run("ip", "link", "add", ...make);
      onTestFinished(() => void run("ip", "link", "delete", bridge));
    }
    for (const more of [{}, { vlan: 42 }, { promiscMode: true }, { forceAddress: true }]) {
      const config = networkOf("bridge", { bridge, ...more });
      expectRefused(() => call("bridge", { config }), { code: 7, says: ["bridge", `"${bridge}"`, says] });
    }
  });

  it("is refused where it is the other name of a link", () => {
    run("ip", "link", "property", "add", "dev", "uplink", "altname", "other0");
    onTestFinished(() => void run("ip", "link", "property", "del", "dev", "uplink", "altname", "other0"));
    const config = networkOf("bridge", { bridge: "other0" });
    expectRefused(() => call("bridge", { config }), { code: 7, says: ["bridge", '"other0"', "not a bridge"] });
  });

  it.each([
    ...["a/b", "..", ".", "a b", " br0", "br0\n", "br\t0", "br\0", "br:0", "br%d"],
    ...["sixteen-bytes-it", "ü".repeat(8), "x".repeat(5000)],
  ])("%j is told apart from a name that the kernel takes", (bridge) => {
    const says = ["bridge: ", "is not an interface name", "15 bytes"];
    expectRefused(() => call("bridge", { config: networkOf("bridge", { bridge }) }), { code: 7, says });
  });
});

describe("a bridge with another address", () => {
  const network = (change: Json = {}): Json =>
    networkOf("bridge", {
      name: "other",
      bridge: "br9",
      ...change,
      ipam: { ranges: [[{ subnet: "10.9.0.0/24" }], [{ subnet: "fd09::/64" }]] },
    });

  it.each([
    ["of another subnet", "172.20.0.1/16", "10.9.0.1/24"],
    ["of the same subnet", "10.9.0.7/24", "10.9.0.1/24"],
    ["with another prefix length", "10.9.0.1/16", "10.9.0.1/24"],
    ["of an overlapping IPv6 subnet", "fd09::7/64", "fd09::1/64"],
    ["of a larger IPv6 subnet", "fd09::1/48", "fd09::1/64"],
  ])("%s is refused without forceAddress, and stays", (_, address, gateway) => {
    makeBridge("br9", address);
    const says = ['"br9"', address, gateway, "forceAddress"];
    expectRefused(() => call("bridge", { config: network() }), { code: 7, says, mayPrepare: true });
    expect(addressesOf("br9")).toEqual([address]);
  });

  it("loses it with forceAddress, and only what is in the way", () => {
    const before = stateOfNode();
    makeBridge("br9", "172.20.0.1/16", "fd09::7/64", "fd10::1/64");
    const config = network({ forceAddress: true });
    expect(call("bridge", { config })).toMatchObject({ status: 0 });
    expect(addressesOf("br9").sort()).toEqual(["10.9.0.1/24", "fd09::1/64", "fd10::1/64"]);
    expect(call("bridge", { command: "DEL", config })).toMatchObject({ status: 0 });
    const { rules, files } = stateOfNode();
    expect({ rules, files }).toEqual({ rules: before.rules, files: before.files });
  });

  it("keeps it where the ADD is refused for something else, forceAddress or not", () => {
    makeBridge("br9", "172.20.0.1/16");
    const config = { ...network({ forceAddress: true }), args: { cni: { ips: ["10.77.0.1"] } } };
    expectRefused(() => call("bridge", { config }), { code: 999, says: ["10.77.0.1"], mayPrepare: true });
  });
});

it("a bridge that others use as a network of their own stays theirs", () => {
  // The bystander's bridge has the gateways of its network; this one would have others.
  const ipam = { ranges: [[{ subnet: "10.9.0.0/24" }]] };
  const config = networkOf("bridge", { name: "intruder", bridge: BRIDGE, ipam });
  const says = [`"${BRIDGE}"`, "198.18.0.1/24", "10.9.0.1/24", "forceAddress"];
  expectRefused(() => call("bridge", { config }), { code: 7, says, mayPrepare: true });
});

it("a bridge that a refused ADD has made stays, as it does after a DEL, but bare", () => {
  // Other containers may be on their way to it by then.
  const before = stateOfNode();
  const config = networkOf("bridge", { name: "fresh", bridge: "fresh0", args: { cni: { ips: ["10.77.0.1"] } } });
  expectError(call("bridge", { config }), 999, ["10.77.0.1"]);
  const after = stateOfNode();
  const made = after.links.filter(({ ifname }) => ifname === "fresh0");
  expect(made).toMatchObject([{ kind: "bridge", isUp: true, addresses: [] }]);
  run("ip", "link", "delete", "fresh0");
  expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
});
