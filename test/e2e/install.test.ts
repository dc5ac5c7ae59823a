// `bauta install` and `bauta uninstall`: what is there before, between and after, whatever happens in the middle.

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { PLUGIN_NAMES } from "../../src/plugins/all.ts";
import { startBeside } from "../support/background.ts";
import { failingAt, KILLED, killedBefore } from "../support/interfere.ts";
import { makeNetns, requireNamespaces, run } from "../support/netns.ts";
import { executable, start, succeed } from "../support/plugin.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const BAUTA = resolve("dist/bauta");
/** Another executable of ours, with which it is replaced. */
const OTHER_BUILD = resolve("dist/bauta-glibc");
const NAMES = ["bauta", ...PLUGIN_NAMES];

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function bauta(args: readonly string[], { through = [] as readonly string[], from = BAUTA } = {}): Outcome {
  const [command = from, ...rest] = [...through, from, ...args];
  return spawnSync(command, rest, { encoding: "utf8" });
}

const install = (directory: string, ...more: string[]): Outcome => bauta(["install", "--bin-dir", directory, ...more]);
const uninstall = (directory: string, ...more: string[]): Outcome =>
  bauta(["uninstall", "--bin-dir", directory, ...more]);

/** A directory as upstream's package leaves it, with other programs in it. */
function upstreamDirectory(): string {
  const directory = temporaryDirectory();
  for (const name of ["bridge", "host-local", "flannel"]) {
    writeFileSync(join(directory, name), `#!/bin/sh\necho upstream ${name}\n`, { mode: 0o755 });
  }
  chmodSync(join(directory, "bridge"), 0o700);
  symlinkSync("../somewhere/ptp", join(directory, "ptp"));
  return directory;
}

/** All names of a directory, with what they are. */
const contentOf = (directory: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) => {
      const path = join(directory, name);
      const status = lstatSync(path);
      const what = status.isSymbolicLink()
        ? `-> ${readlinkSync(path)}`
        : status.isDirectory()
          ? "directory"
          : `${(status.mode & 0o7777).toString(8)} ${status.size} ${status.ino}`;
      return [name, what];
    }),
  );

const versionsOf = (directory: string, name: string): unknown =>
  executable(join(directory, name))({ command: "VERSION", config: { cniVersion: "1.0.0" } }).json?.supportedVersions;

