import { beforeEach, describe, expect, it } from "vitest";
import { ipConfig } from "../../test/support/cni-result.ts";
import { engine } from "../sys/engine.ts";
import { errno } from "../sys/errno.ts";
import { SyscallError } from "../sys/error.ts";
import { type PluginIo, runPlugin } from "./dispatch.ts";
import { CniError } from "./error.ts";
import { type Invocation, type Plugin, requirePrevResult } from "./plugin.ts";
import type { Result } from "./result.ts";

const result: Result = { interfaces: [{ name: "eth0" }], ips: [ipConfig("10.0.0.2/24")], routes: [], dns: {} };
const attachment = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/run/netns/c1",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/opt/cni/bin",
};
const config = { cniVersion: "1.1.0", name: "n", type: "fake" };

let calls: Invocation[];
let stdout: string;
let log: string[];

beforeEach(() => {
  calls = [];
  stdout = "";
  log = [];
});

const fake: Plugin = {
  name: "fake",
  add: (invocation) => {
    calls.push(invocation);
    return result;
  },
  check: (invocation) => void calls.push(invocation),
  del: (invocation) => void calls.push(invocation),
  gc: (invocation) => void calls.push(invocation),
  status: (invocation) => void calls.push(invocation),
};

interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: unknown;
  readonly plugin?: Plugin;
  readonly io?: Partial<PluginIo>;
}

function run({ env = attachment, stdin = config, plugin = fake, io = {} }: Given): number {
  return runPlugin(plugin, {
    getenv: (name) => env[name],
    readStdin: () => engine.encode(typeof stdin === "string" ? stdin : JSON.stringify(stdin)),
    write: (text) => {
      stdout += text;
    },
    log: (line) => void log.push(line),
    isOwnNetns: (path) => path === "/proc/self/ns/net",
    mapStack: (stack) => stack,
    ...io,
  });
}

const env = (variables: Readonly<Record<string, string>>) => ({ ...attachment, ...variables });

describe("ADD", () => {
  it("prints the result in the version of the configuration, and nothing else", () => {
    expect(run({})).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      cniVersion: "1.1.0",
      interfaces: [{ name: "eth0" }],
      ips: [{ address: "10.0.0.2/24" }],
    });
    expect(run({ stdin: { ...config, cniVersion: "0.2.0" } })).toBe(0);
    expect(stdout).toContain('"ip4"');
    expect(log).toEqual([]);
  });

  it("tells the plugin everything, checked", () => {
    run({ env: env({ CNI_ARGS: "A=b" }), stdin: { ...config, prevResult: { ips: [{ address: "10.0.0.2/24" }] } } });
    expect(calls).toEqual([
      {
        command: "ADD",
        containerId: "c1",
        netns: "/run/netns/c1",
        ifname: "eth0",
        args: "A=b",
        path: "/opt/cni/bin",
        config: expect.objectContaining({ name: "n", type: "fake" }),
        prevResult: { ...result, interfaces: [] },
        log: expect.any(Function),
      },
    ]);
  });

  it("lets the plugin log under its name", () => {
    run({});
    calls[0]?.log("hello");
    expect(log).toEqual(["fake: hello"]);
  });

  it("refuses a prevResult that can't be read", () => {
    expect(run({ stdin: { ...config, prevResult: { ips: 5 } } })).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code: 6, msg: "prevResult.ips: 5 is not an array" });
    expect(calls).toEqual([]);
  });

  it("refuses the namespace of the plugin itself before anything is done", () => {
    expect(run({ env: env({ CNI_NETNS: "/proc/self/ns/net" }) })).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code: 8, msg: expect.stringContaining("/proc/self/ns/net") });
    expect(calls).toEqual([]);
  });

  it("takes the namespace of the plugin itself when CNI_NETNS_OVERRIDE says so", () => {
    expect(run({ env: env({ CNI_NETNS: "/proc/self/ns/net", CNI_NETNS_OVERRIDE: "true" }) })).toBe(0);
    expect(calls).toHaveLength(1);
  });

  it("leaves it to the plugin whether the namespace must exist", () => {
    const isOwnNetns = (): never => {
      throw new SyscallError("statx", errno("ENOENT"), "look at /run/netns/c1");
    };
    expect(run({ io: { isOwnNetns } })).toBe(0);
  });

  it("fails where it can't tell whose namespace it is", () => {
    const isOwnNetns = (): never => {
      throw new SyscallError("statx", errno("EIO"), "look at /run/netns/c1");
    };
    expect(run({ io: { isOwnNetns } })).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code: 5 });
    expect(calls).toEqual([]);
  });
});

