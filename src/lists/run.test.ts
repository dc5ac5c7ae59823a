// The plugins are scripts that note how they were called.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { engine } from "../sys/engine.ts";
import { type NetworkList, parseList } from "./list.ts";
import { addList, type Container, checkList, delList, gcList, type Runtime, statusOfList } from "./run.ts";

let root: string;
let runtime: Runtime;
let log: string[];
beforeEach(() => {
  root = temporaryDirectory();
  mkdirSync(join(root, "bin"));
  log = [];
  runtime = { path: `/nonexistent:${join(root, "bin")}`, cache: join(root, "cache"), log: (line) => log.push(line) };
});

/** A plugin that notes each call and prints the text; `more` is what it does then. */
function install(type: string, printed: unknown, more = ""): void {
  const script = `#!/bin/sh
cd ${root}
printf '%s %s|%s|%s|%s|%s|%s|' "$CNI_COMMAND" ${type} "$CNI_CONTAINERID" "$CNI_NETNS" "$CNI_IFNAME" "$CNI_ARGS" "$CNI_PATH" >>calls
cat >>calls; echo >>calls
cat <<'END'
${typeof printed === "string" ? printed : JSON.stringify(printed)}
END
${more}
`;
  writeFileSync(join(root, "bin", type), script);
  chmodSync(join(root, "bin", type), 0o755);
}

interface NotedCall {
  readonly call: string;
  readonly id: string;
  readonly netns: string;
  readonly ifname: string;
  readonly args: string;
  readonly path: string;
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into whatever a plugin was given
  readonly config: any;
}

/** The calls since the last time that this was asked. */
function calls(): NotedCall[] {
  const path = join(root, "calls");
  const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  writeFileSync(path, "");
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const [call = "", id = "", netns = "", ifname = "", args = "", way = "", ...config] = line.split("|");
      return { call, id, netns, ifname, args, path: way, config: JSON.parse(config.join("|")) };
    });
}
const order = (): string[] => calls().map(({ call }) => call);

function listOf(more: object = {}, ...plugins: readonly object[]): NetworkList {
  const inside = plugins.length > 0 ? plugins : [{ type: "one" }, { type: "two" }];
  return parseList(
    engine.encode(JSON.stringify({ cniVersion: "1.1.0", name: "net1", plugins: inside, ...more })),
    "list",
  );
}

const container: Container = {
  containerId: "c1",
  netns: "/run/netns/c1",
  ifname: "eth0",
  args: [],
  capabilityArgs: {},
};
const RESULT1 = { cniVersion: "1.1.0", interfaces: [{ name: "eth0" }] };
const RESULT2 = { cniVersion: "1.1.0", interfaces: [{ name: "eth0" }, { name: "ifb0" }] };
const failing = (code: number, msg: string): [string, string] => [JSON.stringify({ code, msg }), "exit 1"];
const failure = (message: string, code: number, cause: string): unknown =>
  expect.objectContaining({
    name: "PluginFailure",
    message: expect.stringContaining(message),
    cause: expect.objectContaining({ code, message: expect.stringContaining(cause) }),
  });
const cacheFile = (): string => join(root, "cache/results/net1-c1-eth0");

