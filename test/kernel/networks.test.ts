// Which way packets come to their policy: by their network, or each address by itself where policies share a subnet or
// subnets lie in one another. In the kernel's tables; packets are in test/e2e.

import { rmSync } from "node:fs";
import fc from "fast-check";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Attachment } from "../../src/cni/attachment.ts";
import {
  checkMasquerade,
  collectMasquerade,
  setUpMasquerade,
  tearDownMasquerade,
} from "../../src/masquerade/nftables/nftables.ts";
import { policyFor } from "../../src/masquerade/nftables/policy.ts";
import { baseOf } from "../../src/masquerade/nftables/policy-name.ts";
import { type MasqueradeOptions, PLAIN, readOptions } from "../../src/masquerade/options/options.ts";
import { unshareNetns } from "../../src/sys/netns.ts";
import { type Cidr, formatIp, networkOf, parseCidr } from "../../src/wire/ip.ts";
import { cli } from "../support/cli.ts";
import { requireNamespaces, run } from "../support/netns.ts";
import { waysOf } from "../support/nftables-ways.ts";

beforeAll(() => requireNamespaces());
beforeEach(() => unshareNetns());
afterEach(() => rmSync("/run/bauta", { recursive: true, force: true }));

const at = (containerId: string): Attachment => ({ network: "net", containerId, ifname: "eth0" });
const cidr = (text: string): Cidr => parseCidr(text) ?? { ip: new Uint8Array(4), prefixLength: 0 };
const ruleset = (): string => run("nft", "list", "ruleset");
const withPorts = readOptions({ ports: "1024-2047" });
const listed = (): string[][] =>
  cli(["list"])
    .stdout.split("\n")
    .slice(1, -1)
    .map((line) => line.split(/ +/));
const restored = (): unknown => JSON.parse(cli(["restore", "--json"]).stdout);

/** `members` or `exceptions`, and the chain without what tells the two apart. */
function routeInOf(address: string): string | undefined {
  const way = waysOf(address.includes(":") ? "ip6" : "ip").get(address);
  return way && `${way.by} ${baseOf(way.chain)}`;
}

