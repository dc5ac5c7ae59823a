// host-local and static beside upstream's: the same calls, the same results, the same files.

import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Plugin } from "../../src/cni/plugin.ts";
import { plugin as hostLocalPlugin } from "../../src/plugins/host-local/plugin.ts";
import { plugin as staticPlugin } from "../../src/plugins/static/plugin.ts";
import { peerDirectory } from "../support/differential.ts";
import { type CallPlugin, executable, inProcess, type PluginCall } from "../support/plugin.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

type Json = Readonly<Record<string, unknown>>;

const VERSIONS = ["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"];

const ATTACHMENT = { containerId: "abc", ifname: "eth0", netns: "/run/netns/none" };
const peer = (name: string): CallPlugin => executable(`${peerDirectory()}/${name}`);

/** Does the same to both, each in a data directory of its own, and expects the same to be seen. */
class Pair {
  readonly ours = temporaryDirectory();
  readonly theirs = temporaryDirectory();
  readonly #plugin: Plugin;

  constructor(plugin: Plugin) {
    this.#plugin = plugin;
  }

  /** A file that both find, `path` under their data directory. */
  write(path: string, content: string): void {
    for (const directory of [this.ours, this.theirs]) {
      mkdirSync(`${directory}/net`, { recursive: true });
      writeFileSync(`${directory}/${path}`, content);
    }
  }

  /** Returns what ours printed; the message and code of an error are our own affair. */
  call(command: string, ipam: Json, more: { network?: Json } & Omit<PluginCall, "command" | "config"> = {}): Json {
    const { network = {}, ...rest } = more;
    const [ours, theirs] = [this.ours, this.theirs].map((dataDir): PluginCall => {
      const inPlace = JSON.parse(JSON.stringify(ipam).replaceAll("DATA", dataDir));
      const section = { type: this.#plugin.name, dataDir, ...inPlace };
      return {
        ...ATTACHMENT,
        ...rest,
        command,
        config: { cniVersion: "1.1.0", name: "net", type: "any", ipam: section, ...network },
      };
    });
    if (ours === undefined || theirs === undefined) throw new Error("there are two");
    const our = inProcess(this.#plugin)(ours);
    const their = peer(this.#plugin.name)(theirs);
    expect({ command, failed: our.status !== 0, printed: our.stdout }).toMatchObject({ failed: their.status !== 0 });
    if (our.status === 0) expect(our.stdout.trim()).toBe(their.stdout.trim());
    // Upstream remembers an address that it took and gave back as given out; an ADD of ours that fails leaves no trace.
    const kept = (dataDir: string): Json => filesIn(dataDir, our.status === 0 ? /./ : /^(?!last_reserved_ip)/);
    expect(kept(this.ours)).toEqual(kept(this.theirs));
    return our.json;
  }
}

/** All files of the network, with what is in them. */
function filesIn(dataDir: string, names = /./): Json {
  if (!existsSync(`${dataDir}/net`)) return {};
  const all = readdirSync(`${dataDir}/net`, { withFileTypes: true });
  const found = all.filter((entry) => entry.isFile() && names.test(entry.name)).map(({ name }) => name);
  return Object.fromEntries(found.sort().map((name) => [name, readFileSync(`${dataDir}/net/${name}`, "utf8")]));
}

const DUAL = { ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "fd00::/64" }]] };
const ROUTES = {
  routes: [
    { dst: "0.0.0.0/0" },
    { dst: "192.168.0.7/16", gw: "10.1.0.9" },
    { dst: "::/0", gw: "FD00::0:9", mtu: 1400, advmss: 1300, priority: 7, table: 0, scope: 253 },
  ],
};

