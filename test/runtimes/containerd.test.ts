// containerd: with its own command, and as a kubelet uses it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { PATIENCE_MS } from "../../engine/patience.mjs";
import { leftovers, NODE, PLUGINS } from "../e2e/masquerade/node.ts";
import { expectPublished, type Published } from "../e2e/masquerade/published.ts";
import { type Json, networkOf, TYPES, type Type } from "../e2e/masquerade/runtime.ts";
import { PROTOCOLS, seenFrom, seenOutside } from "../e2e/masquerade/traffic.ts";
import { addressesIn, poll, run, type TestNetns } from "../support/netns.ts";
import { makePackages, packageNamed } from "../support/packages.ts";
import { ctr, NETWORKS, PLUGIN_DIRECTORY, SOCKET, startContainerd, untilReady } from "./containerd.ts";
import { CriClient } from "./cri.ts";
import { installer, isHostNetwork } from "./daemonset.ts";
import { IMAGE } from "./image.ts";
import {
  becomeNodeWithRuntimes,
  CGROUP,
  containerAt,
  environment,
  listOf,
  program,
  removeControlGroups,
  WORK,
} from "./runtime.ts";

let outside: TestNetns;
let containerd: ChildProcess;
beforeAll(() => {
  outside = becomeNodeWithRuntimes();
  mountDirectories();
  containerd = startContainerd();
});
afterAll(() => {
  containerd.kill("SIGKILL");
  removeControlGroups();
});

/** Makes directories that this machine may have otherwise, or not at all, in the namespaces of this test. */
function mountDirectories(): void {
  const [upper, work] = [join(WORK, "etc"), join(WORK, "etc.work")];
  for (const path of [upper, work]) mkdirSync(path);
  run("mount", "-t", "overlay", "-o", `lowerdir=/etc,upperdir=${upper},workdir=${work}`, "overlay", "/etc");
  run("mount", "-t", "tmpfs", "tmpfs", "/opt");
  rmSync(NETWORKS, { recursive: true, force: true });
  for (const path of [NETWORKS, PLUGIN_DIRECTORY]) mkdirSync(path, { recursive: true });
  for (const name of readdirSync(PLUGINS)) copyFileSync(join(PLUGINS, name), join(PLUGIN_DIRECTORY, name));
}

/** The network, until the running test ends. */
function makeNetwork(type: Type, ...chained: readonly Json[]): Json {
  const config = networkOf(type, undefined, { cniVersion: "1.0.0" });
  const path = join(NETWORKS, "10-test.conflist");
  writeFileSync(path, JSON.stringify(listOf(config, ...chained)));
  onTestFinished(() => {
    rmSync(path);
    if (type === "bridge") run("ip", "link", "delete", config.bridge);
  });
  return config;
}

function expectMasqueraded(container: TestNetns): void {
  const addresses = addressesIn(container);
  expect(addresses).toHaveLength(2);
  for (const address of addresses) {
    for (const protocol of PROTOCOLS) {
      expect(seenOutside(container, address, outside, protocol)).toBe(NODE[address.includes(":") ? 6 : 4]);
    }
  }
}

describe.each(TYPES)("ctr with %s", (type) => {
  // In the foreground: ctr 1.6 never detaches what it has left to itself.
  const start = (name: string): { netns: TestNetns; end: () => Promise<unknown> } => {
    const args = ["--address", SOCKET, "run", "--rm", "--cni", "--cgroup", `/${CGROUP}/${name}`, IMAGE, name];
    const child = spawn(program("ctr"), [...args, "sleep", "9999"], { env: environment(), stdio: "ignore" });
    const pid = poll(
      `${name} to run`,
      () => ctr("task", "ls").match(new RegExp(`^${name}\\s+(\\d+)\\s+RUNNING`, "m"))?.[1],
    );
    const end = (): Promise<unknown> => {
      const ended = once(child, "exit");
      ctr("task", "kill", "--signal", "SIGKILL", name);
      return ended;
    };
    return { netns: containerAt(`/proc/${pid}/ns/net`), end };
  };

  it("has containers that leave from the node's addresses in both families, and removes them without a trace", async () => {
    makeNetwork(type);
    const [one, other] = [start("one"), start("other")];
    for (const { netns } of [one, other]) expectMasqueraded(netns);
    const [from = "", to = ""] = [one, other].map(({ netns }) => addressesIn(netns)[0]);
    expect(seenFrom(one.netns, from, other.netns, to, "tcp")).toBe(from);
    await one.end();
    expectMasqueraded(other.netns);
    await other.end();
    expect(leftovers()).toEqual([]);
  });
});

