// The ptp plugin as it was built, on the engine: what it makes, side by side with itself, and when it is cut short.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, expect, it, onTestFinished } from "vitest";
import { plugin as loopback } from "../../src/plugins/loopback/plugin.ts";
import { plugin as ptp } from "../../src/plugins/ptp/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { builtNode, observe, ourNode, type TestNode } from "../support/differential.ts";
import { makeNetns } from "../support/netns.ts";
import { start, succeed } from "../support/plugin.ts";

const PTP = fileURLToPath(new URL("../../dist/cni/ptp", import.meta.url));

type Config = Readonly<Record<string, unknown>>;

function dual(dataDir: string): Config {
  const ranges = [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00:1::/112" }]];
  const routes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];
  const ipam = { type: "host-local", dataDir, ranges, routes };
  return { cniVersion: "1.1.0", name: "net1", type: "ptp", ipMasq: true, ipam };
}

let node: TestNode;

beforeEach(() => {
  node = builtNode("ptp");
});

function leftovers(): readonly string[] {
  const network = join(node.dataDir, "net1");
  const rules = node.node.exec("nft", "list", "ruleset");
  return [
    ...(existsSync(network) ? readdirSync(network).filter((name) => /^[0-9a-f.:]+$/.test(name)) : []),
    ...node.node.ipJson("link show type veth").map(({ ifname }: { ifname: string }) => ifname),
    ...rules.split("\n").filter((line) => line.includes("net1 ")),
  ];
}

it.each([
  ["ptp", ptp],
  ["loopback", loopback],
])("%s does on the engine what it does under Node", (name, plugin) => {
  const [built, inNode] = [builtNode(name), ourNode(plugin)].map((one) => {
    const config = name === "ptp" ? dual(one.dataDir) : { cniVersion: "1.1.0", name: "lo", type: name };
    const outcome = one.call({ command: "ADD", config });
    const prevResult = succeed(outcome);
    const observed = observe(one, outcome);
    for (const command of ["CHECK", "DEL", "DEL", "GC", "STATUS"]) {
      succeed(one.call({ command, config: { ...config, prevResult } }));
    }
    return observed;
  });
  expect(built).toEqual(inNode);
});

it("attaches twenty containers at once, and detaches them", async () => {
  const config = dual(node.dataDir);
  const containers = Array.from({ length: 20 }, () => makeNetns());
  onTestFinished(() => {
    for (const one of containers) one.remove();
  });
  const all = async (command: string): Promise<readonly unknown[]> => {
    const calls = containers.map(({ name, path }) => ({
      command,
      containerId: name,
      netns: path,
      ifname: "eth0",
      config,
    }));
    const outcomes = inNetns(node.node.fd, () => calls.map((call) => start(PTP, call)));
    return (await Promise.all(outcomes)).map(succeed);
  };
  const results = await all("ADD");
  const addresses = results.flatMap((result) =>
    (result as { ips: { address: string }[] }).ips.map(({ address }) => address),
  );
  expect(new Set(addresses).size).toBe(40);
  expect(node.node.ipJson("link show type veth")).toHaveLength(20);
  await all("DEL");
  expect(leftovers()).toEqual([]);
});

it("leaves nothing after a DEL, whenever its ADD was killed", async () => {
  const config = dual(node.dataDir);
  let killed = 0;
  for (let delayMs = 0; delayMs < 8; delayMs += 0.5) {
    const { signal } = await killAfter(delayMs, config);
    if (signal === "SIGKILL") killed++;
    succeed(node.call({ command: "DEL", config }));
    expect(leftovers()).toEqual([]);
  }
  expect(killed).toBeGreaterThan(0);
});

/** An ADD that gets SIGKILL so long after it was started, if it still runs then. */
function killAfter(delayMs: number, config: Config): Promise<{ readonly signal: string | null }> {
  const env = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "container-1",
    CNI_NETNS: node.container.path,
    CNI_IFNAME: "eth0",
    CNI_PATH: join(PTP, ".."),
  };
  return new Promise((resolve) => {
    const child = inNetns(node.node.fd, () => spawn(PTP, { env, stdio: ["pipe", "ignore", "ignore"] }));
    child.on("close", (_, signal) => resolve({ signal }));
    child.stdin.on("error", () => {});
    child.stdin.end(JSON.stringify(config));
    const end = performance.now() + delayMs;
    while (performance.now() < end);
    child.kill("SIGKILL");
  });
}

it("leaves nothing when nobody reads its result", () => {
  const config = dual(node.dataDir);
  const script = `exec 3<&0; CNI_COMMAND=ADD '${PTP}' <&3 >&-`;
  const env = {
    ...process.env,
    CNI_CONTAINERID: "container-1",
    CNI_NETNS: node.container.path,
    CNI_IFNAME: "eth0",
    CNI_PATH: join(PTP, ".."),
  };
  const child = inNetns(node.node.fd, () => spawnSync("sh", ["-c", script], { env, input: JSON.stringify(config) }));
  expect([child.status, String(child.stderr)]).toEqual([1, expect.stringContaining("standard output")]);
  expect(leftovers()).toEqual([]);
});
