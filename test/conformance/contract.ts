// What the CNI specification asks of every plugin before it does anything, as a suite that each plugin runs. It needs no
// privileges: whatever it sends must be refused, or succeed, without a look at the kernel.

import { describe, expect, it } from "vitest";
import type { OwnPlugin } from "../../src/cni/plugin.ts";
import type { Schema } from "../../src/cni/schema.ts";
import { addressKeys, masqueradeOptionKeys } from "../../src/plugins/shared-keys.ts";
import { type WrongKey, wrongKeys } from "../e2e/bad-input/wrong-types.ts";
import { callPlugin, type Outcome, type Variables } from "./call.ts";

export interface Contract {
  /** A configuration that is right, without `cniVersion`, `name` and `type`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Configurations that are wrong in one key each, laid over `config`, by the path that the error must name. */
  readonly wrong?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const attachment: Variables = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "conformance",
  CNI_NETNS: "/nonexistent/netns",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/nonexistent",
};

/** What the plugins before a chained one have made. */
const PREV_RESULT = {
  interfaces: [{ name: "eth0", mac: "0a:00:00:00:00:07", sandbox: "/nonexistent/netns" }],
  ips: [{ address: "198.18.0.2/24", gateway: "198.18.0.1", interface: 0 }],
};

/** Registers the suite for one plugin. */
export function runContract(plugin: OwnPlugin, contract: Contract): void {
  const own = { cniVersion: "1.1.0", name: "conformance", type: plugin.name, ...contract.config };
  const config = plugin.kind === "chained" ? { ...own, prevResult: PREV_RESULT } : own;
  const call = (env: Variables, given: unknown = config): Outcome => callPlugin(plugin, env, given);
  const command = (name: string, env: Variables = {}): Variables => ({ ...attachment, CNI_COMMAND: name, ...env });

  describe(`${plugin.name} keeps the contract of a plugin:`, () => {
    environmentCases(call, command, plugin);
    configurationCases(call, command, config);
    if (plugin.kind === "chained") chainCases(call, command, own);

    it.each(wrongTypesOf(plugin))(
      "any other type in %s is refused by ADD with code 6, and the error names key, value and what is allowed",
      (at, { wrongTypes, type, put }) => {
        expect(wrongTypes.length).toBeGreaterThan(0);
        for (const value of wrongTypes) {
          const { json } = expectError(call(attachment, { ...config, ...put(value) }), 6);
          expect(json.msg).toContain(`${at}: ${JSON.stringify(value)} is not ${type}`);
        }
      },
    );

    it.each(Object.entries(contract.wrong ?? {}))(
      "an invalid %s is named by ADD, with code 6, 7 or 2",
      (path, wrong) => {
        const { json } = expectError(call(attachment, { ...config, ...wrong }));
        expect([2, 6, 7]).toContain(json.code);
        expect(json.msg).toContain(path);
      },
    );
  });
}

/** Keys that others judge: the IPAM plugin, and what the network allows. types.test.ts has those. */
const JUDGED_BY_OTHERS: readonly Schema<unknown>[] = [addressKeys, masqueradeOptionKeys];

/** Every other key of a plugin once; of an IPAM plugin, those of its section. */
function wrongTypesOf({ kind, keys }: OwnPlugin): readonly (readonly [string, WrongKey])[] {
  const at = kind === "ipam" ? "ipam" : "";
  const put = (value: unknown): unknown => (kind === "ipam" ? { ipam: value } : value);
  const own = keys.filter((schema) => !JUDGED_BY_OTHERS.includes(schema));
  const all = own.flatMap((schema) => wrongKeys(schema, at, put)).filter((key) => key.at !== "");
  return [...new Map(all.map((key) => [key.at, key] as const))];
}

type Call = (env: Variables, config?: unknown) => Outcome;
type WithCommand = (name: string, env?: Variables) => Variables;

/** A failed call prints one error with all its keys, and says nothing that only a fault in the program would bring. */
function expectError(outcome: Outcome, code?: number): Outcome {
  expect(outcome.status).toBe(1);
  expect(outcome.json).toMatchObject({ cniVersion: expect.any(String), msg: expect.stringMatching(/./) });
  expect(outcome.json.code).not.toBe(999);
  if (code !== undefined) expect(outcome.json).toMatchObject({ code });
  return outcome;
}