describe.each(TYPES)("containerd's CRI with %s", (type) => {
  let client: CriClient;
  beforeAll(() => {
    client = new CriClient(SOCKET);
  });
  afterAll(() => client.close());

  const runPod = async (
    name: string,
    published: readonly Published[] = [],
  ): Promise<{ id: string; netns: TestNetns; addresses: string[] }> => {
    const id = await client.run({ name, cgroupParent: `/${CGROUP}`, logDirectory: join(WORK, "logs"), published });
    const { addresses, pid } = await client.status(id);
    return { id, addresses, netns: containerAt(`/proc/${pid}/ns/net`) };
  };

  it("has pods that leave from the node's addresses in both families, and removes them without a trace", async () => {
    makeNetwork(type);
    const pods = await Promise.all([untilReady(() => runPod("one")), untilReady(() => runPod("other"))]);
    for (const { netns, addresses } of pods) {
      expect(addresses).toEqual(addressesIn(netns));
      expectMasqueraded(netns);
    }
    for (const { id } of pods) {
      await client.stop(id);
      await client.stop(id); // as kubelets do
      await client.remove(id);
    }
    expect(leftovers()).toEqual([]);
  });

  // The list of containerd's own install-cni.
  it("has pods with host ports, which are reached from outside and from the node", async () => {
    makeNetwork(type, { type: "portmap", capabilities: { portMappings: true } });
    const ports: readonly Published[] = [
      { protocol: "tcp", hostPort: 8080, containerPort: 80 },
      { protocol: "udp", hostPort: 5353, containerPort: 53 },
    ];
    const { id, netns } = await untilReady(() => runPod("web", ports));
    for (const port of ports) expectPublished(netns, outside, port);
    expectMasqueraded(netns);
    await client.stop(id);
    await client.stop(id);
    await client.remove(id);
    expect(leftovers()).toEqual([]);
  });
});

describe("the image, in a pod of its DaemonSet", () => {
  it("installs the plugins on the node, without a capability and before the node has a network", async () => {
    const packages = makePackages(WORK);
    ctr("--namespace", "k8s.io", "image", "import", packageNamed(packages, /\.oci\.tar$/));
    const bridge = join(PLUGIN_DIRECTORY, "bridge");
    writeFileSync(bridge, "upstream's");
    chownSync(bridge, 1001, 1001);

    const client = new CriClient(SOCKET);
    onTestFinished(() => client.close());
    const pod = { name: "install", cgroupParent: `/${CGROUP}`, logDirectory: join(WORK, "logs"), isHostNetwork };
    const sandbox = await client.run(pod);
    const container = await client.start(sandbox, pod, installer());
    let reason: string | undefined;
    for (const end = performance.now() + PATIENCE_MS; reason === undefined && performance.now() < end; )
      reason = await client.reason(container);
    expect([reason, readFileSync(join(WORK, "logs/install.log"), "utf8")]).toEqual([
      "Completed",
      expect.stringContaining(`installed bauta`),
    ]);
    await client.stop(sandbox);
    await client.remove(sandbox);

    expect(readlinkSync(bridge)).toBe(".bauta/bauta");
    expect(run(join(PLUGIN_DIRECTORY, "bauta"), "version")).toBe(run("dist/bauta", "version"));
    run(join(PLUGIN_DIRECTORY, "bauta"), "uninstall");
    expect(readFileSync(bridge, "utf8")).toBe("upstream's");
  });
});