describe("bauta install", () => {
  it("makes each plugin answer by its name, and the command by its own", () => {
    const directory = join(temporaryDirectory(), "opt/cni/bin");
    const outcome = install(directory);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout).toMatch(/^installed bauta \S+ in .*\/opt\/cni\/bin as bauta, /);
    for (const name of PLUGIN_NAMES) expect(versionsOf(directory, name), name).toContain("1.0.0");
    expect(run(join(directory, "bauta"), "version")).toMatch(/^bauta /);
    expect(statSync(join(directory, "bridge")).mode & 0o777).toBe(0o755);
    expect(readFileSync(join(directory, ".bauta/bauta")).equals(readFileSync(BAUTA))).toBe(true);
  });

  it("takes no name a second time, and changes nothing when the installed one is called", () => {
    const directory = upstreamDirectory();
    install(directory);
    const again = install(directory);
    expect(again).toMatchObject({ status: 0, stderr: "" });
    expect(again.stdout).not.toContain("kept");
    const before = contentOf(directory);
    expect(bauta(["install", "--bin-dir", directory], { from: join(directory, "bauta") }).status).toBe(0);
    expect(contentOf(directory)).toEqual(before);
  });

  it("keeps what has the names, and uninstall puts it back as it was", () => {
    const directory = upstreamDirectory();
    const before = contentOf(directory);
    expect(install(directory).stdout).toContain("kept 3 files that had these names");
    expect(run(join(directory, "flannel"))).toBe("upstream flannel\n");
    expect(versionsOf(directory, "bridge")).toContain("1.0.0");
    const outcome = uninstall(directory);
    expect(outcome).toMatchObject({ status: 0, stderr: "" });
    expect(outcome.stdout).toContain(`removed ${NAMES.length} names from ${directory}, and put back 3 files`);
    expect(contentOf(directory)).toEqual(before);
  });

  it("keeps what is newer where somebody has put the old plugins back over it", () => {
    const directory = upstreamDirectory();
    install(directory);
    const newer = join(directory, "newer");
    writeFileSync(newer, "#!/bin/sh\necho newer\n", { mode: 0o755 });
    run("mv", newer, join(directory, "bridge"));
    install(directory);
    expect(versionsOf(directory, "bridge")).toContain("1.0.0");
    uninstall(directory);
    expect(run(join(directory, "bridge"))).toBe("newer\n");
  });

  it("leaves alone at uninstall what is somebody else's by then, and says so", () => {
    const directory = upstreamDirectory();
    install(directory);
    const newer = join(directory, "newer");
    writeFileSync(newer, "#!/bin/sh\necho newer\n", { mode: 0o755 });
    run("mv", newer, join(directory, "bridge"));
    const outcome = uninstall(directory);
    expect(outcome.status).toBe(0);
    expect(outcome.stderr).toContain("still has files whose names are somebody else's by now");
    expect(run(join(directory, "bridge"))).toBe("newer\n");
    expect(readdirSync(join(directory, ".bauta/replaced"))).toEqual(["bridge"]);
  });

  it("takes the plugins of --only alone, and all others later", () => {
    const directory = upstreamDirectory();
    expect(install(directory, "--only", "ptp,host-local").status).toBe(0);
    expect(run(join(directory, "bridge"))).toBe("upstream bridge\n");
    expect(versionsOf(directory, "ptp")).toContain("1.0.0");
    expect(existsSync(join(directory, "portmap"))).toBe(false);
    install(directory);
    expect(versionsOf(directory, "bridge")).toContain("1.0.0");
  });

  it("only tells with --dry-run, and uninstall too", () => {
    const directory = upstreamDirectory();
    const before = contentOf(directory);
    const { stdout } = install(directory, "--dry-run");
    expect(stdout).toContain("bridge would lead to bauta, and the file that has this name would be kept");
    expect(stdout).toContain("portmap would be a new name");
    expect(contentOf(directory)).toEqual(before);
    install(directory);
    const installed = contentOf(directory);
    const own = bauta(["install", "--bin-dir", directory, "--dry-run"], { from: join(directory, "bauta") });
    expect(own.stdout).toMatch(/\.bauta\/bauta is in place$/m);
    expect(uninstall(directory, "--dry-run").stdout).toContain("bridge: would be given back or removed");
    expect(contentOf(directory)).toEqual(installed);
  });

  it("replaces an executable that runs", async () => {
    const directory = temporaryDirectory();
    copyFileSync("/bin/sleep", join(directory, "bridge"));
    const busy = startBeside(join(directory, "bridge"), ["1000"]);
    expect(install(directory)).toMatchObject({ status: 0, stderr: "" });
    expect(versionsOf(directory, "bridge")).toContain("1.0.0");
    await busy.stop();
  });
});

/** A whole run takes minutes with all calls: every second one is tried. */
const STRIDE = 2;

