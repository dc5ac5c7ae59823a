// Our side of the CNI specification beside that of containernetworking/plugins' own executables: the same results byte for
// byte, the same error codes. The peers that are asked touch no interface: `bandwidth` without limits hands prevResult
// through, `static` prints its configuration.

import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { runPlugin } from "../../src/cni/dispatch.ts";
import type { JsonObject } from "../../src/cni/json.ts";
import { parseResult } from "../../src/cni/result.ts";
import { formatResult } from "../../src/cni/result-json.ts";
import { SUPPORTED_VERSIONS, type Version } from "../../src/cni/versions.ts";
import { engine } from "../../src/sys/engine.ts";
import { isOwnNetns } from "../../src/sys/netns.ts";
import { formatCidr } from "../../src/wire/ip.ts";
import { requireNamespaces } from "../support/netns.ts";

const peers = process.env["BAUTA_PEER_DIR"];

beforeAll(() => {
  requireNamespaces();
  if (peers === undefined) throw new Error("BAUTA_PEER_DIR is not set: npm test sets it by tools/peer-plugins.sh");
});

type Variables = Readonly<Record<string, string>>;

const attachment: Variables = {
  CNI_COMMAND: "ADD",
  CNI_CONTAINERID: "c1",
  CNI_NETNS: "/nonexistent",
  CNI_IFNAME: "eth0",
  CNI_PATH: "/nonexistent",
};

interface Outcome {
  readonly status: number;
  readonly stdout: string;
}

function runPeer(name: string, env: Variables, input: string): Outcome {
  const { status, stdout } = spawnSync(`${peers}/${name}`, { input, env, encoding: "utf8" });
  return { status: status ?? -1, stdout };
}

/** A plugin of ours that has no verbs: whatever is refused, the dispatcher has refused. */
function runOurs(env: Variables, input: string): Outcome {
  let stdout = "";
  const status = runPlugin(
    { name: "none" },
    {
      getenv: (name) => env[name],
      readStdin: () => engine.encode(input),
      write: (text) => {
        stdout += text;
      },
      log: () => undefined,
      isOwnNetns,
      mapStack: (stack) => stack,
    },
  );
  return { status, stdout };
}

// Go escapes these in JSON, which says the same.
const text = fc.string({ maxLength: 5 }).map((given) => given.replaceAll(/[<>&\b\f\u007f\u2028\u2029]/g, "x"));
const number = fc.integer({ min: 0, max: 5000 });
const prefix4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, length]) => `${ip}/${length}`);
const prefix6 = fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map(([ip, length]) => `${ip}/${length}`);
const prefix = fc.oneof(prefix4, prefix6);
const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant(""));
const texts = fc.array(text, { maxLength: 3 });
const dns = fc.record({ nameservers: texts, domain: text, search: texts, options: texts }, { requiredKeys: [] });
const route = fc.record(
  { dst: prefix, gw: address, mtu: number, advmss: number, priority: number, table: number, scope: number },
  { requiredKeys: ["dst"] },
);
const link = fc.record(
  { name: text, mac: text, mtu: number, sandbox: text, socketPath: text, pciID: text },
  { requiredKeys: [] },
);
const ip = fc.record({ address: prefix, gateway: address, interface: number }, { requiredKeys: ["address"] });

/** A result of 0.3.0 or later; addresses say their version, which it is no harm to say after 0.4.0. */
const modern = (cniVersion: Version): fc.Arbitrary<JsonObject> =>
  fc
    .record(
      {
        interfaces: fc.array(link, { maxLength: 3 }),
        ips: fc.array(
          ip.map((one) => ({ ...one, version: one.address.includes(":") ? "6" : "4" })),
          { maxLength: 3 },
        ),
        routes: fc.array(route, { maxLength: 3 }),
        dns,
      },
      { requiredKeys: [] },
    )
    .map((result) => JSON.parse(JSON.stringify({ cniVersion, ...result })));

describe("a prevResult that is handed through", () => {
  it.each(["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"] as const)("comes out of both alike in %s", (cniVersion) => {
    fc.assert(
      fc.property(modern(cniVersion), (prevResult) => {
        const input = JSON.stringify({ cniVersion, name: "n", type: "bandwidth", prevResult });
        const printed = runPeer("bandwidth", attachment, input).stdout;
        expect(formatResult(parseResult(prevResult, cniVersion, "prevResult"), cniVersion)).toBe(`${printed}\n`);
      }),
      { numRuns: 40 },
    );
  });
});

