// "ipMasqOptions" in the kernel's tables, as nft(8) lists them. Packets are in test/e2e.

import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import type { JsonObject } from "../../src/cni/json.ts";
import { checkMasquerade, setUpMasquerade, tearDownMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { RECORDS } from "../../src/masquerade/nftables/records.ts";
import { readOptions } from "../../src/masquerade/options/options.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, parseCidr } from "../../src/wire/ip.ts";
import { poll, requireNamespaces, run } from "../support/netns.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => {
  unshareNetns();
  run("ip", "link", "set", "lo", "up");
});
afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const dual = (n: number): Cidr[] =>
  [`10.1.0.${n}/16`, `fd00:1::${n.toString(16)}/64`]
    .map((text) => parseCidr(text))
    .filter((cidr) => cidr !== undefined);
const ruleset = (): string => run("nft", "list", "ruleset").replaceAll("\t", " ");
const records = (): string[] => (existsSync(RECORDS) ? readdirSync(RECORDS) : []);

/** The rules of the policy chain of the family, with counters left out. */
function policyRules(family: "ip" | "ip6"): string[] {
  const table = ruleset().split(`table ${family} bauta_masquerade`)[1]?.split("\n}")[0] ?? "";
  const chain = /chain outside-\S+ \{\n([^}]*)\}/.exec(table)?.[1] ?? "";
  return chain
    .split("\n")
    .map((line) => line.trim().replace(/counter packets 0 bytes 0 /, ""))
    .filter((line) => line !== "");
}

const everything: JsonObject = {
  exclude: ["private", "fd00:2::/64", "10.1.2.0/24"],
  excludeExceptions: ["10.9.0.0/16"],
  to: { ipv4: "192.0.2.1-192.0.2.3", ipv6: "2001:db8::1", persistent: true },
  ports: "20000-30000",
  random: "random",
  outInterfaces: ["eth0", "eth1"],
  excludeOutInterfaces: ["wg0"],
  dropInvalid: true,
};

function giveSources(): void {
  for (const n of [1, 2, 3]) run("ip", "address", "add", `192.0.2.${n}/24`, "dev", "lo");
  run("ip", "address", "add", "2001:db8::1/64", "dev", "lo", "nodad");
  // The kernel leaves the local route of an IPv6 address to a worker.
  poll("the route to 2001:db8::1", () => run("sh", "-c", "ip route get 2001:db8::1 || true").startsWith("local"));
}