describe("killed before every second one of its system calls", () => {
  /** Each name answers, by the old file or by the new one. */
  const silent = (directory: string, old: readonly string[]): string[] =>
    old.filter((name) => {
      const { status, stdout } = executable(join(directory, name))({ command: "VERSION", config: {} });
      return status !== 0 || (!stdout.includes("supportedVersions") && stdout !== `upstream ${name}\n`);
    });

  it("bauta install leaves every name usable, and another completes it", () => {
    const failures: object[] = [];
    let count = 1;
    for (; ; count += STRIDE) {
      const directory = upstreamDirectory();
      const before = contentOf(directory);
      const args = ["install", "--bin-dir", directory, "--only", "bridge,host-local,static"];
      const { status } = bauta(args, { through: killedBefore(count) });
      failures.push(...silent(directory, ["bridge", "host-local", "flannel"]).map((name) => ({ count, name })));
      if (bauta(args).status !== 0) failures.push({ count, what: "again" });
      uninstall(directory);
      try {
        expect(contentOf(directory)).toEqual(before);
      } catch (error) {
        failures.push({ count, error });
      }
      if (status !== KILLED) break;
    }
    expect(count).toBeGreaterThan(30);
    expect(failures).toEqual([]);
  });

  it("bauta uninstall leaves every name usable, and another completes it", () => {
    const failures: object[] = [];
    let count = 1;
    for (; ; count += STRIDE) {
      const directory = upstreamDirectory();
      const before = contentOf(directory);
      install(directory);
      const { status } = bauta(["uninstall", "--bin-dir", directory], { through: killedBefore(count) });
      failures.push(...silent(directory, ["bridge", "host-local", "flannel"]).map((name) => ({ count, name })));
      if (status === KILLED && existsSync(join(directory, ".bauta")) && uninstall(directory).status !== 0)
        failures.push({ count, what: "again" });
      try {
        expect(contentOf(directory)).toEqual(before);
      } catch (error) {
        failures.push({ count, error });
      }
      if (status !== KILLED) break;
    }
    expect(count).toBeGreaterThan(20);
    expect(failures).toEqual([]);
  });
});

it("bauta install puts back what was there where one of its system calls has failed, every second one in turn", () => {
  /** Without the numbers of files: where no second name can be given, what is kept is a copy. */
  const withoutNumbers = (directory: string): string => JSON.stringify(contentOf(directory)).replace(/ \d+"/g, '"');
  const failures: object[] = [];
  let count = 1;
  for (; ; count += STRIDE) {
    const directory = upstreamDirectory();
    const before = withoutNumbers(directory);
    const args = ["install", "--bin-dir", directory, "--only", "bridge,host-local,ptp"];
    const failed = bauta(args, { through: failingAt(count, "EPERM") });
    const isOver = !/^interfere: system call/m.test(failed.stderr);
    if (bauta(args).status !== 0) failures.push({ count, what: "again" });
    uninstall(directory);
    if (withoutNumbers(directory) !== before) failures.push({ count, now: withoutNumbers(directory) });
    if (isOver) break;
  }
  expect(count).toBeGreaterThan(30);
  expect(failures).toEqual([]);
});

describe("at the same time", () => {
  it("several installations end well", async () => {
    const directory = upstreamDirectory();
    const before = contentOf(directory);
    const install = ["install", "--bin-dir", directory];
    const statuses = await Promise.all(
      Array.from({ length: 8 }, (_, i) => startBeside(i % 2 === 0 ? BAUTA : OTHER_BUILD, install).ends()),
    );
    expect(statuses).toEqual(Array(8).fill(0));
    for (const name of PLUGIN_NAMES) expect(versionsOf(directory, name), name).toContain("1.0.0");
    uninstall(directory);
    expect(contentOf(directory)).toEqual(before);
  });

  it("installations and their removals end well, whichever is first", async () => {
    const directory = upstreamDirectory();
    const before = contentOf(directory);
    const verbs = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? "install" : "uninstall"));
    const statuses = await Promise.all(verbs.map((verb) => startBeside(BAUTA, [verb, "--bin-dir", directory]).ends()));
    expect(statuses.filter((_, i) => verbs[i] === "install")).toEqual(Array(6).fill(0));
    install(directory);
    for (const name of PLUGIN_NAMES) expect(versionsOf(directory, name), name).toContain("1.0.0");
    uninstall(directory);
    expect(contentOf(directory)).toEqual(before);
  });

  it("no ADD and no DEL fails while the executable is replaced 100 times", async () => {
    requireNamespaces();
    const directory = temporaryDirectory();
    install(directory);
    let isReplacing = true;
    const config = {
      cniVersion: "1.0.0",
      name: "busy",
      type: "ptp",
      ipam: { type: "host-local", dataDir: temporaryDirectory(), subnet: "10.1.0.0/16" },
    };
    const loop = async (n: number): Promise<number> => {
      const netns = makeNetns();
      const call = { config, containerId: `c${n}`, netns: netns.path, ifname: "eth0", path: directory };
      let count = 0;
      while (isReplacing || count === 0) {
        const prevResult = succeed(await start(join(directory, "ptp"), { ...call, command: "ADD" }));
        const ended = { ...call, config: { ...config, prevResult } };
        succeed(await start(join(directory, "ptp"), { ...ended, command: "DEL" }));
        count++;
      }
      return count;
    };
    const loops = Promise.all(Array.from({ length: 8 }, (_, n) => loop(n)));
    let hasFailed = false;
    loops.catch(() => {
      hasFailed = true;
    });
    let status: unknown = 0;
    for (let i = 0; i < 100 && status === 0 && !hasFailed; i++) {
      status = await startBeside(i % 2 === 0 ? OTHER_BUILD : BAUTA, ["install", "--bin-dir", directory]).ends();
    }
    isReplacing = false;
    expect(status).toBe(0);
    for (const count of await loops) expect(count).toBeGreaterThan(0);
  });
});

