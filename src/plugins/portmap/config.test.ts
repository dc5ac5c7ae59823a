import { describe, expect, it } from "vitest";
import { parseConfig } from "../../cni/config.ts";
import type { JsonObject } from "../../cni/json.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { isOfFamily } from "../../portmap/mapping.ts";
import { engine } from "../../sys/engine.ts";
import { formatIp } from "../../wire/ip.ts";
import { type PortmapConfig, readPortmapConfig } from "./config.ts";

function read(keys: JsonObject): PortmapConfig {
  const json = JSON.stringify({ cniVersion: "1.0.0", name: "net", type: "portmap", ...keys });
  const invocation: Partial<Invocation> = { config: parseConfig(engine.encode(json), "ADD") };
  return readPortmapConfig(invocation as Invocation); // it looks at nothing else
}

const web = { hostPort: 8080, containerPort: 80, protocol: "tcp" };
const withMappings = (...portMappings: readonly JsonObject[]): JsonObject => ({ runtimeConfig: { portMappings } });

describe("readPortmapConfig", () => {
  it("reads port mappings as runtimes send them", () => {
    const { mappings } = read(
      withMappings(web, { ...web, protocol: "UDP", hostIP: "192.0.2.1" }, { ...web, hostPort: 9, hostIP: "" }),
    );
    expect(mappings.map(({ hostIp, ...rest }) => [rest, hostIp === undefined ? undefined : formatIp(hostIp)])).toEqual([
      [web, undefined],
      [{ ...web, protocol: "udp" }, "192.0.2.1"],
      [{ ...web, hostPort: 9 }, undefined],
    ]);
    expect(read({}).mappings).toEqual([]);
  });

  it("takes IPv4 mapped into IPv6 for the IPv4 address, as Go does", () => {
    const hostIPs = ["::ffff:10.0.0.1", "::FFFF:a00:1", "::ffff:0.0.0.0"];
    const { mappings } = read(withMappings(...hostIPs.map((hostIP, i) => ({ ...web, hostPort: i + 1, hostIP }))));
    const texts = mappings.map(({ hostIp }) => hostIp && formatIp(hostIp));
    expect(texts).toEqual(["10.0.0.1", "10.0.0.1", "0.0.0.0"]);
    expect(mappings.map((one) => [isOfFamily(one, 4), isOfFamily(one, 6)])).toEqual(hostIPs.map(() => [true, false]));
  });

  it.each([
    [{ ...web, hostPort: 0 }, 7, "runtimeConfig.portMappings[0].hostPort: 0 is not a number from 1 to 65535"],
    [{ ...web, hostPort: -1 }, 7, "hostPort: -1 is not a number from 1 to 65535"],
    [{ ...web, hostPort: 70000 }, 7, "hostPort: 70000 is not a number from 1 to 65535"],
    [{ ...web, containerPort: 65536 }, 7, "containerPort: 65536 is not a number from 1 to 65535"],
    [{ ...web, hostPort: "80" }, 6, 'hostPort: "80" is not a whole number from 1 to 65535'],
    [{ ...web, hostPort: 80.5 }, 6, "hostPort: 80.5 is not a whole number"],
    [{ containerPort: 80, protocol: "tcp" }, 7, "runtimeConfig.portMappings[0].hostPort is missing"],
    [{ ...web, protocol: "icmp" }, 7, 'protocol: "icmp" is not one of tcp, udp, sctp, dccp, udplite'],
    [{ ...web, protocol: "" }, 7, 'protocol: "" is not one of tcp'],
    [{ ...web, hostIP: "192.0.2.256" }, 7, 'hostIP: "192.0.2.256" is not an IP address'],
  ] as const)("refuses the mapping %j with code %s", (mapping, code, message) => {
    const attempt = (): unknown => read(withMappings(mapping));
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ code }));
  });

  it("refuses a port that would lead to two ports of the container", () => {
    const second = { ...web, containerPort: 81 };
    expect(() => read(withMappings(web, second))).toThrow(
      "runtimeConfig.portMappings[1].containerPort: 81 is not 80, where 8080/tcp leads already",
    );
    expect(() => read(withMappings(web, { ...second, hostIP: "0.0.0.0" }))).toThrow("0.0.0.0:8080/tcp leads already");
    expect(read(withMappings(web, { ...second, hostIP: "192.0.2.1" }, web)).mappings).toHaveLength(3);
    expect(read({ ...withMappings(web, second), hostPortConflict: "older-wins" }).mappings).toHaveLength(2);
  });

  it.each([
    [{}, "nftables"],
    [{ backend: "" }, "nftables"],
    [{ backend: "iptables" }, "iptables"],
    [{ externalSetMarkChain: "KUBE-MARK-MASQ" }, "iptables"],
    [{ conditionsV4: ["!", "-d", "192.0.2.0/24"] }, "iptables"],
    [{ conditionsV6: ["-i", "eth0"] }, "iptables"],
    [{ conditionsV4: ["iifname", "eth0"] }, "nftables"],
    [{ markMasqBit: 5 }, "nftables"],
  ] as const)("with %j chooses the back end %s", (keys, backend) => {
    expect(read(keys).backend).toBe(backend);
  });

  it.each([
    [{ backend: "pf" }, 'backend: "pf" is not one of "nftables", "iptables"'],
    [
      { backend: "nftables", externalSetMarkChain: "X" },
      'externalSetMarkChain: written for iptables, while backend is "nftables"',
    ],
    [
      { backend: "iptables", conditionsV4: ["iifname", "eth0"] },
      'conditionsV4: written for nftables, while backend is "iptables"',
    ],
    [
      { conditionsV4: ["-i", "eth0"], conditionsV6: ["iifname", "eth0"] },
      "conditionsV6: written for nftables, while other keys are for iptables",
    ],
    [{ externalSetMarkChain: "X", markMasqBit: 3 }, "externalSetMarkChain and markMasqBit exclude each other"],
    [{ markMasqBit: 32 }, "markMasqBit: 32 is not a number from 0 to 31"],
    [{ conditionsV4: ["oifname", "eth0"] }, 'conditionsV4: "oifname" is not a condition that is known here'],
  ] as const)("refuses %j", (keys, message) => {
    expect(() => read(keys)).toThrow(message);
    expect(() => read(keys)).toThrow(expect.objectContaining({ code: 7 }));
  });
});
