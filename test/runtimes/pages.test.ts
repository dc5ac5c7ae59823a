// The pages about runtimes that can be had, docs/runtimes: what they say is done, with the runtime.

import type { ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { blocksOf, readDocPage } from "../../tools/doc-pages.ts";
import { attachAndDetach } from "../e2e/attach.ts";
import { cleanNode, leftovers, NODE } from "../e2e/masquerade/node.ts";
import { PROTOCOLS, seenFrom, seenOutside } from "../e2e/masquerade/traffic.ts";
import { addressesIn, run, type TestNetns } from "../support/netns.ts";
import { coverDirectories, type PageSession, runPage } from "../support/page-session.ts";
import { ctr, SOCKET, startContainerd, untilReady } from "./containerd.ts";
import { CriClient } from "./cri.ts";
import { IMAGE } from "./image.ts";
import { engineConfiguration, storage } from "./podman.ts";
import {
  becomeNodeWithRuntimes,
  CGROUP,
  containerAt,
  environment,
  program,
  ROOTFS,
  removeControlGroups,
  runRuntime,
  WORK,
} from "./runtime.ts";

const TEST = "test/runtimes/pages.test.ts";
/** What the pages have containers made of. */
const BUSYBOX = "docker.io/library/busybox:latest";
const COMMANDS = join(WORK, "commands");

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNodeWithRuntimes();
  coverDirectories();
  mkdirSync(COMMANDS);
});
afterEach(() => cleanNode(["/etc/cni", "/etc/containerd", "/etc/containers", "/opt/cni", "/usr/local/bin/bauta"]));
afterAll(() => removeControlGroups());

/** A command of the page's: the runtime's, in the control groups and with the socket of this test. */
function makeCommand(name: string, options: string, runOptions: string): void {
  const path = join(COMMANDS, name);
  const lines = [
    "#!/bin/sh",
    `if [ "$1" = run ]; then shift; set -- run ${runOptions} "$@"; fi`,
    `exec ${program(name)} ${options} "$@"`,
  ];
  writeFileSync(path, `${lines.join("\n")}\n`);
  chmodSync(path, 0o755);
}

function session(
  more: Record<string, string> = {},
  steps: PageSession["steps"] = {},
): PageSession & { readonly env: Record<string, string> } {
  const env = environment(more);
  return {
    env: { ...env, PATH: `${COMMANDS}:${env["PATH"]}` },
    runList: ({ at, text }) => attachAndDetach(at, JSON.parse(text)),
    steps,
  };
}

describe("a page about containerd", () => {
  let containerd: ChildProcess;
  let page: string;
  beforeEach(() => {
    mkdirSync("/etc/cni/net.d", { recursive: true });
    mkdirSync("/etc/containerd", { recursive: true });
    makeCommand("ctr", `--address ${SOCKET}`, `--cgroup /${CGROUP}/page`);
  });
  afterEach(() => containerd.kill("SIGKILL"));

  /** Starts containerd as the page configures it. */
  function start(path: string): void {
    page = path;
    const tables = blocksOf(readDocPage(path)).filter(({ language, test }) => language === "toml" && test === TEST);
    expect(tables).toHaveLength(1);
    containerd = startContainerd(tables.map(({ text }) => text.replace(/^version = 2$/m, "")).join("\n"));
  }

  it("with its own command can be followed", async () => {
    start("docs/runtimes/containerd.md");
    ctr("image", "tag", IMAGE, BUSYBOX);
    await runPage(page, TEST, session());
    expect(leftovers()).toEqual([]);
  });

  it("in Kubernetes can be followed: containerd writes the list, and pods see each other's own addresses", async () => {
    start("docs/runtimes/kubernetes.md");
    // A pod of another node, in the ranges of the cluster.
    const [other4, other6] = ["10.244.2.7", "fd00:244:0:2::7"] as const;
    for (const address of [other4, other6]) {
      outside.ip(`address add ${address} dev lo`);
      run("ip", "route", "add", address, "via", address === other4 ? "192.0.2.2" : "2001:db8::2");
    }
    outside.ip("route add 10.244.1.0/24 via 192.0.2.1");
    outside.ip("route add fd00:244:0:1::/64 via 2001:db8::1");
    const client = new CriClient(SOCKET);
    let id = "";
    const steps = {
      "the kubelet tells containerd the node's ranges": () => client.setPodCidrs("10.244.1.0/24", "fd00:244:0:1::/64"),
      "a pod starts": async () => {
        const config = { name: "web", cgroupParent: `/${CGROUP}`, logDirectory: join(WORK, "logs") };
        id = await untilReady(() => client.run(config));
        const { addresses, pid } = await client.status(id);
        expect(addresses).toEqual(["10.244.1.2", "fd00:244:0:1::2"]);
        const pod = containerAt(`/proc/${pid}/ns/net`);
        expect(addressesIn(pod)).toEqual(addresses);
        for (const address of addresses) {
          const family = address.includes(":") ? 6 : 4;
          for (const protocol of PROTOCOLS) {
            expect(seenOutside(pod, address, outside, protocol)).toBe(NODE[family]);
            expect(seenFrom(pod, address, outside, family === 4 ? other4 : other6, protocol)).toBe(address);
          }
        }
      },
      "the pod ends": async () => {
        await client.stop(id);
        await client.remove(id);
        expect(leftovers()).toEqual([]);
      },
    };
    try {
      await runPage(page, TEST, session({}, steps));
    } finally {
      client.close();
    }
  });
});

it("the page about podman can be followed", async () => {
  mkdirSync("/etc/containers");
  mkdirSync("/etc/cni/net.d", { recursive: true });
  writeFileSync("/etc/containers/containers.conf", engineConfiguration());
  writeFileSync("/etc/containers/policy.json", '{"default": [{"type": "insecureAcceptAnything"}]}');
  makeCommand("podman", "", `--cgroup-parent=/${CGROUP}`);
  const page = session(storage());
  const archive = join(WORK, "busybox.tar");
  run("tar", "--create", "--file", archive, "--directory", ROOTFS, ".");
  runRuntime("podman", ["import", archive, BUSYBOX], page.env);
  await runPage("docs/runtimes/podman.md", TEST, page);
  expect(leftovers()).toEqual([]);
});