describe("ipMasqOptions", () => {
  it("makes of all options together what nft lists as such, passes CHECK, and leaves nothing", () => {
    giveSources();
    const options = readOptions(everything);
    setUpMasquerade(at("c1"), dual(5), options);
    expect(policyRules("ip")).toEqual([
      "ip daddr 10.1.0.0/16 return",
      'oifname "wg0" return',
      expect.stringMatching(/^oifname != @interfaces-[0-9a-f]{32} return$/),
      expect.stringMatching(/^ip daddr @kept-[0-9a-f]{32} return$/),
      "meta l4proto tcp snat to 192.0.2.1-192.0.2.3:20000-30000 random,persistent",
      "meta l4proto udp snat to 192.0.2.1-192.0.2.3:20000-30000 random,persistent",
      "meta l4proto sctp snat to 192.0.2.1-192.0.2.3:20000-30000 random,persistent",
      "snat to 192.0.2.1-192.0.2.3 random,persistent",
    ]);
    expect(policyRules("ip6").slice(-1)).toEqual(["snat to 2001:db8::1 random,persistent"]);
    expect(ruleset()).toContain("elements = { 10.0.0.0-10.8.255.255, 10.10.0.0-10.255.255.255,");
    expect(ruleset()).toContain("ct state invalid ip saddr @strict counter packets 0 bytes 0 drop");
    checkMasquerade(at("c1"), dual(5), options);
    setUpMasquerade(at("c2"), dual(6), options);
    checkMasquerade(at("c2"), dual(6), options);
    const before = ruleset();
    writeFileSync(`/run/options-${process.pid}`, `flush ruleset\n${before}`);
    run("nft", "-f", `/run/options-${process.pid}`);
    expect(ruleset()).toBe(before);
    checkMasquerade(at("c2"), dual(6), options);
    tearDownMasquerade(at("c1"), []);
    checkMasquerade(at("c2"), dual(6), options);
    tearDownMasquerade(at("c2"), []);
    expect([ruleset(), records()]).toEqual(["", []]);
  });

  it("shares a set among the policies that name the same list, and removes it with the last", () => {
    const options = readOptions({ exclude: ["reserved"] });
    setUpMasquerade(at("c1"), [...dual(5)], options);
    setUpMasquerade(at("c2"), [{ ip: Uint8Array.of(10, 2, 0, 5), prefixLength: 16 }], options);
    setUpMasquerade(at("c3"), dual(7));
    expect(ruleset().match(/set kept-/g)).toHaveLength(2);
    tearDownMasquerade(at("c1"), []);
    expect(ruleset().match(/set kept-/g)).toHaveLength(1);
    tearDownMasquerade(at("c2"), []);
    expect(ruleset()).not.toContain("set kept-");
    checkMasquerade(at("c3"), dual(7));
    tearDownMasquerade(at("c3"), []);
    expect(ruleset()).toBe("");
  });

  it("leaves the other family alone", () => {
    const options = readOptions({ families: ["ipv4"] });
    setUpMasquerade(at("c1"), dual(5), options);
    expect(ruleset()).not.toContain("table ip6");
    checkMasquerade(at("c1"), dual(5), options);
  });

  it("tells in CHECK when a set has been altered, and puts it right at the next ADD", () => {
    const options = readOptions({ only: ["8.0.0.0/8"], dropInvalid: true });
    setUpMasquerade(at("c1"), dual(5), options);
    const set = /set (kept-[0-9a-f]+)/.exec(ruleset())?.[1] ?? "";
    run("nft", "flush", "set", "ip", "bauta_masquerade", set);
    run("nft", "flush", "chain", "ip6", "bauta_masquerade", "forward");
    expect(() => checkMasquerade(at("c1"), dual(5), options)).toThrow(
      new RegExp(`set ${set} of table ip bauta_masquerade has been altered.*chain forward of table ip6`),
    );
    setUpMasquerade(at("c1"), dual(5), options);
    checkMasquerade(at("c1"), dual(5), options);
  });

  it("puts a changed file into force at the next ADD, and keeps the last good list while the file is not whole", () => {
    const file = `/run/exclude-${process.pid}`;
    const options = readOptions({ excludeFile: file });
    writeFileSync(file, "nonMasqueradeCIDRs:\n  - 8.0.0.0/8 # here\nmasqLinkLocal: true\nresyncInterval: 60s\n");
    setUpMasquerade(at("c1"), dual(5), options);
    expect(ruleset()).toContain("elements = { 8.0.0.0/8 }");
    writeFileSync(file, '{"nonMasqueradeCIDRs": ["9.0.0.0/8", "2001:db8::/32"], "masqLinkLocal": true}');
    setUpMasquerade(at("c2"), dual(6), options);
    expect(ruleset()).toContain("elements = { 9.0.0.0/8 }");
    writeFileSync(file, '{"nonMasqueradeCIDRs": ["10.0.0.0/8", "2001:d');
    setUpMasquerade(at("c3"), dual(7), options);
    expect(ruleset()).toContain("elements = { 9.0.0.0/8 }");
    rmSync(file);
    setUpMasquerade(at("c4"), dual(8), options);
    for (const c of ["c1", "c2", "c3", "c4"]) tearDownMasquerade(at(c), []);
    expect(ruleset()).toBe("");
  });

  describe("a range of more than 256 addresses", () => {
    const uses = (to: JsonObject) => () => {
      setUpMasquerade(at("c1"), dual(5), readOptions({ to }));
      checkMasquerade(at("c1"), dual(5), readOptions({ to }));
      tearDownMasquerade(at("c1"), []);
    };

    it("is refused where only its ends are the node's", () => {
      for (const ip of ["192.0.2.0", "192.0.3.255", "2001:db8::", "2001:db8::ffff"]) {
        run("ip", "address", "add", ip, "dev", "lo", ...(ip.includes(":") ? ["nodad"] : []));
      }
      expect(uses({ ipv4: "192.0.2.0/23" })).toThrow("ipMasqOptions.to.ipv4: 192.0.2.1 is not an address of this node");
      expect(uses({ ipv6: "2001:db8::/112" })).toThrow("ipMasqOptions.to.ipv6: 2001:db8::1 is not an address of this");
    });

    it("is taken where local routes cover it, and refused where a longer prefix among them is something else", () => {
      run("ip", "route", "add", "local", "192.0.2.0/24", "dev", "lo");
      expect(uses({ ipv4: "192.0.2.0/23" })).toThrow("192.0.3.0 is not an address of this node");
      run("ip", "route", "add", "local", "192.0.3.0/24", "dev", "lo");
      expect(uses({ ipv4: "192.0.2.0/23" })).not.toThrow();
      expect(uses({ ipv4: "192.0.2.7-192.0.3.249" })).not.toThrow();
      run("ip", "route", "add", "broadcast", "192.0.3.9", "dev", "lo", "table", "local");
      expect(uses({ ipv4: "192.0.2.7-192.0.3.249" })).toThrow("192.0.3.9 is not an address of this node");
      run("ip", "route", "add", "local", "2001:db8::/64", "dev", "lo");
      expect(uses({ ipv6: "2001:db8::/64" })).not.toThrow();
      expect(uses({ ipv6: "2001:db8::/63" })).toThrow("2001:db8:0:1:: is not an address of this node");
    });

    it("is taken as the kernel takes each of its addresses", () => {
      run("ip", "address", "add", "198.18.0.1/15", "dev", "lo"); // on lo the whole subnet is local
      expect(run("ip", "route", "get", "198.18.77.7")).toMatch(/^local/);
      expect(uses({ ipv4: "198.18.0.1-198.18.9.9" })).not.toThrow();
    });
  });

  const refused: readonly (readonly [string, JsonObject, string])[] = [
    [
      "a source that is not the node's",
      { to: { ipv4: "203.0.113.9" } },
      "ipMasqOptions.to.ipv4: 203.0.113.9 is not an address of this node",
    ],
    [
      "a source of the other family",
      { to: { ipv4: "2001:db8::1" } },
      'ipMasqOptions.to.ipv4: "2001:db8::1" is not an IPv4 address',
    ],
    [
      "a reversed range",
      { to: { ipv4: "192.0.2.9-192.0.2.1" } },
      'ipMasqOptions.to.ipv4: "192.0.2.9-192.0.2.1" is not',
    ],
    [
      "an exclusion that is no prefix",
      { exclude: ["everything"] },
      'ipMasqOptions.exclude[0]: "everything" is not a CIDR prefix or one of "private"',
    ],
    ["the same prefix on both sides", { exclude: ["10.0.0.0/8"], only: ["10.0.0.0/8"] }, "ipMasqOptions.only[0]"],
    ["an interface name no kernel takes", { outInterfaces: ["far too long a name"] }, "ipMasqOptions.outInterfaces[0]"],
    ["no interfaces at all", { outInterfaces: [] }, "ipMasqOptions.outInterfaces: [] is not a list of at least one"],
    ["ports the wrong way round", { ports: "9-1" }, 'ipMasqOptions.ports: "9-1" is not a port or a range'],
    [
      "an unknown way to choose ports",
      { random: "rather" },
      'ipMasqOptions.random: "rather" is not one of "fully", "random", "none"',
    ],
    ["a file that isn't there", { excludeFile: "/run/nowhere" }, "ipMasqOptions.excludeFile: /run/nowhere"],
  ];
  for (const [what, given, message] of refused) {
    it(`refuses ${what}, and leaves nothing`, () => {
      const work = (): void => {
        try {
          setUpMasquerade(at("c1"), dual(5), readOptions(given));
        } catch (error) {
          tearDownMasquerade(at("c1"), []);
          throw error;
        }
      };
      expect(work).toThrow(message);
      expect([ruleset(), records()]).toEqual(["", []]);
    });
  }

  it("refuses a family that the container does not have", () => {
    const [v4] = dual(5);
    if (v4 === undefined) throw new Error("no address");
    expect(() => setUpMasquerade(at("c1"), [v4], readOptions({ families: ["ipv4", "ipv6"] }))).toThrow(
      "ipMasqOptions.families: the container has no IPv6 address",
    );
  });
});
