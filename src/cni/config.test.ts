import { describe, expect, it } from "vitest";
import { engine } from "../sys/engine.ts";
import { configSchema, type NetworkConfig, parseConfig } from "./config.ts";
import { toJsonSchema } from "./json-schema.ts";

function parse(json: unknown, command = "ADD"): NetworkConfig {
  return parseConfig(engine.encode(typeof json === "string" ? json : JSON.stringify(json)), command);
}

describe("parseConfig()", () => {
  it("reads all that plugins share", () => {
    const json = {
      cniVersion: "1.1.0",
      name: "dual",
      type: "ptp",
      ipMasq: true,
      ipam: { type: "host-local", ranges: [] },
      dns: { nameservers: ["10.1.0.1"], domain: "d", search: ["s"], options: ["o"] },
      runtimeConfig: { mac: "00:11:22:33:44:66" },
      args: { cni: { ips: ["10.2.2.42/24"] } },
      capabilities: { mac: true, ips: false },
      prevResult: { ips: [] },
      "cni.dev/valid-attachments": [{ containerID: "a", ifname: "eth0" }],
    };
    const bytes = engine.encode(JSON.stringify(json));
    expect(parseConfig(bytes, "ADD")).toEqual({
      cniVersion: "1.1.0",
      name: "dual",
      type: "ptp",
      ipam: json.ipam,
      ipamType: "host-local",
      dns: json.dns,
      runtimeConfig: json.runtimeConfig,
      args: json.args,
      capabilities: new Map([
        ["mac", true],
        ["ips", false],
      ]),
      prevResult: { ips: [] },
      validAttachments: [{ containerId: "a", ifname: "eth0" }],
      raw: json,
      bytes,
    });
  });

  it("fills in what is absent or null", () => {
    const nothing = { cniVersion: null, type: null, ipam: null, dns: null, runtimeConfig: null, prevResult: null };
    for (const json of [{ name: "n" }, { name: "n", ...nothing, args: null, capabilities: null }]) {
      expect(parse(json)).toMatchObject({
        cniVersion: "0.1.0",
        type: "",
        ipam: undefined,
        ipamType: "",
        dns: {},
        runtimeConfig: {},
        args: {},
        capabilities: new Map(),
        prevResult: undefined,
        validAttachments: [],
      });
    }
  });

  it("takes an empty cniVersion for 0.1.0, and an ipam section without type", () => {
    expect(parse({ cniVersion: "", name: "n", ipam: {} })).toMatchObject({ cniVersion: "0.1.0", ipamType: "" });
  });

  it("keeps the bytes as they came", () => {
    const bytes = engine.encode(' {"NAME":"n",  "x": 1.0}\n');
    expect(parseConfig(bytes, "ADD")).toMatchObject({ name: "n", bytes });
  });

  it("reads the valid attachments under either of their names, and both together", () => {
    const [a, b] = [
      { containerID: "a", ifname: "eth0" },
      { containerID: "b", ifname: "eth0" },
    ];
    const one = { containerId: "a", ifname: "eth0" };
    const other = { containerId: "b", ifname: "eth0" };
    expect(parse({ name: "n", "cni.dev/attachments": [a] }).validAttachments).toEqual([one]);
    const both = { name: "n", "cni.dev/valid-attachments": [a, b], "cni.dev/attachments": [b] };
    expect(parse(both).validAttachments).toEqual([one, other]);
    expect(parse({ name: "n", "cni.dev/valid-attachments": null }).validAttachments).toEqual([]);
  });

  it.each([
    ["", "the network configuration on standard input is empty"],
    ['{"name": "n"', "the network configuration on standard input ends too early, after 12 characters"],
    ["hello", "the network configuration on standard input is not JSON"],
    ["[]", "the network configuration on standard input is not an object: []"],
    ["null", "is not an object: null"],
    ['"name"', 'is not an object: "name"'],
    [{ name: 12 }, "name: 12 is not a string"],
    [{ name: "n", cniVersion: 1 }, "cniVersion: 1 is not a string"],
    [{ name: "n", type: [] }, "type: [] is not a string"],
    [{ name: "n", ipam: "host-local" }, 'ipam: "host-local" is not an object'],
    [{ name: "n", ipam: { type: 5 } }, "ipam.type: 5 is not a string"],
    [{ name: "n", dns: { search: "x" } }, 'dns.search: "x" is not an array'],
    [{ name: "n", runtimeConfig: [] }, "runtimeConfig: [] is not an object"],
    [{ name: "n", capabilities: { mac: "yes" } }, 'capabilities.mac: "yes" is not true or false'],
    [{ name: "n", prevResult: 1 }, "prevResult: 1 is not an object"],
    [{ name: "n", "cni.dev/valid-attachments": {} }, '["cni.dev/valid-attachments"]: {} is not an array'],
  ])("refuses %j with code 6", (json, message) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ code: 6, message: expect.stringContaining(message) }));
  });

  it.each([
    [{}, "name is missing"],
    [{ name: "" }, "name is missing"],
    [{ name: null }, "name is missing"],
    [{ name: "a/b" }, 'name: "a/b" is not a letter or digit followed by'],
    [{ name: ".." }, 'name: ".." is not'],
    [{ name: "a\nb" }, 'name: "a\\nb" is not'],
    [{ name: "a\0" }, 'name: "a\\u0000" is not'],
    [{ name: "n".repeat(256) }, "is longer than 255 characters"],
    [{ name: "n", "cni.dev/valid-attachments": [{ ifname: "eth0" }] }, "[0].containerID is missing"],
  ])("refuses %j with code 7", (json, message) => {
    expect(() => parse(json)).toThrow(expect.objectContaining({ code: 7, message: expect.stringContaining(message) }));
  });

  it("refuses a version that is unknown, or too old for the operation, with code 1", () => {
    expect(() => parse({ name: "n", cniVersion: "9.0.0" })).toThrow(expect.objectContaining({ code: 1 }));
    expect(() => parse({ name: "n" }, "STATUS")).toThrow(expect.objectContaining({ code: 1 }));
  });

  it("refuses bytes that are not UTF-8 where they matter", () => {
    const bytes = Uint8Array.of(...engine.encode('{"name": "'), 0xff, ...engine.encode('"}'));
    expect(() => parseConfig(bytes, "ADD")).toThrow(expect.objectContaining({ code: 7 }));
  });

  it("has nothing to say to JSON that is deeper than it can read but that it is", () => {
    const deep = `{"name": ${"[".repeat(1_000_000)}${"]".repeat(1_000_000)}}`;
    expect(() => parse(deep)).toThrow(expect.objectContaining({ name: "CniError", code: 6 }));
  });
});

describe("configSchema()", () => {
  it("describes itself", () => {
    expect(toJsonSchema(configSchema)).toMatchObject({
      properties: { name: { type: "string", description: "name of the network" }, ipam: { type: "object" } },
    });
  });
});
