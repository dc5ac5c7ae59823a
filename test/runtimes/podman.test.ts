// podman with networks of CNI plugins: ours in front, upstream's portmap behind.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { PATIENCE_S } from "../../engine/patience.mjs";
import { addressFiles, leftovers, NODE, OUTSIDE, ruleset, veths } from "../e2e/masquerade/node.ts";
import { DUAL, type Json, networkOf, TYPES, type Type } from "../e2e/masquerade/runtime.ts";
import { PROTOCOLS, seenFrom, seenOutside } from "../e2e/masquerade/traffic.ts";
import { run, type TestNetns } from "../support/netns.ts";
import { Socket } from "../support/sockets.ts";
import {
  addressesIn,
  becomeNodeWithRuntimes,
  CGROUP,
  containerAt,
  environment,
  listOf,
  pluginDirectories,
  program,
  ROOTFS,
  removeControlGroups,
  runRuntime,
  WORK,
} from "./runtime.ts";

const NETWORKS = join(WORK, "networks");
const CONTAINERS_CONF = join(WORK, "containers.conf");
const STORAGE_CONF = join(WORK, "storage.conf");

// cgroupfs: there is no systemd here to ask. runc: crun refuses hybrid control groups.
const configuration = (): string => `
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
conmon_path = ["${program("conmon")}"]
[engine.runtimes]
runc = ["${program("runc")}"]
[network]
network_backend = "cni"
cni_plugin_dirs = ${JSON.stringify(pluginDirectories())}
network_config_dir = "${NETWORKS}"
`;

const STORAGE = `
[storage]
driver = "overlay"
runroot = "${WORK}/run"
graphroot = "${WORK}/graph"
`;

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNodeWithRuntimes();
  mkdirSync(NETWORKS);
  writeFileSync(CONTAINERS_CONF, configuration());
  writeFileSync(STORAGE_CONF, STORAGE);
});
afterAll(() => removeControlGroups());

function podman(...args: readonly string[]): string {
  const env = environment({ CONTAINERS_CONF, CONTAINERS_STORAGE_CONF: STORAGE_CONF });
  return runRuntime("podman", args, env);
}

/** A network until the running test ends; podman 4.3 knows CNI up to 1.0.0. */
function makeNetwork(type: Type, chained: readonly Json[] = [], subnets: readonly string[] = DUAL): Json {
  const config = networkOf(type, subnets, { cniVersion: "1.0.0" });
  const path = join(NETWORKS, `${config.name}.conflist`);
  writeFileSync(path, JSON.stringify(listOf(config, ...chained)));
  onTestFinished(() => {
    rmSync(path);
    if (type === "bridge") run("ip", "link", "delete", config.bridge);
  });
  return config;
}

/** Starts a container that sleeps, until the running test ends. */
function start(name: string, ...options: readonly string[]): TestNetns {
  onTestFinished(() => void podman("rm", "--force", "--ignore", "--time=0", name));
  podman(
    "run",
    "--detach",
    "--name",
    name,
    `--cgroup-parent=/${CGROUP}`,
    ...options,
    "--rootfs",
    ROOTFS,
    "sleep",
    "9999",
  );
  return namespaceOf(name);
}

function namespaceOf(name: string): TestNetns {
  return containerAt(podman("inspect", "--format", "{{.NetworkSettings.SandboxKey}}", name));
}

function remove(...names: readonly string[]): void {
  podman("rm", "--force", "--time=0", ...names);
}

function expectMasqueraded(container: TestNetns, ifname = "eth0"): void {
  const addresses = addressesIn(container, ifname);
  expect(addresses).toHaveLength(2);
  for (const address of addresses) {
    for (const protocol of PROTOCOLS) {
      expect(seenOutside(container, address, outside, protocol)).toBe(NODE[address.includes(":") ? 6 : 4]);
    }
  }
}

/** Upstream's portmap keeps its tables when nothing is left in them. */
function leftBesidePortmap(): string[] {
  for (const family of ["ip", "ip6"]) {
    const table = `table ${family} cni_hostport`;
    run("nft", `add ${table}; delete ${table}`);
  }
  return leftovers();
}

