// `bauta cni` as it is built: lists of our plugins, of upstream's and of others, from ADD to DEL.

import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { sha512Hex } from "../../src/hash/sha512.ts";
import { peerDirectory } from "../support/differential.ts";
import { addressesIn, makeNetns, run, type TestNetns } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { addressFiles, becomeNode, cleanNode, leftovers, NODE, PLUGINS } from "./masquerade/node.ts";
import { DUAL, type Json, networkOf } from "./masquerade/runtime.ts";
import { seenOutside } from "./masquerade/traffic.ts";

const BAUTA = resolve("dist/bauta");
const RESULTS = "/var/lib/cni/results";

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNode();
});
afterEach(() => cleanNode());

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function cni(
  args: readonly string[],
  { path = PLUGINS, env = {} }: { path?: string; env?: Record<string, string> } = {},
): Outcome {
  const PATH = process.env["PATH"] ?? "";
  return spawnSync(BAUTA, ["cni", ...args], { encoding: "utf8", env: { PATH, CNI_PATH: path, ...env } });
}

/** What a command that must have succeeded has printed. */
function succeeded({ status, stdout, stderr }: Outcome): string {
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

/** A container until the running test ends. */
function makeContainer(): TestNetns {
  const container = makeNetns();
  onTestFinished(() => {
    if (existsSync(container.path)) container.remove();
  });
  return container;
}

/** A file with a list. */
function fileOf(list: Json, name = "10-test.conflist"): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, JSON.stringify(list));
  return path;
}

/** A list with this plugin in front. */
function listOf({ name, cniVersion, ...plugin }: Json, ...chained: readonly Json[]): Json {
  return { cniVersion, name, plugins: [plugin, ...chained] };
}

/** A directory along CNI_PATH with a script. */
function pluginDirectory(type: string, script: string): string {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, type), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, type), 0o755);
  return directory;
}