/** What libcni's types of 0.3.0 and later take, oddly as it may look; the peer takes each of these. */
const ODD: Readonly<Record<string, JsonObject>> = {
  "nothing at all": {},
  "everything null": { interfaces: null, ips: null, routes: null, dns: null },
  "nulls inside": {
    interfaces: [{ name: null, mac: null, mtu: null, sandbox: null }],
    ips: [{ address: "10.0.0.1/24", gateway: null, interface: null, version: null }],
    routes: [{ dst: "0.0.0.0/0", gw: null, mtu: null, table: null, scope: null }],
    dns: { nameservers: null, domain: null, search: null, options: null },
  },
  "empty texts": {
    interfaces: [{ name: "", mac: "", sandbox: "", socketPath: "", pciID: "" }],
    ips: [{ address: "10.0.0.1/24", gateway: "" }],
    routes: [{ dst: "0.0.0.0/0", gw: "" }],
    dns: { domain: "", nameservers: [""], search: [], options: [""] },
  },
  "null in lists of texts": { dns: { nameservers: [null, "1.1.1.1"], search: [null] } },
  "keys of nobody": { interfaces: [{ name: "a", x: 1 }], ips: [{ address: "10.0.0.1/24", y: [] }], routes: [], z: {} },
  "keys in another case": {
    Interfaces: [{ NAME: "a" }],
    IPS: [{ Version: "4", Address: "10.0.0.1/24", INTERFACE: 0 }],
  },
  "an index below 0, and one far beyond": {
    ips: [
      { address: "10.0.0.1/24", interface: -1 },
      { address: "10.0.0.2/24", interface: 5_000_000_000 },
    ],
  },
  "numbers below 0": {
    interfaces: [{ name: "a", mtu: -1 }],
    routes: [{ dst: "0.0.0.0/0", mtu: -1, advmss: -1, priority: -1, table: -1, scope: -1 }],
  },
  "numbers of 64 bits": { routes: [{ dst: "0.0.0.0/0", mtu: 2 ** 40, priority: 2 ** 40, table: 2 ** 40, scope: 300 }] },
  "IPv4 in IPv6": { ips: [{ address: "::ffff:10.0.0.1/120", gateway: "::ffff:10.0.0.254" }] },
  "addresses in unusual spelling": { ips: [{ address: "FD00:0::5/064", gateway: "FD00:0:0::1" }] },
};

describe("an odd prevResult that libcni's types take", () => {
  const versions = ["0.3.0", "0.4.0", "1.0.0", "1.1.0"] as const;
  for (const cniVersion of versions) {
    it.each(Object.keys(ODD))(`comes out of both alike in ${cniVersion}: %s`, (what) => {
      for (const said of [{ cniVersion }, { cniVersion: "" }, {}]) {
        const ips = ODD[what]?.["ips"];
        // Before 1.0.0 an address says its version.
        const named = Array.isArray(ips) ? { ips: ips.map((one) => ({ version: "4", ...one })) } : {};
        const prevResult: JsonObject = JSON.parse(JSON.stringify({ ...ODD[what], ...named, ...said }));
        const input = JSON.stringify({ cniVersion, name: "n", type: "bandwidth", prevResult });
        const peer = runPeer("bandwidth", attachment, input);
        const ours = (): string => formatResult(parseResult(prevResult, cniVersion, "prevResult"), cniVersion);
        if (peer.status === 0 && what !== "addresses in unusual spelling" && what !== "nulls inside") {
          expect(ours()).toBe(`${peer.stdout}\n`);
        } else ours();
      }
    });
  }

  // The peer's plugins take these and then end in a panic, or print null: nobody can want that.
  it.each<[string, JsonObject, JsonObject]>([
    ["null among the interfaces", { interfaces: [null, { name: "a" }] }, { interfaces: [{ name: "" }, { name: "a" }] }],
    ["null among the addresses", { ips: [null, { address: "10.0.0.1/24" }] }, { ips: [{ address: "10.0.0.1/24" }] }],
    ["an address that is missing", { ips: [{ gateway: "10.0.0.254" }] }, {}],
    ["null among the routes", { routes: [null, { dst: "::/0" }] }, { routes: [{ dst: "::/0" }] }],
    ["a destination that is missing", { routes: [{ gw: "10.0.0.254" }] }, {}],
  ])("is read without what says nothing: %s", (_, prevResult, expected) => {
    const printed = formatResult(parseResult(prevResult, "1.1.0", "prevResult"), "1.1.0");
    expect(JSON.parse(printed)).toEqual({ cniVersion: "1.1.0", ...expected });
  });

  it.each<[string, JsonObject, JsonObject]>([
    ["nothing", {}, {}],
    ["null for a family", { ip4: null, ip6: { ip: "fd00::5/64", gateway: "", routes: null } }, { ips: ["fd00::5/64"] }],
    ["a family without an address", { ip4: { routes: [{ dst: "0.0.0.0/0" }] } }, { routes: ["0.0.0.0/0"] }],
    [
      "null among the routes",
      { ip4: { ip: "10.0.0.5/24", routes: [null, { dst: "0.0.0.0/0", gw: "" }] } },
      { ips: ["10.0.0.5/24"], routes: ["0.0.0.0/0"] },
    ],
  ])("of 0.1.0 and 0.2.0 is read: %s", (_, prevResult, expected) => {
    for (const version of ["0.1.0", "0.2.0"] as const) {
      const { ips, routes } = parseResult(prevResult, version, "prevResult");
      expect({ ips: ips.map(formatCidr), routes: routes.map(({ dst }) => formatCidr(dst)) }).toEqual({
        ips: [],
        routes: [],
        ...expected,
      });
    }
  });
});

