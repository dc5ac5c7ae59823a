// The expected texts are what the `static` plugin of containernetworking/plugins 1.9.1 printed for the same addresses.

import { describe, expect, it } from "vitest";
import { ipConfig, route } from "../../test/support/cni-result.ts";
import { parseResult, type Result } from "./result.ts";
import { formatResult, resultToJson } from "./result-json.ts";
import { SUPPORTED_VERSIONS, type Version } from "./versions.ts";

const full: Result = {
  interfaces: [
    { name: "cni0", mac: "00:11:22:33:44:55" },
    {
      name: "eth0",
      mac: "99:88:77:66:55:44",
      mtu: 1500,
      sandbox: "/run/netns/blue",
      socketPath: "/s",
      pciID: "0000:04:00.5",
    },
  ],
  ips: [
    { ...ipConfig("10.0.0.1/24", "10.0.0.254"), interface: 0 },
    { ...ipConfig("2001:db8::1/64"), interface: 1 },
    ipConfig("10.0.1.1/24", "10.0.1.254"),
  ],
  routes: [
    route("0.0.0.0/0", { mtu: 1400, table: 0, scope: 0, priority: 5 }),
    route("::/0", { gw: "fe80::1", advmss: 3 }),
  ],
  dns: { nameservers: ["1.1.1.1"], domain: "example.org" },
};

const bare: Result = { interfaces: [], ips: [ipConfig("10.0.0.1/24")], routes: [], dns: {} };

