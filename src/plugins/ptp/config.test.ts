import { describe, expect, it } from "vitest";
import { parseConfig } from "../../cni/config.ts";
import type { Invocation } from "../../cni/plugin.ts";
import { host } from "../../sys/host.ts";
import { readPtpConfig, wantsMasquerade } from "./config.ts";

function invocation(keys: Readonly<Record<string, unknown>>): Invocation {
  const config = parseConfig(host.encode(JSON.stringify({ cniVersion: "1.1.0", name: "net1", ...keys })), "ADD");
  const rest = { command: "ADD", containerId: "c", netns: "/x", ifname: "eth0", args: "", path: "" } as const;
  return { ...rest, config, prevResult: undefined, log: () => undefined };
}

describe("readPtpConfig", () => {
  it("has a default for every key", () => {
    expect(readPtpConfig(invocation({}))).toEqual({ ipMasq: false, ipMasqBackend: "nftables", mtu: 0 });
  });

  it("reads every key", () => {
    const keys = { ipMasq: true, ipMasqBackend: "nftables", mtu: 1400 };
    expect(readPtpConfig(invocation(keys))).toEqual(keys);
  });

  it.each([
    [{ ipMasq: "yes" }, 6, /^ipMasq: "yes" is not true or false/],
    [{ mtu: "1500" }, 6, /^mtu: "1500" is not a whole number/],
    [{ mtu: -4 }, 7, /^mtu: -4 is not a number from 0 to 65535/],
    [{ mtu: 67 }, 7, /^mtu: 67 is not a number from 68 to 65535/],
    [{ mtu: 65536 }, 7, /^mtu: 65536 is not/],
    [{ ipMasqBackend: "pf" }, 7, /^ipMasqBackend: "pf" is not one of "nftables", "iptables"/],
    [{ ipMasq: true, ipMasqBackend: "iptables" }, 7, /^ipMasqBackend: "iptables" is not available yet/],
  ])("refuses %j with code %i", (keys, code, message) => {
    expect(() => readPtpConfig(invocation(keys))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it("lets the other back end stand where no masquerade is asked for", () => {
    expect(readPtpConfig(invocation({ ipMasqBackend: "iptables" })).ipMasqBackend).toBe("iptables");
  });
});

it("wantsMasquerade looks at nothing else", () => {
  expect(wantsMasquerade(invocation({ ipMasq: true, ipMasqBackend: "pf", mtu: -1 }))).toBe(true);
  expect(wantsMasquerade(invocation({}))).toBe(false);
});