describe("a result that could not be handed over", () => {
  const closed = (): never => {
    throw new SyscallError("write", errno("EPIPE"), "write standard output");
  };

  it("is undone by DEL when standard output is closed", () => {
    expect(run({ io: { write: closed } })).toBe(1);
    expect(calls.map(({ command }) => command)).toEqual(["ADD", "DEL"]);
    expect(calls[1]).toMatchObject({ containerId: "c1", netns: "/run/netns/c1", ifname: "eth0", prevResult: result });
    expect(log).toEqual(["fake: cannot write standard output: EPIPE: Broken pipe (write)"]);
  });

  it("is undone when the version has no room for it", () => {
    const plugin: Plugin = { ...fake, add: () => ({ ...result, ips: [] }) };
    expect(run({ plugin, stdin: { ...config, cniVersion: "0.2.0" } })).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ cniVersion: "0.2.0", code: 7 });
    expect(calls.map(({ command }) => command)).toEqual(["DEL"]);
  });

  it("says why it could not be undone, and still ends with the first error", () => {
    const del = (): never => {
      throw new Error("link is stuck");
    };
    expect(run({ plugin: { ...fake, del }, io: { write: closed } })).toBe(1);
    expect(log[0]).toContain("cannot undo the attachment whose result could not be printed: link is stuck");
    expect(log[1]).toContain("cannot write standard output: EPIPE");
  });

  it("needs no del", () => {
    expect(run({ plugin: { name: "x", add: () => result }, io: { write: closed } })).toBe(1);
  });
});

describe("CHECK", () => {
  it("runs the plugin's check and prints nothing", () => {
    expect(run({ env: env({ CNI_COMMAND: "CHECK" }) })).toBe(0);
    expect([stdout, calls[0]?.command]).toEqual(["", "CHECK"]);
  });

  it("is refused for a version that does not have it", () => {
    expect(run({ env: env({ CNI_COMMAND: "CHECK" }), stdin: { ...config, cniVersion: "0.3.1" } })).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code: 1, msg: "config version does not allow CHECK" });
  });

  it("lets a plugin insist on a prevResult", () => {
    const plugin: Plugin = { ...fake, check: (invocation) => void requirePrevResult(invocation) };
    expect(run({ plugin, env: env({ CNI_COMMAND: "CHECK" }) })).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code: 7, msg: expect.stringContaining("prevResult is missing") });
    expect(run({ plugin, env: env({ CNI_COMMAND: "CHECK" }), stdin: { ...config, prevResult: {} } })).toBe(0);
  });
});

describe("DEL", () => {
  const DEL = { CNI_COMMAND: "DEL" };

  it("runs the plugin's del and prints nothing", () => {
    expect(run({ env: env(DEL) })).toBe(0);
    expect([stdout, calls[0]?.command]).toEqual(["", "DEL"]);
  });

  it("goes on without a namespace", () => {
    expect(run({ env: env({ ...DEL, CNI_NETNS: "" }) })).toBe(0);
    expect(calls[0]?.netns).toBe("");
  });

  it("goes on without a prevResult that can't be read, and says so", () => {
    expect(run({ env: env(DEL), stdin: { ...config, prevResult: { ips: 5 } } })).toBe(0);
    expect(calls[0]?.prevResult).toBeUndefined();
    expect(log).toEqual(["fake: prevResult is ignored: prevResult.ips: 5 is not an array"]);
  });

  it("keeps out of the plugin's own namespace, cleans up the rest, and then refuses it", () => {
    expect(run({ env: env({ ...DEL, CNI_NETNS: "/proc/self/ns/net" }) })).toBe(1);
    expect(calls[0]?.netns).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ code: 8 });
  });
});

describe("GC and STATUS", () => {
  it.each(["GC", "STATUS"])("run the plugin's %s and print nothing", (command) => {
    expect(run({ env: env({ CNI_COMMAND: command }) })).toBe(0);
    expect(stdout).toBe("");
    expect(calls[0]).toMatchObject({ command, containerId: "", netns: "", ifname: "" });
  });

  it("tell GC what is still valid", () => {
    const valid = [{ containerID: "a", ifname: "eth0" }];
    run({ env: env({ CNI_COMMAND: "GC" }), stdin: { ...config, "cni.dev/valid-attachments": valid } });
    expect(calls[0]?.config.validAttachments).toEqual([{ containerId: "a", ifname: "eth0" }]);
  });

  it.each(["GC", "STATUS"])("refuse %s for a version that does not have it", (command) => {
    expect(run({ env: env({ CNI_COMMAND: command }), stdin: { ...config, cniVersion: "1.0.0" } })).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ code: 1, cniVersion: "1.1.0" });
  });

  it("say with code 50 why ADD could not be served", () => {
    const status = (): never => {
      throw new Error("all addresses are taken");
    };
    expect(run({ plugin: { ...fake, status }, env: { CNI_COMMAND: "STATUS" } })).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ cniVersion: "1.1.0", code: 50, msg: "all addresses are taken" });
  });
});

describe("VERSION", () => {
  it("prints the versions without reading standard input", () => {
    const readStdin = (): never => {
      throw new Error("was read");
    };
    expect(run({ env: { CNI_COMMAND: "VERSION", CNI_NETNS: "dummy" }, io: { readStdin } })).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      cniVersion: "1.1.0",
      supportedVersions: ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
    });
  });
});

