// CNI_ variables that are missing or make no sense.

import { describe, expect, it } from "vitest";
import { expectError, leavesNothing, PLUGIN_NAMES, useNode } from "./node.ts";

const { call } = useNode();

/** What each call can't do without, in the order of the specification. */
const NEEDED = {
  ADD: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
  CHECK: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
  DEL: ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"],
  GC: ["CNI_PATH"],
} as const;
const KEYS = {
  CNI_CONTAINERID: "containerId",
  CNI_NETNS: "netns",
  CNI_IFNAME: "ifname",
  CNI_PATH: "path",
} as const;

describe.each(PLUGIN_NAMES)("%s", (plugin) => {
  leavesNothing();

  /** `env -u` in front: what the call itself sets is taken away again. */
  const without = (names: readonly string[]): readonly string[] => ["env", ...names.map((name) => `--unset=${name}`)];

  it.each(Object.entries(NEEDED))("%s names all variables that aren't set, in one error", (command, needed) => {
    for (let subset = 1; subset < 1 << needed.length; subset++) {
      const missing = needed.filter((_, i) => (subset & (1 << i)) !== 0);
      const says = [`${command} needs environment variables that are not set: ${missing.join(", ")}`];
      expectError(call(plugin, { command }, without(missing)), 4, says);
      // What is empty isn't set either.
      const empty = Object.fromEntries(missing.map((name) => [KEYS[name], ""]));
      expectError(call(plugin, { command, ...empty }), 4, says);
    }
  });

  it.each(["add", "Add", "ADD ", "UPDATE", "ADD\n", "x".repeat(10_000)])("refuses the command %j", (command) => {
    const says = ["CNI_COMMAND", JSON.stringify(command).slice(0, 60), "ADD, CHECK, DEL, GC, STATUS or VERSION"];
    expectError(call(plugin, { command }), 4, says);
  });

  it("tells people who call it by hand what it is", () => {
    const outcome = call(plugin, {}, without(["CNI_COMMAND"]));
    expect(outcome).toMatchObject({ status: 0, stdout: "" });
    expect(outcome.stderr).toMatch(new RegExp(`CNI ${plugin} plugin v1\\.9\\.1\\+bauta\\.\\S+\n.*1\\.1\\.0`));
  });

  it.each([
    ["CHECK", "0.3.1", "0.4.0"],
    ["GC", "1.0.0", "1.1.0"],
    ["STATUS", "1.0.0", "1.1.0"],
  ])("refuses %s to a configuration of version %s, which doesn't have it", (command, cniVersion, since) => {
    const config = { ...JSON.parse(JSON.stringify({ name: "net", type: plugin })), cniVersion };
    const says = [`does not allow ${command}`, `"${cniVersion}"`, since];
    expectError(call(plugin, { command, config }), 1, says);
  });
});
