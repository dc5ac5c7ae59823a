import { describe, expect, it } from "vitest";
import { parseConfig } from "../../cni/config.ts";
import { CniError } from "../../cni/error.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { PLAIN } from "../../masquerade/options/options.ts";
import { engine } from "../../sys/engine.ts";
import { formatMac } from "../../wire/mac.ts";
import { type BridgeConfig, readBridgeConfig, vlanGatewayName } from "./config.ts";

const ipam = { type: "host-local", ranges: [[{ subnet: "10.22.0.0/16" }]] };

function invocation(keys: object, args = ""): Invocation {
  const config = parseConfig(
    engine.encode(JSON.stringify({ cniVersion: "1.1.0", name: "net", type: "bridge", ...keys })),
    "ADD",
  );
  const call = {
    command: "ADD",
    containerId: "c",
    netns: "/run/netns/c",
    ifname: "eth0",
    path: "/opt/cni/bin",
  } as const;
  return { ...call, args, config, prevResult: undefined, log: () => {} };
}

const read = (keys: object, args?: string): BridgeConfig => readBridgeConfig(invocation(keys, args));

function refusal(keys: object, args?: string): { readonly code: number; readonly message: string } {
  try {
    read(keys, args);
  } catch (error) {
    if (error instanceof CniError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("it was taken");
}

describe("readBridgeConfig()", () => {
  it("has upstream's defaults", () => {
    expect(read({})).toEqual({
      bridge: "cni0",
      isGateway: false,
      isDefaultGateway: false,
      forceAddress: false,
      masquerade: undefined,
      mtu: undefined,
      hairpinMode: false,
      promiscMode: false,
      vlan: undefined,
      trunk: [],
      vlanFiltering: false,
      preserveDefaultVlan: false,
      macspoofchk: false,
      enabledad: false,
      disableContainerInterface: false,
      portIsolation: false,
      mac: undefined,
    });
  });

  it("reads every key", () => {
    const flags = {
      isGateway: true,
      isDefaultGateway: true,
      forceAddress: true,
      hairpinMode: true,
      preserveDefaultVlan: true,
      macspoofchk: true,
      enabledad: true,
      portIsolation: true,
    };
    const keys = {
      ...flags,
      bridge: "br0",
      ipMasq: true,
      ipMasqBackend: "nftables",
      mtu: 1400,
      vlan: 100,
      vlanTrunk: [{ id: 7 }],
      ipam,
    };
    const { mac, ...config } = read({ ...keys, runtimeConfig: { mac: "0a:00:00:00:00:01" } });
    expect(config).toEqual({
      ...flags,
      masquerade: { backend: "nftables", options: PLAIN },
      bridge: "br0",
      mtu: 1400,
      promiscMode: false,
      disableContainerInterface: false,
      vlan: 100,
      trunk: [{ vid: 7, lastVid: 7 }],
      vlanFiltering: true,
    });
    expect(mac && formatMac(mac)).toBe("0a:00:00:00:00:01");
    expect(read({ promiscMode: true, disableContainerInterface: true })).toMatchObject({
      promiscMode: true,
      disableContainerInterface: true,
    });
  });

  it("makes a default gateway a gateway", () => {
    expect(read({ isDefaultGateway: true })).toMatchObject({ isGateway: true, isDefaultGateway: true });
  });

  it("has the bridge tell VLANs apart for a VLAN, and for a trunk even if it is empty", () => {
    expect(read({ vlan: 1 }).vlanFiltering).toBe(true);
    expect(read({ vlanTrunk: [] }).vlanFiltering).toBe(true);
    expect(read({ vlan: 0, vlanTrunk: null }).vlanFiltering).toBe(false);
  });

  it.each([
    ["a bridge name that the kernel would not take", { bridge: "no/bridge" }, 'bridge: "no/bridge"'],
    ["a bridge name that is too long", { bridge: "a-very-long-name" }, "bridge"],
    ["a VLAN below 0", { vlan: -100 }, "vlan: -100 is not a number from 0 to 4094"],
    ["a VLAN above 4094", { vlan: 4095 }, "vlan: 4095 is not a number from 0 to 4094"],
    ["an MTU below what every link carries", { mtu: 67 }, "mtu: 67 is not a number from 68 to 65535"],
    ["a negative MTU", { mtu: -1 }, "mtu: -1"],
    ["an MTU above what a link can have", { mtu: 65536 }, "mtu: 65536"],
    ["hairpin and promiscuous mode together", { hairpinMode: true, promiscMode: true }, "hairpinMode and promiscMode"],
    [
      "addresses on an interface that stays down",
      { disableContainerInterface: true, ipam },
      "disableContainerInterface",
    ],
    [
      "options that only nftables has with the iptables back end",
      { ipMasq: true, ipMasqBackend: "iptables", ipMasqOptions: { random: "none" } },
      'ipMasqOptions: the options need ipMasqBackend "nftables"',
    ],
    [
      "an unknown back end",
      { ipMasq: true, ipMasqBackend: "pf" },
      'ipMasqBackend: "pf" is not one of "nftables", "iptables"',
    ],
    ["half a range of VLANs", { vlanTrunk: [{ minID: 5 }] }, "vlanTrunk[0]: a range needs minID and maxID"],
    ["a multicast MAC address", { runtimeConfig: { mac: "01:00:5e:00:00:01" } }, "multicast"],
    ["a MAC address of zeros", { args: { cni: { mac: "00:00:00:00:00:00" } } }, "00:00:00:00:00:00"],
    [
      "something else than a MAC address",
      { runtimeConfig: { mac: "x" } },
      'runtimeConfig.mac: "x" is not a MAC address',
    ],
    [
      "a VLAN gateway whose name is too long",
      { bridge: "br0123456789", vlan: 100, isGateway: true, ipam },
      'the gateway of VLAN 100 would be the interface "br0123456789.100", which is longer than 15 bytes',
    ],
  ])("refuses %s with code 7", (_, keys, message) => {
    const found = refusal(keys);
    expect(found.code).toBe(7);
    expect(found.message).toContain(message);
  });

  it("takes a long bridge name where no VLAN gateway is called after it", () => {
    expect(read({ bridge: "br0123456789", vlan: 100, isGateway: true }).vlan).toBe(100);
    expect(read({ bridge: "br0123456789", vlan: 100, ipam }).vlan).toBe(100);
  });

  it("takes the iptables back end", () => {
    expect(read({ ipMasq: true, ipMasqBackend: "iptables" }).masquerade?.backend).toBe("iptables");
  });

  it.each([
    [
      "the back end and the options of a masquerade that is off",
      { ipMasqBackend: "pf", ipMasqOptions: { random: "x" } },
    ],
    [
      "a MAC address that another replaces",
      { args: { cni: { mac: "x" } }, runtimeConfig: { mac: "0a:00:00:00:00:01" } },
    ],
    ["an empty name of a bridge", { bridge: "" }],
    ["an empty name of a back end", { ipMasq: true, ipMasqBackend: "" }],
    ["empty MAC addresses", { args: { cni: { mac: "" } }, runtimeConfig: { mac: "" } }],
    ["the gateway of a VLAN on a bridge without addresses", { bridge: "br0123456789", vlan: 100, isGateway: true }],
    ["an ipam without a type", { ipam: {}, isGateway: true, disableContainerInterface: true }],
  ])("does not judge what is off, replaced or empty: %s", (_, keys) => {
    expect(() => read(keys)).not.toThrow();
  });

  it.each(["isGateway", "mtu", "vlanTrunk", "bridge", "runtimeConfig", "args"])(
    "refuses a wrong type of %s with code 6",
    (key) => {
      expect(refusal({ [key]: key === "mtu" ? "1400" : 7.5 })).toMatchObject({ code: 6 });
    },
  );

  it("prefers the runtime's MAC address to that of args, and that to CNI_ARGS", () => {
    const runtimeConfig = { mac: "0a:00:00:00:00:01" };
    const args = { cni: { mac: "0a:00:00:00:00:02" } };
    const text = "IgnoreUnknown=1;K8S_POD_NAME=p;MAC=0a:00:00:00:00:03";
    const macOf = (keys: object, cniArgs = ""): string => formatMac(read(keys, cniArgs).mac ?? new Uint8Array());
    expect(macOf({ runtimeConfig, args }, text)).toBe("0a:00:00:00:00:01");
    expect(macOf({ runtimeConfig: { mac: "" }, args }, text)).toBe("0a:00:00:00:00:02");
    expect(macOf({}, text)).toBe("0a:00:00:00:00:03");
    expect(read({}, "MAC=").mac).toBeUndefined();
  });

  it("refuses CNI_ARGS that it doesn't know, and a MAC there that is none, with code 4", () => {
    expect(refusal({}, "IP=10.22.0.7")).toMatchObject({ code: 4 });
    const found = refusal({}, "MAC=nonsense");
    expect(found).toMatchObject({ code: 4, message: 'CNI_ARGS: MAC "nonsense" is not a MAC address' });
  });
});

describe("vlanGatewayName()", () => {
  it("is upstream's", () => {
    expect(vlanGatewayName("cni0", 100)).toBe("cni0.100");
  });
});
