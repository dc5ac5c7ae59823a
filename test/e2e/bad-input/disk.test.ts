// Disks that are full, at whatever moment, and file systems that are read-only.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { run } from "../../support/netns.ts";
import { succeed } from "../../support/plugin.ts";
import { expectError, expectRefused, type Json, networkOf, type PluginName, stateOfNode, useNode } from "./node.ts";

const { call, checkBystander } = useNode();

const WITH_FILES: readonly PluginName[] = ["host-local", "ptp", "bridge"];
const PAGE = 4096; // what tmpfs counts in, with the directories; a larger page only fills earlier

/** Mounts a tmpfs over a directory until the running test ends. */
function mountTmpfs(directory: string, options: string): void {
  mkdirSync(directory, { recursive: true });
  run("mount", "-t", "tmpfs", "-o", `mode=755,${options}`, "tmpfs", directory);
  onTestFinished(() => {
    run("umount", directory);
  });
}

/** Makes everything below a directory read-only until `use` is over. */
function whileReadOnly<T>(directory: string, use: () => T): T {
  run("mount", "--bind", directory, directory);
  run("mount", "-o", "remount,bind,ro", directory);
  try {
    return use();
  } finally {
    run("umount", directory);
  }
}

/** A network of its own, whose addresses are noted in this directory. */
const networkIn = (plugin: PluginName, dataDir: string): Json => {
  const ipam = { dataDir, ranges: [[{ subnet: "10.8.0.0/24" }], [{ subnet: "fd08::/64" }]] };
  return networkOf(plugin, { name: "disk", ...(plugin === "bridge" ? { bridge: "br8" } : {}), ipam });
};

/** There is a bridge already: what is left of an ADD shall be told from what it was given. */
function makeBridge(): void {
  run("ip", "link", "add", "br8", "up", "address", "02:00:00:00:00:01", "type", "bridge");
  for (const address of ["10.8.0.1/24", "fd08::1/64"]) run("ip", "address", "add", address, "dev", "br8", "nodad");
  onTestFinished(() => void run("ip", "link", "delete", "br8"));
}

describe.each(WITH_FILES)("%s on a full disk", (plugin) => {
  it.each([
    ["inodes", (n: number) => `nr_inodes=${n}`, 2],
    ["pages", (n: number) => `size=${n * PAGE}`, 1],
  ] as const)("of however few %s gives nothing away, and takes no harm", (_, limit, least) => {
    const directory = "/run/disk";
    const config = networkIn(plugin, directory);
    makeBridge();
    let succeeded = false;
    for (let n: number = least; !succeeded; n++) {
      expect(n).toBeLessThan(20);
      mkdirSync(directory, { recursive: true });
      run("mount", "-t", "tmpfs", "-o", `mode=755,${limit(n)}`, "tmpfs", directory);
      try {
        const before = stateOfNode();
        const outcome = call(plugin, { config });
        succeeded = outcome.status === 0;
        if (succeeded) succeed(call(plugin, { command: "DEL", config }));
        else expectError(outcome, 5, ["ENOSPC", directory, "make room on its file system"]);
        expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
        // Neither does the DEL that follows a failed ADD.
        succeed(call(plugin, { command: "DEL", config }));
      } finally {
        run("umount", directory);
      }
    }
  });

  it("takes back what it gave when there was room, and gives again when there is", () => {
    const directory = "/run/filled";
    mountTmpfs(directory, `size=${16 * PAGE}`);
    const config = networkIn(plugin, directory);
    makeBridge();
    const before = stateOfNode();
    succeed(call(plugin, { containerId: "first", ifname: "first0", config }));
    // dd ends with an error when there is no more room, which is what it is for.
    run("sh", "-c", `dd if=/dev/zero of=${directory}/rest bs=${PAGE} 2>/dev/null || true`);
    const says = ["ENOSPC", directory, "make room on its file system"];
    const second = { containerId: "second", ifname: "second0", config };
    expectRefused(() => call(plugin, second), { code: 5, says, mayPrepare: true });
    succeed(call(plugin, { command: "DEL", containerId: "first", ifname: "first0", config }));
    rmSync(`${directory}/rest`);
    expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
    succeed(call(plugin, second));
    succeed(call(plugin, { ...second, command: "DEL" }));
    expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
  });
});

