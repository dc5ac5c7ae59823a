import { describe, expect, it } from "vitest";
import { parseConfig } from "../../cni/config.ts";
import type { Invocation } from "../../cni/plugin.ts";
import type { Result, Route } from "../../cni/result.ts";
import { readAssignments } from "../../links/configure.ts";
import { engine } from "../../sys/engine.ts";
import { type Cidr, formatCidr, parseCidr } from "../../wire/ip.ts";
import { completeGateways, gatewayOfNetwork, gatewaysOf } from "./gateways.ts";

const result = (ips: Result["ips"], routes: readonly Route[] = []): Result => ({
  interfaces: [],
  ips,
  routes,
  dns: {},
});
const cidr = (text: string): Cidr => parseCidr(text) ?? { ip: new Uint8Array(), prefixLength: -1 };
const asGateway = { isGateway: true, isDefaultGateway: false };
const asDefault = { isGateway: true, isDefaultGateway: true };
const dual = [{ address: "10.1.0.5/24" }, { address: "fd00:1::5/64", gateway: "fd00:1::ff" }];

/** What IPAM's result comes to, and the gateways of that. */
function planGateways(
  ipam: Result,
  keys: Parameters<typeof completeGateways>[1],
): ReturnType<typeof completeGateways> & { readonly gateways: readonly Cidr[] } {
  const plan = completeGateways(ipam, keys);
  return { ...plan, gateways: keys.isGateway ? gatewaysOf(readAssignments({ ...ipam, ips: plan.ips })) : [] };
}

describe("completeGateways()", () => {
  it("leaves addresses alone on a bridge that is no gateway", () => {
    const plan = planGateways(result(dual), { isGateway: false, isDefaultGateway: false });
    expect(plan).toEqual({
      ips: dual.map((ip) => ({ gateway: undefined, ...ip })),
      routes: [],
      gateways: [],
    });
  });

  it("makes the first address of a subnet its gateway where IPAM names none", () => {
    const { ips, gateways, routes } = planGateways(result(dual), asGateway);
    expect(ips.map(({ gateway }) => gateway)).toEqual(["10.1.0.1", "fd00:1::ff"]);
    expect(gateways.map(formatCidr)).toEqual(["10.1.0.1/24", "fd00:1::ff/64"]);
    expect(routes).toEqual([]);
  });

  it("has the gateway of every range, and of two addresses in one subnet a single one", () => {
    const ips = ["10.1.0.5/24", "10.1.0.6/24", "10.2.0.5/24", "fd00:1::5/64", "fd00:2::5/64"];
    const { gateways } = planGateways(result(ips.map((address) => ({ address }))), asGateway);
    expect(gateways.map(formatCidr)).toEqual(["10.1.0.1/24", "10.2.0.1/24", "fd00:1::1/64", "fd00:2::1/64"]);
  });

  it("adds one default route a family, by the family's first gateway", () => {
    const ips = [{ address: "10.1.0.5/24" }, { address: "10.2.0.5/24" }, { address: "fd00:1::5/64" }];
    expect(planGateways(result(ips, [{ dst: "192.0.2.0/24" }]), asDefault).routes).toEqual([
      { dst: "192.0.2.0/24" },
      { dst: "0.0.0.0/0", gw: "10.1.0.1" },
      { dst: "::/0", gw: "fd00:1::1" },
    ]);
  });

  it.each([
    ["with a next hop", { dst: "0.0.0.0/0", gw: "10.1.0.9" }],
    ["without a next hop", { dst: "0.0.0.0/0" }],
    ["of the main table by number", { dst: "0.0.0.0/0", table: 254 }],
    ["with a next hop in another table, as upstream", { dst: "0.0.0.0/0", gw: "10.1.0.9", table: 7 }],
  ])("adds no default route where there is one %s", (_, route) => {
    expect(planGateways(result([{ address: "10.1.0.5/24" }], [route]), asDefault).routes).toEqual([route]);
  });

  it.each([
    ["another family", { dst: "::/0" }],
    ["another table", { dst: "0.0.0.0/0", table: 7 }],
    ["another metric", { dst: "0.0.0.0/0", priority: 10 }],
  ])("adds a default route beside one of %s", (_, route) => {
    const { routes } = planGateways(result([{ address: "10.1.0.5/24" }], [route]), asDefault);
    expect(routes).toEqual([route, { dst: "0.0.0.0/0", gw: "10.1.0.1" }]);
  });
});

describe("gatewaysOf()", () => {
  it("passes over addresses without a gateway", () => {
    expect(
      gatewaysOf(
        readAssignments(result([{ address: "10.1.0.5/24" }, { address: "10.2.0.5/24", gateway: "10.2.0.1" }])),
      ).map(formatCidr),
    ).toEqual(["10.2.0.1/24"]);
  });
});

describe("gatewayOfNetwork()", () => {
  function testFor(ipam: object): (address: Cidr) => boolean {
    const bytes = engine.encode(JSON.stringify({ cniVersion: "1.1.0", name: "net", type: "bridge", ipam }));
    const call = { command: "ADD", containerId: "c", netns: "/n", ifname: "eth0", args: "", path: "" } as const;
    const invocation: Invocation = { ...call, config: parseConfig(bytes, "ADD"), prevResult: undefined, log: () => {} };
    return gatewayOfNetwork(invocation);
  }

  it("knows the gateways of all subnets that host-local may give addresses of", () => {
    const ranges = [[{ subnet: "10.1.0.0/24" }, { subnet: "10.2.0.0/24", gateway: "10.2.0.254" }]];
    const belongs = testFor({ type: "host-local", ranges });
    const answers = ["10.1.0.1/24", "10.2.0.254/24", "10.2.0.1/24", "10.1.0.1/16"].map((text) => belongs(cidr(text)));
    expect(answers).toEqual([true, true, false, false]);
    expect(testFor({ type: "buildkit-cni-host-local", ranges })(cidr("10.2.0.254/24"))).toBe(true);
  });

  it("knows none of other IPAM plugins, or where the ranges can't be read", () => {
    expect(testFor({ type: "static" })(cidr("10.1.0.1/24"))).toBe(false);
    expect(testFor({ type: "host-local", ranges: [[{ subnet: "10.1.0.0/31" }]] })(cidr("10.1.0.1/31"))).toBe(false);
  });
});
