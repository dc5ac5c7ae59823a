// What `bauta doctor` finds on a node that is as it should not be: each fault is a real one.

import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  rmSync,
  statfsSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { becomeNode, OUTSIDE } from "../e2e/masquerade/node.ts";
import { cli } from "../support/cli.ts";
import { run } from "../support/netns.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

beforeAll(() => {
  becomeNode();
  run("ip", "route", "add", "default", "via", OUTSIDE[4]);
  run("ip", "route", "add", "default", "via", OUTSIDE[6]);
});

const CONF_DIR = "/run/net.d";
const BIN_DIR = "/run/bin";
const STORES = "/var/lib/cni/networks";
const EXECUTABLES = ["bridge", "ptp", "macvlan", "host-local", "firewall", "portmap"];

beforeEach(() => {
  for (const path of [CONF_DIR, BIN_DIR, "/var/lib/cni", "/run/bauta"]) rmSync(path, { recursive: true, force: true });
  for (const path of [CONF_DIR, BIN_DIR, STORES]) mkdirSync(path, { recursive: true });
  for (const name of EXECUTABLES) symlinkSync("/proc/self/exe", join(BIN_DIR, name));
  set("net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0");
});

const set = (...settings: readonly string[]): void => void run("sysctl", "-qw", ...settings);

interface Found {
  readonly check: string;
  readonly severity: string;
  readonly text: string;
  readonly remedy: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/** What is found, without notes unless they are asked for. */
function doctor(...args: readonly string[]): { status: number; findings: readonly Found[] } {
  const { status, stdout, stderr } = cli(["doctor", "--json", "--conf-dir", CONF_DIR, "--bin-dir", BIN_DIR, ...args]);
  const findings: Found[] = JSON.parse(stdout).findings;
  const isProblem = findings.some(({ severity }) => severity === "problem");
  expect([status, stderr !== ""]).toEqual([isProblem ? 1 : 0, isProblem]);
  return { status, findings };
}

/** The findings as `severity check: text`. */
const told = (): string[] => doctor().findings.map(({ severity, check, text }) => `${severity} ${check}: ${text}`);

type Json = Readonly<Record<string, unknown>>;
const ranges = (...subnets: readonly string[]): Json => ({
  type: "host-local",
  ranges: subnets.map((subnet) => [{ subnet }]),
});
const bridged = (more: Json = {}, ...chained: readonly Json[]): Json => ({
  cniVersion: "1.0.0",
  name: "dual",
  plugins: [
    {
      type: "bridge",
      bridge: "br9",
      isGateway: true,
      ipMasq: true,
      ipam: ranges("10.99.0.0/24", "fd99::/64"),
      ...more,
    },
    ...chained,
  ],
});

function put(name: string, content: unknown): string {
  const path = join(CONF_DIR, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content, undefined, 1));
  return path;
}

/** Addresses that host-local has given to containers that runtimes know. */
function take(network: string, addresses: readonly string[]): void {
  const [store, results] = [join(STORES, network), "/var/lib/cni/results"];
  for (const path of [store, results]) mkdirSync(path, { recursive: true });
  addresses.forEach((address, i) => {
    writeFileSync(join(store, address), `c${i}\r\neth0`);
    writeFileSync(join(results, `${network}-c${i}-eth0`), "{}");
  });
}

/** Makes a file or a directory of long ago. */
function age(path: string): void {
  const then = new Date(Date.now() - 3_600_000);
  utimesSync(path, then, then);
}