describe.each(TYPES)("podman with %s", (type) => {
  it("has containers that leave from the node's addresses in both families, and removes them without a trace", () => {
    const { name } = makeNetwork(type);
    const [one, other] = [start("one", "--network", name), start("other", "--network", name)];
    for (const container of [one, other]) expectMasqueraded(container);
    for (const family of [4, 6] as const) podman("exec", "one", "ping", "-c1", `-W${PATIENCE_S}`, OUTSIDE[family]);
    remove("one", "other");
    expect(leftovers()).toEqual([]);
  });

  it("has containers that see each other's own addresses", () => {
    const { name } = makeNetwork(type);
    const [one, other] = [start("one", "--network", name), start("other", "--network", name)];
    for (const [i, to] of addressesIn(other).entries()) {
      const from = addressesIn(one)[i] ?? "";
      expect(seenFrom(one, from, other, to, "tcp")).toBe(from);
    }
    remove("one", "other");
    expect(leftovers()).toEqual([]);
  });

  it("stops, starts and restarts a container, which is masqueraded whenever it runs", () => {
    const { name } = makeNetwork(type);
    expectMasqueraded(start("one", "--network", name));
    podman("stop", "--time=0", "one");
    expect(leftovers()).toEqual([]);
    podman("start", "one");
    expectMasqueraded(namespaceOf("one"));
    podman("restart", "--time=0", "one");
    expectMasqueraded(namespaceOf("one"));
    remove("one");
    expect(leftovers()).toEqual([]);
  });

  it("connects a running container to another network, and disconnects it again", () => {
    const first = makeNetwork(type);
    const second = makeNetwork("bridge", [], ["198.19.7.0/24", "fd61:7465:6d65:2000::/112"]);
    const container = start("one", "--network", first.name);
    podman("network", "connect", second.name, "one");
    expect(addressesIn(container, "eth1")).toHaveLength(2);
    podman("network", "disconnect", first.name, "one");
    expectMasqueraded(container, "eth1");
    podman("network", "disconnect", second.name, "one");
    expect(leftovers()).toEqual([]);
    remove("one");
  });

  it("gives a container the addresses that it asks for", () => {
    const { name } = makeNetwork(type, [], ["198.18.0.0/17"]);
    const container = start("one", "--network", name, "--ip", "198.18.0.77");
    expect(addressesIn(container)).toEqual(["198.18.0.77"]);
    expect(seenOutside(container, "198.18.0.77", outside, "tcp")).toBe(NODE[4]);
    remove("one");
    expect(leftovers()).toEqual([]);
  });

  it("publishes a port with upstream's portmap behind our plugin", () => {
    const { name } = makeNetwork(type, [
      { type: "portmap", capabilities: { portMappings: true }, backend: "nftables" },
    ]);
    const container = start("one", "--network", name, "--publish", "7777:7777");
    for (const address of addressesIn(container)) {
      const family = address.includes(":") ? 6 : 4;
      const server = Socket.open(container, family, "stream").bind({ address, port: 7777 }).listen();
      const client = Socket.open(outside, family, "stream").connect({ address: NODE[family], port: 7777 });
      const accepted = server.accept();
      expect(accepted.from).toBe(OUTSIDE[family]);
      for (const socket of [accepted.socket, client, server]) socket.close();
    }
    expectMasqueraded(container);
    remove("one");
    expect(leftBesidePortmap()).toEqual([]);
  });
});

it("podman makes a network itself", () => {
  podman("network", "create", "--ipv6", "--subnet", "198.18.0.0/17", "--subnet", DUAL[1] ?? "", "made");
  onTestFinished(() => void podman("network", "rm", "--force", "made"));
  expectMasqueraded(start("one", "--network", "made"));
  remove("one");
  // Upstream's firewall, which is part of it, keeps its chains, too.
  expect(ruleset()).not.toContain("bauta");
  expect([...veths(), ...addressFiles()]).toEqual([]);
});
