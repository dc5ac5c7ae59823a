import { describe, expect, it } from "vitest";
import { ipConfig, route } from "../../../test/support/cni-result.ts";
import { parseConfig } from "../../cni/config.ts";
import type { Invocation } from "../../cni/plugin.ts";
import type { Result, Route } from "../../cni/result.ts";
import { engine } from "../../sys/engine.ts";
import { type Cidr, formatCidr, formatIp, parseCidr } from "../../wire/ip.ts";
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
const dual = [ipConfig("10.1.0.5/24"), ipConfig("fd00:1::5/64", "fd00:1::ff")];

/** What IPAM's result comes to, and the gateways of that. */
function planGateways(
  ipam: Result,
  keys: Parameters<typeof completeGateways>[1],
): ReturnType<typeof completeGateways> & { readonly gateways: readonly Cidr[] } {
  const plan = completeGateways(ipam, keys);
  return { ...plan, gateways: keys.isGateway ? gatewaysOf(plan.ips) : [] };
}

describe("completeGateways()", () => {
  it("leaves addresses alone on a bridge that is no gateway", () => {
    const plan = planGateways(result(dual), { isGateway: false, isDefaultGateway: false });
    expect(plan).toEqual({
      ips: dual,
      routes: [],
      gateways: [],
    });
  });

  it("makes the first address of a subnet its gateway where IPAM names none", () => {
    const { ips, gateways, routes } = planGateways(result(dual), asGateway);
    expect(ips.map(({ gateway }) => gateway && formatIp(gateway))).toEqual(["10.1.0.1", "fd00:1::ff"]);
    expect(gateways.map(formatCidr)).toEqual(["10.1.0.1/24", "fd00:1::ff/64"]);
    expect(routes).toEqual([]);
  });

  it("has the gateway of every range, and of two addresses in one subnet a single one", () => {
    const ips = ["10.1.0.5/24", "10.1.0.6/24", "10.2.0.5/24", "fd00:1::5/64", "fd00:2::5/64"];
    const { gateways } = planGateways(result(ips.map((address) => ipConfig(address))), asGateway);
    expect(gateways.map(formatCidr)).toEqual(["10.1.0.1/24", "10.2.0.1/24", "fd00:1::1/64", "fd00:2::1/64"]);
  });

  it("adds one default route a family, by the family's first gateway", () => {
    const ips = ["10.1.0.5/24", "10.2.0.5/24", "fd00:1::5/64"].map((address) => ipConfig(address));
    expect(planGateways(result(ips, [route("192.0.2.0/24")]), asDefault).routes).toEqual([
      route("192.0.2.0/24"),
      route("0.0.0.0/0", { gw: "10.1.0.1" }),
      route("::/0", { gw: "fd00:1::1" }),
    ]);
  });

  it.each([
    ["with a next hop", route("0.0.0.0/0", { gw: "10.1.0.9" })],
    ["without a next hop", route("0.0.0.0/0")],
    ["of the main table by number", route("0.0.0.0/0", { table: 254 })],
    ["with a next hop in another table, as upstream", route("0.0.0.0/0", { gw: "10.1.0.9", table: 7 })],
  ])("adds no default route where there is one %s", (_, given) => {
    expect(planGateways(result([ipConfig("10.1.0.5/24")], [given]), asDefault).routes).toEqual([given]);
  });

  it("adds a default route beside one to 10.0.0.0/0, as upstream, which compares the text", () => {
    const given = route("10.0.0.0/0", { gw: "10.1.0.9" });
    const { routes } = planGateways(result([ipConfig("10.1.0.5/24")], [given]), asDefault);
    expect(routes).toEqual([given, route("0.0.0.0/0", { gw: "10.1.0.1" })]);
  });

  it.each([
    ["another family", route("::/0")],
    ["another table", route("0.0.0.0/0", { table: 7 })],
    ["another metric", route("0.0.0.0/0", { priority: 10 })],
  ])("adds a default route beside one of %s", (_, given) => {
    const { routes } = planGateways(result([ipConfig("10.1.0.5/24")], [given]), asDefault);
    expect(routes).toEqual([given, route("0.0.0.0/0", { gw: "10.1.0.1" })]);
  });
});

describe("gatewaysOf()", () => {
  it("passes over addresses without a gateway", () => {
    const ips = [ipConfig("10.1.0.5/24"), ipConfig("10.2.0.5/24", "10.2.0.1")];
    expect(gatewaysOf(ips).map(formatCidr)).toEqual(["10.2.0.1/24"]);
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