describe("bauta cni", () => {
  it("attaches a container to both families as a runtime does, checks it and detaches it", () => {
    const config = networkOf("bridge");
    const list = fileOf(listOf(config));
    const container = makeContainer();
    const at = ["--netns", container.path];
    succeeded(cni(["status", list]));
    const stdout = succeeded(cni(["add", list, ...at]));
    const result = JSON.parse(stdout);
    expect(stdout).toMatch(/^\{\n {4}"cniVersion": "1\.1\.0",/);
    const addresses = addressesIn(container);
    expect(result.ips.map(({ address }: Json) => address.replace(/\/.*/, ""))).toEqual(addresses);
    expect(addresses).toHaveLength(2);
    for (const address of addresses) {
      expect(seenOutside(container, address, outside, "tcp")).toBe(NODE[address.includes(":") ? 6 : 4]);
    }
    // As cnitool makes it: see its setupRuntimeConfig.
    const id = `cnitool-${sha512Hex(container.path, 20)}`;
    const cached = JSON.parse(readFileSync(join(RESULTS, `${config.name}-${id}-eth0`), "utf8"));
    expect(cached).toEqual({
      kind: "cniCacheV1",
      containerId: id,
      config: readFileSync(list).toString("base64"),
      ifName: "eth0",
      networkName: config.name,
      netns: container.path,
      result,
    });
    succeeded(cni(["check", list, ...at]));
    container.ip("address flush dev eth0");
    const checked = cni(["check", list, "--container-id", id]); // which knows the namespace from the cache
    expect([checked.status, checked.stderr]).toEqual([1, expect.stringMatching(/CHECK of plugin "bridge" failed/)]);
    expect(succeeded(cni(["del", list, ...at]))).toBe("");
    expect(leftovers()).toEqual([]);
    succeeded(cni(["del", list, ...at]));
  });

  it("takes a single configuration, by the network's name, with static addresses and values for capabilities", () => {
    const config = {
      cniVersion: "0.4.0",
      name: "single",
      type: "bridge",
      bridge: "brs",
      ipam: { type: "static" },
      capabilities: { ips: true },
    };
    const directory = join(fileOf(config, "10-single.conf"), "..");
    const container = makeContainer();
    const at = ["--conf-dir", directory, "--netns", container.name, "--ifname", "eth7", "--container-id", "c1"];
    const caps = [
      "--cap-args",
      '{"ips": ["198.18.0.5/24"], "mac": "02:00:00:00:00:05"}',
      "--args",
      "IgnoreUnknown=1;X=y",
    ];
    const result = JSON.parse(succeeded(cni(["add", "single", ...at, ...caps])));
    expect(result).toMatchObject({ cniVersion: "0.4.0", ips: [{ version: "4", address: "198.18.0.5/24" }] });
    expect(addressesIn(container, "eth7")).toEqual(["198.18.0.5"]);
    expect(JSON.parse(readFileSync(join(RESULTS, "single-c1-eth7"), "utf8"))).toMatchObject({
      netns: `/var/run/netns/${container.name}`,
      cniArgs: [
        ["IgnoreUnknown", "1"],
        ["X", "y"],
      ],
      capabilityArgs: { ips: ["198.18.0.5/24"], mac: "02:00:00:00:00:05" },
    });
    succeeded(cni(["check", "single", ...at]));
    succeeded(cni(["del", "single", ...at]));
    expect(leftovers()).toEqual([]);
  });

  it("reads the variables that cnitool reads", () => {
    const config = {
      cniVersion: "1.0.0",
      name: "vars",
      type: "bridge",
      bridge: "brv",
      ipam: { type: "static" },
      capabilities: { ips: true },
    };
    const container = makeContainer();
    const env = {
      NETCONFPATH: join(fileOf(config, "vars.conf"), ".."),
      CNI_IFNAME: "eth3",
      CNI_ARGS: "IgnoreUnknown=1",
      CAP_ARGS: '{"ips": ["198.18.0.6/24"]}',
    };
    const { ips } = JSON.parse(succeeded(cni(["add", "vars", "--netns", container.path], { env })));
    expect(ips).toMatchObject([{ address: "198.18.0.6/24" }]);
    succeeded(cni(["del", "vars", "--netns", container.path], { env }));
    expect(leftovers()).toEqual([]);
  });

  it("executes a plugin that is not ours, with the container's variables and what the plugin before has made", () => {
    const notes = join(temporaryDirectory(), "notes");
    const script = `echo "$CNI_COMMAND $CNI_CONTAINERID $CNI_IFNAME $CNI_NETNS" >>${notes}
      if [ $CNI_COMMAND = ADD ]; then sed 's/.*"prevResult":\\(.*\\)}$/\\1/'; fi`;
    const path = `${PLUGINS}:${pluginDirectory("foreign", script)}`;
    const list = fileOf(listOf(networkOf("bridge"), { type: "foreign" }));
    const container = makeContainer();
    const at = ["--netns", container.path, "--container-id", "c1"];
    const { ips } = JSON.parse(succeeded(cni(["add", list, ...at], { path })));
    expect(ips).toHaveLength(2);
    for (const action of ["check", "del"]) succeeded(cni([action, list, ...at], { path }));
    const noted = ["ADD", "CHECK", "DEL"].map((command) => `${command} c1 eth0 ${container.path}\n`);
    expect(readFileSync(notes, "utf8")).toBe(noted.join(""));
    expect(leftovers()).toEqual([]);
  });

  it("gives the container's variables to an IPAM plugin that is executed for a plugin of ours", () => {
    const peer = peerDirectory();
    const path = pluginDirectory("outer-host-local", `exec ${join(peer, "host-local")}`);
    const config = networkOf("bridge");
    config.ipam.type = "outer-host-local";
    const list = fileOf(listOf(config));
    const container = makeContainer();
    const at = ["--netns", container.path, "--container-id", "c1"];
    succeeded(cni(["add", list, ...at], { path: `${PLUGINS}:${path}` }));
    expect(readFileSync(`/var/lib/cni/networks/${config.name}/198.18.0.2`, "utf8")).toBe("c1\r\neth0");
    succeeded(cni(["del", list, ...at], { path: `${PLUGINS}:${path}` }));
    expect(leftovers()).toEqual([]);
  });

  it("runs upstream's plugins in the list, before and behind ours", () => {
    const peer = peerDirectory();
    for (const [path, ipMasq] of [
      [`${PLUGINS}:${peer}`, true],
      [peer, false],
    ] as const) {
      const config = networkOf("bridge", DUAL, { cniVersion: "1.0.0", ipMasq });
      const tuning = { type: "tuning", sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" }, mtu: 1400 };
      const list = fileOf(listOf(config, tuning));
      const container = makeContainer();
      const result = JSON.parse(succeeded(cni(["add", list, "--netns", container.path], { path })));
      expect(result.interfaces).toContainEqual(expect.objectContaining({ name: "eth0", sandbox: container.path }));
      expect(container.ipJson("link show eth0")[0].mtu).toBe(1400);
      for (const action of ["check", "del"]) succeeded(cni([action, list, "--netns", container.path], { path }));
      rmSync("/run/cni", { recursive: true, force: true }); // tuning keeps its directory
      expect(leftovers()).toEqual([]);
    }
  });
});

describe("bauta cni add that fails", () => {
  const script = `[ $CNI_COMMAND = ADD ] || exit 0
    echo '{"code": 123, "msg": "no luck", "details": "today"}'; exit 1`;

  it("takes back what the plugins before have made, by DEL, and says which plugin failed and why", () => {
    const path = `${PLUGINS}:${pluginDirectory("broken", script)}`;
    const list = fileOf(listOf(networkOf("bridge"), { type: "broken" }));
    const container = makeContainer();
    const { status, stdout, stderr } = cni(["add", list, "--netns", container.path], { path });
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr.split("\n")).toEqual([
      `bauta: ADD of plugin "broken" failed (${list}: plugins[1])`,
      "bauta: no luck",
      "bauta: today",
      "bauta: CNI error code 123",
      "bauta: the container is not attached: DEL was run, and has taken back what was made",
      "",
    ]);
    expect(leftovers()).toEqual([]);
    expect(container.ipJson("link show").map(({ ifname }: Json) => ifname)).toEqual(["lo"]);
  });

  it("keeps all with --keep-failed", () => {
    const path = `${PLUGINS}:${pluginDirectory("broken", script)}`;
    const list = fileOf(listOf(networkOf("bridge"), { type: "broken" }));
    const container = makeContainer();
    const { status, stderr } = cni(["add", list, "--netns", container.path, "--keep-failed"], { path });
    expect([status, stderr]).toEqual([1, expect.stringContaining("what was made is kept")]);
    expect(addressesIn(container)).toHaveLength(2);
    succeeded(cni(["del", list, "--netns", container.path], { path }));
    expect(leftovers()).toEqual([]);
  });

  it("says what DEL could not take back", () => {
    const path = `${PLUGINS}:${pluginDirectory("broken", `echo '{"code": 11, "msg": "stuck"}'; exit 1`)}`;
    const list = fileOf(listOf(networkOf("bridge"), { type: "broken" }));
    const container = makeContainer();
    const { status, stderr } = cni(["add", list, "--netns", container.path], { path });
    expect([status, stderr]).toEqual([1, expect.stringContaining('bauta: DEL of plugin "broken" failed')]);
    expect(stderr).toMatch(/not all that was made could be taken back: bauta cni del tries again\n$/);
    writeFileSync(join(path.split(":")[1] ?? "", "broken"), "#!/bin/sh\n");
    succeeded(cni(["del", list, "--netns", container.path], { path }));
    expect(leftovers()).toEqual([]);
  });

  it("leaves an attachment alone that is there already", () => {
    const list = fileOf(listOf(networkOf("bridge")));
    const container = makeContainer();
    succeeded(cni(["add", list, "--netns", container.path]));
    const again = cni(["add", list, "--netns", container.path]);
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining("has an interface eth0 already")]);
    container.ip("link set eth0 name eth9");
    const renamed = cni(["add", list, "--netns", container.path]);
    expect([renamed.status, renamed.stderr]).toEqual([
      1,
      expect.stringMatching(/is attached to network net\d+ already/),
    ]);
    container.ip("link set eth9 name eth0");
    succeeded(cni(["check", list, "--netns", container.path]));
    succeeded(cni(["del", list, "--netns", container.path]));
    expect(leftovers()).toEqual([]);
  });
});