describe("policies of overlapping subnets", () => {
  it("have the network one after the other, and else an element for each address", () => {
    setUpMasquerade(at("wide"), [cidr("10.22.0.5/16")]);
    setUpMasquerade(at("narrow"), [cidr("10.22.3.6/24")]);
    setUpMasquerade(at("second"), [cidr("10.22.3.7/24")]);
    setUpMasquerade(at("beside"), [cidr("10.23.0.5/16")]);
    expect(["10.22.0.5", "10.22.3.6", "10.22.3.7", "10.23.0.5"].map(routeInOf)).toEqual([
      "members outside-10.22.0.0/16",
      "exceptions outside-10.22.3.0/24",
      "exceptions outside-10.22.3.0/24",
      "members outside-10.23.0.0/16",
    ]);
    for (const [name, address] of [
      ["wide", "10.22.0.5/16"],
      ["narrow", "10.22.3.6/24"],
      ["second", "10.22.3.7/24"],
      ["beside", "10.23.0.5/16"],
    ] as const)
      checkMasquerade(at(name), [cidr(address)]);
    tearDownMasquerade(at("wide"), []);
    setUpMasquerade(at("third"), [cidr("10.22.3.8/24")]); // where the others of its policy are
    expect(routeInOf("10.22.3.8")).toBe("exceptions outside-10.22.3.0/24");
    for (const name of ["narrow", "second", "third"]) tearDownMasquerade(at(name), []);
    setUpMasquerade(at("fourth"), [cidr("10.22.3.9/24")]); // now that the network is free
    expect(routeInOf("10.22.3.9")).toBe("members outside-10.22.3.0/24");
    for (const name of ["fourth", "beside"]) tearDownMasquerade(at(name), []);
    expect(ruleset()).toBe("");
  });

  it("are both had by one attachment", () => {
    const addresses = [cidr("10.22.0.5/16"), cidr("10.22.3.6/24"), cidr("fd00::5/64"), cidr("fd00::1:6/112")];
    setUpMasquerade(at("both"), addresses);
    checkMasquerade(at("both"), addresses);
    expect(addresses.map(({ ip }) => routeInOf(formatIp(ip)))).toEqual([
      "members outside-10.22.0.0/16",
      "exceptions outside-10.22.3.0/24",
      "members outside-fd00--/64",
      "exceptions outside-fd00--1-0/112",
    ]);
    expect(listed().map((line) => line.at(-1))).not.toContain("other-policy");
    tearDownMasquerade(at("both"), []);
    expect(ruleset()).toBe("");
  });

  it("are had by networks side by side, whatever the order", () => {
    const networks = ["10.0.1.0/24", "10.0.0.0/24", "10.0.2.0/23", "10.0.4.0/24", "0.0.0.0/8", "255.0.0.0/8"];
    for (const [i, network] of networks.entries()) setUpMasquerade(at(`c${i}`), [cidr(network)]);
    expect(run("nft", "list", "map", "ip", "bauta_masquerade", "exceptions")).not.toContain("elements");
    for (const i of [1, 3, 0, 5, 2, 4]) {
      for (const [n, network] of networks.entries())
        if (routeInOf(network.split("/")[0] ?? "") !== undefined) checkMasquerade(at(`c${n}`), [cidr(network)]);
      tearDownMasquerade(at(`c${i}`), []);
    }
    expect(ruleset()).toBe("");
  });

  it("with other options share the subnet", () => {
    setUpMasquerade(at("plain"), [cidr("fd00::5/64")]);
    setUpMasquerade(at("ports"), [cidr("fd00::6/64")], withPorts);
    checkMasquerade(at("ports"), [cidr("fd00::6/64")], withPorts);
    expect(routeInOf("fd00::5")).toBe("members outside-fd00--/64");
    expect(routeInOf("fd00::6")).toMatch(/^exceptions outside-fd00--\/64-[0-9a-f]{32}$/);
    expect(listed().map(([, , , address, policy]) => [address, policy])).toEqual([
      ["fd00::5/64", "outside-fd00--/64"],
      ["fd00::6/64", expect.stringMatching(/^outside-fd00--\/64-[0-9a-f]{32}-apart$/)],
    ]);
    collectMasquerade("net", [at("ports")]);
    checkMasquerade(at("ports"), [cidr("fd00::6/64")], withPorts);
    collectMasquerade("net", []);
    expect(ruleset()).toBe("");
  });

  it("of one address each take no network", () => {
    for (const address of ["10.1.0.5/32", "10.1.0.6/32", "fd00::5/128"])
      setUpMasquerade(at(address.replace("/", "-")), [cidr(address)]);
    expect(["10.1.0.5", "fd00::5"].map(routeInOf)).toEqual([
      "exceptions outside-10.1.0.5/32",
      "exceptions outside-fd00--5/128",
    ]);
    expect(run("nft", "list", "map", "ip", "bauta_masquerade", "networks")).not.toContain("elements");
    checkMasquerade(at("10.1.0.6-32"), [cidr("10.1.0.6/32")]);
    collectMasquerade("net", []);
    expect(ruleset()).toBe("");
  });

  it("are given back to where there is room", () => {
    setUpMasquerade(at("old"), [cidr("10.22.3.6/24")]);
    setUpMasquerade(at("new"), [cidr("10.22.3.6/16")]);
    expect(routeInOf("10.22.3.6")).toBe("exceptions outside-10.22.0.0/16");
    setUpMasquerade(at("newest"), [cidr("10.22.3.6/24")], withPorts);
    tearDownMasquerade(at("newest"), []);
    checkMasquerade(at("new"), [cidr("10.22.3.6/16")]);
    tearDownMasquerade(at("new"), []);
    checkMasquerade(at("old"), [cidr("10.22.3.6/24")]);
    tearDownMasquerade(at("old"), []);
    expect(ruleset()).toBe("");
  });

  it("lead every address to its own policy, while others come and go", () => {
    const addresses = ["10.0.0.1/8", "10.0.0.2/16", "10.0.0.3/24", "10.0.0.4/32", "10.0.1.1/24", "10.1.0.1/16"].map(
      cidr,
    );
    const choices: readonly MasqueradeOptions[] = [PLAIN, withPorts, readOptions({ exclude: ["192.0.2.0/24"] })];
    const step = fc.record({ container: fc.nat(7), address: fc.nat(5), options: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        unshareNetns();
        rmSync("/run/bauta", { recursive: true, force: true });
        const live = new Map<string, { address: Cidr; options: MasqueradeOptions }>();
        for (const { container, address: a, options: o } of steps) {
          const name = `c${container}`;
          const [address, options] = [addresses[a] ?? cidr("10.0.0.1/8"), choices[o] ?? PLAIN];
          const isTaken = [...live.values()].some((one) => one.address === address);
          if (live.delete(name)) tearDownMasquerade(at(name), []);
          else if (!isTaken) {
            setUpMasquerade(at(name), [address], options);
            live.set(name, { address, options });
          }
          const wanted = [...live.values()].map((one) => [
            formatIp(one.address.ip),
            policyFor(one.address, one.options).chain,
          ]);
          const ways = [...waysOf("ip")].map(([ip, { chain }]) => [ip, baseOf(chain)]);
          expect(ways.sort()).toEqual(wanted.sort());
          for (const [own, { address: ip, options: asked }] of live) checkMasquerade(at(own), [ip], asked);
        }
        for (const name of live.keys()) tearDownMasquerade(at(name), []);
        expect(ruleset()).toBe("");
      }),
      { numRuns: 25 },
    );
  });
});