describe("host-local beside upstream's", () => {
  it.each(VERSIONS)("says and writes the same in version %s", (cniVersion) => {
    const pair = new Pair(hostLocalPlugin);
    const network = { cniVersion };
    pair.call("ADD", { ...DUAL, ...ROUTES }, { network });
    pair.call("ADD", DUAL, { network, containerId: "other" });
    pair.call("ADD", DUAL, { network });
    if (cniVersion >= "0.4.0") pair.call("CHECK", DUAL, { network });
    pair.call("DEL", DUAL, { network });
    pair.call("DEL", DUAL, { network });
    pair.call("ADD", DUAL, { network });
  });

  it.each<[string, Json]>([
    [
      "a range at the top",
      { subnet: "10.1.0.0/24", rangeStart: "10.1.0.20", rangeEnd: "10.1.0.22", gateway: "10.1.0.21" },
    ],
    ["a range at the top and others", { subnet: "10.1.0.0/24", ...{ ranges: [[{ subnet: "10.2.0.0/24" }]] } }],
    [
      "several ranges in a set",
      { ranges: [[{ subnet: "10.1.0.0/30" }, { subnet: "10.2.0.0/30", gateway: "10.2.0.2" }]] },
    ],
    ["network and broadcast address", { subnet: "10.1.0.0/30", rangeStart: "10.1.0.0", rangeEnd: "10.1.0.3" }],
    ["an IPv6 range without its first address", { subnet: "fd00::/126" }],
    ["a gateway elsewhere", { subnet: "10.1.0.0/30", gateway: "192.0.2.1" }],
    ["an empty gateway", { subnet: "10.1.0.0/30", gateway: "", rangeStart: "" }],
    ["addresses in unusual spelling", { subnet: "FD00:0::/126", gateway: "fd00:0:0:0::3" }],
    ["keys in another case", { Subnet: "10.1.0.0/29", RANGESTART: "10.1.0.4" }],
    ["host bits", { subnet: "10.1.0.7/24" }],
    ["a subnet too small", { subnet: "10.1.0.0/31" }],
    ["a start outside", { subnet: "10.1.0.0/24", rangeStart: "10.2.0.1" }],
    ["an end outside", { subnet: "10.1.0.0/24", rangeEnd: "10.2.0.1" }],
    ["start and end reversed", { subnet: "10.1.0.0/24", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.8" }],
    ["families mixed", { ranges: [[{ subnet: "10.1.0.0/24" }, { subnet: "fd00::/64" }]] }],
    ["ranges that overlap", { ranges: [[{ subnet: "10.1.0.0/24" }, { subnet: "10.1.0.0/16" }]] }],
    [
      "sets that overlap",
      { ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "10.1.0.0/24", rangeStart: "10.1.0.9" }]] },
    ],
    ["an empty set", { ranges: [[]] }],
    ["no ranges", {}],
  ])("agrees about %s", (_, ipam) => {
    const pair = new Pair(hostLocalPlugin);
    for (const containerId of ["a", "b", "c", "d", "e"]) pair.call("ADD", ipam, { containerId });
    if (Object.keys(filesIn(pair.ours)).length === 0) return; // refused
    for (const containerId of ["b", "a"]) pair.call("DEL", ipam, { containerId });
    for (const containerId of ["f", "g", "h"]) pair.call("ADD", ipam, { containerId });
  });

  it.each<[string, { network?: Json; args?: string }]>([
    ["an address in CNI_ARGS", { args: "IP=10.1.0.77" }],
    ["an address with a prefix in CNI_ARGS", { args: "IgnoreUnknown=1;K8S_POD_NAME=x;IP=fd00::77/120" }],
    ["addresses in args", { network: { args: { cni: { ips: ["10.1.0.77/24", "fd00::77"] } } } }],
    ["addresses of the runtime", { network: { runtimeConfig: { ips: ["fd00::78/64", "10.1.0.78"] } } }],
    [
      "the same address from all three",
      {
        args: "IP=10.1.0.77",
        network: { args: { cni: { ips: ["10.1.0.77"] } }, runtimeConfig: { ips: ["10.1.0.77/8"] } },
      },
    ],
    ["the gateway", { args: "IP=10.1.0.1" }],
    ["an address that is taken", { args: "IP=10.1.0.2" }],
    ["an address of no range", { args: "IP=10.9.0.1" }],
    ["two addresses of one set", { network: { runtimeConfig: { ips: ["10.1.0.77", "10.1.0.78"] } } }],
    ["nonsense", { args: "IP=nonsense" }],
    ["an unknown argument", { args: "K8S_POD_NAME=x" }],
    [
      "ranges of the runtime",
      { network: { runtimeConfig: { ipRanges: [[{ subnet: "10.7.0.0/24" }], [{ subnet: "10.8.0.0/24" }]] } } },
    ],
  ])("agrees about being asked for %s", (_, more) => {
    const pair = new Pair(hostLocalPlugin);
    pair.call("ADD", DUAL, { containerId: "first" });
    const { code } = pair.call("ADD", DUAL, more);
    if (code === undefined) pair.call("ADD", DUAL, { containerId: "next" });
  });

  it("agrees about files of all sorts in the directory", () => {
    const pair = new Pair(hostLocalPlugin);
    pair.write("net/10.1.0.2", "old"); // before 0.8.0: no interface
    pair.write("net/10.1.0.3", "abc\r\neth1");
    pair.write("net/last_reserved_ip.0", "10.1.0.3");
    pair.write("net/last_reserved_ip.1", "nonsense");
    pair.write("net/notes", "someone's");
    pair.call("ADD", DUAL);
    pair.call("ADD", DUAL, { containerId: "old" });
    pair.call("CHECK", DUAL, { containerId: "old" });
    pair.call("DEL", DUAL, { containerId: "old" });
    pair.call("CHECK", DUAL, { containerId: "old" });
    pair.call("DEL", DUAL);
  });

  it("agrees about odd entries in the directory", () => {
    const pair = new Pair(hostLocalPlugin);
    pair.write("net/10.1.0.5", "x".repeat(4096));
    for (const directory of [pair.ours, pair.theirs]) {
      mkdirSync(`${directory}/net/10.1.0.2`);
      mkdirSync(`${directory}/net/fd00::2/10.1.0.3`, { recursive: true });
      symlinkSync("/nowhere", `${directory}/net/10.1.0.3`);
      symlinkSync("/etc/hostname", `${directory}/net/10.1.0.4`);
    }
    const { ips } = pair.call("ADD", DUAL);
    expect(ips).toMatchObject([{ address: "10.1.0.6/24" }, { address: "fd00::3/64" }]);
    pair.call("ADD", DUAL, { containerId: "second" });
    for (const command of ["CHECK", "DEL", "CHECK"]) pair.call(command, DUAL);
  });

  it("agrees about DNS", () => {
    const pair = new Pair(hostLocalPlugin);
    const lines = [
      "nameserver 10.1.0.1",
      "  nameserver fd00::1 # one",
      "domain a",
      "domain b",
      "search a b",
      "search c",
    ];
    pair.write("resolv.conf", `${lines.join("\n")}\n;options x\noptions ndots:5 edns0\r\nsortlist`);
    for (const cniVersion of VERSIONS) {
      pair.call(
        "ADD",
        { ...DUAL, resolvConf: "DATA/resolv.conf" },
        { network: { cniVersion }, containerId: cniVersion },
      );
    }
    pair.call("ADD", { ...DUAL, resolvConf: "DATA/none" }, { containerId: "none" });
  });

  it("agrees about a range that is full, and what is given back of it", () => {
    const pair = new Pair(hostLocalPlugin);
    const ipam = { subnet: "10.1.0.0/28" };
    for (let n = 0; n < 14; n++) pair.call("ADD", ipam, { containerId: `c${n}` });
    for (const n of [5, 11, 2]) pair.call("DEL", ipam, { containerId: `c${n}` });
    for (let n = 20; n < 24; n++) pair.call("ADD", ipam, { containerId: `c${n}` });
  });
});

