// Names that would lead elsewhere if they were believed: of containers, interfaces, networks, and in what the runtime
// hands back.

import { describe, expect, it } from "vitest";
import { run } from "../../support/netns.ts";
import { type PluginCall, succeed } from "../../support/plugin.ts";
import {
  expectError,
  expectRefused,
  type Json,
  leavesNothing,
  networkOf,
  PLUGIN_NAMES,
  type PluginName,
  stateOfNode,
  useNode,
} from "./node.ts";

const { call } = useNode();

const PATHS = ["/", "..", ".", "../../etc/passwd", "a/b", "/abs", "a/../b"];
const SPACES = [" ", "a b", " a", "a ", "a\nb", "a\tb", "a\rb", "a\n", "a\u0085b"];
const OTHERS = [
  "\u0007",
  "\u007f",
  '"',
  "'",
  "`id`",
  "$(id)",
  "a;b",
  "a\\b",
  "a|b",
  "*",
  "-rf",
  "_a",
  "ünï",
  "\u{1f600}",
  "\ufffd",
];
const LONG = ["x".repeat(256), "x".repeat(4096), "x".repeat(100_000)];

/** Everything that isn't a letter or digit followed by letters, digits, "_", "." and "-". */
const NAMES = [...PATHS, ...SPACES, ...OTHERS, ...LONG];
const tooLong = (name: string): string =>
  name.length > 255 ? "longer than 255 characters" : "not a letter or digit followed by letters, digits";

/** What every other call is tried with that ADD has refused all of. */
const SOME = ["../x", "a b", "a\n", "x".repeat(256)];

describe.each(PLUGIN_NAMES)("%s", (plugin) => {
  leavesNothing();

  it.each<readonly [string, readonly string[]]>([
    ["ADD", NAMES],
    ["CHECK", SOME],
    ["DEL", SOME],
  ])("refuses an %s of container ids that aren't names", (command, names) => {
    for (const containerId of names) {
      const says = ["CNI_CONTAINERID", shown(containerId), tooLong(containerId)];
      expectError(call(plugin, { command, containerId }), 4, says);
    }
  });

  it.each<readonly [string, readonly string[]]>([
    ["ADD", [...NAMES, "a\0b", "\0", "\ud800"]],
    ["CHECK", SOME],
    ["DEL", SOME],
    ["GC", SOME],
    ["STATUS", SOME],
  ])("refuses an %s on networks whose names aren't names", (command, names) => {
    for (const name of names) {
      const outcome = call(plugin, { command, config: networkOf(plugin, { name }) });
      expectError(outcome, 7, ["name: ", tooLong(name)]);
    }
  });

  it.each<readonly [string, readonly string[]]>([
    ["ADD", [...PATHS, ...SPACES, ...LONG, "a:b", "eth%d", "x".repeat(16), "ü".repeat(8), "\ufffd"]],
    ["CHECK", SOME],
    ["DEL", SOME],
  ])("refuses an %s of interface names that the kernel would not take", (command, names) => {
    for (const ifname of names) {
      expectError(call(plugin, { command, ifname }), 4, ["CNI_IFNAME", shown(ifname)]);
    }
  });

  it("tells of all that is wrong at once", () => {
    const says = ["CNI_CONTAINERID", '"a b"', "CNI_IFNAME", '"a/b"'];
    expectError(call(plugin, { containerId: "a b", ifname: "a/b" }), 4, says);
  });
});

describe.each(PLUGIN_NAMES)("%s", (plugin) => {
  it("takes the longest names that there may be", () => {
    const config = networkOf(plugin, { name: "n".repeat(255), ...(plugin === "bridge" ? { bridge: "long0" } : {}) });
    const longest = { containerId: "c".repeat(255), ifname: "i".repeat(15), config };
    const before = stateOfNode();
    const prevResult = succeed(call(plugin, longest));
    succeed(call(plugin, { ...longest, command: "CHECK", config: { ...config, prevResult } }));
    succeed(call(plugin, { ...longest, command: "DEL", config: { ...config, prevResult } }));
    const after = stateOfNode();
    expect({ rules: after.rules, files: after.files }).toEqual({ rules: before.rules, files: before.files });
    if (plugin === "bridge") run("ip", "link", "delete", "long0");
  });
});

/** As much of the name as every message shows. */
const shown = (name: string): string =>
  JSON.stringify(name)
    .replace(/[\u007f-\u009f]/g, (control) => `\\x${control.charCodeAt(0).toString(16)}`)
    .slice(0, 60);