describe("formatResult()", () => {
  it("prints 0.3.0 to 0.4.0 in the order of the structs", () => {
    const text = `{
    "cniVersion": "0.4.0",
    "interfaces": [
        {
            "name": "cni0",
            "mac": "00:11:22:33:44:55"
        },
        {
            "name": "eth0",
            "mac": "99:88:77:66:55:44",
            "sandbox": "/run/netns/blue"
        }
    ],
    "ips": [
        {
            "version": "4",
            "interface": 0,
            "address": "10.0.0.1/24",
            "gateway": "10.0.0.254"
        },
        {
            "version": "6",
            "interface": 1,
            "address": "2001:db8::1/64"
        },
        {
            "version": "4",
            "address": "10.0.1.1/24",
            "gateway": "10.0.1.254"
        }
    ],
    "routes": [
        {
            "dst": "0.0.0.0/0",
            "mtu": 1400,
            "priority": 5,
            "table": 0,
            "scope": 0
        },
        {
            "dst": "::/0",
            "gw": "fe80::1",
            "advmss": 3
        }
    ],
    "dns": {
        "nameservers": [
            "1.1.1.1"
        ],
        "domain": "example.org"
    }
}
`;
    expect(formatResult(full, "0.4.0")).toBe(text);
    expect(formatResult(full, "0.3.1")).toBe(text.replace("0.4.0", "0.3.1"));
    expect(formatResult(full, "0.3.0")).toBe(text.replace("0.4.0", "0.3.0"));
  });

  it("prints 1.0.0 and 1.1.0 in alphabetical order", () => {
    const text = `{
    "cniVersion": "1.1.0",
    "dns": {
        "domain": "example.org",
        "nameservers": [
            "1.1.1.1"
        ]
    },
    "interfaces": [
        {
            "mac": "00:11:22:33:44:55",
            "name": "cni0"
        },
        {
            "mac": "99:88:77:66:55:44",
            "mtu": 1500,
            "name": "eth0",
            "pciID": "0000:04:00.5",
            "sandbox": "/run/netns/blue",
            "socketPath": "/s"
        }
    ],
    "ips": [
        {
            "address": "10.0.0.1/24",
            "gateway": "10.0.0.254",
            "interface": 0
        },
        {
            "address": "2001:db8::1/64",
            "interface": 1
        },
        {
            "address": "10.0.1.1/24",
            "gateway": "10.0.1.254"
        }
    ],
    "routes": [
        {
            "dst": "0.0.0.0/0",
            "mtu": 1400,
            "priority": 5,
            "scope": 0,
            "table": 0
        },
        {
            "advmss": 3,
            "dst": "::/0",
            "gw": "fe80::1"
        }
    ]
}
`;
    expect(formatResult(full, "1.1.0")).toBe(text);
    expect(formatResult(full, "1.0.0")).toBe(text.replace("1.1.0", "1.0.0"));
  });

  it("prints 0.1.0 and 0.2.0 with the first address of each family", () => {
    const json = {
      cniVersion: "0.2.0",
      ip4: { ip: "10.0.0.1/24", gateway: "10.0.0.254", routes: [{ dst: "0.0.0.0/0" }] },
      ip6: { ip: "2001:db8::1/64", routes: [{ dst: "::/0", gw: "fe80::1" }] },
      dns: { nameservers: ["1.1.1.1"], domain: "example.org" },
    };
    expect(formatResult(full, "0.2.0")).toBe(`${JSON.stringify(json, undefined, 4)}\n`);
    expect(resultToJson(full, "0.1.0")).toEqual({ ...json, cniVersion: "0.1.0" });
  });

  it.each<[Version, unknown]>([
    ["0.2.0", { cniVersion: "0.2.0", ip4: { ip: "10.0.0.1/24" }, dns: {} }],
    ["0.4.0", { cniVersion: "0.4.0", ips: [{ version: "4", address: "10.0.0.1/24" }], dns: {} }],
    ["1.0.0", { cniVersion: "1.0.0", ips: [{ address: "10.0.0.1/24" }] }],
  ])("leaves out in %s what is empty there", (version, json) => {
    expect(resultToJson(bare, version)).toEqual(json);
  });

  it("leaves out texts and numbers that say nothing, but not a name", () => {
    const empty = { name: "", mac: "", mtu: 0, sandbox: "", socketPath: "", pciID: "" };
    const routes = [route("::/0", { mtu: 0, advmss: 0, priority: 0 })];
    const dns = { nameservers: [], domain: "", search: [], options: [] };
    const ips = [ipConfig("::1/128")];
    const result: Result = { interfaces: [empty], ips, routes, dns };
    const written = { interfaces: [{ name: "" }], ips: [{ address: "::1/128" }], routes: [{ dst: "::/0" }] };
    expect(resultToJson(result, "1.1.0")).toEqual({ cniVersion: "1.1.0", ...written });
    expect(resultToJson(result, "0.4.0")).toMatchObject({ interfaces: [{ name: "" }], dns: {} });
  });

  it("writes all that dns can hold", () => {
    const dns = { nameservers: ["::1"], domain: "d", search: ["s"], options: ["o"] };
    expect(resultToJson({ ...bare, dns }, "0.4.0")["dns"]).toEqual(dns);
    expect(Object.keys(resultToJson({ ...bare, dns }, "1.0.0")["dns"] ?? {})).toEqual(Object.keys(dns).sort());
  });

  it("is nothing but a version for an empty result", () => {
    const empty: Result = { interfaces: [], ips: [], routes: [], dns: {} };
    expect(resultToJson(empty, "1.1.0")).toEqual({ cniVersion: "1.1.0" });
    expect(resultToJson(empty, "0.3.1")).toEqual({ cniVersion: "0.3.1", dns: {} });
  });

  it.each<Version>(["0.1.0", "0.2.0"])("cannot express a result without addresses in %s", (version) => {
    expect(() => formatResult({ ...bare, ips: [] }, version)).toThrow(expect.objectContaining({ code: 7 }));
  });
});