describe("host-local and upstream's on one directory", () => {
  it("takes over from the other at any time, with many addresses and an index", () => {
    const dataDir = temporaryDirectory();
    const ipam = { type: "host-local", dataDir, ...DUAL };
    const config = { cniVersion: "1.0.0", name: "net", type: "any", ipam };
    const [ours, theirs] = [inProcess(hostLocalPlugin), peer("host-local")];
    const serve = (plugin: CallPlugin, command: string, n: number): readonly string[] => {
      const { status, stdout, json } = plugin({ ...ATTACHMENT, command, containerId: `c${n}`, config });
      expect({ n, command, status, stdout }).toMatchObject({ status: 0 });
      return (json?.ips ?? []).map(({ address }: { address: string }) => address.replace(/\/.*/, ""));
    };
    const taken = (): string[] => readdirSync(`${dataDir}/net`).filter((name) => /^(10|fd)/.test(name));
    for (let n = 0; n < 90; n++) serve(n % 3 === 0 ? theirs : ours, "ADD", n);
    expect(taken()).toHaveLength(180);
    // Each checks and gives back what the other gave out.
    for (let n = 0; n < 60; n++) {
      for (const command of ["CHECK", "DEL"]) serve(n % 3 === 0 ? ours : theirs, command, n);
    }
    const left = taken();
    expect(left).toHaveLength(60);
    for (let n = 100; n < 130; n++) {
      for (const address of serve(n % 3 === 0 ? theirs : ours, "ADD", n)) expect(left).not.toContain(address);
    }
    for (let n = 60; n < 130; n++) serve(n % 2 === 0 ? theirs : ours, "DEL", n);
    expect(readdirSync(`${dataDir}/net`).sort()).toEqual(["last_reserved_ip.0", "last_reserved_ip.1", "lock"]);
  });
});

const ADDRESSES = {
  addresses: [{ address: "10.10.0.1/24", gateway: "10.10.0.254" }, { address: "3FFE:ffff:0:01ff::1/64" }],
};