describe("addList()", () => {
  it("calls the plugins in order, each with the result of the one before, and keeps the last one's", () => {
    install("one", RESULT1);
    install("two", RESULT2);
    expect(addList(listOf(), container, runtime)).toEqual(RESULT2);
    const injected = { cniVersion: "1.1.0", name: "net1" };
    const common = { id: "c1", netns: "/run/netns/c1", ifname: "eth0", args: "", path: runtime.path };
    expect(calls()).toEqual([
      { ...common, call: "ADD one", config: { type: "one", ...injected } },
      { ...common, call: "ADD two", config: { type: "two", ...injected, prevResult: RESULT1 } },
    ]);
    expect(JSON.parse(readFileSync(cacheFile(), "utf8"))).toMatchObject({ kind: "cniCacheV1", result: RESULT2 });
  });

  it("gives each plugin of the runtime's values those of its capabilities, and CNI_ARGS as it is", () => {
    install("one", RESULT1);
    install("two", RESULT2);
    const plugins = [
      { type: "one", capabilities: { ips: true, mac: false, bandwidth: true }, runtimeConfig: { own: 1 } },
      { type: "two", capabilities: { mac: false }, runtimeConfig: { own: 1 } },
    ];
    const capabilityArgs = { ips: ["10.1.2.3/24"], mac: "02:00:00:00:00:01", portMappings: [] };
    addList(
      listOf({}, ...plugins),
      {
        ...container,
        capabilityArgs,
        args: [
          ["A", "b"],
          ["C", "d"],
        ],
      },
      runtime,
    );
    const [one, two] = calls();
    expect([one?.args, two?.args]).toEqual(["A=b;C=d", "A=b;C=d"]);
    expect(one?.config.runtimeConfig).toEqual({ ips: ["10.1.2.3/24"] });
    expect(two?.config.runtimeConfig).toEqual({ own: 1 });
    expect(JSON.parse(readFileSync(cacheFile(), "utf8"))).toMatchObject({
      cniArgs: [
        ["A", "b"],
        ["C", "d"],
      ],
      capabilityArgs,
    });
  });

  it("puts the list's name and version in the place of the plugin's own, however those are written", () => {
    install("one", RESULT1);
    addList(listOf({}, { NAME: "x", name: "y", cniVersion: "0.1.0", type: "one" }), container, runtime);
    const [{ config } = { config: {} }] = calls();
    expect(config).toEqual({ NAME: "x", type: "one", name: "net1", cniVersion: "1.1.0" });
    expect(Object.keys(config).at(-1)).toBe("cniVersion"); // behind NAME: of keys that differ by case the last counts
  });

  it("takes a result without a version for one of the list's, and drops keys that no result has", () => {
    install("one", { ips: [{ address: "10.1.2.3/24", interface: 0 }], odd: 1 });
    const list = listOf({ cniVersion: "0.4.0" }, { type: "one" });
    expect(addList(list, container, runtime)).toEqual({
      cniVersion: "0.4.0",
      ips: [{ version: "4", address: "10.1.2.3/24", interface: 0 }],
      dns: {},
    });
  });

  it("takes an empty result of the first versions", () => {
    install("one", "{}");
    expect(addList(listOf({ cniVersion: "0.2.0" }, { type: "one" }), container, runtime)).toEqual({
      cniVersion: "0.2.0",
    });
  });

  it("ends at the first plugin that fails, and neither undoes nor keeps anything", () => {
    install("one", ...failing(7, "no"));
    install("two", RESULT2);
    expect(() => addList(listOf(), container, runtime)).toThrow(
      failure('ADD of plugin "one" failed (list: plugins[0])', 7, "no"),
    );
    expect(order()).toEqual(["ADD one"]);
    expect(existsSync(cacheFile())).toBe(false);
  });

  it.each([
    ["oops", 6, 'the result of plugin "one" is not JSON'],
    ["", 6, 'the result of plugin "one" is empty'],
    ["[]", 6, 'the result of plugin "one" is not an object'],
    ['{"cniVersion": "9.0.0"}', 6, 'unknown cniVersion "9.0.0"'],
    ['{"ips": [{"address": "x"}]}', 7, 'ips[0].address: "x" is not a CIDR prefix'],
  ])("refuses %j as a result, with code %i", (printed, code, message) => {
    install("one", printed);
    expect(() => addList(listOf(), container, runtime)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });

  it("says where it has looked for a plugin", () => {
    expect(() => addList(listOf(), container, runtime)).toThrow(
      expect.objectContaining({ code: 999, message: expect.stringContaining('failed to find plugin "one" in path') }),
    );
  });
});

describe("delList()", () => {
  it("calls the plugins in reverse order, all with the result of the list, and forgets that", () => {
    install("one", RESULT1);
    install("two", RESULT2);
    addList(listOf(), container, runtime);
    calls();
    delList(listOf(), container, runtime);
    const [first, second] = calls();
    expect([first?.call, second?.call]).toEqual(["DEL two", "DEL one"]);
    expect([first?.config.prevResult, second?.config.prevResult]).toEqual([RESULT2, RESULT2]);
    expect(existsSync(cacheFile())).toBe(false);
    delList(listOf(), container, runtime);
    expect(calls().map(({ call, config }) => [call, "prevResult" in config])).toEqual([
      ["DEL two", false],
      ["DEL one", false],
    ]);
  });

  it("has no result before 0.4.0", () => {
    install("one", { ...RESULT1, cniVersion: "0.3.1" });
    const list = listOf({ cniVersion: "0.3.1" }, { type: "one" });
    addList(list, container, runtime);
    calls();
    delList(list, container, runtime);
    expect(calls()[0]?.config).toEqual({ type: "one", name: "net1", cniVersion: "0.3.1" });
  });

  it("has the result in the version that the list has by now", () => {
    install("one", { cniVersion: "1.0.0", ips: [{ address: "10.1.2.3/24" }] });
    addList(listOf({ cniVersion: "1.0.0" }, { type: "one" }), container, runtime);
    calls();
    delList(listOf({ cniVersion: "0.4.0" }, { type: "one" }), container, runtime);
    const prevResult = { cniVersion: "0.4.0", ips: [{ version: "4", address: "10.1.2.3/24" }], dns: {} };
    expect(calls()[0]?.config.prevResult).toEqual(prevResult);
  });

  it("goes on without a result that can't be understood, and says so", () => {
    install("one", RESULT1);
    mkdirSync(join(root, "cache/results"), { recursive: true });
    writeFileSync(cacheFile(), "{");
    delList(listOf({}, { type: "one" }), container, runtime);
    expect(calls()[0]?.config.prevResult).toBeUndefined();
    expect(log).toEqual([expect.stringContaining("DEL goes on without the result of the ADD")]);
    expect(existsSync(cacheFile())).toBe(false);
  });

  it("ends at the first plugin that fails, as libcni does, and keeps the result", () => {
    install("one", RESULT1);
    install("two", RESULT2);
    addList(listOf(), container, runtime);
    install("two", ...failing(11, "busy"));
    calls();
    expect(() => delList(listOf(), container, runtime)).toThrow(failure('DEL of plugin "two" failed', 11, "busy"));
    expect(order()).toEqual(["DEL two"]);
    expect(existsSync(cacheFile())).toBe(true);
  });
});

describe("checkList()", () => {
  it("calls the plugins in order, all with the result of the list", () => {
    install("one", RESULT1);
    install("two", RESULT2);
    addList(listOf(), container, runtime);
    calls();
    expect(checkList(listOf(), container, runtime)).toBe(true);
    const [first, second] = calls();
    expect([first?.call, second?.call]).toEqual(["CHECK one", "CHECK two"]);
    expect([first?.config.prevResult, second?.config.prevResult]).toEqual([RESULT2, RESULT2]);
    install("one", ...failing(100, "altered"));
    expect(() => checkList(listOf(), container, runtime)).toThrow(
      failure('CHECK of plugin "one" failed', 100, "altered"),
    );
    expect(order()).toEqual(["CHECK one"]);
  });

  it("calls nobody with disableCheck, before 0.4.0 or where nothing is known", () => {
    expect(checkList(listOf({ disableCheck: true }), container, runtime)).toBe(false);
    expect(() => checkList(listOf({ cniVersion: "0.3.1" }), container, runtime)).toThrow(
      expect.objectContaining({ code: 1, message: "config version does not allow CHECK" }),
    );
    expect(() => checkList(listOf(), container, runtime)).toThrow(
      expect.objectContaining({
        code: 7,
        message: expect.stringContaining("nothing is known of eth0 of container c1"),
      }),
    );
    expect(order()).toEqual([]);
  });
});

describe("gcList()", () => {
  const at = (containerId: string): Container => ({
    ...container,
    containerId,
    netns: `/run/netns/${containerId}`,
    args: [["A", containerId]],
  });

  it("detaches what is not valid with what its ADD was given, and then calls each plugin's GC", () => {
    install("one", RESULT1);
    for (const id of ["c1", "c2", "c3"]) addList(listOf({}, { type: "one" }), at(id), runtime);
    calls();
    const valid = [
      { containerId: "c2", ifname: "eth0" },
      { containerId: "c3", ifname: "eth1" },
    ];
    const { removed, errors } = gcList(listOf({}, { type: "one" }), valid, runtime);
    expect([removed.map(({ containerId }) => containerId), errors]).toEqual([["c1", "c3"], []]);
    const done = calls();
    expect(done.map(({ call, id, netns, args }) => [call, id, netns, args])).toEqual([
      ["DEL one", "c1", "/run/netns/c1", "A=c1"],
      ["DEL one", "c3", "/run/netns/c3", "A=c3"],
      ["GC one", "", "", ""],
    ]);
    const attachments = [
      { containerID: "c2", ifname: "eth0" },
      { containerID: "c3", ifname: "eth1" },
    ];
    expect(done[2]?.config).toEqual({
      type: "one",
      name: "net1",
      cniVersion: "1.1.0",
      "cni.dev/valid-attachments": attachments,
      "cni.dev/attachments": attachments,
    });
  });

  it("goes on after a failure", () => {
    install("one", RESULT1);
    install("two", RESULT2);
    for (const id of ["c1", "c2"]) addList(listOf(), at(id), runtime);
    install("one", ...failing(5, "no"));
    calls();
    const { removed, errors } = gcList(listOf(), [], runtime);
    expect(removed).toEqual([]);
    expect(errors).toEqual([failure("DEL", 5, "no"), failure("DEL", 5, "no"), failure("GC", 5, "no")]);
    expect(order()).toEqual(["DEL two", "DEL one", "DEL two", "DEL one", "GC one", "GC two"]);
  });

  it("calls no GC before 1.1.0, and nobody with disableGC", () => {
    install("one", RESULT1);
    const plugin = { type: "one" };
    addList(listOf({ cniVersion: "1.0.0" }, plugin), at("c1"), runtime);
    calls();
    expect(gcList(listOf({ disableGC: true }, plugin), [], runtime)).toEqual({ removed: [], errors: [] });
    expect(order()).toEqual([]);
    gcList(listOf({ cniVersion: "1.0.0" }, plugin), [], runtime);
    expect(order()).toEqual(["DEL one"]);
  });
});

describe("statusOfList()", () => {
  it("calls the plugins in order, up to the first that fails, since 1.1.0", () => {
    install("one", "");
    install("two", ...failing(50, "full"));
    install("three", "");
    const list = listOf({}, { type: "one" }, { type: "two" }, { type: "three" });
    expect(() => statusOfList(list, runtime)).toThrow(failure('STATUS of plugin "two" failed', 50, "full"));
    expect(calls().map(({ call, id, config }) => [call, id, config.name])).toEqual([
      ["STATUS one", "", "net1"],
      ["STATUS two", "", "net1"],
    ]);
    expect(statusOfList(listOf({}, { type: "one" }), runtime)).toBe(true);
    calls();
    expect(statusOfList(listOf({ cniVersion: "1.0.0" }), runtime)).toBe(false);
    expect(order()).toEqual([]);
  });
});
