import { describe, expect, it } from "vitest";
import { parseConfig } from "../../cni/config.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { PLAIN } from "../../masquerade/options/options.ts";
import { engine } from "../../sys/engine.ts";
import { readPtpConfig } from "./config.ts";

function invocation(keys: Readonly<Record<string, unknown>>): Invocation {
  const config = parseConfig(engine.encode(JSON.stringify({ cniVersion: "1.1.0", name: "net1", ...keys })), "ADD");
  const rest = { command: "ADD", containerId: "c", netns: "/x", ifname: "eth0", args: "", path: "" } as const;
  return { ...rest, config, prevResult: undefined, log: () => undefined };
}

describe("readPtpConfig", () => {
  it("has a default for every key", () => {
    expect(readPtpConfig(invocation({}))).toEqual({ masquerade: undefined, mtu: undefined });
  });

  it("reads every key", () => {
    const keys = { ipMasq: true, ipMasqBackend: "nftables", mtu: 1400 };
    expect(readPtpConfig(invocation(keys))).toEqual({ masquerade: { backend: "nftables", options: PLAIN }, mtu: 1400 });
  });

  it.each([
    [{ ipMasq: "yes" }, 6, /^ipMasq: "yes" is not true or false/],
    [{ mtu: "1500" }, 6, /^mtu: "1500" is not a whole number/],
    [{ mtu: -4 }, 7, /^mtu: -4 is not a number from 0 to 65535/],
    [{ mtu: 67 }, 7, /^mtu: 67 is not a number from 68 to 65535/],
    [{ mtu: 65536 }, 7, /^mtu: 65536 is not/],
    [{ ipMasq: true, ipMasqBackend: "pf" }, 7, /^ipMasqBackend: "pf" is not one of "nftables", "iptables"/],
    [
      { ipMasq: true, ipMasqBackend: "iptables", ipMasqOptions: { random: "none" } },
      7,
      /^ipMasqOptions: the options need ipMasqBackend "nftables"/,
    ],
  ])("refuses %j with code %i", (keys, code, message) => {
    expect(() => readPtpConfig(invocation(keys))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it.each([
    [{ ipMasq: true, ipMasqBackend: "iptables" }, "iptables"],
    [{ ipMasq: true, ipMasqBackend: "iptables", ipMasqOptions: {} }, "iptables"],
    [{ ipMasq: true, ipMasqBackend: "" }, "nftables"],
    [{ ipMasq: true, ipMasqBackend: null }, "nftables"],
    [{ ipMasqBackend: "iptables", ipMasqOptions: { random: "none" } }, undefined],
    [{ ipMasq: false, ipMasqBackend: "pf", ipMasqOptions: { random: "never" } }, undefined],
  ])("judges the back end of a masquerade that is on: %j", (keys, backend) => {
    expect(readPtpConfig(invocation(keys)).masquerade?.backend).toBe(backend);
  });
});
