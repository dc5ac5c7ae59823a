// bauta's executable as a child process: it alone looks at the kernel.

import { type ChildProcess, execFile, spawn } from "node:child_process";

const OUTPUT_LIMIT = 256 << 20;
const PATIENCE_MS = 60_000;

/** What it said instead of an answer. */
export class ExecutableError extends Error {
  override readonly name = "ExecutableError";
}

export interface Executable {
  /** Runs it to its end and returns what it printed. Rejects with ExecutableError. */
  readonly run: (args: readonly string[]) => Promise<string>;
  /** Runs it until `stop`, and gives parts of what it prints. `ended` is told once why it ended by itself. */
  readonly follow: (args: readonly string[], part: (text: string) => void, ended: (why: string) => void) => Following;
}

export interface Following {
  readonly stop: () => void;
}

/** The executable of this path, or of this name on PATH. */
export function executableAt(path: string): Executable {
  return {
    run: (args) =>
      new Promise((done, failed) => {
        const options = { maxBuffer: OUTPUT_LIMIT, timeout: PATIENCE_MS, encoding: "utf8" } as const;
        execFile(path, args, options, (error, stdout, stderr) => {
          if (error === null) done(stdout);
          else failed(new ExecutableError(reason(path, error, stderr), { cause: error }));
        });
      }),
    follow(args, part, ended) {
      const child: ChildProcess = spawn(path, args, { stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      let isStopped = false;
      child.stdout?.setEncoding("utf8").on("data", part);
      child.stderr?.setEncoding("utf8").on("data", (text: string) => {
        said = (said + text).slice(-4096);
      });
      child.once("error", (error) => ended(reason(path, error, said)));
      child.once("close", (status, signal) => {
        if (!isStopped) ended(said.trim() || `${path} ${args.join(" ")} ended with ${signal ?? `status ${status}`}`);
      });
      return {
        stop() {
          isStopped = true;
          child.kill();
        },
      };
    },
  };
}

function reason(path: string, error: Error & { code?: unknown }, stderr: string): string {
  if (error.code === "ENOENT") return `${path} is not there: name bauta's executable with --bauta PATH`;
  return stderr.trim() || error.message;
}