describe("bauta restore", () => {
  const table = "ip bauta_masquerade";

  it("moves the addresses of a network that is another's by now", () => {
    setUpMasquerade(at("wide"), [cidr("10.22.0.5/16")]);
    run("nft", "flush", "ruleset");
    setUpMasquerade(at("narrow"), [cidr("10.22.3.6/24")]);
    expect(restored()).toMatchObject({ addresses: 1, problems: [] });
    expect(["10.22.0.5", "10.22.3.6"].map(routeInOf)).toEqual([
      "exceptions outside-10.22.0.0/16",
      "members outside-10.22.3.0/24",
    ]);
    checkMasquerade(at("wide"), [cidr("10.22.0.5/16")]);
    tearDownMasquerade(at("wide"), []); // whose record says something else
    tearDownMasquerade(at("narrow"), []);
    expect(ruleset()).toBe("");
  });

  it("moves them also where the network alone has gone", () => {
    setUpMasquerade(at("wide"), [cidr("10.22.0.5/16")]);
    run("nft", `flush map ${table} networks`);
    setUpMasquerade(at("narrow"), [cidr("10.22.3.6/24")]);
    expect(() => checkMasquerade(at("wide"), [cidr("10.22.0.5/16")])).toThrow("10.22.0.0/16 of map networks of table");
    expect(restored()).toMatchObject({ addresses: 1, problems: [] });
    checkMasquerade(at("wide"), [cidr("10.22.0.5/16")]);
    checkMasquerade(at("narrow"), [cidr("10.22.3.6/24")]);
    for (const name of ["narrow", "wide"]) tearDownMasquerade(at(name), []);
    expect(ruleset()).toBe("");
  });

  it("gives networks to those that had them", () => {
    setUpMasquerade(at("z"), [cidr("10.22.0.5/16")]);
    setUpMasquerade(at("a"), [cidr("10.22.3.6/24")]);
    setUpMasquerade(at("b"), [cidr("10.22.0.7/16")], withPorts);
    const before = ruleset();
    run("nft", "flush", "ruleset");
    restored();
    expect(ruleset().split("\n").sort()).toEqual(before.split("\n").sort());
  });

  for (const [what, commands] of [
    ["a member that is missing", `delete element ${table} members { 10.22.0.5 }`],
    ["an exception that is missing", `delete element ${table} exceptions { 10.22.0.6 }`],
    [
      "an exception that goes elsewhere",
      `flush map ${table} exceptions; add element ${table} exceptions { 10.22.0.6 : accept }`,
    ],
    ["an exception of a member", `add element ${table} exceptions { 10.22.0.5 : accept }`],
    ["a network that is missing", `flush map ${table} networks`],
    [
      "a network that leads out",
      `flush map ${table} networks; add element ${table} networks { 10.22.0.0/16 : accept }`,
    ],
    [
      "a network that is too small",
      `flush map ${table} networks; add element ${table} networks { 10.22.0.0/17 : goto outside-10.22.0.0/16 }`,
    ],
  ] as const) {
    it(`puts right ${what}, which CHECK has told`, () => {
      setUpMasquerade(at("c1"), [cidr("10.22.0.5/16")]);
      setUpMasquerade(at("c2"), [cidr("10.22.0.6/16")], withPorts);
      const check = (): void => {
        checkMasquerade(at("c1"), [cidr("10.22.0.5/16")]);
        checkMasquerade(at("c2"), [cidr("10.22.0.6/16")], withPorts);
      };
      check();
      const before = ruleset();
      run("nft", commands);
      expect(check).toThrow(/exceptions|members|networks/);
      restored();
      check();
      expect(ruleset()).toBe(before);
      for (const name of ["c1", "c2"]) tearDownMasquerade(at(name), []);
      expect(ruleset()).toBe("");
    });
  }

  it("puts back a policy that is apart, which CHECK has named, all of it", () => {
    setUpMasquerade(at("c1"), [cidr("10.22.0.5/16")]);
    setUpMasquerade(at("c2"), [cidr("10.22.0.6/16")], withPorts);
    const before = ruleset();
    const chain = /chain (outside-10.22.0.0\/16-[0-9a-f]{32}-apart) /.exec(before)?.[1] ?? "";
    run(
      "nft",
      `flush map ${table} exceptions; delete element ${table} policies { 10.22.0.6 }; flush chain ${table} ${chain}; delete chain ${table} ${chain}`,
    );
    expect(() => checkMasquerade(at("c2"), [cidr("10.22.0.6/16")], withPorts)).toThrow(
      new RegExp(
        `chain ${chain} of .* is missing; .*map policies is missing; .*map exceptions is missing; \\S+ restore`,
      ),
    );
    restored();
    expect(ruleset()).toBe(before);
  });

  it("is not needed for a DEL after a network has gone", () => {
    for (const n of [5, 6]) setUpMasquerade(at(`c${n}`), [cidr(`10.22.0.${n}/16`)]);
    run("nft", `flush map ${table} networks`);
    tearDownMasquerade(at("c5"), []);
    expect(ruleset()).toContain(`chain outside-${formatIp(networkOf(cidr("10.22.0.6/16")).ip)}/16`);
    tearDownMasquerade(at("c6"), []);
    expect(ruleset()).toBe("");
  });

  it.each([
    ["10.22.0.0/15", "too large"],
    ["10.22.0.0/17", "too small"],
    ["10.22.128.0/17", "too small at the other end"],
    ["10.99.0.0/16", "elsewhere"],
  ])("is not needed for a DEL after a network has become %s, which is %s", (stray) => {
    for (const n of [5, 6]) setUpMasquerade(at(`c${n}`), [cidr(`10.22.0.${n}/16`)]);
    setUpMasquerade(at("other"), [cidr("10.33.0.5/16")]);
    run(
      "nft",
      `flush map ${table} networks; add element ${table} networks { 10.33.0.0/16 : goto outside-10.33.0.0/16 }`,
    );
    run("nft", `add element ${table} networks { ${stray} : goto outside-10.22.0.0/16 }`);
    tearDownMasquerade(at("c5"), []);
    expect(ruleset()).toContain("chain outside-10.22.0.0/16");
    tearDownMasquerade(at("c6"), []);
    expect(ruleset()).not.toContain("10.22");
    checkMasquerade(at("other"), [cidr("10.33.0.5/16")]);
    tearDownMasquerade(at("other"), []);
    expect(ruleset()).toBe("");
  });
});
