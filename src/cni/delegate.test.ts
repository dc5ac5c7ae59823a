import { chmodSync, copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, parse } from "node:path";
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { ipConfig } from "../../test/support/cni-result.ts";
import { engine } from "../sys/engine.ts";
import { errno } from "../sys/errno.ts";
import { parseConfig } from "./config.ts";
import { delegate, delegateAdd } from "./delegate.ts";
import { findPlugin, isOwnPlugin } from "./find-plugin.ts";
import type { Invocation } from "./plugin.ts";

const root = mkdtempSync(join(tmpdir(), "delegate-"));
afterAll(() => rmSync(root, { recursive: true }));

let directory: string;
let log: string[];
let count = 0;

beforeEach(() => {
  directory = join(root, String(count++));
  mkdirSync(directory);
  log = [];
});

/** A plugin that is a shell script. */
function install(name: string, script: string): void {
  writeFileSync(join(directory, name), `#!/bin/sh\ncd ${directory}\n${script}\n`);
  chmodSync(join(directory, name), 0o755);
}

function read(name: string): string {
  return engine.decode(parseFile(join(directory, name)));
}

function parseFile(path: string): Uint8Array {
  return new Uint8Array(process.getBuiltinModule("node:fs").readFileSync(path));
}

const stdin = '{"cniVersion": "1.1.0", "name": "n",  "ipam": {"type": "fake"}, "unknown": 1.0}\n';

function invocation(cniVersion = "1.1.0"): Invocation {
  return {
    command: "ADD",
    containerId: "c1",
    netns: "/run/netns/c1",
    ifname: "eth0",
    args: "",
    path: `/nonexistent::${directory}`,
    config: parseConfig(engine.encode(stdin.replace("1.1.0", cniVersion)), "ADD"),
    prevResult: undefined,
    log: (line) => void log.push(line),
  };
}

const failure = (code: number, message: string, details?: string): unknown =>
  expect.objectContaining({
    name: "CniError",
    code,
    message: expect.stringContaining(message),
    ...(details === undefined ? {} : { details }),
  });

describe("findPlugin()", () => {
  it("takes the first directory that has the plugin", () => {
    for (const name of ["a", "b"]) mkdirSync(join(directory, name));
    mkdirSync(join(directory, "a", "p")); // a directory is no plugin
    writeFileSync(join(directory, "b", "p"), "");
    expect(findPlugin("p", `${directory}/missing:${directory}/a:${directory}/b`)).toBe(`${directory}/b/p`);
  });

  it("says where it has looked in vain", () => {
    expect(() => findPlugin("p", "/nonexistent:/dev/null")).toThrow(
      failure(999, 'failed to find plugin "p" in path [/nonexistent /dev/null]'),
    );
    expect(() => findPlugin("p", "")).toThrow(failure(999, 'failed to find plugin "p" in path []'));
  });

  it("does not look in the working directory", () => {
    expect(() => findPlugin("package.json", ":")).toThrow(failure(999, "in path []"));
  });

  it.each(["", ".", "..", "a/b", "/bin/sh", "../p", "a\0"])("refuses the name %j", (name) => {
    expect(() => findPlugin(name, "/bin")).toThrow(failure(7, "is not the name of a plugin"));
  });
});

describe("isOwnPlugin()", () => {
  it("knows the running executable by any of its names, and no copy of it", () => {
    const { dir, base } = parse(process.execPath);
    expect(isOwnPlugin(base, dir)).toBe(true);
    symlinkSync(process.execPath, join(directory, "symbolic"));
    expect(isOwnPlugin("symbolic", directory)).toBe(true);
    copyFileSync("/bin/true", join(directory, "other"));
    linkSync(join(directory, "other"), join(directory, "hard"));
    expect(isOwnPlugin("hard", directory)).toBe(false);
    expect(() => isOwnPlugin("missing", directory)).toThrow(failure(999, 'failed to find plugin "missing"'));
  });
});

