// containerd, with all that it keeps in the directory of the test.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PATIENCE_MS } from "../../engine/patience.mjs";
import { poll } from "../support/netns.ts";
import { IMAGE, packImage } from "./image.ts";
import { environment, program, ROOTFS, runRuntime, WORK } from "./runtime.ts";

export const SOCKET: string = join(WORK, "containerd.sock");
/** ctr knows no others; and containerd's are the same unless it is told. */
export const [NETWORKS, PLUGIN_DIRECTORY] = ["/etc/cni/net.d", "/opt/cni/bin"] as const;

// There is no module for these file systems to be had, and no right to lower a score.
const CONFIGURATION = `
version = 2
root = "${WORK}/root"
state = "${WORK}/state"
disabled_plugins = [${["aufs", "btrfs", "devmapper", "zfs"].map((name) => `"io.containerd.snapshotter.v1.${name}"`)}]
[grpc]
address = "${SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
restrict_oom_score_adj = true
sandbox_image = "${IMAGE}"
`;

/** Starts containerd with these tables behind its configuration, and gives it the image. The caller kills it. */
export function startContainerd(tables = ""): ChildProcess {
  const configuration = join(WORK, "containerd.toml");
  writeFileSync(configuration, CONFIGURATION + tables);
  const log = join(WORK, "containerd.log");
  writeFileSync(log, "");
  const command = `exec "$1" --config "$2" >"$3" 2>&1`;
  const args = ["-c", command, "sh", program("containerd"), configuration, log];
  const containerd = spawn("sh", args, { env: environment(), stdio: "ignore" });
  poll("containerd to listen", () => existsSync(SOCKET) && /successfully booted/.test(readFileSync(log, "utf8")));
  const image = packImage(ROOTFS, WORK);
  for (const namespace of ["default", "k8s.io"]) ctr("--namespace", namespace, "image", "import", image);
  return containerd;
}

export function ctr(...args: readonly string[]): string {
  return runRuntime("ctr", ["--address", SOCKET, ...args], environment());
}

/** containerd notices new networks by itself, a moment after they are there. */
export async function untilReady<T>(work: () => Promise<T>): Promise<T> {
  for (const end = performance.now() + PATIENCE_MS; ; ) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() > end || !/cni plugin not initialized/.test(String(error))) throw error;
    }
  }
}