describe("a healthy node", () => {
  it("has no finding, and nothing on it is changed", () => {
    put(
      "10-dual.conflist",
      bridged({}, { type: "portmap", capabilities: { portMappings: true } }, { type: "firewall" }),
    );
    const state = (): string =>
      [
        run("nft", "list", "ruleset"),
        run("ip", "-o", "link"),
        // The link's own address comes when nobody else has answered to it.
        run("ip", "-o", "route", "show", "table", "all").replaceAll(/.*fe80.*\n/g, ""),
        run("find", "/run", "/var/lib", "-printf", "%p %s %T@\n"),
      ].join("");
    const before = state();
    expect(doctor().findings).toEqual([]);
    expect(state()).toBe(before);
    const { stdout, stderr, status } = cli(["doctor", "--conf-dir", CONF_DIR, "--bin-dir", BIN_DIR]);
    expect([stdout, stderr, status]).toEqual(["14 checks: 0 problems, 0 warnings, 0 notes\n", "", 0]);
  });

  it("stays one while containers are attached", () => {
    put("10-dual.conflist", bridged());
    take("dual", ["10.99.0.2", "fd99::2"]);
    set("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
    run("ip", "link", "add", "br9", "type", "bridge");
    onTestFinished(() => void run("ip", "link", "delete", "br9"));
    run("ip", "address", "add", "10.99.0.1/24", "dev", "br9");
    run("ip", "link", "set", "br9", "up");
    expect(told()).toEqual([]);
  });
});

describe("configurations", () => {
  it("are needed", () => {
    expect(told()).toEqual([`problem configurations: ${CONF_DIR} has no network configuration`]);
    rmSync(CONF_DIR, { recursive: true });
    expect(told()).toEqual([`problem configurations: there is no directory ${CONF_DIR}`]);
  });

  /** What is in the file, where the finding points, and what it says. */
  const faults: readonly (readonly [string, unknown, string | undefined, RegExp])[] = [
    ["a.conflist", '{\n "name": "a",\n}', "3:1", /is not JSON: expected a key/],
    ["a.conflist", '{"name": "a"', undefined, /ends too early/],
    ["a.conflist", "", undefined, /is empty/],
    ["a.conflist", { name: "a" }, undefined, /has no plugins/],
    ["a.conflist", { ...bridged(), name: undefined }, "1:1", /name is missing/],
    ["a.conflist", { ...bridged(), name: "a/b" }, "3:10", /name: "a\/b" is/],
    ["a.conflist", bridged({ ipMasq: "yes" }), "9:14", /bridge: ipMasq: "yes" is not true or false/],
    ["a.conflist", bridged({ hairpinMode: true, promiscMode: true }), "25:19", /exclude each other/],
    ["a.conflist", bridged({ ipam: ranges("10.99.0.1/24") }), "15:18", /has host bits set/],
    ["a.conflist", bridged({ ipam: ranges("10.99.0.0/24", "10.99.0.0/16") }), "18:6", /overlaps/],
    [
      "a.conflist",
      bridged({}, { type: "firewall", ingressPolicy: "closed" }),
      "28:21",
      /firewall: ingressPolicy: "closed"/,
    ],
    [
      "a.conf",
      { cniVersion: "0.4.0", name: "a", type: "ptp", mtu: -1, ipam: ranges("10.0.0.0/8") },
      "5:9",
      /ptp: mtu: -1/,
    ],
    ["a.json", { cniVersion: "0.4.0", name: "a" }, "1:1", /type is missing/],
  ];
  it.each(faults)("%s of %j is wrong at %s", (name, content, place, text) => {
    const file = put(name, content);
    const [finding, ...others] = doctor().findings;
    expect(others).toEqual([]);
    expect(finding).toMatchObject({ check: "configurations", severity: "problem", file });
    expect(finding?.text).toMatch(text);
    const found = finding?.line === undefined ? undefined : `${finding.line}:${finding.column}`;
    expect(found).toBe(place);
  });

  it("are read with the plugins that lie beside them", () => {
    put("a.conflist", bridged());
    mkdirSync(join(CONF_DIR, "dual"));
    const file = put("dual/x.conf", '{"type": "firewall",\n "ingressPolicy": 5}');
    expect(doctor().findings).toMatchObject([{ file, line: 2, column: 19, severity: "problem" }]);
  });

  it("may have keys that look like a typing error, or that stand there twice", () => {
    const file = put(
      "a.conflist",
      '{"cniVersion": "1.0.0", "name": "a", "plugins": [\n{"type": "ptp", "ipMask": true, "mtu": 1400, "mtu": 1300,\n "ipam": {"type": "host-local", "range": [], "subnet": "10.0.0.0/24"}}]}',
    );
    expect(doctor().findings).toEqual([
      {
        check: "configurations",
        severity: "warning",
        text: "ptp: nobody knows the key ipMask",
        remedy: "ipMasq is known",
        file,
        line: 2,
        column: 27,
      },
      expect.objectContaining({ text: "ptp: nobody knows the key ipam.range", remedy: "ranges is known", line: 3 }),
      expect.objectContaining({ text: expect.stringMatching(/^plugins\[0\]\.mtu stands twice/), line: 2, column: 46 }),
    ]);
  });

  it("are told of by name where no runtime reads them, and where two have one name", () => {
    put("10-a.conflist", bridged());
    put("20-b.conflist", bridged());
    for (const name of ["10-a.conflist~", "10-a.conflist.bak", ".10-a.conflist.swp", "README"]) put(name, "{");
    expect(told()).toEqual([
      `warning configurations: the network dual stands in ${CONF_DIR}/10-a.conflist and ${CONF_DIR}/20-b.conflist: runtimes take the first`,
      `note configurations: no runtime reads .10-a.conflist.swp, 10-a.conflist.bak and 10-a.conflist~ in ${CONF_DIR}`,
    ]);
  });

  it("are not waited for, followed into nothing, or obeyed by a terminal", () => {
    put("10-a.conflist", bridged());
    execFileSync("mkfifo", [join(CONF_DIR, "20-pipe.conflist")]);
    symlinkSync("user@host.1234", join(CONF_DIR, ".#10-a.conflist")); // as Emacs locks a file
    put("30-\x1b[31m\u202e\n.conflist", { name: "\x1b]0;title\x07", plugins: [{ type: "\x1b[2J" }] });
    const { stdout } = cli(["doctor", "--conf-dir", CONF_DIR, "--bin-dir", BIN_DIR]);
    expect(stdout.split("\n").filter((line) => line.startsWith("problem"))).toEqual([
      `problem  configurations: ${CONF_DIR}/.#10-a.conflist: is a link that leads nowhere`,
      `problem  configurations: ${CONF_DIR}/20-pipe.conflist: is not a file`,
      expect.stringContaining(String.raw`30-\x1b[31m\u{202e}\x0a.conflist:2:10: name: "\u001b]0;title\u0007" is`),
    ]);
    expect(stdout).not.toMatch(/[^\n\x20-\x7e]/);
    expect(doctor().findings).toHaveLength(3);
  });

  it("can be a thousand", () => {
    for (let n = 0; n < 1000; n++)
      put(`${n}.conflist`, { ...bridged({ bridge: "br9" }), name: `n${n}`, plugins: [{ type: "loopback" }] });
    symlinkSync("/proc/self/exe", join(BIN_DIR, "loopback"));
    put("500.conflist", "{");
    expect(told()).toEqual([expect.stringMatching(/^problem configurations: ends too early/)]);
  });
});

describe("executables", () => {
  it("are missing", () => {
    put("a.conflist", bridged({}, { type: "somebodys" }));
    rmSync(join(BIN_DIR, "host-local"));
    const { findings } = doctor();
    expect(findings.map(({ text }) => text)).toEqual([
      `the plugin host-local is not in ${BIN_DIR}, and dual needs it`,
      `the plugin somebodys is not in ${BIN_DIR}, and dual needs it`,
    ]);
    expect(findings.map(({ remedy }) => remedy)).toEqual([
      expect.stringContaining(`bauta install --bin-dir ${BIN_DIR}`),
      expect.stringContaining("none of bauta's"),
    ]);
  });

  it("can't be executed, or are those of two suites", () => {
    put("a.conflist", bridged());
    const other = join(BIN_DIR, "host-local");
    rmSync(other);
    copyFileSync("/bin/true", other);
    expect(told()).toEqual(["warning executables: bridge is this bauta, and host-local is not"]);
    chmodSync(other, 0o644);
    expect(told()).toContain(`problem executables: ${other} can't be executed, and dual needs it`);
  });
});

describe("kernel", () => {
  it("lacks what a network asks for", () => {
    put("a.conflist", { cniVersion: "1.0.0", name: "lan", plugins: [{ type: "macvlan", master: "eth77" }] });
    expect(told()).toEqual([
      expect.stringMatching(/^problem kernel: the network lan needs what this node lacks: macvlan: .*eth77/),
    ]);
  });
});

describe("forwarding", () => {
  it.each([
    ["net.ipv4.ip_forward", "10.99.0.2", "IPv4"],
    ["net.ipv6.conf.all.forwarding", "fd99::2", "IPv6"],
  ])("%s is off, while %s is in use", (key, address, family) => {
    put("a.conflist", bridged());
    take("dual", [address]);
    const { findings } = doctor();
    expect(findings).toMatchObject([{ check: "forwarding", severity: "problem" }]);
    expect(findings[0]?.text).toContain(`forwarding of ${family} is off`);
    expect(findings[0]?.remedy).toContain(`sysctl -w ${key}=1`);
    set(`${key}=1`);
    expect(told()).toEqual([]);
  });

  it("is off on the interface that answers come in by", () => {
    put("a.conflist", bridged());
    take("dual", ["10.99.0.2"]);
    set("net.ipv4.ip_forward=1", "net.ipv4.conf.uplink.forwarding=0");
    expect(told()).toEqual(["problem forwarding: uplink does not forward IPv4, though the node does"]);
  });
});

describe("routes of the node", () => {
  it("of IPv6 are lost where the node forwards and accept_ra is 1", () => {
    put("a.conflist", bridged());
    run("ip", "-6", "route", "delete", "default");
    onTestFinished(() => void run("ip", "-6", "route", "replace", "default", "via", OUTSIDE[6]));
    run("ip", "-6", "route", "add", "default", "via", OUTSIDE[6], "proto", "ra");
    set("net.ipv6.conf.uplink.accept_ra=1");
    expect(told()).toEqual([expect.stringMatching(/^warning router-adv.*learned by uplink, and goes as soon as/)]);
    run("ip", "-6", "route", "delete", "default");
    set("net.ipv6.conf.all.forwarding=1");
    expect(told()).toEqual([expect.stringMatching(/^problem router-adv.*uplink ignores routers/)]);
    set("net.ipv6.conf.uplink.accept_ra=2");
    expect(told()).toEqual([]);
  });

  it("lead out by two ways, and the reverse path filter is strict", () => {
    put("a.conflist", bridged());
    run("ip", "link", "add", "second", "type", "veth", "peer", "name", "peer");
    onTestFinished(() => void run("ip", "link", "delete", "second"));
    run("ip", "address", "add", "203.0.113.1/24", "dev", "second");
    run("ip", "link", "set", "second", "up");
    run("ip", "route", "add", "default", "via", "203.0.113.2", "metric", "50");
    set("net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.uplink.rp_filter=0", "net.ipv4.conf.second.rp_filter=1");
    const { findings } = doctor();
    expect(findings).toMatchObject([{ check: "reverse-path", severity: "warning" }]);
    expect(findings[0]?.remedy).toBe("sysctl -w net/ipv4/conf/second/rp_filter=2");
    run("sysctl", "-qw", "net/ipv4/conf/second/rp_filter=2");
    expect(told()).toEqual([]);
  });

  it("lead elsewhere for addresses of a network", () => {
    put("a.conflist", bridged());
    const route = (dst: string): void => {
      run("ip", "route", "add", dst, "via", OUTSIDE[4]);
      onTestFinished(() => void run("ip", "route", "delete", dst));
    };
    route("10.99.0.128/25");
    expect(told()).toEqual([
      expect.stringMatching(/^problem subnets: .*where the node has 10\.99\.0\.128\/25, through uplink/),
    ]);
    route("10.0.0.0/8");
    expect(told()).toContainEqual(expect.stringMatching(/^warning subnets: .*lies in 10\.0\.0\.0\/8/));
  });
});

describe("subnets", () => {
  const other = (plugin: Json): Json => ({ cniVersion: "1.0.0", name: "other", plugins: [{ type: "ptp", ...plugin }] });

  it("are given out by two networks", () => {
    put("a.conflist", bridged());
    const file = put("b.conflist", other({ ipam: ranges("10.99.0.0/16") }));
    expect(doctor().findings).toMatchObject([
      { check: "subnets", severity: "problem", file, text: expect.stringContaining("give out the same addresses") },
    ]);
  });

  it("are shared by two bridges, and may be by one", () => {
    const half = (rangeStart: string, rangeEnd: string, bridge: string): Json => ({
      bridge,
      ipam: { type: "host-local", ranges: [[{ subnet: "10.99.0.0/24", rangeStart, rangeEnd }]] },
    });
    put("a.conflist", bridged(half("10.99.0.10", "10.99.0.99", "br9")));
    put("b.conflist", { ...bridged(half("10.99.0.100", "10.99.0.200", "br9")), name: "b" });
    expect(told()).toEqual([]);
    put("b.conflist", { ...bridged(half("10.99.0.100", "10.99.0.200", "br8")), name: "b" });
    expect(told()).toEqual([expect.stringContaining("both have 10.99.0.0/24 and not one bridge")]);
  });
});

describe("firewalls", () => {
  const nft = (rules: string): void => {
    run("nft", rules);
    onTestFinished(() => void run("nft", "flush", "ruleset"));
  };

  it("of somebody's own drop what containers send, and no plugin lifts that", () => {
    nft("add table inet theirs; add chain inet theirs fw { type filter hook forward priority 0; policy drop; }");
    put("a.conflist", bridged());
    const { findings } = doctor();
    expect(findings).toMatchObject([{ check: "firewalls", severity: "problem" }]);
    expect(findings[0]?.text).toContain("chain inet theirs fw (policy drop) drops what containers of dual send or get");
    const words = findings[0]?.remedy.split(":")[0]?.split("; ") ?? [];
    put("a.conflist", bridged({}, { type: "firewall" }));
    expect(told()).toEqual(
      expect.arrayContaining([expect.stringMatching(/^problem firewalls: network dual: chain inet theirs fw/)]),
    );
    // What the remedy says is a remedy.
    for (const line of words) run("bash", "-c", line);
    expect(told()).toEqual([]);
  });

  it.each([
    ["nft", "chain ip filter FORWARD"],
    ["legacy", "chain filter of iptables-legacy FORWARD"],
  ])("of iptables-%s drop it, unless the plugin firewall lets it through", (form, chain) => {
    const iptables = `iptables-${form}`;
    run(iptables, "-P", "FORWARD", "DROP");
    onTestFinished(() => {
      run(iptables, "-P", "FORWARD", "ACCEPT");
      if (form === "nft") run("nft", "flush", "ruleset");
    });
    put("a.conflist", bridged());
    expect(told()).toEqual([`problem firewalls: ${chain} (policy drop) drops what containers of dual send or get`]);
    put("a.conflist", bridged({}, { type: "firewall" }));
    expect(told()).toEqual([]);
  });

  it("are told with the program that has rules in them", () => {
    run("iptables-nft", "-P", "FORWARD", "DROP");
    onTestFinished(() => void run("nft", "flush", "ruleset"));
    run("iptables-nft", "-N", "DOCKER-USER");
    put("a.conflist", bridged());
    const { findings } = doctor();
    expect(findings[0]?.text).toMatch(/, where docker has rules$/);
    expect(findings[0]?.remedy).toContain("iptables -I DOCKER-USER -i br9 -j ACCEPT");
  });
});

describe("ranges", () => {
  const all = (from: number, to: number): string[] =>
    Array.from({ length: to - from + 1 }, (_, i) => `10.99.0.${from + i}`);

  it("run out, and have run out", () => {
    put("a.conflist", bridged({ ipam: ranges("10.99.0.0/28") }));
    set("net.ipv4.ip_forward=1");
    take("dual", all(2, 12));
    expect(told()).toEqual([]);
    take("dual", all(2, 13));
    expect(told()).toEqual([
      "warning ranges: 92 % of the addresses are taken: 12 of 13, 10.99.0.1-10.99.0.14 of the network dual",
    ]);
    take("dual", all(2, 14));
    expect(told()).toEqual(["problem ranges: all 13 addresses are taken: 10.99.0.1-10.99.0.14 of the network dual"]);
  });
});

describe("leftovers", () => {
  it("are addresses of containers that nobody knows", () => {
    put("a.conflist", bridged());
    set("net.ipv4.ip_forward=1");
    take("dual", ["10.99.0.2", "10.99.0.3"]);
    rmSync("/var/lib/cni/results/dual-c1-eth0");
    expect(told()).toEqual([]); // it may be an ADD that is under way
    age(join(STORES, "dual/10.99.0.3"));
    expect(told()).toEqual([
      "warning leftovers: host-local keeps 10.99.0.3 of the network dual for containers that no runtime has a result of",
    ]);
  });

  it("are rules of upstream's plugins", () => {
    put("a.conflist", bridged());
    const comment = 'name: \\"dual\\" id: \\"c1\\"';
    run("iptables-nft", "-t", "nat", "-N", "CNI-0123456789abcdef01234567");
    onTestFinished(() => void run("nft", "flush", "ruleset"));
    const rule = ["-m", "comment", "--comment", comment.replaceAll("\\", "")];
    run(
      "iptables-nft",
      "-t",
      "nat",
      "-A",
      "CNI-0123456789abcdef01234567",
      "-d",
      "10.99.0.0/24",
      ...rule,
      "-j",
      "ACCEPT",
    );
    run(
      "iptables-nft",
      "-t",
      "nat",
      "-A",
      "CNI-0123456789abcdef01234567",
      "!",
      "-d",
      "224.0.0.0/4",
      ...rule,
      "-j",
      "MASQUERADE",
    );
    run(
      "iptables-nft",
      "-t",
      "nat",
      "-A",
      "POSTROUTING",
      "-s",
      "10.99.0.2",
      ...rule,
      "-j",
      "CNI-0123456789abcdef01234567",
    );
    expect(told()).toEqual([expect.stringMatching(/leftovers: 1 .*containernetworking\/plugins/)]);
  });
});

describe("what runs out", () => {
  it("is the table of connection tracking", () => {
    put("a.conflist", bridged());
    run(
      "nft",
      "add table ip t; add chain ip t c { type filter hook output priority 0; }; add rule ip t c ct state new accept",
    );
    onTestFinished(() => void run("nft", "flush", "ruleset"));
    for (const [count, severity] of [
      ["79", undefined],
      ["80", "warning"],
      ["95", "problem"],
    ] as const) {
      for (const [name, value] of [
        ["count", count],
        ["max", "100"],
      ] as const) {
        const path = join(temporaryDirectory(), name);
        writeFileSync(path, `${value}\n`);
        run("mount", "--bind", path, `/proc/sys/net/netfilter/nf_conntrack_${name}`);
        onTestFinished(() => void run("umount", `/proc/sys/net/netfilter/nf_conntrack_${name}`));
      }
      expect(doctor().findings.map((one) => [one.check, one.severity])).toEqual(
        severity === undefined ? [] : [["flows", severity]],
      );
    }
  });

  it.each([
    ["bytes", "size=256k", "problem"],
    ["bytes", "size=64m", "warning"],
    ["inodes", "nr_inodes=50", "problem"],
  ])("is room on /var/lib/cni: %s of %s", (what, options, severity) => {
    put("a.conflist", bridged());
    run("mount", "-t", "tmpfs", "-o", options, "tmpfs", "/var/lib/cni");
    onTestFinished(() => void run("umount", "/var/lib/cni"));
    mkdirSync(STORES);
    if (what === "bytes") {
      const { bavail, bsize } = statfsSync("/var/lib/cni");
      writeFileSync("/var/lib/cni/full", new Uint8Array(Math.floor((bavail * bsize * 97) / 100)));
    } else {
      for (let n = 0; n < 46; n++) writeFileSync(`/var/lib/cni/${n}`, "");
    }
    expect(told()).toEqual([
      expect.stringMatching(new RegExp(`^${severity} space: .*/var/lib/cni is 9\\d % full, of ${what}`)),
    ]);
  });
});

describe("the text", () => {
  it("says what to do below what is so, also on a narrow terminal, in colours there only", () => {
    put("a.conflist", bridged({ ipMasq: "yes" }));
    const args = ["doctor", "--conf-dir", CONF_DIR, "--bin-dir", BIN_DIR];
    const text = [
      `problem  configurations: ${CONF_DIR}/a.conflist:9:14: bridge: ipMasq: "yes" is not true or false`,
      "         mend the file; `bauta schema` prints what may stand there",
      "14 checks: 1 problem, 0 warnings, 0 notes",
      "",
    ].join("\n");
    expect(cli(args).stdout).toBe(text);
    const coloured = cli(args, { isTerminal: () => true, columns: () => 20 }).stdout;
    expect(coloured).toBe(text.replace("problem", "\x1b[31mproblem\x1b[39m"));
    expect(cli(args).stderr).toBe("bauta: 1 problem of this node keeps containers from working\n");
  });

  it("is refused for arguments that there are not", () => {
    expect(cli(["doctor", "--jsn"])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("did you mean --json?"),
    });
    expect(cli(["doctor", "now"]).status).toBe(2);
  });
});