describe("bauta cni gc", () => {
  it("keeps what has a namespace, and removes what has none any more", () => {
    const config = networkOf("bridge");
    const list = fileOf(listOf(config));
    const [stays, goes] = [makeContainer(), makeContainer()];
    for (const one of [stays, goes]) succeeded(cni(["add", list, "--netns", one.path, "--container-id", one.name]));
    goes.remove();
    expect(succeeded(cni(["gc", list, "--netns", stays.path]))).toBe(
      `${config.name} ${goes.name} eth0\nremoved 1 attachment of the cache's\n`,
    );
    succeeded(cni(["check", list, "--netns", stays.path, "--container-id", stays.name]));
    const other = makeContainer();
    succeeded(cni(["add", list, "--netns", other.path, "--container-id", other.name]));
    expect(succeeded(cni(["gc", list, "--valid", `${stays.name}/eth0,x/eth0`]))).toContain(`${other.name} eth0\n`);
    expect(addressesIn(stays)).toHaveLength(2);
    expect(succeeded(cni(["gc", list, "--none-valid"]))).toContain("removed 1 attachment");
    expect(leftovers()).toEqual([]);
  });

  // libcni before 0.8 kept the result alone; a disk that was full has left half a file.
  it.each([
    ["is the result alone, with its namespace", (json: Json) => JSON.stringify(json["result"]), true],
    ["is the result alone, without a namespace", () => '{"cniVersion":"1.1.0"}', false],
    ["notes no namespace, but has the result", ({ netns: _, ...json }: Json) => JSON.stringify(json), true],
    ["can't be understood", () => '{"kind":"cniCac', false],
  ] as const)("takes a container for valid whose file in the cache %s", (_, rewritten, isProof) => {
    const config: Json = { ...networkOf("bridge"), cniVersion: "1.1.0" };
    const list = fileOf(listOf(config));
    const container = makeContainer();
    const id = `a-${container.name}`;
    succeeded(cni(["add", list, "--netns", container.path, "--container-id", id]));
    const file = `${RESULTS}/${config.name}-${id}-eth0`;
    const whole = readFileSync(file, "utf8");
    writeFileSync(file, rewritten(JSON.parse(whole)));
    const nothing = "removed 0 attachments of the cache's\n";
    expect(succeeded(cni(["gc", list]))).toBe(nothing);
    writeFileSync(file, whole);
    succeeded(cni(["check", list, "--netns", container.path, "--container-id", id]));

    // Once its namespace is gone that is the proof, where the file tells the namespace.
    writeFileSync(file, rewritten(JSON.parse(whole)));
    container.remove();
    succeeded(cni(["gc", list]));
    expect(addressFiles().filter((path) => path !== file)).toHaveLength(isProof ? 0 : 2);
    writeFileSync(file, whole);
    succeeded(cni(["gc", list]));
    expect(leftovers()).toEqual([]);
  });
});

