// Does what a page of the documentation says, block by block, as somebody who follows the page would. The page's commands run as
// root, from the root of the repository; tools/doc-pages.ts says how blocks are marked.

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PATIENCE_MS } from "../../engine/patience.mjs";
import { type Block, blocksOf, RUNNABLE, readDocPage } from "../../tools/doc-pages.ts";
import { run } from "./netns.ts";
import { cover } from "./operators-etc.ts";

const ROOT = join(import.meta.dirname, "../..");

export interface PageSession {
  /** The environment of the page's commands. */
  readonly env: NodeJS.ProcessEnv;
  /** Attaches a container to a list, checks and detaches it. Throws where that fails. */
  readonly runList: (block: Block) => void;
  /** What the page leaves to the test, by name. */
  readonly steps?: Readonly<Record<string, () => void | Promise<void>>>;
}

/**
 * Makes the directories that pages write to, empty ones, in the mount namespace of this thread, where all others become read-only:
 * the machine's own are untouched. Call it once, after becomeNode.
 */
export function coverDirectories(): void {
  for (const path of ["/opt", "/var/tmp"]) run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path);
  // Tests look through all of /run for what is left.
  for (const path of ["/etc", "/usr/local/bin"]) cover(path, "/opt");
  for (const name of ["bauta", "buildkit", "cni", "containerd", "containers", "systemd"]) {
    rmSync(join("/etc", name), { recursive: true, force: true });
  }
  mkdirSync("/etc/cni/net.d", { recursive: true });
  run("mount", "--bind", tmpdir(), tmpdir());
  run("mount", "-o", "remount,bind,ro", "/");
}

/**
 * Runs the blocks of a page that this test file is to run; those in other languages than a session's are the test's own work. Throws
 * with the place on the page, and what was printed.
 */
export async function runPage(path: string, test: string, session: PageSession): Promise<void> {
  const blocks = blocksOf(readDocPage(path)).filter(
    (block) => block.test === test && RUNNABLE.includes(block.language),
  );
  if (blocks.length === 0) throw new Error(`${path} has nothing for ${test}`);
  for (const block of blocks) await runBlock(block, session);
}

async function runBlock(block: Block, { env, runList, steps = {} }: PageSession): Promise<void> {
  switch (block.language) {
    case "sh":
      return void runShell(block.at, `set -eu\n${block.text}`, env);
    case "console":
      return runConsole(block, env);
    case "json":
      return runList(block);
    case "step": {
      const step = steps[block.text];
      if (step === undefined) throw new Error(`${block.at}: the test has no step "${block.text}"`);
      return await step();
    }
    default:
      throw new Error(`${block.at}: nobody knows how to run ${block.language}`);
  }
}

/** Runs lines of a shell; returns what they have printed, on standard error too. Throws where they fail, unless they may. */
function runShell(at: string, lines: string, env: NodeJS.ProcessEnv, mayFail = false): string {
  const { status, stdout, error } = spawnSync("bash", ["-c", `exec 2>&1\n${lines}`], {
    cwd: ROOT,
    env,
    encoding: "utf8",
    timeout: PATIENCE_MS,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (error !== undefined) throw new Error(`${at}: ${error.message}`, { cause: error });
  if (status !== 0 && !mayFail) throw new Error(`${at}: status ${status}\n${lines}\n${stdout}`);
  return stdout;
}

/** Each line behind `$ ` is a command, and the lines that follow are what it prints. Commands may fail: that is shown, too. */
function runConsole({ at, text }: Block, env: NodeJS.ProcessEnv): void {
  const [before = "", ...commands] = text.split(/^\$ /m);
  if (before !== "") throw new Error(`${at}: a block of console begins with a command`);
  for (const one of commands) {
    const [command = "", ...expected] = one.trimEnd().split("\n");
    const printed = runShell(at, command, env, true).trimEnd();
    if (!isShown(expected, printed)) {
      throw new Error(`${at}: ${command}\n--- the page\n${expected.join("\n")}\n--- the command\n${printed}`);
    }
  }
}

/** Whether a page's lines show this output: `…` stands for anything in a line, a line of it alone for any lines. */
export function isShown(lines: readonly string[], printed: string): boolean {
  const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const patterns = lines.map((line) =>
    line.trim() === "…" ? "(?:[^\\n]*\\n)*" : `${line.trimEnd().split("…").map(literal).join("[^\\n]*")} *\\n`,
  );
  const text = printed === "" ? "" : `${printed}\n`;
  return new RegExp(`^${patterns.join("")}$`).test(text);
}
