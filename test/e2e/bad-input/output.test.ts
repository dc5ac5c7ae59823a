// Standard output that nobody reads, that is full, or that takes its time; and standard error, which nobody has to read.

import { spawn } from "node:child_process";
import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { hasCode } from "../../../src/sys/error.ts";
import { SYS } from "../../../src/sys/syscalls.ts";
import { poll, run } from "../../support/netns.ts";
import { type PluginCall, type PluginOutcome, succeed } from "../../support/plugin.ts";
import { PLUGINS } from "../masquerade/node.ts";
import { type Json, networkOf, PLUGIN_NAMES, type PluginName, stateOfNode, useNode } from "./node.ts";

const node = useNode();

/** Calls the plugin as "$@" of a shell. */
function callIn(script: string, plugin: PluginName, call: Partial<PluginCall> = {}): PluginOutcome {
  return node.call(plugin, call, ["bash", "--norc", "-c", script, "bash"]);
}

// An address that the loopback gets with its first ADD stays; it shall not count.
beforeAll(() => {
  for (const command of ["ADD", "DEL"]) succeed(node.call("loopback", { command }));
});

/** Ways in which nothing gets through, and what is said of them on standard error. */
const DEAF = [
  ["closed", '"$@" >&-', "EBADF"],
  ["open for reading only", '"$@" 1</dev/null', "EBADF"],
  ["a full disk", '"$@" >/dev/full', "ENOSPC"],
  ["a pipe whose reader is gone", 'exec 5> >(:); wait $!; "$@" >&5', "EPIPE"],
] as const;

describe.each(PLUGIN_NAMES)("%s, whose standard output is", (plugin) => {
  it.each(DEAF)("%s, takes back what nobody has been told of", (_, script, code) => {
    const before = stateOfNode();
    const outcome = callIn(script, plugin);
    expect(outcome).toMatchObject({ status: 1, stdout: "" });
    expect(outcome.stderr).toMatch(new RegExp(`^${plugin}: .*standard output.*${code}.*\n$`));
    expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
  });

  it.each(DEAF)("%s, says on standard error what is wrong", (_, script, code) => {
    const outcome = callIn(script, plugin, { config: "" });
    expect(outcome).toMatchObject({ status: 1, stdout: "" });
    expect(outcome.stderr).toMatch(new RegExp(`^${plugin}: .*is empty\n${plugin}: .*standard output.*${code}.*\n$`));
  });

  it.each(DEAF)("%s, answers no VERSION, and says so", (_, script, code) => {
    const outcome = callIn(script, plugin, { command: "VERSION" });
    expect(outcome).toMatchObject({ status: 1, stderr: expect.stringMatching(code) });
  });

  it.each(DEAF)("%s, has nothing to print in a DEL", (_, script) => {
    expect(callIn(script, plugin, { command: "DEL" })).toMatchObject({ status: 0, stdout: "", stderr: "" });
  });
});

describe("standard error", () => {
  it.each([
    ["closed", "2>&-"],
    ["a full disk", "2>/dev/full"],
    ["a pipe whose reader is gone", "2>&5"],
  ])("that is %s changes nothing", (_, redirection) => {
    const before = stateOfNode();
    const script = `exec 5> >(:); wait $!; "$@" ${redirection}`;
    // There is something to be said of each: a prevResult that nobody can read.
    const config = { ...networkOf("ptp"), prevResult: { cniVersion: "9.9.9" } };
    succeed(node.call("ptp", {}));
    const outcome = callIn(script, "ptp", { command: "DEL", config });
    expect(outcome).toMatchObject({ status: 0, stdout: "", stderr: "" });
    expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
    expect(callIn(script, "ptp", { config: "" })).toMatchObject({ status: 1, json: { code: 6 } });
  });

  it("gets what only people need to know, and nothing else does", () => {
    const config = { ...networkOf("ptp"), prevResult: { cniVersion: "9.9.9" } };
    const outcome = node.call("ptp", { command: "DEL", config });
    expect(outcome).toMatchObject({
      status: 0,
      stdout: "",
      stderr: expect.stringMatching(/^ptp: prevResult .*9\.9\.9/),
    });
  });

  it("closed with all the others lets nothing of an ADD stand", () => {
    const before = stateOfNode();
    expect(callIn('"$@" <&- >&- 2>&-', "ptp")).toMatchObject({ status: 1, stdout: "", stderr: "" });
    const config = JSON.stringify(networkOf("ptp"));
    expect(callIn(`"$@" <<<'${config}' >&- 2>&-`, "ptp")).toMatchObject({ status: 1, stdout: "", stderr: "" });
    expect({ ...stateOfNode(), prepared: before.prepared }).toEqual(before);
  });
});