describe("delegateAdd()", () => {
  it("hands on standard input byte by byte, the environment and the call's own variables, and reads the result", () => {
    process.env["CNI_COMMAND"] = "CHECK";
    process.env["CNI_NETNS"] = "/run/netns/other"; // that of a list whose plugins run in one process, say
    process.env["BAUTA_UNRELATED"] = "A=b";
    try {
      install("fake", 'cat >stdin; env >env; echo \'{"ips": [{"address": "10.0.0.2/24"}]}\'');
      expect(delegateAdd("fake", { ...invocation(), args: "A=b;C=d" })).toEqual({
        interfaces: [],
        ips: [ipConfig("10.0.0.2/24")],
        routes: [],
        dns: {},
      });
    } finally {
      delete process.env["CNI_COMMAND"];
      delete process.env["CNI_NETNS"];
      delete process.env["BAUTA_UNRELATED"];
    }
    expect(read("stdin")).toBe(stdin);
    const variables = read("env").split("\n");
    expect(variables).toContain("BAUTA_UNRELATED=A=b");
    expect(variables.filter((variable) => variable.startsWith("CNI_")).sort()).toEqual([
      "CNI_ARGS=A=b;C=d",
      "CNI_COMMAND=ADD",
      "CNI_CONTAINERID=c1",
      "CNI_IFNAME=eth0",
      "CNI_NETNS=/run/netns/c1",
      `CNI_PATH=/nonexistent::${directory}`,
    ]);
  });

  it("reads a result without version in the configuration's", () => {
    install("fake", 'cat >/dev/null; echo \'{"ip4": {"ip": "10.0.0.2/24"}}\'');
    expect(delegateAdd("fake", invocation("0.2.0")).ips).toEqual([ipConfig("10.0.0.2/24")]);
  });

  it("takes null for an empty result", () => {
    install("fake", "cat >/dev/null; echo null");
    expect(delegateAdd("fake", invocation()).ips).toEqual([]);
  });

  it("works for a plugin that does not read its input", () => {
    install("fake", "echo '{}'");
    expect(delegateAdd("fake", invocation()).ips).toEqual([]);
  });

  it("passes the delegate's error on, code, message and details", () => {
    install("fake", 'echo \'{"cniVersion":"1.1.0","code":7,"msg":"too small","details":"a /31"}\'; exit 1');
    expect(() => delegateAdd("fake", invocation())).toThrow(failure(7, "too small", "a /31"));
  });

  it("gives a delegate that failed a DEL", () => {
    install(
      "fake",
      'cat >>stdin; echo $CNI_COMMAND >>commands; echo \'{"code":11,"msg":"busy"}\'; [ $CNI_COMMAND = DEL ]',
    );
    expect(() => delegateAdd("fake", invocation())).toThrow(failure(11, "busy"));
    expect(read("commands")).toBe("ADD\nDEL\n");
    expect(read("stdin")).toBe(stdin + stdin);
    expect(log).toEqual([]);
  });

  it("gives a DEL to a delegate whose result can't be read, too", () => {
    install("fake", "echo $CNI_COMMAND >>commands; echo oops");
    expect(() => delegateAdd("fake", invocation())).toThrow(failure(6, 'the result of plugin "fake" is not JSON'));
    expect(read("commands")).toBe("ADD\nDEL\n");
  });

  it("throws the first error when the DEL fails as well, and logs the second", () => {
    install("fake", 'echo "{\\"code\\":100,\\"msg\\":\\"$CNI_COMMAND failed\\"}"; exit 2');
    expect(() => delegateAdd("fake", invocation())).toThrow(failure(100, "ADD failed"));
    expect(log).toEqual(["DEL after a failed ADD: DEL failed"]);
  });

  it.each([
    ["nothing", "true", 6, 'the result of plugin "fake" is empty'],
    ["half a result", "printf '{\"ips\": ['", 6, 'the result of plugin "fake" ends too early'],
    ["a list", "echo '[1]'", 6, 'the result of plugin "fake" is not an object: [1]'],
    ["a wrong type", "echo '{\"ips\": 1}'", 6, 'the result of plugin "fake".ips: 1 is not an array'],
    ["a wrong value", 'echo \'{"ips": [{"address": "x"}]}\'', 7, '.ips[0].address: "x" is not a CIDR prefix'],
  ])("refuses a result that is %s", (_, script, code, message) => {
    install("fake", script);
    expect(() => delegateAdd("fake", invocation())).toThrow(failure(code, message));
  });

  it.each([
    ["prints nothing", "exit 3", 'plugin "fake" ended with status 3 and printed no error'],
    ["prints what is no JSON", "echo oops; exit 1", 'plugin "fake" ended with status 1 and printed "oops\\n"'],
    ["prints JSON that is no error", "echo '{\"x\":1}'; exit 1", 'plugin "fake" ended with status 1 and printed'],
    ["prints an error of wrong types", "echo '{\"msg\":1}'; exit 1", 'plugin "fake" ended with status 1 and printed'],
    ["is killed", "kill -9 $$", 'plugin "fake" was killed by signal 9 and printed no error'],
    ["gives no code", 'echo \'{"msg":"no idea"}\'; exit 1', "no idea"],
    ["gives code 0", 'echo \'{"code":0,"msg":"no idea"}\'; exit 1', "no idea"],
    ["gives details only", 'echo \'{"details":"d"}\'; exit 4', 'plugin "fake" ended with status 4'],
  ])("says with code 999 what is known of a delegate that %s", (_, script, message) => {
    install("fake", script);
    expect(() => delegateAdd("fake", invocation())).toThrow(failure(999, message));
  });

  it("says that a plugin can't be executed", () => {
    writeFileSync(join(directory, "fake"), "x");
    expect(() => delegateAdd("fake", invocation())).toThrow(/cannot run .*\/fake: EACCES/);
  });

  it("finds no plugin where there is none", () => {
    expect(() => delegateAdd("fake", invocation())).toThrow(failure(999, 'failed to find plugin "fake"'));
    expect(log).toEqual([]);
  });
});

