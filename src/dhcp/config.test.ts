import { describe, expect, it } from "vitest";
import { CniError } from "../cni/error.ts";
import type { JsonObject } from "../cni/json.ts";
import { clientIdOf } from "./client-id.ts";
import { type DhcpConfig, providedOptions, readDhcpConfig, requestedOptions } from "./config.ts";

const read = (ipam: JsonObject): DhcpConfig => readDhcpConfig({ ipam });
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();

describe("the options that are asked for", () => {
  it.each([
    ["upstream's defaults, and DNS", {}, [3, 1, 6, 15, 119]],
    ["those that are named, first", { request: [{ option: "121" }] }, [121, 3, 1, 6, 15, 119]],
    ["each once", { request: [{ option: "subnet-mask" }, { option: "1" }] }, [1, 3, 6, 15, 119]],
    ["those alone", { request: [{ skipDefault: true }, { option: "routers" }] }, [3]],
    ["none", { request: [{ skipDefault: true, option: "" }] }, []],
    ["the MTU where it is to count", { interfaceMtu: true }, [3, 1, 6, 15, 119, 26]],
  ])("are %s", (_, config, wanted) => {
    expect(requestedOptions(read(config))).toEqual(wanted);
  });
});

describe("the options that are told", () => {
  const provide = [
    { option: "host-name", value: "fixed", fromArg: "K8S_POD_NAME" },
    { option: "60", value: "bauta" },
    { option: "user-class", value: "" },
  ];

  it("are those with a value; that of CNI_ARGS comes before the configuration's", () => {
    const told = providedOptions(read({ provide }), "IgnoreUnknown=1;K8S_POD_NAME=pod=1");
    expect([...told].map(([code, value]) => [code, text(value)])).toEqual([
      [12, "pod=1"],
      [60, "bauta"],
    ]);
    expect(text(providedOptions(read({ provide }), "").get(12))).toBe("fixed");
  });

  it("may have 255 bytes", () => {
    const long = (count: number): DhcpConfig => read({ provide: [{ option: "12", value: "x".repeat(count) }] });
    expect(providedOptions(long(255), "").get(12)?.length).toBe(255);
    expect(() => providedOptions(long(256), "")).toThrow("too long for option 12");
  });

  it.each(["x", "0", "255", "256", "-1", "1.5", ""])("have names or numbers that there are: not %j", (option) => {
    expect(() => read({ provide: [{ option, value: "x" }] })).toThrow("ipam.provide[0].option");
  });
});

it("a socket's path that is too long for the kernel is an error of code 7", () => {
  expect(read({ daemonSocketPath: `/${"s".repeat(106)}` }).daemonSocketPath).toHaveLength(107);
  expect(() => read({ daemonSocketPath: `/${"s".repeat(107)}` })).toThrow(/ipam\.daemonSocketPath.*107 bytes at most/s);
});

it("a configuration without ipam is an error of code 7, not a panic", () => {
  expect(() => readDhcpConfig({ ipam: undefined })).toThrow(CniError);
});

describe("the client identifier", () => {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 7);
  const attachment = { containerId: "c1", network: "net", ifname: "eth0" };

  it("is upstream's", () => {
    expect(text(clientIdOf(attachment, mac, "attachment"))).toBe("\0c1/net/eth0");
  });

  it("of names that are too long begins as they do, and tells them apart", () => {
    const long = (end: string): Uint8Array =>
      clientIdOf({ ...attachment, network: `${"n".repeat(300)}${end}` }, mac, "attachment");
    expect(long("a").length).toBe(255);
    expect(text(long("a")).startsWith(`\0c1/${"n".repeat(100)}`)).toBe(true);
    expect(text(long("a"))).not.toBe(text(long("b")));
  });

  it("may be the MAC address, or a DUID, the same for a container's interfaces but for the IAID", () => {
    expect([...clientIdOf(attachment, mac, "mac")]).toEqual([1, 2, 0, 0, 0, 0, 7]);
    const [one, other] = ["eth0", "eth1"].map((ifname) => clientIdOf({ ...attachment, ifname }, mac, "duid"));
    expect([one?.length, one?.[0], one?.[5], one?.[6]]).toEqual([23, 255, 0, 4]);
    expect(one?.slice(5)).toEqual(other?.slice(5));
    expect(one?.slice(1, 5)).not.toEqual(other?.slice(1, 5));
  });
});