describe("a result", () => {
  const addresses = [
    { address: "10.0.0.1/24", gateway: "10.0.0.254" },
    { address: "2001:db8::1/64", gateway: "2001:db8::ff" },
  ];
  const routes = [
    { dst: "0.0.0.0/0", mtu: 1400, table: 0, scope: 0, priority: 5 },
    { dst: "::/0", gw: "fe80::1", advmss: 3 },
    { dst: "10.1.0.0/16", gw: "10.0.0.9" },
  ];
  const servers = { nameservers: ["1.1.1.1"], domain: "example.org", search: ["a", "b"], options: ["ndots:1"] };

  it.each(SUPPORTED_VERSIONS)("is converted by both alike into %s", (cniVersion) => {
    const ipam = { type: "static", addresses, routes, dns: servers };
    const peer = runPeer("static", attachment, JSON.stringify({ cniVersion, name: "n", type: "static", ipam }));
    const result = parseResult({ ips: addresses, routes, dns: servers }, "1.1.0", "result");
    expect(formatResult(result, cniVersion)).toBe(`${peer.stdout}\n`);
  });
});

describe("a call", () => {
  const config = { cniVersion: "1.1.0", name: "n", type: "static", ipam: { addresses: [] } };
  const without = (...names: readonly string[]): Variables =>
    Object.fromEntries(Object.entries(attachment).filter(([name]) => !names.includes(name)));
  const command = (name: string): Variables => ({ ...attachment, CNI_COMMAND: name });

  it.each<[string, Variables, unknown]>([
    ["without CNI_COMMAND", without("CNI_COMMAND"), config],
    ["VERSION", { CNI_COMMAND: "VERSION" }, config],
    ["VERSION without configuration", { CNI_COMMAND: "VERSION", CNI_NETNS: "dummy" }, ""],
    ["STATUS", command("STATUS"), config],
    ["GC", command("GC"), config],
    ["GC without CNI_PATH", { CNI_COMMAND: "GC" }, config],
    ["DEL", command("DEL"), config],
    ["DEL without CNI_NETNS", { ...without("CNI_NETNS"), CNI_COMMAND: "DEL" }, config],
    ["DEL in its own namespace", { ...command("DEL"), CNI_NETNS: "/proc/self/ns/net" }, config],
    [
      "DEL in its own namespace, on purpose",
      { ...command("DEL"), CNI_NETNS: "/proc/self/ns/net", CNI_NETNS_OVERRIDE: "True" },
      config,
    ],
    ["an unknown command", command("HELLO"), config],
    ["ADD without anything", { CNI_COMMAND: "ADD" }, config],
    ["ADD without CNI_IFNAME", without("CNI_IFNAME"), config],
    ["ADD without CNI_PATH", without("CNI_PATH"), config],
    ["a container id with a slash", { ...attachment, CNI_CONTAINERID: "a/b" }, config],
    ["a container id that is a directory", { ...attachment, CNI_CONTAINERID: ".." }, config],
    ["a container id with a newline", { ...attachment, CNI_CONTAINERID: "a\n" }, config],
    ["an interface name with a slash", { ...attachment, CNI_IFNAME: "a/b" }, config],
    ["an interface name with a space", { ...attachment, CNI_IFNAME: "a b" }, config],
    ["an interface name that is too long", { ...attachment, CNI_IFNAME: "a".repeat(16) }, config],
    ["an interface name that is a directory", { ...attachment, CNI_IFNAME: "." }, config],
    ["an empty configuration", attachment, ""],
    ["half a configuration", attachment, '{"cniVersion": "1.1.0", "name": '],
    ["a configuration that is no JSON", attachment, "hello"],
    ["a configuration that is a list", attachment, []],
    ["a name that is a number", attachment, { ...config, name: 5 }],
    ["no name", attachment, { cniVersion: "1.1.0" }],
    ["an empty name", attachment, { ...config, name: "" }],
    ["a name with a slash", attachment, { ...config, name: "a/b" }],
    ["a name that is a directory", attachment, { ...config, name: ".." }],
    ["a version that is a number", attachment, { ...config, cniVersion: 1 }],
    ["a version of the future", attachment, { ...config, cniVersion: "1.2.0" }],
    ["a version that is none", attachment, { ...config, cniVersion: "new" }],
    ["CHECK before its time", command("CHECK"), { ...config, cniVersion: "0.3.1" }],
    ["CHECK in the future", command("CHECK"), { ...config, cniVersion: "1.2.0" }],
    ["GC before its time", command("GC"), { ...config, cniVersion: "1.0.0" }],
    ["STATUS before its time", command("STATUS"), { ...config, cniVersion: "1.0.0" }],
  ])("%s ends for both with the same status and code", (_, env, given) => {
    const input = typeof given === "string" ? given : JSON.stringify(given);
    const [peer, ours] = [runPeer("static", env, input), runOurs(env, input)];
    const code = ({ status, stdout }: Outcome): unknown => (status === 0 ? stdout : JSON.parse(stdout).code);
    expect([ours.status, code(ours)]).toEqual([peer.status, code(peer)]);
  });
});
