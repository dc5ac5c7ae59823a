// Runs the bauta command in this process, and returns its output and its status.

import type { CliIo } from "../../src/cli/io.ts";
import { runCli } from "../../src/cli/main.ts";
import { Nftables } from "../../src/nftables/nftables.ts";

export interface CliOutcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `bauta` with these arguments. `replaced` takes the place of parts of the outside; the rest is this process's. */
export function cli(args: readonly string[], replaced: Partial<CliIo> = {}): CliOutcome {
  const stdout: string[] = [];
  const stderr: string[] = [];
  const io: CliIo = {
    args: ["/usr/local/bin/bauta", ...args],
    getenv: () => undefined,
    write: (text) => stdout.push(text),
    log: (line) => stderr.push(`${line}\n`),
    isTerminal: () => false,
    columns: () => undefined,
    screen: () => undefined,
    now: () => performance.now(),
    isInHostPids: () => true,
    mapStack: (stack) => stack,
    openNftables: () => Nftables.open(),
    openEvents: () => {
      throw new Error("no events here");
    },
    ...replaced,
  };
  const status = runCli(io);
  return { status, stdout: stdout.join(""), stderr: stderr.join("") };
}
