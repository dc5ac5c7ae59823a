// Calls the executable for the machine that this one is not, by qemu-user: it runs the machine's instructions, and hands system
// calls to this kernel. It knows no NETLINK_NETFILTER, not the ioctl(2) that tells what kind a namespace is (NS_GET_NSTYPE), and not
// SO_NETNS_COOKIE: so no plugin enters a container there, and the daemon of dhcp does not start.

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { MACHINES, OWN_MACHINE } from "../../engine/machines.mjs";
import { PATIENCE_MS } from "../../engine/patience.mjs";

/** The other machine of the two. */
export const OTHER_MACHINE = OWN_MACHINE === MACHINES.x64 ? MACHINES.arm64 : MACHINES.x64;

/** The executable for it. */
export const EMULATED: string = resolve(`dist/bauta-${OTHER_MACHINE.node}`);

/** The command line that calls it by a name: of a plugin, or `bauta`. */
export function emulated(name: string, ...args: readonly string[]): [program: string, args: string[]] {
  return [OTHER_MACHINE.emulator, ["-0", name, EMULATED, ...args]];
}

/** Runs a command line to its end, with nothing but this in its environment. */
export function runs(
  [program, args]: readonly [program: string, args: readonly string[]],
  { env = {}, input = "" }: { readonly env?: NodeJS.ProcessEnv; readonly input?: string } = {},
): Pick<SpawnSyncReturns<string>, "status" | "stdout" | "stderr"> {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    env: { PATH: process.env["PATH"], ...env },
    input,
    encoding: "utf8",
    maxBuffer: 64 << 20,
    timeout: PATIENCE_MS,
  });
  // A plugin that does not need its input ends before it has read it.
  if (error !== undefined && !("code" in error && error.code === "EPIPE")) throw error;
  return { status, stdout, stderr };
}