describe("where it can't be done", () => {
  beforeAll(() => requireNamespaces());

  /** A directory that is a file system of its own. */
  function mounted(options: string): string {
    const directory = temporaryDirectory();
    run("mount", "-t", "tmpfs", "-o", options, "tmpfs", directory);
    return directory;
  }

  it.each([
    ["ro", "can't be written to: choose another directory with --bin-dir"],
    ["size=1m", "there is no room for the executable"],
    ["noexec", "is its file system mounted with noexec?"],
  ])("on a file system that is mounted with %s it says so, and leaves nothing of the executable", (options, text) => {
    const directory = mounted(options);
    try {
      const { status, stdout, stderr } = install(directory);
      expect([status, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(text);
      const left = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((name) =>
        /bauta$|new$/.test(name),
      );
      expect(left.filter((name) => name !== ".bauta")).toEqual([]);
    } finally {
      run("umount", directory);
    }
  });

  it.each<readonly [what: string, make: (store: string) => void]>([
    ["leads elsewhere", (store) => symlinkSync(temporaryDirectory(), store)],
    [
      "all may write to",
      (store) => {
        mkdirSync(store);
        chmodSync(store, 0o777);
      },
    ],
    [
      "is somebody else's",
      (store) => {
        mkdirSync(store);
        chownSync(store, 1, 1);
      },
    ],
  ])("a directory .bauta that %s is not used", (_, make) => {
    const directory = temporaryDirectory();
    make(join(directory, ".bauta"));
    const { status, stderr } = install(directory);
    expect([status, stderr]).toEqual([1, expect.stringContaining("not a directory that nobody else can write to")]);
    expect(readdirSync(directory)).toEqual([".bauta"]);
  });

  it("a directory of that name, a file in the way, an unknown plugin, nothing to uninstall", () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, "bridge"));
    expect(install(directory).stderr).toContain(`${directory}/bridge is a directory`);
    expect(readdirSync(directory)).toEqual(["bridge"]);
    const file = join(directory, "file");
    writeFileSync(file, "");
    expect(install(join(file, "bin")).stderr).toMatch(/is no directory, or has a file in the way/);
    const unknown = install(directory, "--only", "bridge,prtmap");
    expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining("there is no prtmap, did you mean")]);
    expect(uninstall(directory).stderr).toContain(`bauta is not installed in ${directory}`);
  });
});
