import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type NetworkConfig, parseConfig } from "../../cni/config.ts";
import { engine } from "../../sys/engine.ts";
import { containerOptionsSchema, optionsOf, PLAIN, readOptions } from "./options.ts";

const network = (keys: object): NetworkConfig =>
  parseConfig(engine.encode(JSON.stringify({ cniVersion: "1.1.0", name: "net", type: "ptp", ...keys })), "ADD");
const byArgs = (ipMasqOptions: unknown): object => ({ args: { cni: { ipMasqOptions } } });
const byRuntime = (ipMasq: unknown): object => ({ runtimeConfig: { ipMasq }, capabilities: { ipMasq: true } });

/** A value for each key that a container may be allowed to set. */
const VALUES: Readonly<Record<string, unknown>> = {
  families: ["ipv4"],
  exclude: ["10.0.0.0/8"],
  excludeExceptions: ["10.1.0.0/16"],
  only: ["0.0.0.0/0"],
  to: { ipv4: "192.0.2.1" },
  ports: "1024-2047",
  random: "none",
  outInterfaces: ["eth0"],
  excludeOutInterfaces: ["wg0"],
  sameSubnet: true,
  dropInvalid: true,
};

describe.each([
  ["args.cni.ipMasqOptions", byArgs],
  ["runtimeConfig.ipMasq", byRuntime],
])("optionsOf, told by %s", (at, given) => {
  it("takes nothing by default, not even null and whatever the case of the key", () => {
    for (const [key, value] of Object.entries(VALUES)) {
      for (const one of [{ [key]: value }, { [key]: null }, { [key.toUpperCase()]: value }]) {
        expect(() => optionsOf(network({ ipMasqOptions: { random: "fully" }, ...given(one) }))).toThrow(
          expect.objectContaining({
            code: 7,
            message: `${at}.${key}: the network does not let a container choose it`,
            details: `an operator allows it by "ipMasqOptions": {"allow": ["${key}"]} in the network's configuration`,
          }),
        );
      }
    }
  });

  it("takes each key that is allowed, and that key alone", () => {
    expect(Object.keys(VALUES).sort()).toEqual(Object.keys(containerOptionsSchema.read({}, "")).sort());
    for (const [key, value] of Object.entries(VALUES)) {
      const allowed = optionsOf(network({ ipMasqOptions: { Allow: [key] }, ...given({ [key]: value }) }));
      expect(allowed.given).toEqual({ [key]: value });
      expect(allowed.key).toBe(readOptions(JSON.parse(JSON.stringify({ [key]: value }))).key);
      const other = key === "random" ? "ports" : "random";
      const both = { [key]: value, [other]: VALUES[other] };
      expect(() => optionsOf(network({ ipMasqOptions: { allow: [key] }, ...given(both) }))).toThrow(
        expect.objectContaining({ message: expect.stringContaining(`${at}.${other}`) }),
      );
    }
  });

  it("replaces what the network says, in whatever case it is written, and null takes it back", () => {
    const ipMasqOptions = { allow: ["exclude", "random"], EXCLUDE: ["10.0.0.0/8"], random: "none", ports: "7" };
    expect(optionsOf(network({ ipMasqOptions, ...given({ Exclude: [], random: null }) })).given).toEqual({
      exclude: [],
      ports: "7",
    });
  });

  it("never takes the name of a file, nor a list of what is allowed", () => {
    const ipMasqOptions = { allow: ["ports"] };
    expect(() => optionsOf(network({ ipMasqOptions, ...given({ excludeFile: "/etc/shadow" }) }))).toThrow(
      expect.objectContaining({ code: 7, message: `${at}.excludeFile: a container cannot choose it` }),
    );
    expect(() => optionsOf(network({ ipMasqOptions: { allow: ["excludeFile"] } }))).toThrow(
      'ipMasqOptions.allow[0]: "excludeFile" is not one of',
    );
    expect(() => optionsOf(network(given({ allow: ["ports"], ports: "7" })))).toThrow(
      "does not let a container choose",
    );
  });

  it("passes over nothing at all", () => {
    for (const nothing of [null, {}, { unknown: 1 }]) expect(optionsOf(network(given(nothing)))).toEqual(PLAIN);
  });
});

describe("optionsOf, told by runtimeConfig", () => {
  it.each([undefined, {}, { ipMasq: false }])("takes a capability that is declared: %j", (capabilities) => {
    const config = { ipMasqOptions: { allow: ["ports"] }, runtimeConfig: { ipMasq: { ports: "7" } }, capabilities };
    expect(() => optionsOf(network(config))).toThrow(
      expect.objectContaining({
        code: 7,
        message: "runtimeConfig.ipMasq.ports: the network does not declare the capability",
        details: expect.stringContaining('"capabilities": {"ipMasq": true}'),
      }),
    );
  });
});

describe("the digests that things in the kernel are named after", () => {
  it("are 128 bits of SHA-512 each: no two texts with the same can be found", () => {
    const { key, listKey } = readOptions({ exclude: ["10.0.0.0/8"], ports: "7" });
    const digest = (text: string): string => createHash("sha512").update(text).digest("hex").slice(0, 32);
    expect(listKey).toBe(digest('[["exclude",["10.0.0.0/8"]]]'));
    expect(key).toBe(digest(`[["ports","7"]] ${listKey}`));
  });
});
