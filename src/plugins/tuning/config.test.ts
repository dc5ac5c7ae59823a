import { describe, expect, it } from "vitest";
import { callPlugin, type Outcome } from "../../../test/conformance/call.ts";
import { type WrongKey, wrongKeys } from "../../../test/e2e/bad-input/wrong-types.ts";
import { tuningSchema } from "./config.ts";
import { plugin } from "./plugin.ts";

const CONFIG = { cniVersion: "1.1.0", name: "net", type: "tuning", prevResult: { interfaces: [{ name: "eth0" }] } };
const ENVIRONMENT = {
  ...{ CNI_CONTAINERID: "c", CNI_NETNS: "/nonexistent/netns", CNI_IFNAME: "eth0", CNI_PATH: "/nonexistent" },
};

function call(command: string, keys: object, args = ""): Outcome {
  return callPlugin(plugin, { ...ENVIRONMENT, CNI_COMMAND: command, CNI_ARGS: args }, { ...CONFIG, ...keys });
}

describe("the configuration of tuning", () => {
  const keys = wrongKeys(tuningSchema, "", (value) => value).filter(({ at }) => at !== "");
  const isOneOf = (...names: readonly string[]): boolean => keys.some(({ at }) => names.includes(at));

  it("has all of upstream's keys, in args, too", () => {
    for (const key of ["sysctl", "mac", "promisc", "mtu", "allmulti", "txQLen"])
      expect([key, isOneOf(key), isOneOf(`args.cni.${key}`)]).toEqual([key, true, true]);
    expect(isOneOf("dataDir") && isOneOf("runtimeConfig.mac")).toBe(true);
  });

  it.each(keys.map((key): [string, WrongKey] => [key.at, key]))("refuses what is wrong at %s, by name", (at, key) => {
    for (const [code, values] of [
      [6, key.wrongTypes],
      [7, key.wrongValues],
    ] as const)
      for (const value of values) {
        const { status, json } = call("ADD", key.put(value));
        expect([status, json.code, json.msg]).toEqual([1, code, expect.stringContaining(at)]);
      }
  });

  it.each([
    ["mac", { mac: "0a:00:00:00:09" }],
    ["runtimeConfig.mac", { runtimeConfig: { mac: "x" } }],
    ["args.cni.mac", { args: { cni: { mac: "x" } } }],
    ["mtu", { mtu: 67 }],
    ["args.cni.mtu", { args: { cni: { mtu: 67 } }, tuningOptions: { allow: ["mtu"] } }],
    ['args.cni.sysctl["kernel.x"]', { args: { cni: { sysctl: { "kernel.x": "1" } } } }],
    ["mac", { mac: "00:00:00:00:00:00" }],
  ])("refuses a wrong value of %s, in CHECK, too", (at, wrong) => {
    for (const command of ["ADD", "CHECK"])
      expect(call(command, wrong).json).toMatchObject({ code: 7, msg: expect.stringContaining(at) });
  });

  it("does not judge an address that another replaces", () => {
    // Code 3: it has come as far as the namespace.
    const wrong = { mac: "x", runtimeConfig: { mac: "x" }, args: { cni: { mac: "0a:00:00:00:00:09" } } };
    expect(call("ADD", wrong, "MAC=x").json.code).toBe(3);
  });

  it("is not read by DEL, nor are CNI_ARGS", () => {
    for (const { put, wrongTypes, at } of keys.filter(({ at }) => !at.startsWith("dataDir")))
      expect([at, call("DEL", put(wrongTypes[0]), "FOO=1").status]).toEqual([at, common(at) ? 1 : 0]);
  });
});

/** What every plugin reads. */
function common(at: string): boolean {
  return at === "args" || at === "runtimeConfig";
}