describe("interface names with quotes, which the kernel takes", () => {
  it.each(['a"b', "a'b", "$(id)", "-rf", "ünï", "a\\b", "`id`", "\u{1f600}"])(
    "%j is served like any other",
    (ifname) => {
      const before = stateOfNode();
      const config = networkOf("ptp", { name: "quotes" });
      const prevResult = succeed(call("ptp", { ifname, config }));
      expect(prevResult.interfaces[1].name).toBe(ifname);
      succeed(call("ptp", { command: "CHECK", ifname, config: { ...config, prevResult } }));
      succeed(call("ptp", { command: "DEL", ifname, config: { ...config, prevResult } }));
      const after = stateOfNode();
      expect({ ...after, prepared: before.prepared }).toEqual(before);
    },
  );
});

describe("a prevResult that somebody has tampered with", () => {
  const HOSTILE = ["../../x", "a/b", "a\0b", "x".repeat(300), "", " ", "all", "lo", "uplink"];

  it.each<PluginName>(["bridge", "ptp"])("takes %s nowhere", (plugin) => {
    const before = stateOfNode();
    const config = networkOf(plugin, { name: "tampered" });
    const result = succeed(call(plugin, { config }));
    for (const name of HOSTILE) {
      const interfaces = result.interfaces.map((one: Json) => ({ ...one, name }));
      const tampered: Partial<PluginCall> = { config: { ...config, prevResult: { ...result, interfaces } } };
      const checked = call(plugin, { ...tampered, command: "CHECK" });
      expect(checked).toMatchObject({ status: 1, json: { code: expect.any(Number) } });
      expect(checked.stdout).not.toMatch(/Error:|src\//);
      // A DEL without a namespace has only this to go by.
      succeed(call(plugin, { ...tampered, command: "DEL", netns: "", ifname: "other0" }));
    }
    succeed(call(plugin, { command: "DEL", config }));
    expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
  });
});

describe("CNI_ARGS", () => {
  it.each<readonly [string, string, readonly string[]]>([
    ["without a value", "IP", ['"IP"', "KEY=value"]],
    ["with two", "IP=1=2", ['"IP=1=2"', "KEY=value"]],
    ["that aren't known", "FOO=bar;BAR=foo", ["FOO, BAR", "IgnoreUnknown"]],
    ["with an IgnoreUnknown of neither kind", "IgnoreUnknown=maybe", ['"maybe"', "neither true nor false"]],
    ["with an address that is none", "IgnoreUnknown=1;IP=10.1.0.300", ['"10.1.0.300"', "IP address"]],
    ["with a newline", "IgnoreUnknown=1;IP=10.1.0.3\n", ['"10.1.0.3\\n"', "IP address"]],
  ])("%s are told as such", (_, args, says) => {
    expectRefused(() => call("host-local", { args }), { code: 4, says: ["CNI_ARGS", ...says] });
  });

  it("with a MAC address that is none are told as such", () => {
    const says = ["CNI_ARGS", '"00:11"', "MAC address"];
    expectRefused(() => call("bridge", { args: "MAC=00:11" }), { code: 4, says });
  });
});

describe("paths", () => {
  it.each<readonly [string, Json, number, readonly string[]]>([
    ["a data directory with NUL", { dataDir: "/var/lib/x\0y" }, 7, ["ipam.dataDir", "not a path"]],
    ["a data directory of too long a name", { dataDir: `/var/lib/${"x".repeat(300)}` }, 5, ["ENAMETOOLONG"]],
    ["a data directory of too long a path", { dataDir: `/${"x/".repeat(2100)}` }, 5, ["ENAMETOOLONG"]],
    ["a data directory that is a file", { dataDir: "/proc/version" }, 5, ["/proc/version", "ENOTDIR"]],
    ["a data directory in /proc", { dataDir: "/proc/x" }, 5, ["/proc/x", "ENOENT"]],
    ["a resolv.conf that isn't there", { resolvConf: "/nowhere" }, 5, ["ipam.resolvConf", "/nowhere", "ENOENT"]],
    ["a resolv.conf that is a directory", { resolvConf: "/" }, 5, ["ipam.resolvConf", "EISDIR"]],
    ["a resolv.conf with NUL", { resolvConf: "/etc\0/x" }, 7, ["ipam.resolvConf", "not a path"]],
  ])("%s is told as such", (_, ipam, code, says) => {
    for (const plugin of ["host-local", "ptp"] as const) {
      expectRefused(() => call(plugin, { config: networkOf(plugin, { ipam }) }), { code, says });
    }
  });
});