describe("static beside upstream's", () => {
  it.each(VERSIONS)("says the same in version %s", (cniVersion) => {
    const pair = new Pair(staticPlugin);
    const network = { cniVersion };
    const dns = { nameservers: ["8.8.8.8"], domain: "a.example", search: ["b.example"], options: ["ndots:1"] };
    pair.call("ADD", { ...ADDRESSES, ...ROUTES, dns }, { network });
    pair.call("ADD", ADDRESSES, { network, args: "IP=10.11.0.1/24;GATEWAY=10.11.0.9" });
    pair.call("ADD", {}, { network });
    pair.call("DEL", ADDRESSES, { network });
  });

  it.each<[string, Json, { network?: Json; args?: string }]>([
    ["addresses in CNI_ARGS", ADDRESSES, { args: "IP=10.11.0.1/24, fd00::1/64" }],
    [
      "gateways in CNI_ARGS",
      ADDRESSES,
      { args: "IP=10.11.0.1/24,10.10.0.7/24;GATEWAY=10.10.0.9,10.11.0.9 ,10.11.0.8" },
    ],
    [
      "addresses in args",
      ADDRESSES,
      { network: { args: { cni: { ips: ["10.13.0.1/24"] } } }, args: "IP=10.11.0.1/24" },
    ],
    [
      "addresses of the runtime",
      ADDRESSES,
      { network: { args: { cni: { ips: ["10.13.0.1/24"] } }, runtimeConfig: { ips: ["10.14.0.1/24"] } } },
    ],
    ["an address without prefix length", { addresses: [{ address: "10.10.0.1" }] }, {}],
    ["an address that is none", { addresses: [{ address: "10.10.0.1/33" }] }, {}],
    ["a gateway that is none", { addresses: [{ address: "10.10.0.1/24", gateway: "x" }] }, {}],
    ["an address without prefix length in CNI_ARGS", ADDRESSES, { args: "IP=10.11.0.1" }],
    ["a gateway that is none in CNI_ARGS", ADDRESSES, { args: "GATEWAY=x" }],
    ["an unknown argument", ADDRESSES, { args: "MAC=00:11:22:33:44:55" }],
    [
      "an address without prefix length of the runtime",
      ADDRESSES,
      { network: { runtimeConfig: { ips: ["10.14.0.1"] } } },
    ],
  ])("agrees about %s", (_, ipam, more) => {
    new Pair(staticPlugin).call("ADD", ipam, more);
  });

  // What the runtime replaces is not judged: a network's configuration often has a placeholder there.
  const PLACEHOLDERS: readonly (readonly [what: string, addresses: readonly Json[]])[] = [
    ["a gateway alone", [{ gateway: "10.10.0.254" }]],
    ["an empty address", [{ address: "" }]],
    ["nothing", [{}]],
    ["an address without prefix length", [{ address: "10.10.0.1" }]],
    ["an address without prefix length, and a gateway", [{ address: "10.10.0.1", gateway: "10.10.0.254" }]],
    ["an address that is none", [{ address: "dynamic" }]],
    ["several", [{}, { gateway: "10.10.0.254" }, { address: "" }]],
  ];
  const REPLACEMENTS: readonly (readonly [what: string, network: Json])[] = [
    ["runtimeConfig.ips", { runtimeConfig: { ips: ["10.10.0.7/24", "fd00::7/64"] } }],
    ["args.cni.ips", { args: { cni: { ips: ["10.10.0.7/24", "fd00::7/64"] } } }],
    ["both", { runtimeConfig: { ips: ["10.10.0.7/24"] }, args: { cni: { ips: ["10.10.0.8/24"] } } }],
  ];

  it.each(
    PLACEHOLDERS.flatMap(([what, addresses]) =>
      REPLACEMENTS.map(([where, network]) => [what, where, addresses, network] as const),
    ),
  )("agrees about a placeholder, %s, that %s replaces", (_, __, addresses, network) => {
    const pair = new Pair(staticPlugin);
    const { ips, ...rest } = pair.call("ADD", { addresses }, { network });
    expect(ips).toMatchObject(
      [{ address: "10.10.0.7/24" }, { address: "fd00::7/64" }].slice(
        0,
        "args" in network && "runtimeConfig" in network ? 1 : 2,
      ),
    );
    pair.call("CHECK", { addresses }, { network: { ...network, prevResult: { ...rest, ips } } });
    pair.call("DEL", { addresses }, { network });
  });

  it.each(PLACEHOLDERS)("agrees about a placeholder, %s, that nothing replaces", (_, addresses) => {
    new Pair(staticPlugin).call("ADD", { addresses });
  });

  it.each<[string, readonly Json[] | undefined]>([
    ["what ADD returned", [{ address: "10.10.0.1/24", gateway: "10.10.0.254" }, { address: "3ffe:ffff:0:1ff::1/64" }]],
    ["another gateway", [{ address: "10.10.0.1/24", gateway: "10.10.0.1" }, { address: "3ffe:ffff:0:1ff::1/64" }]],
    ["no prevResult", undefined],
  ])("agrees about a CHECK with %s", (_, ips) => {
    const prevResult = ips && { cniVersion: "1.1.0", ips };
    new Pair(staticPlugin).call("CHECK", ADDRESSES, { network: { ...(prevResult && { prevResult }) } });
  });
});
