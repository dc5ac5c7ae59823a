// Calls a plugin as a container runtime does: environment and standard input in, result or error and exit status out.
// Either in this process, or as the executable that was built; a test can be written once for both.

import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PATIENCE_MS } from "../../engine/patience.mjs";
import { type PluginIo, runPlugin } from "../../src/cni/dispatch.ts";
import type { Command } from "../../src/cni/environment.ts";
import type { Plugin } from "../../src/cni/plugin.ts";
import { isOwnNetns } from "../../src/sys/netns.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** One call. A variable of the environment whose key is absent is not set. */
export interface PluginCall {
  readonly command: Command | string;
  readonly containerId?: string;
  readonly netns?: string;
  readonly ifname?: string;
  readonly args?: string;
  /** CNI_PATH; a directory that leads to our own IPAM plugins when absent. */
  readonly path?: string;
  /** Standard input: text as it is, anything else as JSON. */
  readonly config?: unknown;
}

export interface PluginOutcome {
  /** Exit status. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Standard output as JSON; undefined where there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into whatever a plugin prints
  readonly json: any;
}

/** Serves calls: with a plugin in this process, or with an executable. */
export type CallPlugin = (call: PluginCall) => PluginOutcome;

/** Serves calls with a plugin of ours in this process. IPAM plugins along CNI_PATH that aren't ours are executed. */
export function inProcess(plugin: Plugin): CallPlugin {
  return (call) => {
    const environment = environmentOf({ ...call, path: call.path ?? ownPluginDirectory(process.execPath) });
    const stdout: string[] = [];
    const stderr: string[] = [];
    const io: PluginIo = {
      getenv: (name) => environment[name],
      readStdin: () => Buffer.from(inputOf(call)),
      write: (text) => stdout.push(text),
      log: (line) => stderr.push(`${line}\n`),
      isOwnNetns,
      mapStack: (stack) => stack,
    };
    // Delegates inherit the environment of the process.
    const status = withEnvironment(environment, () => runPlugin(plugin, io));
    return outcomeOf(status, stdout.join(""), stderr.join(""));
  };
}

/** Serves calls by executing this file, ours or upstream's; `through` is a command that executes it in its turn. */
export function executable(path: string, through: readonly string[] = []): CallPlugin {
  return (call) => {
    const env = runtimeEnvironment(path, call);
    const [command = path, ...args] = [...through, path];
    const limits = { maxBuffer: 64 << 20, timeout: PATIENCE_MS, killSignal: "SIGKILL" } as const;
    const child = spawnSync(command, args, { env, input: inputOf(call), encoding: "utf8", ...limits });
    // A plugin that ends before it has read its input says why on standard output.
    if (child.error !== undefined && !("code" in child.error && child.error.code === "EPIPE")) throw child.error;
    return outcomeOf(child.status ?? 128, child.stdout, child.stderr);
  };
}

/** Executes this file and does not wait for its end, so that several calls can run at once. */
export function start(path: string, call: PluginCall): Promise<PluginOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, { env: runtimeEnvironment(path, call) });
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        output[name] += text;
      });
    }
    child.on("error", reject);
    child.on("close", (status) => resolve(outcomeOf(status ?? 128, output.stdout, output.stderr)));
    child.stdin.on("error", () => {}); // a plugin that does not read its input says why on standard output
    child.stdin.end(inputOf(call));
  });
}

/** The environment of a call of this file, as a container runtime gives it. */
export function runtimeEnvironment(path: string, call: PluginCall): NodeJS.ProcessEnv {
  return { PATH: process.env["PATH"], ...environmentOf({ ...call, path: call.path ?? join(path, "..") }) };
}

/** A CNI_PATH in which our IPAM plugins are names of the program that runs: they are called, not executed, then. */
export function ownPluginDirectory(program: string): string {
  const directory = join(temporaryDirectory(), "cni");
  mkdirSync(directory);
  for (const name of ["host-local", "static"]) symlinkSync(program, join(directory, name));
  return directory;
}

/** The result of a call that must have succeeded. Throws with the output of a call that failed. */
// biome-ignore lint/suspicious/noExplicitAny: see PluginOutcome
export function succeed(outcome: PluginOutcome): any {
  if (outcome.status !== 0) throw new Error(`the plugin failed: ${outcome.stdout}${outcome.stderr}`);
  return outcome.json;
}

const VARIABLES = {
  command: "CNI_COMMAND",
  containerId: "CNI_CONTAINERID",
  netns: "CNI_NETNS",
  ifname: "CNI_IFNAME",
  args: "CNI_ARGS",
  path: "CNI_PATH",
} as const;

function environmentOf(call: PluginCall): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [key, name] of Object.entries(VARIABLES)) {
    const value = call[key as keyof typeof VARIABLES];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** Standard input of a call. */
export function inputOf({ config }: PluginCall): string {
  return typeof config === "string" ? config : JSON.stringify(config ?? {});
}

export function outcomeOf(status: number, stdout: string, stderr: string): PluginOutcome {
  return {
    status,
    stdout,
    stderr,
    get json() {
      return stdout === "" ? undefined : JSON.parse(stdout);
    },
  };
}

function withEnvironment<T>(environment: Record<string, string>, work: () => T): T {
  const names = Object.values(VARIABLES);
  const before = names.map((name) => process.env[name]);
  const set = (name: string, value: string | undefined): void => {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  };
  for (const name of names) set(name, environment[name]);
  try {
    return work();
  } finally {
    for (const [i, name] of names.entries()) set(name, before[i]);
  }
}
