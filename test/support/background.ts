// Programs that run beside a test. One that did not start, or that ended before it was told to, is a failure of the test:
// without it the test would have looked at nothing.

import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import { PATIENCE_MS, PATIENCE_S } from "../../engine/patience.mjs";
import type { TestNetns } from "./netns.ts";

export interface Background {
  readonly child: ChildProcess;
  /** What the program has printed so far. */
  readonly printed: () => string;
  /** Waits until what it has printed matches. Rejects as soon as it has ended without. */
  readonly prints: (pattern: RegExp) => Promise<void>;
  /** Waits until it ends by itself, which it may from now on: its status, or the name of the signal. */
  readonly ends: () => Promise<number | NodeJS.Signals>;
  /** Ends the program and all that it has started. Rejects where it had ended by itself. The end of the test does the same. */
  readonly stop: () => Promise<void>;
}

export interface BackgroundOptions extends Pick<SpawnOptions, "env" | "cwd"> {
  /** Where the program runs; in this thread's namespace when absent. */
  readonly netns?: TestNetns;
}

/** Starts a program, which leads a process group of its own. Its standard error is the test's. */
export function startBeside(
  command: string,
  args: readonly string[],
  { netns, ...options }: BackgroundOptions = {},
): Background {
  // nsenter becomes the program.
  const [program = "", ...rest] = netns === undefined ? [command, ...args] : inside(netns, command, args);
  const child = spawn(program, rest, { ...options, stdio: ["ignore", "pipe", "inherit"], detached: true });
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  let how: number | NodeJS.Signals | Error | undefined;
  const end = new Promise<number | NodeJS.Signals | Error>((done) => {
    child.once("error", done);
    child.once("close", (status, signal) => done(signal ?? status ?? 0));
  });
  void end.then((given) => {
    how = given;
  });
  const failure = (given: unknown): Error =>
    new Error(`${command} was to run beside the test, but ended: ${given instanceof Error ? given.message : given}`);
  let mayEnd = false;
  let isStopped = false;
  const stop = async (): Promise<void> => {
    if (isStopped) return;
    isStopped = true;
    killGroup(child.pid);
    // Who was killed by this had run until now.
    const given = await end;
    if (!mayEnd && given !== "SIGKILL") throw failure(given);
  };
  onTestFinished(stop);
  return {
    child,
    printed: () => text,
    prints: (pattern) =>
      until(`${command} to print ${pattern}`, () => {
        if (pattern.test(text)) return true;
        if (how !== undefined) throw failure(how);
        return false;
      }),
    ends: async () => {
      mayEnd = true;
      const given = await end;
      if (given instanceof Error) throw failure(given);
      return given;
    },
    stop,
  };
}

const inside = (netns: TestNetns, command: string, args: readonly string[]): string[] => [
  "nsenter",
  `--net=${netns.path}`,
  command,
  ...args,
];

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // The whole group has ended.
  }
}

/** Asks until the answer is true, and lets events be handled in between; throws when it is never so. Compare `poll`. */
export async function until(what: string, ask: () => boolean): Promise<void> {
  for (const end = performance.now() + PATIENCE_MS; !ask(); ) {
    if (performance.now() > end) throw new Error(`${what}: not within ${PATIENCE_S} s`);
    await new Promise((done) => setTimeout(done, 5));
  }
}
