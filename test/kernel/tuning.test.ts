// The tuning plugin against the kernel: what is taken back when it fails, what the operator's list and the network allow, what
// becomes of the files, and how errors read.

import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { attachmentId, idText } from "../../src/owned/id.ts";
import { plugin as tuning } from "../../src/plugins/tuning/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { cli } from "../support/cli.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { withSyscalls } from "../support/intercept-syscalls.ts";
import { run } from "../support/netns.ts";
import { coverEtc } from "../support/operators-etc.ts";
import { inProcess, type PluginCall, type PluginOutcome, succeed } from "../support/plugin.ts";
import { backups, linkOf, MAC, makeInterface, parameter } from "../support/tuned-container.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations and results of any kind
type Json = any;

const FILE = "container-1_eth0.json";
const ARP_FILTER = "net/ipv4/conf/eth0/arp_filter";
const RECORDS = "/run/bauta/tuning";

afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

/** A node whose container has an interface, and the calls about it. */
class World {
  readonly node: TestNode = ourNode(tuning);
  readonly given: Json = makeInterface(this.node);

  config(keys: Json, prevResult: Json = this.given): Json {
    return { cniVersion: "1.1.0", name: "net", type: "tuning", dataDir: this.node.dataDir, ...keys, prevResult };
  }

  call(command: string, keys: Json, prevResult: Json = this.given, more: Partial<PluginCall> = {}): PluginOutcome {
    return this.node.call({ command, config: this.config(keys, prevResult), ...more });
  }

  add(keys: Json, more: Partial<PluginCall> = {}): Json {
    return succeed(this.call("ADD", keys, this.given, more));
  }

  /** All that a failed ADD could leave. */
  get state(): Json {
    const parameters = [ARP_FILTER, "net/ipv4/conf/eth0/arp_notify", "net/ipv4/tcp_wmem"];
    return {
      link: linkOf(this.node),
      parameters: parameters.map((name) => parameter(this.node, name)),
      files: backups(this.node),
      records: existsSync(RECORDS) ? readdirSync(RECORDS) : [],
    };
  }

  /** The ADD is refused with this code, the texts are in the error, and nothing has changed. */
  expectRefused(keys: Json, code: number, says: readonly string[], more: Partial<PluginCall> = {}): void {
    const before = this.state;
    const { status, json } = this.call("ADD", keys, this.given, more);
    expect([status, json.code]).toEqual([1, code]);
    for (const text of says) expect(`${json.msg} ${json.details}`).toContain(text);
    expect(this.state).toEqual(before);
  }
}

describe("a failed ADD of tuning", () => {
  it("takes parameters back that it had set, in the given order (W7)", () => {
    const world = new World();
    const sysctl = { "net.ipv4.conf.IFNAME.arp_filter": "1", "net.ipv4.conf.IFNAME.arp_notify": "x" };
    world.expectRefused({ sysctl, mtu: 1400 }, 7, ['sysctl["net.ipv4.conf.IFNAME.arp_notify"]', '"x"', "EINVAL"]);
    // A later key takes back what an earlier one has set: the order is that of the configuration.
    const both = { "net.ipv4.conf.all.forwarding": "1", "net.ipv4.conf.IFNAME.forwarding": "0" };
    world.add({ sysctl: both });
    expect(parameter(world.node, "net/ipv4/conf/eth0/forwarding")).toBe("0");
    world.add({
      sysctl: Object.fromEntries(
        Object.entries(both)
          .reverse()
          .map(([key]) => [key, "1"]),
      ),
    });
    expect(parameter(world.node, "net/ipv4/conf/eth0/forwarding")).toBe("1");
  });

  it("takes everything back where the kernel refuses one setting of the interface", () => {
    const world = new World();
    world.node.container.ip("link add vlan0 type veth peer name vlan1");
    world.node.container.ip("link add link vlan0 name mac0 type macvlan");
    const stateOfMac0 = (): Json => [
      linkOf(world.node, "mac0"),
      parameter(world.node, "net/ipv4/conf/mac0/arp_filter"),
    ];
    const before = stateOfMac0();
    // A macvlan cannot have a larger MTU than the link that it is on.
    const more = { ifname: "mac0" };
    const sysctl = { "net.ipv4.conf.IFNAME.arp_filter": "1" };
    const keys = { sysctl, mac: "c2:11:22:33:44:55", promisc: true, allmulti: true, txQLen: 7, mtu: 9000 };
    const { status, json } = world.call("ADD", keys, world.given, more);
    expect([status, json.msg]).toEqual([1, expect.stringMatching(/link set mac0 mtu 9000/)]);
    expect([stateOfMac0(), world.state.files, world.state.records]).toEqual([before, {}, []]);
  });

  it("keeps the first tuning's backup", () => {
    const world = new World();
    world.add({ mtu: 1400 });
    const before = world.state;
    expect(before.records).toHaveLength(1);
    const sysctl = { "net.ipv4.conf.IFNAME.arp_filter": "x" };
    world.expectRefused({ mac: "c2:11:22:33:44:55", sysctl }, 7, ['"x"', "EINVAL"]);
  });
});

