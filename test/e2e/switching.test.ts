// A node changes from containernetworking/plugins' executables to ours, and back, with containers running.

import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { PATIENCE_MS } from "../../engine/patience.mjs";
import { startBeside } from "../support/background.ts";
import { makeNetns, run, type TestNetns } from "../support/netns.ts";
import { executable, start, succeed } from "../support/plugin.ts";
import { becomeNode, leftovers, NODE, PLUGINS } from "./masquerade/node.ts";
import { addressesOf, type Json, networkOf } from "./masquerade/runtime.ts";
import { seenOneWay } from "./masquerade/traffic.ts";

const BAUTA = resolve("dist/bauta");
const peers = process.env["BAUTA_PEER_DIR"];
let outside: TestNetns;

beforeAll(() => {
  if (peers === undefined) throw new Error("BAUTA_PEER_DIR is not set: npm test sets it by tools/peer-plugins.sh");
  outside = becomeNode();
});

/** A plugin call of upstream's executable, or of ours. */
function call(directory: string, command: string, config: Json, container: TestNetns): Json {
  const attachment = { containerId: container.name, netns: container.path, ifname: "eth0" };
  return succeed(executable(join(directory, config.type))({ command, config, ...attachment }));
}

function bauta(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(BAUTA, args, { encoding: "utf8", timeout: PATIENCE_MS });
}

/** The sources of new flows of the container that are seen outside. */
function sourcesOf(container: TestNetns, result: Json): string[] {
  return addressesOf(result).map((address) => seenOneWay(container, address, outside));
}

const isUpstream = (): boolean => run("nft", "list", "tables").includes("cni_plugins_masquerade");

describe("a node that changes over", () => {
  it("adopts upstream's containers while they run, none of their flows leaves unmasqueraded, and DEL leaves nothing", async () => {
    const config = networkOf("ptp");
    const containers = Array.from({ length: 50 }, () => makeNetns());
    // Side by side, because each waits two seconds for the kernel to be done with its IPv6 address.
    const attached = await Promise.all(
      containers.map(async (container) => {
        const attachment = { containerId: container.name, netns: container.path, ifname: "eth0" };
        const outcome = await start(join(peers ?? "", config.type), { command: "ADD", config, ...attachment });
        return { container, result: succeed(outcome) };
      }),
    );
    const ended = startBeside(BAUTA, ["adopt"]).ends();
    const seen = new Set<string>();
    let probes = 0;
    for (let isOver = false, more = 0; more < attached.length; more += isOver ? 1 : 0) {
      isOver ||= !isUpstream();
      const one = attached[probes++ % attached.length];
      if (one !== undefined) for (const source of sourcesOf(one.container, one.result)) seen.add(source);
      if (probes > 10_000) throw new Error("upstream's rules are still there");
    }
    expect(await ended).toBe(0);
    expect([...seen].sort()).toEqual([NODE[4], NODE[6]]);
    expect(JSON.parse(bauta("list", "--json").stdout)).toHaveLength(50);
    for (const { container, result } of attached) {
      call(PLUGINS, "CHECK", { ...config, prevResult: result }, container);
      call(PLUGINS, "DEL", config, container);
      container.remove();
    }
    expect(leftovers()).toEqual([]);
  });

  it("survives a flushed rule set by bauta restore", () => {
    const config = networkOf("ptp");
    const container = makeNetns();
    const result = call(PLUGINS, "ADD", config, container);
    run("nft", "flush", "ruleset");
    expect(sourcesOf(container, result)).toEqual(addressesOf(result));
    expect(bauta("restore")).toMatchObject({ status: 0, stdout: expect.stringContaining("put back 2 addresses") });
    expect(sourcesOf(container, result)).toEqual([NODE[4], NODE[6]]);
    call(PLUGINS, "CHECK", { ...config, prevResult: result }, container);
    call(PLUGINS, "DEL", config, container);
    container.remove();
    expect(leftovers()).toEqual([]);
  });

  it("changes back: upstream's DEL removes what it knows, and bauta gc the rest", () => {
    const config = networkOf("ptp");
    const containers = Array.from({ length: 5 }, () => makeNetns());
    const results = containers.map((container) => call(PLUGINS, "ADD", config, container));
    for (const [i, container] of containers.entries()) {
      expect(sourcesOf(container, results[i])).toEqual([NODE[4], NODE[6]]);
      // As Debian packages it, it ends with 999 because iptables has no chain of its own making, all else being done.
      const attachment = { containerId: container.name, netns: container.path, ifname: "eth0" };
      executable(join(peers ?? "", config.type))({ command: "DEL", config, ...attachment });
    }
    expect(bauta("gc", "--grace", "0").stdout).toBe("removed 0 attachments\n"); // the namespaces are still there
    for (const container of containers) container.remove();
    expect(bauta("gc", "--dry-run", "--grace", "0").stdout).toContain("would remove 5 attachments\n");
    expect(bauta("gc", "--grace", "0")).toMatchObject({ status: 0, stdout: expect.stringContaining("removed 5 att") });
    expect(leftovers().filter((one) => !one.startsWith("table ip nat"))).toEqual([]); // iptables' own, and empty
    expect(run("nft", "list", "tables")).not.toContain("bauta");
  });

  it("puts a changed list into force for a container that runs", () => {
    const file = `/run/list-${process.pid}`;
    run("bash", "-c", `echo '{"nonMasqueradeCIDRs":["203.0.113.0/24"]}' > ${file}`);
    const config = networkOf("ptp", undefined, { ipMasqOptions: { excludeFile: file } });
    const container = makeNetns();
    const result = call(PLUGINS, "ADD", config, container);
    expect(sourcesOf(container, result)).toEqual([NODE[4], NODE[6]]);
    run("bash", "-c", `echo '{"nonMasqueradeCIDRs":["192.0.2.0/24"]}' > ${file}`);
    expect(bauta("apply")).toMatchObject({ status: 0, stdout: expect.stringContaining("+ 192.0.2.0/24\n") });
    expect(sourcesOf(container, result)).toEqual([addressesOf(result)[0], NODE[6]]);
    call(PLUGINS, "DEL", config, container);
    container.remove();
  });
});