describe.each(WITH_FILES)("%s with a read-only data directory", (plugin) => {
  const says = ["EROFS", "ipam.dataDir must be a directory that this process can write to"];

  it("refuses an ADD", () => {
    const config = networkIn(plugin, "/run/read-only/new");
    makeBridge();
    mkdirSync("/run/read-only", { recursive: true });
    whileReadOnly("/run/read-only", () => {
      expectRefused(() => call(plugin, { config }), { code: 5, says: ["/run/read-only/new", ...says] });
      // Nothing has been given, so there is nothing to be taken back.
      succeed(call(plugin, { command: "DEL", config }));
    });
  });

  it("says in a DEL that the address can't be given back, and gives it back later", () => {
    const directory = "/run/read-only/used";
    const config = networkIn(plugin, directory);
    makeBridge();
    const before = stateOfNode();
    succeed(call(plugin, { config }));
    whileReadOnly(directory, () => {
      const other = { containerId: "other", ifname: "other0", config };
      expectRefused(() => call(plugin, other), { code: 5, says: [directory, ...says], mayPrepare: true });
      expectError(call(plugin, { command: "DEL", config }), 5, [directory, ...says]);
    });
    // All that isn't on that disk has gone at once.
    const { links, routes, rules } = stateOfNode();
    expect({ links, routes, rules }).toEqual({ links: before.links, routes: before.routes, rules: before.rules });
    succeed(call(plugin, { command: "DEL", config }));
    expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
  });
});

describe.each<PluginName>(["bridge", "ptp"])("%s where the records of masquerade", (plugin) => {
  const config = networkIn(plugin, "/var/lib/cni/networks");

  it("can't be written because /run is read-only refuses an ADD", () => {
    makeBridge();
    whileReadOnly("/run/bauta", () => {
      const says = ["/run/bauta/masquerade", "EROFS"];
      expectRefused(() => call(plugin, { config }), { code: 5, says, mayPrepare: true });
      succeed(call(plugin, { command: "DEL", config }));
    });
  });

  it.each([
    ["inodes", (n: number) => `nr_inodes=${n}`, 1],
    ["pages", (n: number) => `size=${n * PAGE}`, 1],
  ] as const)("find /run full, of however few %s, gives nothing away", (_, limit, least) => {
    makeBridge();
    let succeeded = false;
    for (let n: number = least; !succeeded; n++) {
      expect(n).toBeLessThan(12);
      run("mount", "-t", "tmpfs", "-o", `mode=755,${limit(n)}`, "tmpfs", "/run/bauta");
      try {
        const before = stateOfNode();
        const outcome = call(plugin, { config });
        succeeded = outcome.status === 0;
        if (!succeeded) expectError(outcome, 5, ["/run/bauta", "ENOSPC"]);
        succeed(call(plugin, { command: "DEL", config }));
        expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
      } finally {
        run("umount", "/run/bauta");
      }
    }
    checkBystander();
  });

  it("aren't what they should be goes by what is in the kernel", () => {
    makeBridge();
    const before = stateOfNode();
    succeed(call(plugin, { config }));
    const [record = ""] = Object.keys(stateOfNode().files).filter(
      (path) => path.startsWith("/run/bauta/") && !(path in before.files),
    );
    for (const content of ["", "{", "null", '{"attachment":{}}', "\0\0\0"]) {
      writeFileSync(record, content);
      expect(readFileSync(record, "utf8")).toBe(content);
      const outcome = call(plugin, { command: "DEL", config });
      expect(outcome).toMatchObject({ status: 0 });
      succeed(call(plugin, { config }));
    }
    succeed(call(plugin, { command: "DEL", config }));
    expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
  });
});

describe.each<PluginName>(["bridge", "ptp"])("%s with a read-only /proc/sys", (plugin) => {
  it.each([
    ["IPv4", "net.ipv4.ip_forward", "10.8.0.0/24"],
    ["IPv6", "net.ipv6.conf.all.forwarding", "fd08::/64"],
  ])("refuses to be the gateway of a node that doesn't forward %s, and says what to set", (_, setting, subnet) => {
    makeBridge();
    const keep = (value: 0 | 1): unknown =>
      run("nsenter", "--net=/run/netns/container", "sysctl", "-qw", `net.ipv6.conf.default.keep_addr_on_down=${value}`);
    const forward = (value: 0 | 1): unknown => run("sysctl", "-qw", `${setting}=${value}`);
    // The only parameter of a container's interface that it can't do without.
    keep(1);
    forward(0);
    onTestFinished(() => {
      keep(0);
      forward(1);
    });
    const config = networkOf(plugin, { name: "disk", bridge: "br8", ipam: { ranges: [[{ subnet }]] } });
    const says = [`/proc/sys/${setting.replaceAll(".", "/")}`, "EROFS", `${setting}=1`];
    whileReadOnly("/proc/sys", () => {
      expectRefused(() => call(plugin, { config }), { code: 5, says, mayPrepare: true });
      succeed(call(plugin, { command: "DEL", config }));
    });
    forward(1);
    whileReadOnly("/proc/sys", () => {
      succeed(call(plugin, { config }));
      succeed(call(plugin, { command: "DEL", config }));
    });
  });
});
