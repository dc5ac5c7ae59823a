// CNI_NETNS that leads to no network namespace, or to one that nobody meant.

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { run } from "../../support/netns.ts";
import { expectError, expectRefused, type PluginName, stateOfNode, useNode } from "./node.ts";

const { call } = useNode();

/** Those that go into the container. */
const ENTERING: readonly PluginName[] = ["bridge", "ptp", "macvlan", "loopback"];
/** Those that never look at it. */
const IPAM: readonly PluginName[] = ["host-local", "static"];
const DIRECTORY = "/run/netns/cases";

beforeAll(() => {
  mkdirSync(DIRECTORY);
  const path = (name: string): string => `${DIRECTORY}/${name}`;
  writeFileSync(path("file"), "");
  run("mkfifo", path("fifo"));
  symlinkSync("nowhere", path("dangling"));
  symlinkSync("loop", path("loop"));
  symlinkSync("/proc/self/ns/mnt", path("mount-namespace"));
  writeFileSync(path("own"), "");
  run("mount", "--bind", "/proc/self/ns/net", path("own"));
  // What an unmounted namespace leaves behind.
  run("ip", "netns", "add", "unmounted");
  run("umount", "/run/netns/unmounted");
});

describe.each(ENTERING)("%s", (plugin) => {
  it.each<readonly [string, string, number, readonly string[]]>([
    ["nothing", "/run/netns/nothing", 3, ["does not exist", "container gone"]],
    ["something below a file", `${DIRECTORY}/file/x`, 3, ["does not exist", "container gone"]],
    ["a process that has ended", "/proc/4194305/ns/net", 3, ["does not exist", "container gone"]],
    ["a link to nowhere", `${DIRECTORY}/dangling`, 3, ["does not exist"]],
    ["podman's word for none", "dummy", 3, ['"dummy"', "does not exist"]],
    ["a file", `${DIRECTORY}/file`, 8, ["not a network namespace"]],
    ["what an unmounted namespace leaves", "/run/netns/unmounted", 8, ["not a network namespace"]],
    ["a directory", "/run/netns", 8, ["not a network namespace"]],
    ["a FIFO, which must not make it wait", `${DIRECTORY}/fifo`, 8, ["not a network namespace"]],
    ["a device", "/dev/null", 8, ["not a network namespace"]],
    ["a mount namespace", `${DIRECTORY}/mount-namespace`, 8, ["not a network namespace"]],
    ["a process id's user namespace", "/proc/self/ns/user", 8, ["not a network namespace"]],
    ["links in a circle", `${DIRECTORY}/loop`, 8, ["ELOOP"]],
    ["a path too long", `/run/${"x".repeat(300)}`, 8, ["ENAMETOOLONG"]],
    ["a name with quotes and a newline", '/run/netns/"\n', 3, ['/run/netns/\\"\\n', "does not exist"]],
  ])("refuses %s", (_, netns, code, says) => {
    expectRefused(() => call(plugin, { netns }), { code, says: ["CNI_NETNS", ...says] });
    expectError(call(plugin, { command: "CHECK", netns }), code, ["CNI_NETNS", ...says]);
  });

  it.each<readonly [string, string]>([
    ["nothing", "/run/netns/nothing"],
    ["what an unmounted namespace leaves", "/run/netns/unmounted"],
    ["a file", `${DIRECTORY}/file`],
    ["a mount namespace", `${DIRECTORY}/mount-namespace`],
    ["no path at all", ""],
  ])("has nothing to do in a DEL of %s", (_, netns) => {
    const before = stateOfNode();
    expect(call(plugin, { command: "DEL", netns })).toMatchObject({ status: 0, stdout: "" });
    expect(stateOfNode()).toEqual(before);
  });
});

describe.each([...ENTERING, ...IPAM])("%s", (plugin) => {
  it.each([
    ["by its own link", "/proc/self/ns/net"],
    ["by its thread's", "/proc/thread-self/ns/net"],
    ["by another name", `${DIRECTORY}/own`],
  ])("refuses the node's own namespace %s", (_, netns) => {
    const says = ["CNI_NETNS", JSON.stringify(netns), "the plugin runs in", "CNI_NETNS_OVERRIDE"];
    expectRefused(() => call(plugin, { netns }), { code: 8, says });
    // Its links are the node's, and `lo` among them.
    expectRefused(() => call(plugin, { command: "DEL", netns, ifname: "uplink" }), { code: 8, says });
  });
});

describe.each(IPAM)("%s", (plugin) => {
  it("gives addresses whatever the namespace, which is none of its business", () => {
    const before = stateOfNode();
    for (const netns of ["/run/netns/nothing", `${DIRECTORY}/file`, "/run/netns", `${DIRECTORY}/loop`]) {
      expect(call(plugin, { netns })).toMatchObject({ status: 0 });
      expect(call(plugin, { netns, command: "DEL" })).toMatchObject({ status: 0, stdout: "" });
    }
    expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
  });
});

it("loopback refuses a namespace that others have made their node", () => {
  const say = (...args: readonly string[]): unknown => run("ip", "-n", "container", ...args);
  say("address", "add", "192.0.2.9/32", "dev", "lo");
  onTestFinished(() => void say("address", "del", "192.0.2.9/32", "dev", "lo"));
  expectRefused(() => call("loopback", {}), { code: 999, says: ["loopback", "192.0.2.9"] });
});
