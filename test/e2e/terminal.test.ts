// What the command draws on a terminal while it waits, and where it draws nothing: a terminal of 20 columns, by script(1).

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Background, startBeside } from "../support/background.ts";
import { makeNetns, requireNamespaces } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { cleanNode, PLUGINS } from "./masquerade/node.ts";

const BAUTA = resolve("dist/bauta");
const COLUMNS = 20;
/** What ends a line that is drawn over itself: EL of ECMA-48. */
const ERASE = "\x1b[K";

beforeAll(() => requireNamespaces());
afterEach(() => cleanNode());

/** Runs a command line on a terminal, beside the test. */
function onTerminal(line: string): Background {
  return startBeside("script", ["-qefc", `stty cols ${COLUMNS}; ${line}`, "/dev/null"], {
    env: { PATH: process.env["PATH"], TERM: "xterm" },
  });
}

/** Locks the file until it is stopped. */
async function lock(path: string): Promise<Background> {
  const holder = startBeside("flock", ["--exclusive", "--no-fork", path, "sh", "-c", "echo locked; sleep 600"]);
  await holder.prints(/locked/);
  return holder;
}

/** What has been drawn over itself, without what was printed in between. */
const drawn = (printed: string): string[] =>
  printed
    .split(ERASE)
    .slice(0, -1)
    .map((part) => part.slice(part.lastIndexOf("\r") + 1));

/** A directory that bauta is installed in, and the lock of that. */
function installed(): { readonly bin: string; readonly lockFile: string } {
  const bin = join(temporaryDirectory(), "bin");
  expect(spawnSync(BAUTA, ["install", "--bin-dir", bin], { encoding: "utf8" })).toMatchObject({ status: 0 });
  return { bin, lockFile: join(bin, ".bauta/lock") };
}

describe("on a terminal, what takes over a second", () => {
  it("is told in a line that fits, goes on, and is gone in the end", async () => {
    const { bin, lockFile } = installed();
    const holder = await lock(lockFile);
    const command = onTerminal(`exec ${BAUTA} install --bin-dir ${bin}`);
    await command.prints(/\r1 s: .*\r2 s: /s);
    await holder.stop();
    expect(await command.ends()).toBe(0);
    const lines = drawn(command.printed());
    expect(lines[0]).toBe(`1 s: waiting for ${bin}`.slice(0, COLUMNS - 1));
    expect(lines.filter((text) => text.length >= COLUMNS)).toEqual([]);
    // The last thing that is drawn is nothing, and what was done stands in its place.
    expect(lines.at(-1)).toBe("");
    expect(command.printed()).toContain(`\r${ERASE}installed bauta `);
  });

  it("is told of each plugin that bauta cni calls, however long it waits", async () => {
    const container = makeNetns();
    onTestFinished(() => container.remove());
    const dataDir = temporaryDirectory();
    mkdirSync(join(dataDir, "net"));
    const file = join(dataDir, "net.conflist");
    const ipam = { type: "host-local", dataDir, subnet: "10.61.0.0/24" };
    writeFileSync(file, JSON.stringify({ cniVersion: "1.0.0", name: "net", plugins: [{ type: "ptp", ipam }] }));
    const holder = await lock(join(dataDir, "net/lock"));
    const command = onTerminal(`CNI_PATH=${PLUGINS} exec ${BAUTA} cni add ${file} --netns ${container.path}`);
    await command.prints(/\r1 s: ADD by ptp/);
    await holder.stop();
    expect(await command.ends()).toBe(0);
    expect(command.printed()).toContain('"10.61.0.2/24"');
    spawnSync(BAUTA, ["cni", "del", file, "--netns", container.path], { env: { CNI_PATH: PLUGINS } });
  });

  it("is told nowhere else: with --quiet, to a file, in a CI system, to a terminal that can't erase", async () => {
    const { bin, lockFile } = installed();
    const log = join(temporaryDirectory(), "log");
    const holder = await lock(lockFile);
    const install = `${BAUTA} install --bin-dir ${bin}`;
    const silent = [
      onTerminal(`exec ${install} --quiet`),
      onTerminal(`exec ${install} 2>${log}`),
      onTerminal(`CI=true exec ${install}`),
      onTerminal(`TERM=dumb exec ${install}`),
    ];
    // Colours are none of it.
    const witness = onTerminal(`NO_COLOR=1 exec ${install}`);
    await witness.prints(/\r3 s: /);
    await holder.stop();
    for (const command of [...silent, witness]) expect(await command.ends()).toBe(0);
    for (const command of silent) expect(drawn(command.printed())).toEqual([]);
    expect(readFileSync(log, "utf8")).toBe("");
    expect(silent.map((command) => command.printed().includes("installed bauta"))).toEqual([false, true, true, true]);
    expect(witness.printed().replaceAll(ERASE, "")).not.toContain("\x1b");
  });
});

describe("--quiet", () => {
  const bauta = (...args: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync(BAUTA, args, { encoding: "utf8" });
    return { status, stdout, stderr };
  };

  it("leaves out what was done, and keeps what was asked for and what is wrong", () => {
    const { bin } = installed();
    const nothing = { status: 0, stdout: "", stderr: "" };
    for (const verb of ["restore", "gc", "adopt", "apply"]) expect(bauta(verb, "--quiet")).toEqual(nothing);
    expect(bauta("gc", "--quiet", "--dry-run")).toMatchObject({ status: 0, stdout: "would remove 0 attachments\n" });
    expect(bauta("restore", "--quiet", "--json").stdout).toContain('"addresses":0');
    expect(bauta("list", "--quiet").stdout).toContain("NETWORK");
    expect(bauta("uninstall", "--quiet", "--bin-dir", bin)).toEqual(nothing);
    const again = bauta("uninstall", "--quiet", "--bin-dir", bin);
    expect(again).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("is not installed") });
  });
});
