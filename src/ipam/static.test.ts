import { describe, expect, it } from "vitest";
import { ipConfig, route } from "../../test/support/cni-result.ts";
import { parseConfig } from "../cni/config.ts";
import { CniError } from "../cni/error.ts";
import { parseResult } from "../cni/result.ts";
import { engine } from "../sys/engine.ts";
import { formatCidr, formatIp } from "../wire/ip.ts";
import type { IpamCall } from "./ipam.ts";
import { staticIpam } from "./static.ts";

type Json = Readonly<Record<string, unknown>>;

const ADDRESSES = [{ address: "10.10.0.1/24", gateway: "10.10.0.254" }, { address: "3ffe:ffff:0:01ff::1/64" }];

function call(options: { ipam?: Json | null; network?: Json; args?: string; ips?: readonly Json[] } = {}): IpamCall {
  const { ipam = { addresses: ADDRESSES }, network = {}, args = "", ips } = options;
  const json = {
    cniVersion: "1.1.0",
    name: "net",
    type: "macvlan",
    ipam: ipam && { type: "static", ...ipam },
    ...network,
  };
  const config = parseConfig(engine.encode(JSON.stringify(json)), "ADD");
  const result = ips && parseResult(JSON.parse(JSON.stringify({ ips })), config.cniVersion, "prevResult");
  return { config, containerId: "abc", ifname: "eth0", args, prevResult: result, log: () => {} };
}

const ipsOf = (options: Parameters<typeof call>[0]): unknown[] =>
  staticIpam.add(call(options)).ips.map((one) => [formatCidr(one), ...(one.gateway ? [formatIp(one.gateway)] : [])]);