describe("a result larger than a pipe", () => {
  const routes = Array.from({ length: 4000 }, (_, n) => ({ dst: `10.${n >> 8}.${n & 255}.0/24`, gw: "198.18.9.1" }));
  const config = networkOf("static", { ipam: { routes } });

  it.each([
    ["waits for", 0],
    ["comes back to", constants.O_NONBLOCK],
  ])("%s a reader who takes his time, and arrives whole", async (_, flags) => {
    const { child, reader } = startInto(config, flags);
    // Nothing but the pipe, which holds 64 KiB, can be in its way.
    poll("the plugin waiting for room in the pipe", () => isWaiting(child.pid ?? 0));
    const ended = new Promise((resolve) => child.on("close", resolve));
    const result = JSON.parse(readSlowly(reader));
    expect(await ended).toBe(0);
    expect(result.routes).toEqual(routes);
  });

  it.each([
    ["waits for", 0],
    ["comes back to", constants.O_NONBLOCK],
  ])("%s a reader who goes away meanwhile, and fails", async (_, flags) => {
    const { child, reader } = startInto(config, flags);
    poll("the plugin waiting for room in the pipe", () => isWaiting(child.pid ?? 0));
    const ended = new Promise((resolve) => child.on("close", resolve));
    closeSync(reader);
    expect(await ended).toBe(1);
  });
});

/** Starts an ADD of static whose standard output is a pipe with these flags; `reader` is its other end. */
function startInto(config: Json, flags: number) {
  const [pipe, input] = ["/run/slow-pipe", "/run/slow-input"];
  run("mkfifo", pipe);
  writeFileSync(input, JSON.stringify(config));
  onTestFinished(() => void run("rm", pipe, input));
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const [stdin, stdout] = [openSync(input, "r"), openSync(pipe, constants.O_WRONLY | flags)];
  const env = {
    CNI_COMMAND: "ADD",
    CNI_CONTAINERID: "container-1",
    CNI_NETNS: node.container.path,
    CNI_IFNAME: "eth0",
    CNI_PATH: PLUGINS,
  };
  const child = spawn(join(PLUGINS, "static"), { env, stdio: [stdin, stdout, "ignore"] });
  for (const fd of [stdin, stdout]) closeSync(fd);
  return { child, reader };
}

/** Whether the process is asleep in the system call that writes, or in the one that waits until it can. */
function isWaiting(pid: number): boolean {
  const [number] = readFileSync(`/proc/${pid}/syscall`, "utf8").split(" ");
  return number === String(SYS.write) || number === String(SYS.ppoll);
}

/** All that comes through the pipe, in pieces so small that the writer waits time and again. */
function readSlowly(fd: number): string {
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = Buffer.alloc(1000);
    const length = poll("something in the pipe", () => tryRead(fd, piece)) - 1;
    if (length === 0) break;
    pieces.push(piece.subarray(0, length));
  }
  closeSync(fd);
  return Buffer.concat(pieces).toString();
}

/** One more than what has been read; undefined where nothing is there yet. */
function tryRead(fd: number, piece: Buffer): number | undefined {
  try {
    return 1 + readSync(fd, piece);
  } catch (error) {
    if (hasCode(error, "EAGAIN")) return undefined;
    throw error;
  }
}