describe("wrong input of tuning", () => {
  it.each<[what: string, keys: Json, code: number, says: readonly string[], more?: Partial<PluginCall>]>([
    ["a parameter outside net.", { sysctl: { "kernel.hostname": "x" } }, 7, ['sysctl["kernel.hostname"]', "net."]],
    ["..", { sysctl: { "net/ipv4/../core/somaxconn": "1" } }, 7, ["net/ipv4/../core/somaxconn"]],
    ["dots for ..", { sysctl: { "net.ipv4...core": "1" } }, 7, ["net.ipv4...core", "empty parts"]],
    ["a leading slash", { sysctl: { "/net/ipv4/x": "1" } }, 7, ["/net/ipv4/x"]],
    ["net alone", { sysctl: { net: "1" } }, 7, ['sysctl["net"]']],
    ["NUL", { sysctl: { "net.ipv4\0x": "1" } }, 7, ["net.ipv4"]],
    ["a key without end", { sysctl: { [`net.${"x".repeat(5000)}`]: "1" } }, 7, ["net.xxx"]],
    ["a directory", { sysctl: { "net.ipv4.conf": "1" } }, 7, ["net.ipv4.conf", "there is no parameter"]],
    ["something below a parameter", { sysctl: { "net.ipv4.tcp_wmem.x": "1" } }, 7, ["there is no parameter"]],
    ["a parameter of the node", { sysctl: { "net.core.netdev_max_backlog": "1" } }, 7, ["for the whole node"]],
    ["an address in CNI_ARGS", {}, 4, ["MAC", "x"], { args: "MAC=x" }],
    ["an unknown key in CNI_ARGS", {}, 4, ["FOO"], { args: "FOO=1" }],
    ["an MTU too small for IPv6", { mtu: 1000 }, 7, ["1000", "1280", "fd00::2/64"]],
    ["no such interface", { mtu: 1400 }, 4, ["eth9", "no such interface"], { ifname: "eth9" }],
    ["another name of the interface", { mtu: 1400 }, 4, ["other9", "no such interface"], { ifname: "other9" }],
    ["allow of mac", { tuningOptions: { allow: ["mac"] } }, 7, ["tuningOptions.allow[0]", '"mtu"']],
  ])("%s is refused with its key, and nothing is left", (_, keys, code, says, more = {}) => {
    const world = new World();
    world.node.container.ip("link property add dev eth0 altname other9");
    world.given.ips.push({ address: "fd00::2/64", interface: 1 });
    world.expectRefused(keys, code, says, more);
  });

  it("a key that is there twice is refused", () => {
    const world = new World();
    const twice = '"net.ipv4.conf.all.arp_filter": "1", "net.ipv4.conf.all.arp_filter": "0"';
    const config = JSON.stringify(world.config({ sysctl: "HERE" })).replace('"HERE"', `{${twice}}`);
    const { json } = world.node.call({ command: "ADD", config });
    expect(json).toMatchObject({ code: 7, msg: 'sysctl["net.ipv4.conf.all.arp_filter"] is there twice' });
  });

  it("a read-only /proc/sys is an error, unless the parameter has the value", () => {
    const world = new World();
    const readOnly = (keys: Json): PluginOutcome => {
      run("mount", "--bind", "/proc/sys", "/proc/sys");
      run("mount", "-o", "remount,bind,ro", "/proc/sys");
      try {
        return world.call("ADD", keys);
      } finally {
        run("umount", "/proc/sys");
      }
    };
    const { json } = readOnly({ sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" } });
    expect(json).toMatchObject({ code: 5, msg: expect.stringContaining('cannot be set to "1"') });
    const wmem = parameter(world.node, "net/ipv4/tcp_wmem").replaceAll("\t", "  ");
    succeed(readOnly({ sysctl: { "net.ipv4.tcp_wmem": wmem } }));
  });
});

describe("an ADD of tuning", () => {
  it("works without an interface where only parameters are set, whatever the result has", () => {
    const { node, call } = { node: ourNode(tuning), call: (config: Json) => node.call({ command: "ADD", config }) };
    const config = {
      ...{ cniVersion: "0.3.1", name: "net", type: "tuning", dataDir: node.dataDir },
      ...{ sysctl: { "net.ipv4.conf.all.arp_filter": "1" }, prevResult: { cniVersion: "0.3.1" } },
    };
    succeed(call(config));
    expect(parameter(node, "net/ipv4/conf/all/arp_filter")).toBe("1");
    expect(backups(node)).toEqual({});
  });

  it("tunes an interface with dots in its name by IFNAME, and one with $& too", () => {
    for (const ifname of ["eth0.100", "a$&b"]) {
      const world = new World();
      world.node.container.ip(`link add ${ifname} type veth peer name peer0`);
      world.add({ sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" }, mtu: 1400 }, { ifname });
      expect(parameter(world.node, `net/ipv4/conf/${ifname}/arp_filter`)).toBe("1");
      expect(Object.keys(backups(world.node))).toEqual([`container-1_${ifname}.json`]);
    }
  });

  it("leaves the node's interface of the same name alone, in the result", () => {
    const world = new World();
    world.given.interfaces[0].name = "eth0";
    const { interfaces } = world.add({ mac: "c2:11:22:33:44:55", mtu: 1400 });
    expect(interfaces[0]).toEqual(world.given.interfaces[0]);
    expect(interfaces[1]).toMatchObject({ mac: "c2:11:22:33:44:55", mtu: 1400 });
  });

  it("leaves promiscuous mode on with promisc false, and so does its DEL (W8)", () => {
    const world = new World();
    world.node.container.ip("link set eth0 promisc on");
    const prevResult = world.add({ promisc: false, mtu: 1400 });
    succeed(world.call("CHECK", { promisc: false, mtu: 1400 }, prevResult));
    succeed(world.call("DEL", { promisc: false, mtu: 1400 }, prevResult));
    expect(linkOf(world.node)).toMatchObject({ promisc: true, mtu: 1500 });
  });

  it("empties a list by an empty value, and writes what can only be written", () => {
    const world = new World();
    const reserved = "net/ipv4/ip_local_reserved_ports";
    const ports = Array.from({ length: 200 }, (_, i) => String(20_000 + 2 * i)).join(",");
    const keys = { sysctl: { "net.ipv4.ip_local_reserved_ports": ports } };
    succeed(world.call("CHECK", keys, world.add(keys)));
    expect(parameter(world.node, reserved)).toBe(ports);
    world.add({ sysctl: { "net.ipv4.ip_local_reserved_ports": "", "net.ipv4.route.flush": "1" } });
    expect(parameter(world.node, reserved)).toBe("");
    succeed(world.call("CHECK", { sysctl: { "net.ipv4.route.flush": "1" } }));
  });
});

describe("CHECK of tuning", () => {
  const keys = {
    ...{ mac: "c2:11:22:33:44:55", mtu: 1400, promisc: true, allmulti: true, txQLen: 50 },
    sysctl: { "net.ipv4.tcp_wmem": "4096 87380 5000000" },
  };

  it.each([
    ["the address", "ip link set eth0 address 0a:00:00:00:00:08", "its address is 0a:00:00:00:00:08"],
    ["the MTU", "ip link set eth0 mtu 1450", "its MTU is 1450, not 1400"],
    ["promiscuous mode", "ip link set eth0 promisc off", "not in promiscuous mode"],
    ["all-multicast mode", "ip link set eth0 allmulticast off", "all-multicast mode is off"],
    ["the queue", "ip link set eth0 txqueuelen 60", "room for 60 packets, not 50"],
    ["a parameter", "sysctl -qw net.ipv4.tcp_wmem=4096\t87380\t6000000", "tcp_wmem is"],
    ["the interface", "ip link delete eth0", "the interface is not there"],
    ["the interface's name", "ip link set eth0 name eth1", "the interface is not there"],
  ])("names %s where it has changed", (_, command, says) => {
    const world = new World();
    const prevResult = world.add(keys);
    succeed(world.call("CHECK", keys, prevResult));
    const [program = "", ...args] = command.split(" ");
    world.node.container.exec(program, ...args);
    const { status, json } = world.call("CHECK", keys, prevResult);
    expect([status, json.msg]).toEqual([1, expect.stringContaining(says)]);
  });
});

describe("DEL of tuning", () => {
  it("restores parameters where the network asks for that (W6)", () => {
    const world = new World();
    const keys = {
      tuningOptions: { restoreSysctl: true },
      sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1", "net.ipv4.tcp_wmem": "4096 87380 5000000" },
    };
    const before = world.state;
    const prevResult = world.add(keys);
    // A second tuning of the same list does not change what was noted.
    succeed(world.call("ADD", { ...keys, sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "0" } }, prevResult));
    succeed(world.call("DEL", keys, prevResult));
    expect(world.state).toEqual(before);
    // Upstream's file has one key more then, which upstream passes over.
    world.add({ ...keys, mtu: 1400 });
    const [text = ""] = backups(world.node)[FILE] ?? [];
    expect(JSON.parse(text)).toEqual({
      mtu: 1500,
      sysctl: { [ARP_FILTER]: "0", "net/ipv4/tcp_wmem": expect.any(String) },
    });
  });

  it("leaves parameters as they are without that, as upstream's does", () => {
    const world = new World();
    const keys = { sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" } };
    succeed(world.call("DEL", keys, world.add(keys)));
    expect(parameter(world.node, ARP_FILTER)).toBe("1");
  });

  it("restores whatever the configuration has become, and finds the backup where it was", () => {
    const world = new World();
    const before = world.state;
    const prevResult = world.add({ mtu: 1400, promisc: true });
    const changed = { mtu: "many", sysctl: { nonsense: 1 }, dataDir: join(world.node.dataDir, "elsewhere") };
    succeed(world.call("DEL", changed, prevResult, { args: "FOO=1" }));
    expect(world.state).toEqual(before);
  });

  it.each([
    ["no JSON", '{"mtu": 15'],
    ["an empty file", ""],
    ["something else", '{"mtu": "1500"}'],
    ["a list", "[]"],
  ])("does not mind a file that is %s, says nothing of what is in it, and removes it", (_, text) => {
    const world = new World();
    mkdirSync(world.node.dataDir, { recursive: true });
    writeFileSync(join(world.node.dataDir, FILE), text);
    const { status, stdout, stderr } = world.call("DEL", {});
    expect([status, stdout]).toEqual([0, ""]);
    expect(stderr).toContain("is no backup");
    if (text !== "") expect(stderr).not.toContain(text);
    expect(backups(world.node)).toEqual({});
  });

  it("writes nothing but parameters of network namespaces, whatever the file says", () => {
    const world = new World();
    mkdirSync(world.node.dataDir, { recursive: true });
    const sysctl = { "kernel/hostname": "x", "net/../kernel/hostname": "x", [ARP_FILTER]: "1" };
    writeFileSync(join(world.node.dataDir, FILE), JSON.stringify({ sysctl }));
    const hostname = run("cat", "/proc/sys/kernel/hostname");
    succeed(world.call("DEL", {}));
    expect([run("cat", "/proc/sys/kernel/hostname"), parameter(world.node, ARP_FILTER)]).toEqual([hostname, "1"]);
  });

  it.each([
    ["a FIFO", (path: string) => void run("mkfifo", path)],
    ["a directory", (path: string) => void mkdirSync(path)],
    ["a symbolic link", (path: string) => symlinkSync("/etc/hostname", path)],
  ])("does not wait for %s in the place of the file, and neither does ADD", (what, make) => {
    const world = new World();
    const path = join(world.node.dataDir, FILE);
    mkdirSync(world.node.dataDir, { recursive: true });
    make(path);
    onTestFinished(() => rmSync(path, { recursive: true, force: true }));
    const { status, stderr } = world.call("DEL", {});
    expect([status, stderr]).toEqual([0, expect.stringContaining(`${path} is ${what}`)]);
    const { json } = world.call("ADD", { mtu: 1400 });
    expect(json).toMatchObject({ code: 5, msg: expect.stringContaining(`${path} is ${what}`) });
    expect(linkOf(world.node).mtu).toBe(1500);
  });

  it.each(["EIO", "ENOMEM"] as const)("restores everything, whichever of its system calls says %s once", (code) => {
    const world = new World();
    const keys = {
      mtu: 1400,
      sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" },
      tuningOptions: { restoreSysctl: true },
    };
    const before = world.state;
    const { node, container } = world.node;
    const serve = inProcess(tuning);
    let most = 0;
    for (let nth = -1; nth < most; nth++) {
      const config = world.config(keys, world.add(keys));
      const call = { command: "DEL", containerId: "container-1", netns: container.path, ifname: "eth0", config };
      let count = 0;
      const refuse = (name: string) => (count++ === nth && name !== "close" ? code : undefined);
      const { status } = inNetns(node.fd, () => withSyscalls(refuse, () => serve(call)));
      if (status !== 0) succeed(world.call("DEL", keys));
      expect([nth, world.state]).toEqual([nth, before]);
      most = Math.max(most, count);
    }
    expect(most).toBeGreaterThan(20);
  });

  it("succeeds where the kernel refuses to restore, keeps the file and says why", () => {
    const world = new World();
    const prevResult = world.add({ mtu: 1400 });
    writeFileSync(join(world.node.dataDir, FILE), '{"mtu": 4000000000}');
    const { status, stderr } = world.call("DEL", { mtu: 1400 }, prevResult);
    expect([status, stderr]).toEqual([0, expect.stringContaining("link set eth0 mtu 4000000000")]);
    expect(Object.keys(backups(world.node))).toEqual([FILE]);
    succeed(world.call("DEL", { mtu: 1400 }, prevResult, { netns: "" }));
    expect(world.state.files).toEqual({});
  });
});

describe("the operator's list", () => {
  const LIST = "/etc/cni/tuning/allowlist.conf";
  const keys = { sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" } };

  /** Until the running test ends. */
  function withList(text: string): void {
    onTestFinished(coverEtc());
    mkdirSync("/etc/cni/tuning", { recursive: true });
    writeFileSync(LIST, text);
  }

  it("lets parameters through that a line matches, in either spelling (W9)", () => {
    const world = new World();
    withList("\n  ^net\\.ipv4\\.conf\\.IFNAME\\.[a-z_]*$  \n(?i)^net.ipv4.TCP_[[:alpha:]]+$\n");
    world.add(keys);
    world.add({ sysctl: { "net/ipv4/conf/IFNAME/arp_notify": "1", "net.ipv4.tcp_wmem": "4096 87380 5000000" } });
    const says = ['sysctl["net.ipv4.conf.all.arp_filter"] is not allowed', LIST];
    world.expectRefused({ sysctl: { "net.ipv4.conf.all.arp_filter": "1" } }, 7, says);
    expect(world.call("STATUS", keys).status).toBe(0);
    const { json } = world.call("STATUS", { sysctl: { "net.ipv4.conf.all.arp_filter": "1" } });
    expect(json).toMatchObject({ code: 50, msg: expect.stringContaining("not allowed") });
  });

  it("allows nothing where it is empty, and does not tell what is in it", () => {
    const world = new World();
    withList("");
    world.expectRefused(keys, 7, ["is not allowed"]);
    world.add({ mtu: 1400 });
    writeFileSync(LIST, "secret\n");
    expect(JSON.stringify(world.call("ADD", keys).json)).not.toContain("secret");
  });

  it.each([
    ["no expression", "(a\n", ["line 2", "a ( without its )"]],
    ["one that RE2 has not", "(?=net)\n", ["line 2", "look-ahead"]],
  ])("is refused where a line that decides is %s", (_, line, says) => {
    const world = new World();
    withList(`^nothing$\n${line}`);
    world.expectRefused(keys, 7, [LIST, ...says]);
    expect(world.call("STATUS", keys).json.code).toBe(50);
    // Lines behind the one that matches are not looked at, as upstream's plugin does not look at them.
    writeFileSync(LIST, `arp_filter\n${line}`);
    world.add(keys);
  });

  it.each([
    ["a FIFO", () => void run("mkfifo", LIST)],
    ["a directory", () => void mkdirSync(LIST)],
  ])("is refused where it is %s", (_, make) => {
    const world = new World();
    withList("");
    rmSync(LIST);
    make();
    world.expectRefused(keys, 7, [LIST, "not a regular file"]);
  });

  it("holds for args, too, and lets them set parameters without more", () => {
    const world = new World();
    withList("arp_filter");
    world.add({ args: { cni: { sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" } } } });
    expect(parameter(world.node, ARP_FILTER)).toBe("1");
    const other = { "net.ipv4.conf.IFNAME.arp_notify": "1" };
    world.expectRefused({ args: { cni: { sysctl: other } } }, 7, ["args.cni.sysctl", "is not allowed"]);
    world.expectRefused({ tuningOptions: { allow: ["sysctl"] }, args: { cni: { sysctl: other } } }, 7, ["not allowed"]);
  });
});

describe("what a container may choose", () => {
  it.each<[key: string, value: Json]>([
    ["sysctl", { "net.ipv4.conf.IFNAME.arp_filter": "1" }],
    ["promisc", true],
    ["mtu", 1400],
    ["allmulti", true],
    ["txQLen", 50],
  ])("%s only where the network allows it", (key, value) => {
    const world = new World();
    const args = { cni: { [key]: value } };
    const says = [`args.cni.${key}`, `"tuningOptions": {"allow": ["${key}"]}`];
    world.expectRefused({ args }, 7, says);
    const others = ["sysctl", "promisc", "mtu", "allmulti", "txQLen"].filter((one) => one !== key);
    world.expectRefused({ args, tuningOptions: { allow: others } }, 7, [`args.cni.${key}`]);
    const before = world.state;
    world.add({ args, tuningOptions: { allow: [key] } });
    expect(world.state).not.toEqual(before);
  });

  it("its address always, as upstream has it", () => {
    const world = new World();
    world.add({ args: { cni: { mac: "c2:11:22:33:44:55" } } });
    expect(linkOf(world.node).mac).toBe("c2:11:22:33:44:55");
  });

  it("nothing by DEL, which looks at no args", () => {
    const world = new World();
    succeed(world.call("DEL", { args: { cni: { mtu: 1400 } } }));
    expect(linkOf(world.node)).toMatchObject({ mtu: 1500, mac: MAC });
  });
});

describe("GC of tuning", () => {
  const valid = (...ids: readonly string[]): Json => ({
    "cni.dev/valid-attachments": ids.map((containerID) => ({ containerID, ifname: "eth0" })),
  });
  const names = (world: World): string[] => Object.keys(backups(world.node)).sort();

  it("removes the files of attachments that are not valid, of this network alone", () => {
    const world = new World();
    const foreign = join(world.node.dataDir, "upstream_eth0.json");
    for (const [name, containerId] of [
      ["net", "container-1"],
      ["net", "container-2"],
      ["other", "container-3"],
    ])
      world.add({ name, mtu: 1400 }, { containerId: containerId ?? "" });
    writeFileSync(foreign, "{}"); // of upstream's plugin: nobody can tell whose it is
    succeed(world.call("GC", valid("container-2")));
    expect(names(world)).toEqual(["container-2_eth0.json", "container-3_eth0.json", "upstream_eth0.json"]);
    succeed(world.call("GC", valid()));
    expect(names(world)).toEqual(["container-3_eth0.json", "upstream_eth0.json"]);
    expect(readdirSync(RECORDS)).toHaveLength(1);
  });

  it("leaves a file that another network's attachment has, too (W10)", () => {
    const world = new World();
    world.add({ mtu: 1400 });
    world.add({ name: "other", mac: "c2:11:22:33:44:55" });
    succeed(world.call("GC", valid()));
    expect(names(world)).toEqual([FILE]);
    succeed(world.call("GC", { name: "other", ...valid() }));
    expect(names(world)).toEqual([]);
  });

  it("is done by `bauta gc` where the container is provably gone", () => {
    const world = new World();
    const gone = world.node.container.path;
    world.add({ mtu: 1400 });
    const old = Date.now() / 1000 - 3600;
    const id = idText(attachmentId({ network: "net", containerId: "container-1", ifname: "eth0" }));
    utimesSync(join(RECORDS, id), old, old);
    const bauta = (...args: readonly string[]): Json => inNetns(world.node.node.fd, () => cli(args));
    expect(bauta("gc")).toMatchObject({ stdout: "removed 0 attachments\n" });
    run("umount", "-l", gone);
    rmSync(gone);
    onTestFinished(() => writeFileSync(gone, ""));
    expect(bauta("gc", "--dry-run").stdout).toContain(`net container-1 eth0: ${gone} is gone`);
    expect(names(world)).toEqual([FILE]);
    expect(bauta("gc").stdout).toContain("removed 1 attachment\n");
    expect([names(world), readdirSync(RECORDS)]).toEqual([[], []]);
  });

  it("is not troubled by a record that is none", () => {
    const world = new World();
    world.add({ mtu: 1400 });
    writeFileSync(join(RECORDS, "0".repeat(32)), '{"attachment": {}}');
    succeed(world.call("GC", valid()));
    expect(names(world)).toEqual([]);
  });
});

describe("bauta list", () => {
  it("shows the backup of each tuned interface, and what DEL brings back", () => {
    const world = new World();
    const lines = (...args: readonly string[]): string[] => {
      const { stdout } = inNetns(world.node.node.fd, () => cli(["list", ...args]));
      const [, ...rows] = stdout.trimEnd().split("\n");
      return rows.map((line) => line.replace(/ +/g, " "));
    };
    const file = join(world.node.dataDir, FILE);
    world.add({ mtu: 1400, promisc: true, sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" } });
    expect(lines()).toEqual([`net container-1 eth0 ${file} tuning promisc off mtu 1500 - -`]);
    expect([lines("--network", "net").length, lines("--network", "other").length]).toEqual([1, 0]);
    writeFileSync(file, "not a backup");
    expect(lines()[0]).toMatch(/ tuning - - unknown$/);
    rmSync(file);
    expect(lines()[0]).toMatch(/ tuning - - missing$/);
    succeed(world.call("DEL", {}));
    expect(lines()).toEqual([]);
  });
});