describe("bauta cni with wrong input", () => {
  const container = (): string => makeContainer().path;
  const plugin = {
    type: "bridge",
    bridge: "br0",
    ipam: { type: "host-local", ranges: [[{ subnet: "198.18.0.0/17" }]] },
  };
  const good = { cniVersion: "1.1.0", name: "wrong", plugins: [plugin] };
  const withPlugin = (more: object): object => ({ ...good, plugins: [{ ...plugin, ...more }] });

  it.each<[string, unknown, string, number]>([
    ["no plugins", { ...good, plugins: [] }, "plugins is empty", 7],
    ["a plugin without a type", { ...good, plugins: [{}] }, "plugins[0].type is missing", 7],
    ["bad JSON", '{\n  "name": "x",,\n}', "is not JSON: expected a key in double quotes at line 2, column 15", 6],
    ["no name", { plugins: [plugin] }, "name is missing", 7],
    ["a version that nobody has", { ...good, cniVersion: "9.9.9" }, "incompatible CNI versions", 1],
    ["a key of the wrong type", withPlugin({ mtu: "x" }), 'plugins[0].mtu: "x" is not a whole number', 6],
    [
      "a wrong value in ipam",
      withPlugin({ ipam: { ...plugin.ipam, ranges: [[{ subnet: "x" }]] } }),
      "ipam.ranges[0][0].subnet",
      7,
    ],
    [
      "a plugin that is nowhere",
      { ...good, plugins: [plugin, { type: "nowhere" }] },
      'failed to find plugin "nowhere"',
      999,
    ],
  ])("tells %s, with the code of the specification, and makes nothing", (_what, list, message, code) => {
    const path = join(temporaryDirectory(), "a.conflist");
    writeFileSync(path, typeof list === "string" ? list : JSON.stringify(list));
    const { status, stdout, stderr } = cni(["add", path, "--netns", container()]);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(message);
    expect(stderr).toContain(`bauta: CNI error code ${code}\n`);
    expect(leftovers()).toEqual([]);
    expect(run("ip", "link", "show", "type", "bridge")).toBe("");
  });

  it.each<[string, readonly string[], string, number]>([
    ["a namespace that is gone", ["--netns", "/run/netns/gone"], '"/run/netns/gone" does not exist', 3],
    ["a namespace by a name that is none", ["--netns", "gone"], '"/var/run/netns/gone" does not exist', 3],
    ["a file that is no namespace", ["--netns", "/etc/passwd"], '"/etc/passwd" is not a network namespace', 8],
    ["an id with bad characters", ["--netns", "N", "--container-id", "a/../b"], 'the container ID "a/../b" is not', 4],
    ["an interface that none can be", ["--netns", "N", "--ifname", "a b"], 'the interface name "a b" is not', 4],
  ])("tells %s, with the code of the specification", (_what, args, message, code) => {
    const path = fileOf(good);
    const netns = container();
    const { status, stdout, stderr } = cni(["add", path, ...args.map((word) => (word === "N" ? netns : word))]);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(message);
    expect(stderr).toContain(`bauta: CNI error code ${code}\n`);
    expect(leftovers()).toEqual([]);
  });

  it("tells a file or a network that is not there", () => {
    const missing = cni(["add", "/nonexistent.conflist", "--netns", container()]);
    expect([missing.status, missing.stderr]).toEqual([
      1,
      expect.stringMatching(/cannot read [\s\S]*ENOENT[\s\S]*CNI error code 5\n/),
    ]);
    const unnamed = cni(["add", "nonet", "--conf-dir", temporaryDirectory(), "--netns", container()]);
    expect([unnamed.status, unnamed.stderr]).toEqual([
      1,
      expect.stringMatching(/the name "nonet"[\s\S]*CNI error code 7\n/),
    ]);
  });

  it.each<[readonly string[], string]>([
    [["attach", "x"], 'unknown action "attach": it is add, check, del, gc or status'],
    [["ad", "x"], 'unknown action "ad", did you mean add?'],
    [["add"], "CONFLIST is missing"],
    [[], "ACTION CONFLIST is missing"],
    [["add", "LIST"], "--netns is missing"],
    [["del", "LIST"], "--netns or --container-id is missing"],
    [["check", "LIST", "--container-id", "x"], "--netns is missing: the cache does not know the network namespace"],
    [["add", "LIST", "--netns", "x", "--cap-args", "{,"], "--cap-args is not JSON: expected a key in double quotes"],
    [["add", "LIST", "--netns", "x", "--cap-args", "[]"], "--cap-args is not an object of JSON"],
    [["add", "LIST", "--netns", "x", "--args", "a=b;c"], '--args: "c" is not of the form KEY=VALUE'],
    [["gc", "LIST", "--valid", "c1"], '--valid: "c1" is not of the form ID/NAME'],
    [["gc", "LIST", "--valid", "c1/eth0", "--none-valid"], "--valid and --none-valid exclude each other"],
  ])("ends with status 2 for %j", (args, message) => {
    const path = fileOf(good);
    const { status, stdout, stderr } = cni(args.map((word) => (word === "LIST" ? path : word)));
    expect([status, stdout, stderr]).toEqual([2, "", expect.stringContaining(message)]);
  });
});

describe("the cache of libcni", () => {
  it("may be from before libcni 0.8: the result alone", () => {
    const list = fileOf(listOf(networkOf("bridge")));
    const netns = makeContainer();
    const result = JSON.parse(succeeded(cni(["add", list, "--netns", netns.path, "--container-id", "c1"])));
    const [file = ""] = run("find", RESULTS, "-type", "f").trim().split("\n");
    writeFileSync(file, JSON.stringify(result));
    succeeded(cni(["check", list, "--netns", netns.path, "--container-id", "c1"]));
    succeeded(cni(["del", list, "--netns", netns.path, "--container-id", "c1"]));
    expect(leftovers()).toEqual([]);
  });
});
