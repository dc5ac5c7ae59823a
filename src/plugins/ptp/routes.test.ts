import { describe, expect, it } from "vitest";
import { parseCidr, parseIp } from "../../wire/ip.ts";
import { type Connected, containerRoutes, gatewayAddresses, routesToContainer } from "./routes.ts";

const device = { index: 2, name: "eth0" };

function connected(...pairs: readonly (readonly [address: string, gateway: string])[]): Connected[] {
  return pairs.map(([address, via]) => {
    const [cidr, gateway] = [parseCidr(address), parseIp(via)];
    if (cidr === undefined || gateway === undefined) throw new Error(`${address} ${via}`);
    return { ...cidr, gateway };
  });
}

const said = (requests: readonly { operation(): string }[]): string[] => requests.map((request) => request.operation());

describe("containerRoutes", () => {
  it("puts the way by the gateway in place of each subnet's own route", () => {
    const addresses = connected(["10.1.2.3/24", "10.1.2.1"], ["fd00::3/64", "fd00::1"]);
    expect(said(containerRoutes(device, addresses))).toEqual([
      "route delete 10.1.2.0/24 dev eth0",
      "route delete fd00::/64 dev eth0",
      "route add 10.1.2.1/32 dev eth0 src 10.1.2.3",
      "route add fd00::1/128 dev eth0 src fd00::3",
      "route add 10.1.2.0/24 via 10.1.2.1 dev eth0 src 10.1.2.3",
      "route add fd00::/64 via fd00::1 dev eth0 src fd00::3",
    ]);
  });

  it("shares routes among addresses of one subnet, with or without a common gateway", () => {
    const addresses = connected(["10.1.2.3/24", "10.1.2.1"], ["10.1.2.4/24", "10.1.2.1"], ["10.1.2.5/24", "10.1.2.2"]);
    expect(said(containerRoutes(device, addresses))).toEqual([
      "route delete 10.1.2.0/24 dev eth0",
      "route add 10.1.2.1/32 dev eth0 src 10.1.2.3",
      "route add 10.1.2.2/32 dev eth0 src 10.1.2.5",
      "route add 10.1.2.0/24 via 10.1.2.1 dev eth0 src 10.1.2.3",
    ]);
  });

  it("leaves out the subnet of a single IPv4 address, which has no route, but not that of an IPv6 one", () => {
    const addresses = connected(["10.1.2.3/32", "10.9.9.9"], ["fd00::3/128", "fd00::1"]);
    expect(said(containerRoutes(device, addresses))).toEqual([
      "route delete fd00::3/128 dev eth0",
      "route add 10.9.9.9/32 dev eth0 src 10.1.2.3",
      "route add fd00::1/128 dev eth0 src fd00::3",
      "route add fd00::3/128 via fd00::1 dev eth0 src fd00::3",
    ]);
  });
});

it("gatewayAddresses has each gateway once", () => {
  const addresses = connected(["10.1.2.3/24", "10.1.2.1"], ["10.1.2.4/24", "10.1.2.1"], ["fd00::3/64", "fd00::1"]);
  expect(said(gatewayAddresses(device, addresses))).toEqual([
    "address add 10.1.2.1/32 dev eth0",
    "address add fd00::1/128 dev eth0",
  ]);
});

it("routesToContainer goes before other IPv4 routes and in place of other IPv6 ones", () => {
  const addresses = connected(["10.1.2.3/24", "10.1.2.1"], ["fd00::3/64", "fd00::1"]);
  expect(said(routesToContainer(device, addresses))).toEqual([
    "route prepend 10.1.2.3/32 dev eth0",
    "route replace fd00::3/128 dev eth0",
  ]);
});