describe("delegate()", () => {
  it.each(["CHECK", "DEL", "GC", "STATUS"] as const)("runs %s and looks at no result", (command) => {
    install("fake", "cat >stdin; echo $CNI_COMMAND >command; echo oops");
    delegate("fake", command, invocation());
    expect([read("command"), read("stdin")]).toEqual([`${command}\n`, stdin]);
  });

  it("names a delegate that does not end, and asks to try again", () => {
    install("fake", "echo here");
    const { bautaEngine } = globalThis;
    const original = bautaEngine.spawn;
    onTestFinished(() => {
      bautaEngine.spawn = original;
    });
    const timeouts: unknown[] = [];
    bautaEngine.spawn = (...args) => {
      timeouts.push(args[6]);
      return -errno("ETIMEDOUT");
    };
    const details = expect.stringContaining("killed with its children");
    expect(() => delegate("fake", "CHECK", invocation())).toThrow(
      expect.objectContaining({ code: 11, message: 'CHECK of plugin "fake" did not end within 100 s', details }),
    );
    expect(() => delegateAdd("fake", invocation())).toThrow(
      failure(11, 'ADD of plugin "fake" did not end within 220 s'),
    );
    expect(log).toEqual([expect.stringContaining("DEL after a failed ADD")]);
    expect(timeouts).toEqual([100_000, 220_000, 100_000]);
  });

  it("passes the delegate's error on, and does not answer it with a DEL", () => {
    install("fake", 'echo $CNI_COMMAND >>commands; echo \'{"code":50,"msg":"exhausted"}\'; exit 1');
    expect(() => delegate("fake", "STATUS", invocation())).toThrow(failure(50, "exhausted"));
    expect(read("commands")).toBe("STATUS\n");
  });
});