describe("a call without CNI_COMMAND", () => {
  it("introduces the plugin on standard error and succeeds", () => {
    expect(run({ env: {}, plugin: { name: "fake", about: "CNI fake plugin v1" } })).toBe(0);
    expect(run({ env: { CNI_COMMAND: "" } })).toBe(0);
    const versions = "CNI protocol versions supported: 0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0";
    const release = expect.stringMatching(/^CNI fake plugin v1\.9\.1\+bauta\.\d+\.\d+\.\d+$/);
    expect(log).toEqual(["CNI fake plugin v1", versions, release, versions]);
    expect(stdout).toBe("");
  });
});

describe("a plugin that speaks later versions only", () => {
  const late: Plugin = { ...fake, oldestVersion: "0.4.0" };

  it("lists these alone", () => {
    expect(run({ plugin: late, env: {} })).toBe(0);
    expect(log[1]).toBe("CNI protocol versions supported: 0.4.0, 1.0.0, 1.1.0");
    expect(run({ plugin: late, env: { CNI_COMMAND: "VERSION" } })).toBe(0);
    expect(JSON.parse(stdout).supportedVersions).toEqual(["0.4.0", "1.0.0", "1.1.0"]);
  });

  it.each(["0.3.1", undefined])("refuses a configuration of version %s", (cniVersion) => {
    for (const command of ["ADD", "DEL"]) {
      stdout = "";
      expect(run({ plugin: late, env: env({ CNI_COMMAND: command }), stdin: { ...config, cniVersion } })).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({
        code: 1,
        details: expect.stringContaining('plugin supports ["0.4.0" "1.0.0" "1.1.0"]'),
      });
    }
    expect(calls).toEqual([]);
  });
});

describe("a plugin without the verb", () => {
  it.each(["ADD", "CHECK", "DEL", "GC", "STATUS"])("succeeds at %s and prints nothing", (command) => {
    expect(run({ plugin: { name: "x" }, env: env({ CNI_COMMAND: command }) })).toBe(0);
    expect(stdout).toBe("");
  });

  it("still refuses a configuration that is wrong", () => {
    expect(run({ plugin: { name: "x" }, stdin: "{" })).toBe(1);
  });
});

describe("an error", () => {
  const failing = (error: unknown): Plugin => ({
    ...fake,
    add: () => {
      throw error;
    },
  });

  it("is printed in the version of the configuration, and makes the status 1", () => {
    const plugin = failing(new CniError(11, "try again", "the lock is taken"));
    expect(run({ plugin, stdin: { ...config, cniVersion: "0.4.0" } })).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      cniVersion: "0.4.0",
      code: 11,
      msg: "try again",
      details: "the lock is taken",
    });
  });

  it("is printed in the current version while none is known", () => {
    for (const stdin of ["{", { ...config, cniVersion: "7.0.0" }]) {
      stdout = "";
      expect(run({ stdin })).toBe(1);
      expect(JSON.parse(stdout)).toMatchObject({ cniVersion: "1.1.0" });
    }
  });

  it("names every variable that is missing, before standard input is read", () => {
    expect(run({ env: { CNI_COMMAND: "ADD" }, stdin: "" })).toBe(1);
    expect(JSON.parse(stdout)).toEqual({
      cniVersion: "1.1.0",
      code: 4,
      msg: "ADD needs environment variables that are not set: CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_PATH",
    });
  });

  it("is one of input and output when standard input fails or is too large", () => {
    const errors = [
      new SyscallError("read", errno("EIO"), "read standard input"),
      new RangeError("standard input is larger than 16777216 bytes"),
    ];
    for (const error of errors) {
      stdout = "";
      const readStdin = (): never => {
        throw error;
      };
      expect(run({ io: { readStdin } })).toBe(1);
      expect(JSON.parse(stdout)).toEqual({
        cniVersion: "1.1.0",
        code: 5,
        msg: "cannot read the network configuration from standard input",
        details: error.message,
      });
    }
  });

  it("that nobody foresaw has code 999 and a stack that names the source", () => {
    const plugin = failing(new TypeError("x is undefined"));
    expect(run({ plugin, io: { mapStack: (stack) => stack.replaceAll(/\d+:\d+/g, "7:7") } })).toBe(1);
    const { code, msg, details } = JSON.parse(stdout);
    expect([code, msg]).toEqual([999, "TypeError: x is undefined"]);
    expect(details).toContain("dispatch.test.ts:7:7");
  });

  it("that can't be printed is logged", () => {
    const write = (): never => {
      throw new SyscallError("write", errno("EPIPE"), "write standard output");
    };
    expect(run({ plugin: failing(new Error("no more addresses")), io: { write } })).toBe(1);
    expect(log).toEqual(["fake: no more addresses", expect.stringContaining("EPIPE")]);
  });
});
