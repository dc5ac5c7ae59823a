// A node of an ordinary user: user, network and mount namespaces that nobody but user 65534 has made, as rootless container
// runtimes make them (`unshare --user --map-root-user --net --mount`).

import { spawnSync } from "node:child_process";
import { PATIENCE_MS } from "../../engine/patience.mjs";
import { buildProgram } from "./c-program.ts";
import { AS_NOBODY } from "./everybody.ts";

/** What a rootless runtime does first: /run and /var/lib are root's, and nothing can be made there. */
const PREPARE = `set -eu
mount --bind "$1" /mnt
for directory in /run /var/lib; do mount -t tmpfs -o mode=755 tmpfs $directory; done
mkdir -p /run/netns /run/lock /var/lib/cni
ip link set lo up
`;

/**
 * Runs a bash script as root of such a node, and returns what the script printed. The programs are under /mnt there: those of
 * `directory`, which everybody can reach (see forEverybody). Throws with all that was printed where the script fails.
 */
export function asOrdinaryUser(directory: string, script: string): string {
  // The path that the program was built under may be closed to others, but it is root who executes it.
  const namespaces = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--"];
  const command = [...AS_NOBODY, ...namespaces, "bash", "-c", PREPARE + script, "bash", directory];
  const limits = { timeout: PATIENCE_MS, killSignal: "SIGKILL" } as const;
  const { status, stdout, stderr, error } = spawnSync(buildProgram("leave-chroot"), command, {
    cwd: "/",
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" }, // the tests' own leads below a directory that may be closed to others
    stdio: ["ignore", "pipe", "pipe"], // bash takes a socket for a remote login, and reads .bashrc
    encoding: "utf8",
    ...limits,
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`the script ended with status ${status}:\n${stdout}${stderr}`);
  return stdout;
}
