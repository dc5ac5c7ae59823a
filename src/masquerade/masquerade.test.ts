import { describe, expect, it } from "vitest";
import { parseConfig } from "../cni/config.ts";
import type { Invocation } from "../cni/plugin.ts";
import { Undo } from "../cni/undo.ts";
import { engine } from "../sys/engine.ts";
import { type BackendName, backendOf, beginMasquerade, masqueradeFor } from "./masquerade.ts";

function invocation(keys: object): Invocation {
  const config = parseConfig(
    engine.encode(JSON.stringify({ cniVersion: "1.1.0", name: "net", type: "ptp", ...keys })),
    "DEL",
  );
  const call = { command: "DEL", containerId: "c", netns: "", ifname: "eth0", args: "", path: "" } as const;
  return { ...call, config, prevResult: undefined, log: () => {} };
}

describe("backendOf", () => {
  it.each([
    [undefined, {}],
    [undefined, { ipMasq: false, ipMasqBackend: "iptables" }],
    ["nftables", { ipMasq: true }],
    ["nftables", { ipMasq: true, ipMasqBackend: "nftables" }],
    ["iptables", { ipMasq: true, ipMasqBackend: "iptables" }],
  ])("is %s for %j", (backend, keys) => {
    expect(backendOf(invocation(keys))).toBe(backend);
  });

  it("lets DEL go on whatever else the configuration has", () => {
    const wrong = { ipMasq: true, mtu: -1, ipMasqOptions: 5 };
    expect(backendOf(invocation({ ...wrong, ipMasqBackend: "pf" }))).toBe("nftables");
    expect(backendOf(invocation({ ...wrong, ipMasqBackend: 7 }))).toBe("nftables");
  });

  it("refuses an ipMasq that is neither true nor false", () => {
    expect(() => backendOf(invocation({ ipMasq: "yes" }))).toThrow('ipMasq: "yes" is not true or false');
  });
});

describe("masqueradeFor", () => {
  const options = { random: "none" };
  const allowed = { ipMasqOptions: { allow: ["random"] }, capabilities: { ipMasq: true } };
  const read = (backend: BackendName, keys: object): BackendName | undefined =>
    masqueradeFor({ ipMasq: true, ipMasqBackend: () => backend }, invocation(keys))?.backend;

  it.each([
    { ipMasqOptions: options },
    { ...allowed, args: { cni: { ipMasqOptions: options } } },
    { ...allowed, runtimeConfig: { ipMasq: options } },
  ])("refuses options that iptables does not have: %j", (keys) => {
    expect(() => read("iptables", keys)).toThrow('ipMasqOptions: the options need ipMasqBackend "nftables"');
    expect(read("nftables", keys)).toBe("nftables");
  });

  it("has nothing against iptables without options", () => {
    expect(read("iptables", { ipMasqOptions: {} })).toBe("iptables");
  });

  it("does not judge what is off", () => {
    const ipMasqBackend = (): never => {
      throw new Error("judged");
    };
    expect(masqueradeFor({ ipMasq: false, ipMasqBackend }, invocation({ ipMasqOptions: 5 }))).toBeUndefined();
  });
});

describe("beginMasquerade", () => {
  it("takes the options as masqueradeFor has read them, and does not read the configuration again", () => {
    const call = invocation({});
    let reads = 0;
    const raw = Object.defineProperty({ ...call.config.raw }, "ipMasqOptions", {
      get() {
        reads++;
        return { random: "none" };
      },
    });
    const counted = { ...call, config: { ...call.config, raw } };
    const masquerade = masqueradeFor({ ipMasq: true, ipMasqBackend: () => "nftables" }, counted);
    if (masquerade === undefined) throw new Error("nothing asked for");
    expect(masquerade.options.random).toBe("none");
    const before = reads;
    expect(before).toBeGreaterThan(0);
    beginMasquerade(counted, masquerade, [], new Undo());
    expect(reads).toBe(before);
  });
});
