// podman with networks of CNI plugins, and the command that takes containers over from podman and back.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { PATIENCE_S } from "../../engine/patience.mjs";
import { leftovers, NODE, OUTSIDE, PLUGINS } from "../e2e/masquerade/node.ts";
import { expectPublished } from "../e2e/masquerade/published.ts";
import { DUAL, type Json, networkOf, TYPES, type Type } from "../e2e/masquerade/runtime.ts";
import { PROTOCOLS, seenFrom, seenOutside } from "../e2e/masquerade/traffic.ts";
import { addressesIn, run, type TestNetns } from "../support/netns.ts";
import { engineConfiguration, storage } from "./podman.ts";
import {
  becomeNodeWithRuntimes,
  CGROUP,
  containerAt,
  environment,
  listOf,
  ROOTFS,
  removeControlGroups,
  runRuntime,
  WORK,
} from "./runtime.ts";

const NETWORKS = join(WORK, "networks");
const CONTAINERS_CONF = join(WORK, "containers.conf");

const configuration = (): string => `${engineConfiguration()}
[network]
network_backend = "cni"
cni_plugin_dirs = ${JSON.stringify([PLUGINS])}
network_config_dir = "${NETWORKS}"
`;

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNodeWithRuntimes();
  mkdirSync(NETWORKS);
  writeFileSync(CONTAINERS_CONF, configuration());
});
afterAll(() => removeControlGroups());

function podman(...args: readonly string[]): string {
  const env = environment({ CONTAINERS_CONF, ...storage() });
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

  it("publishes ports, which are reached from outside and from the node", () => {
    const { name } = makeNetwork(type, [{ type: "portmap", capabilities: { portMappings: true } }]);
    const container = start("one", "--network", name, "--publish", "8080:80", "--publish", "5353:53/udp");
    expectPublished(container, outside, { protocol: "tcp", hostPort: 8080, containerPort: 80 });
    expectPublished(container, outside, { protocol: "udp", hostPort: 5353, containerPort: 53 });
    expectMasqueraded(container);
    remove("one");
    expect(leftovers()).toEqual([]);
  });
});

describe("podman with a network that it has made itself: bridge, portmap, firewall, tuning", () => {
  const makeDefault = (...options: readonly string[]): void => {
    podman("network", "create", ...options, "--ipv6", "--subnet", "198.18.0.0/17", "--subnet", DUAL[1] ?? "", "made");
    onTestFinished(() => void podman("network", "rm", "--force", "made"));
    const { plugins } = JSON.parse(readFileSync(join(NETWORKS, "made.conflist"), "utf8"));
    expect(plugins.map((plugin: Json) => plugin.type)).toEqual(["bridge", "portmap", "firewall", "tuning"]);
  };

  it("has containers that leave from the node's addresses, see each other and publish ports", () => {
    makeDefault();
    const one = start("one", "--network", "made", "--publish", "8080:80", "--publish", "5353:53/udp");
    const other = start("other", "--network", "made", "--mac-address", "02:00:00:00:00:77");
    for (const container of [one, other]) expectMasqueraded(container);
    expect(other.ipJson("link show eth0")[0].address).toBe("02:00:00:00:00:77");
    for (const [i, to] of addressesIn(other).entries()) {
      const from = addressesIn(one)[i] ?? "";
      expect(seenFrom(one, from, other, to, "tcp")).toBe(from);
    }
    expectPublished(one, outside, { protocol: "tcp", hostPort: 8080, containerPort: 80 });
    expectPublished(one, outside, { protocol: "udp", hostPort: 5353, containerPort: 53 });
    podman("restart", "--time=0", "one");
    expectPublished(namespaceOf("one"), outside, { protocol: "tcp", hostPort: 8080, containerPort: 80 });
    remove("one", "other");
    expect(leftovers()).toEqual([]);
  });
});

describe("bauta cni beside podman", () => {
  const cni = (...args: readonly string[]): string => {
    const env = { PATH: environment()["PATH"] ?? "", CNI_PATH: PLUGINS };
    const { status, stdout, stderr } = spawnSync(join(PLUGINS, "../bauta"), ["cni", ...args], {
      encoding: "utf8",
      env,
    });
    expect([status, stderr]).toEqual([0, ""]);
    return stdout;
  };

  it("checks and detaches what podman has attached, and podman removes what it has attached", () => {
    const { name } = makeNetwork("bridge");
    const list = join(NETWORKS, `${name}.conflist`);
    const container = start("one", "--network", name);
    const id = podman("inspect", "--format", "{{.Id}}", "one");
    const file = `/var/lib/cni/results/${name}-${id}-eth0`;
    const podmans = readFileSync(file, "utf8");
    // podman's libcni notes no namespace yet.
    const netns = podman("inspect", "--format", "{{.NetworkSettings.SandboxKey}}", "one");
    const which = ["--container-id", id, "--netns", netns];
    cni("check", list, ...which);
    cni("del", list, ...which);
    expect(leftovers()).toEqual([]);
    expect(container.ipJson("link show").map(({ ifname }: Json) => ifname)).toEqual(["lo"]);

    const { cniArgs, capabilityArgs = {} } = JSON.parse(podmans);
    const args = cniArgs.map((pair: readonly string[]) => pair.join("=")).join(";");
    const told = ["--args", args, "--cap-args", JSON.stringify(capabilityArgs)];
    cni("add", list, ...which, ...told);
    // What libcni has written, key by key and in its order, but for what is made anew.
    const parts = (text: string): unknown => {
      const {
        netns: _,
        result,
        ...others
      } = JSON.parse(text.replace(/\b(veth\w+|([0-9a-f]{2}:){5}[0-9a-f]{2})/g, "…"));
      const ips = result.ips.map(({ address }: Json) => address.slice(address.indexOf("/")));
      const keys = Object.keys(result).filter((key) => key !== "dns"); // podman's libcni writes an empty one
      return [Object.entries(others), keys, result.interfaces, ips, result.routes];
    };
    expect(parts(readFileSync(file, "utf8"))).toEqual(parts(podmans));
    expectMasqueraded(container);
    remove("one");
    expect(leftovers()).toEqual([]);
  });
});