function environmentCases(call: Call, command: WithCommand, { oldestVersion = "0.1.0" }: OwnPlugin): void {
  const all = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];
  const versions = all.slice(all.indexOf(oldestVersion));

  it("VERSION lists the versions, whatever else is set", () => {
    const { status, json } = call({ CNI_COMMAND: "VERSION", CNI_NETNS: "dummy", CNI_IFNAME: "//" }, "no JSON");
    expect(status).toBe(0);
    expect(json).toEqual({
      cniVersion: "1.1.0",
      supportedVersions: versions,
    });
  });

  it("without CNI_COMMAND it introduces itself on standard error", () => {
    const { status, json, log } = call({});
    expect([status, json]).toEqual([0, undefined]);
    expect(log.join("\n")).toMatch(
      /^CNI \S+ plugin v1\.9\.1\+bauta\.\d+\.\d+\.\d+\nCNI protocol versions supported: .*1\.1\.0$/,
    );
    expect(log[1]).toContain(`supported: ${versions.join(", ")}`);
  });

  it("an unknown command is refused", () => {
    expect(expectError(call(command("HELLO")), 4).json.msg).toContain("HELLO");
  });

  it.each([
    ["ADD", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]],
    ["CHECK", ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME"]],
    ["DEL", ["CNI_CONTAINERID", "CNI_IFNAME"]],
    ["GC", ["CNI_PATH"]],
  ])("%s names every variable that is missing", (name, missing) => {
    const { json } = expectError(call({ CNI_COMMAND: name }), 4);
    for (const variable of missing) expect(json.msg).toContain(variable);
  });

  it.each([
    ["CNI_CONTAINERID", ["../x", "a/b", "..", "a b", 'a"b', "a\nb", "-a", "x".repeat(300)]],
    ["CNI_IFNAME", ["a/b", "..", ".", "a b", "a:b", "a\n", "x".repeat(16), "eth%d"]],
  ])("an invalid %s is refused by ADD, CHECK and DEL", (variable, values) => {
    for (const name of ["ADD", "CHECK", "DEL"]) {
      for (const value of values) {
        expect(expectError(call(command(name, { [variable]: value })), 4).json.msg).toContain(variable);
      }
    }
  });

  it("ADD refuses the network namespace that the plugin runs in", () => {
    expectError(call(command("ADD", { CNI_NETNS: "/proc/self/ns/net" })), 8);
  });
}

function configurationCases(call: Call, command: WithCommand, config: Readonly<Record<string, unknown>>): void {
  const verbs = ["ADD", "CHECK", "DEL", "GC", "STATUS"];

  it.each(["", "{", '{"cniVersion": "1.1.0", "name": "x', "hello", "[]", "null", "5"])(
    "standard input that is %j is refused by every verb",
    (stdin) => {
      for (const verb of verbs) expectError(call(command(verb), stdin), 6);
    },
  );

  it.each(["", "a/b", "..", "a b", "a\nb", "a\0", '"', "x".repeat(300), null])(
    "the network name %j is refused",
    (name) => {
      for (const verb of verbs) {
        expect(expectError(call(command(verb), { ...config, name }), 7).json.msg).toContain("name");
      }
    },
  );

  it("wrong types in the common keys are refused by name", () => {
    const wrong = {
      cniVersion: 1,
      name: {},
      type: [],
      ipam: "x",
      dns: 5,
      runtimeConfig: [],
      args: "x",
      capabilities: { mac: "yes" },
      prevResult: "x",
    };
    for (const [key, value] of Object.entries(wrong)) {
      expect(expectError(call(command("ADD"), { ...config, [key]: value }), 6).json.msg).toContain(key);
    }
  });

  it("an unknown version is refused by every verb, and told", () => {
    for (const verb of verbs) {
      expectError(call(command(verb), { ...config, cniVersion: "0.9.0" }), 1);
    }
  });

  it.each([
    ["CHECK", "0.3.1"],
    ["GC", "1.0.0"],
    ["STATUS", "1.0.0"],
  ])("%s is refused for version %s, which does not have it", (verb, cniVersion) => {
    expectError(call(command(verb), { ...config, cniVersion }), 1);
  });
}

/** `config` has no prevResult. */
function chainCases(call: Call, command: WithCommand, config: Readonly<Record<string, unknown>>): void {
  it.each(["ADD", "CHECK"])("%s needs the result of the plugins before, and says so", (name) => {
    for (const given of [config, { ...config, prevResult: null }]) {
      expect(expectError(call(command(name), given), 7).json.msg).toContain("prevResult");
    }
  });

  it.each(["ADD", "CHECK"])("%s names what is wrong in the result of the plugins before", (name) => {
    const prevResult = { ...PREV_RESULT, ips: [{ address: "198.18.0.2/33" }] };
    expect(expectError(call(command(name), { ...config, prevResult })).json.msg).toContain("prevResult.ips[0].address");
  });
}