describe("parseResult()", () => {
  it.each(["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const)("reads what is printed in %s", (version) => {
    const { interfaces, ...rest } = full;
    const kept = version.startsWith("0")
      ? interfaces.map(({ name, mac, sandbox }) => ({ name, mac, sandbox }))
      : interfaces;
    expect(parseResult(resultToJson(full, version), "1.1.0", "prevResult")).toEqual({ interfaces: kept, ...rest });
  });

  it.each(["0.1.0", "0.2.0"] as const)("reads what is printed in %s: fewer addresses, plainer routes", (version) => {
    const ips = [ipConfig("10.0.0.1/24", "10.0.0.254"), ipConfig("2001:db8::1/64")];
    const routes = [route("0.0.0.0/0"), route("::/0", { gw: "fe80::1" })];
    const json = resultToJson(full, version);
    expect(parseResult(json, "1.1.0", "prevResult")).toEqual({ interfaces: [], ips, routes, dns: full.dns });
  });

  it("takes the configuration's version where the result names none", () => {
    const legacy = { ip4: { ip: "10.0.0.1/24" } };
    expect(parseResult(legacy, "0.2.0", "x").ips).toEqual([ipConfig("10.0.0.1/24")]);
    expect(parseResult({ ...legacy, cniVersion: "" }, "0.2.0", "x").ips).toHaveLength(1);
    expect(parseResult(legacy, "1.0.0", "x").ips).toEqual([]);
  });

  it("reads an abbreviated result, as IPAM plugins print it", () => {
    expect(parseResult({ ips: [{ address: "10.0.0.1/24" }] }, "1.1.0", "x")).toEqual(bare);
    expect(parseResult({}, "1.1.0", "x")).toEqual({ ...bare, ips: [] });
  });

  it("reads the `version` of addresses before 1.0.0 from the address", () => {
    const json = { cniVersion: "0.4.0", ips: [{ version: "6", address: "10.0.0.1/24" }] };
    expect(resultToJson(parseResult(json, "0.4.0", "x"), "0.4.0")).toMatchObject({ ips: [{ version: "4" }] });
  });

  it("reads an empty gateway or next hop as none", () => {
    const json = { ips: [{ address: "::1/128", gateway: "" }], routes: [{ dst: "::/0", gw: "" }] };
    const { ips, routes } = parseResult(json, "1.1.0", "x");
    expect({ ips, routes }).toEqual({ ips: [ipConfig("::1/128")], routes: [route("::/0")] });
  });

  it("brings addresses into their canonical form", () => {
    const json = {
      ips: [
        { address: "2001:DB8:0::1/64", gateway: "2001:DB8::FF" },
        { address: "::ffff:10.0.0.1/120", gateway: "::ffff:10.0.0.254" },
      ],
      routes: [{ dst: "2001:DB8::/32", gw: "FE80::1" }],
    };
    expect(resultToJson(parseResult(json, "1.1.0", "x"), "1.1.0")).toEqual({
      cniVersion: "1.1.0",
      ips: [
        { address: "2001:db8::1/64", gateway: "2001:db8::ff" },
        { address: "10.0.0.1/24", gateway: "10.0.0.254" },
      ],
      routes: [{ dst: "2001:db8::/32", gw: "fe80::1" }],
    });
  });

  it.each([
    [{ cniVersion: "5678.456" }, 6, 'prevResult has the unknown cniVersion "5678.456"'],
    [{ cniVersion: 1 }, 6, "prevResult.cniVersion: 1 is not a string"],
    [{ ips: {} }, 6, "prevResult.ips: {} is not an array"],
    [{ ips: [{ address: "10.0.0.1" }] }, 7, 'prevResult.ips[0].address: "10.0.0.1" is not a CIDR prefix'],
    [{ ips: [{ address: "10.0.0.1/8", interface: 0.5 }] }, 6, "prevResult.ips[0].interface: 0.5 is not"],
    [{ ips: [{ address: "10.0.0.1/8", gateway: "x" }] }, 7, 'prevResult.ips[0].gateway: "x" is not an IP address'],
    [{ routes: [{ dst: "default" }] }, 7, 'prevResult.routes[0].dst: "default" is not a CIDR prefix'],
    [{ interfaces: [{ name: 5 }] }, 6, "prevResult.interfaces[0].name: 5 is not a string"],
    [{ dns: [] }, 6, "prevResult.dns: [] is not an object"],
    [{ cniVersion: "0.2.0", ip4: { ip: 1 } }, 6, "prevResult.ip4.ip: 1 is not a string"],
  ])("refuses %j", (json, code, message) => {
    expect(() => parseResult(json, "1.1.0", "prevResult")).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it("survives the way through every version that can hold it", () => {
    for (const version of SUPPORTED_VERSIONS) {
      expect(parseResult(resultToJson(bare, version), "1.1.0", "x"), version).toEqual(bare);
    }
  });
});