function errorOf(work: () => unknown): { code: number; message: string } {
  try {
    work();
  } catch (error) {
    if (error instanceof CniError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("staticIpam.add()", () => {
  it("returns addresses, routes and dns as they are", () => {
    const routes = [{ dst: "0.0.0.0/0" }, { dst: "192.168.0.0/16", gw: "10.10.5.1", scope: 253 }];
    const dns = { nameservers: ["8.8.8.8"], domain: "a.example", search: ["b.example"], options: ["ndots:1"] };
    expect(staticIpam.add(call({ ipam: { addresses: ADDRESSES, routes, dns } }))).toEqual({
      interfaces: [],
      ips: [ipConfig("10.10.0.1/24", "10.10.0.254"), ipConfig("3ffe:ffff:0:1ff::1/64")],
      routes: [route("0.0.0.0/0"), route("192.168.0.0/16", { gw: "10.10.5.1", scope: 253 })],
      dns,
    });
  });

  it.each<[string, Parameters<typeof call>[0], unknown[]]>([
    ["no addresses", { ipam: {} }, []],
    [
      "addresses of CNI_ARGS behind those of the section",
      { args: "IP=10.11.0.1/24, fd00::1/64" },
      [["10.10.0.1/24", "10.10.0.254"], ["3ffe:ffff:0:1ff::1/64"], ["10.11.0.1/24"], ["fd00::1/64"]],
    ],
    [
      "gateways of CNI_ARGS for the addresses there that they suit",
      { args: "IP=10.11.0.1/24,10.12.0.1/24;GATEWAY=10.12.0.9, 10.10.0.9,10.12.0.8" },
      [["10.10.0.1/24", "10.10.0.254"], ["3ffe:ffff:0:1ff::1/64"], ["10.11.0.1/24"], ["10.12.0.1/24", "10.12.0.8"]],
    ],
    [
      "addresses of args instead",
      { network: { args: { cni: { ips: ["10.13.0.1/24"] } } }, args: "IP=10.11.0.1/24" },
      [["10.13.0.1/24"]],
    ],
    [
      "addresses of the runtime instead of all",
      { network: { args: { cni: { ips: ["10.13.0.1/24"] } }, runtimeConfig: { ips: ["10.14.0.1/24", "fd00::2/64"] } } },
      [["10.14.0.1/24"], ["fd00::2/64"]],
    ],
    [
      "what the section says where the runtime's list is empty",
      { network: { args: { cni: { ips: [] } }, runtimeConfig: { ips: [] } } },
      [["10.10.0.1/24", "10.10.0.254"], ["3ffe:ffff:0:1ff::1/64"]],
    ],
    [
      "an address of each family before 0.3.0",
      { network: { cniVersion: "0.2.0" } },
      [["10.10.0.1/24", "10.10.0.254"], ["3ffe:ffff:0:1ff::1/64"]],
    ],
    [
      "an empty gateway as none",
      { ipam: { addresses: [{ address: "10.10.0.1/24", gateway: "" }] } },
      [["10.10.0.1/24"]],
    ],
  ])("takes %s", (_, options, expected) => {
    expect(ipsOf(options)).toEqual(expected);
  });

  it.each<[string, Parameters<typeof call>[0], number, string]>([
    ["no ipam section", { ipam: null }, 7, "ipam is missing: it says which addresses there are"],
    [
      "an address without prefix length",
      { ipam: { addresses: [{ address: "10.10.0.1" }] } },
      7,
      'ipam.addresses[0].address: "10.10.0.1" is not a CIDR prefix',
    ],
    [
      "an entry without address",
      { ipam: { addresses: [{ gateway: "10.10.0.1" }] } },
      7,
      "ipam.addresses[0].address is missing",
    ],
    [
      "a gateway of the other family",
      { ipam: { addresses: [{ address: "10.10.0.2/24" }, { address: "fd00::2/64", gateway: "10.10.0.1" }] } },
      7,
      "ipam.addresses[1].gateway: 10.10.0.1 is IPv4, and address fd00::2/64 is IPv6",
    ],
    [
      "a wrong gateway",
      { ipam: { addresses: [{ address: "10.10.0.1/24", gateway: "x" }] } },
      7,
      'ipam.addresses[0].gateway: "x" is not an IP address',
    ],
    [
      "an address of args without prefix length",
      { network: { args: { cni: { ips: ["10.10.0.1"] } } } },
      7,
      'args.cni.ips[0]: "10.10.0.1" is not a CIDR prefix',
    ],
    [
      "an address of the runtime without prefix length",
      { network: { runtimeConfig: { ips: ["10.10.0.1"] } } },
      7,
      'runtimeConfig.ips[0]: "10.10.0.1" is not a CIDR prefix',
    ],
    [
      "an address of CNI_ARGS without prefix length",
      { args: "IP=10.10.0.1" },
      4,
      'CNI_ARGS: IP "10.10.0.1" is not an address in CIDR notation',
    ],
    [
      "a wrong gateway of CNI_ARGS",
      { args: "GATEWAY=10.10.0.0/8" },
      4,
      'CNI_ARGS: GATEWAY "10.10.0.0/8" is not an IP address',
    ],
    ["an unknown CNI_ARGS", { args: "MAC=00:11:22:33:44:55" }, 4, "CNI_ARGS: this plugin does not know MAC"],
    [
      "two addresses of a family before 0.3.0",
      { network: { cniVersion: "0.2.0" }, args: "IP=10.11.0.1/24" },
      7,
      "ipam.addresses: CNI version 0.2.0 does not support more than 1 address per family",
    ],
  ])("refuses %s", (_, options, code, message) => {
    expect(errorOf(() => staticIpam.add(call(options)))).toEqual({ code, message });
  });
});

describe("staticIpam.check()", () => {
  const ips = [{ address: "10.10.0.1/24", gateway: "10.10.0.254" }, { address: "3ffe:ffff:0:1ff::1/64" }];

  it("is content with what ADD returned", () => {
    expect(() => staticIpam.check(call({ ips }))).not.toThrow();
  });

  it.each<[string, Parameters<typeof call>[0], number, string]>([
    ["there is no prevResult", {}, 7, "prevResult is missing: CHECK needs the result of ADD"],
    [
      "an address is missing",
      { ips: ips.slice(0, 1) },
      999,
      "static: address 3ffe:ffff:0:1ff::1/64 is not on interface eth0 of container abc, as prevResult has it",
    ],
    [
      "a gateway is missing",
      { ips: [{ address: "10.10.0.1/24" }, ...ips.slice(1)] },
      999,
      "static: address 10.10.0.1/24 has no gateway on interface eth0 of container abc, not 10.10.0.254, as prevResult has it",
    ],
    [
      "a gateway is another",
      { ips: [{ address: "10.10.0.1/24", gateway: "10.10.0.1" }, ...ips.slice(1)] },
      999,
      "static: address 10.10.0.1/24 has gateway 10.10.0.1 on interface eth0 of container abc, not 10.10.0.254, as prevResult has it",
    ],
  ])("complains where %s", (_, options, code, message) => {
    expect(errorOf(() => staticIpam.check(call(options)))).toEqual({ code, message });
  });
});

describe("the other verbs of staticIpam", () => {
  it("have nothing to do", () => {
    expect(() => staticIpam.del(call({ ipam: null }))).not.toThrow();
    expect(() => staticIpam.gc(call({ ipam: null }))).not.toThrow();
    expect(() => staticIpam.status(call())).not.toThrow();
  });

  it("tell of a configuration that ADD would refuse", () => {
    expect(() => staticIpam.status(call({ args: "IP=x" }))).toThrow("is not an address in CIDR notation");
  });
});
