// `bauta explain` against real packets: what it foretells is what the host outside sees.

import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bandwidth } from "../../src/bandwidth/feature.ts";
import type { Attachment } from "../../src/cni/attachment.ts";
import type { JsonObject } from "../../src/cni/json.ts";
import { setUpMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { readOptions } from "../../src/masquerade/options/options.ts";
import { seenFrom } from "../e2e/masquerade/traffic.ts";
import { type CliOutcome, cli } from "../support/cli.ts";
import { run } from "../support/netns.ts";
import {
  BEYOND,
  CONTAINER,
  CONTAINER_PREFIXES,
  makeRoutedContainer,
  OUTSIDE,
  prefixes,
  type RoutedContainer,
  SECOND_UPLINK,
  UPLINK,
} from "../support/routed-container.ts";

let node: RoutedContainer;
beforeEach(() => {
  node = makeRoutedContainer();
});
afterEach(() => {
  node.remove();
  rmSync("/run/bauta", { recursive: true, force: true });
});

const C1: Attachment = { network: "dual", containerId: "c1", ifname: "eth0" };

function attach(options: JsonObject = {}): void {
  setUpMasquerade(C1, CONTAINER_PREFIXES, readOptions(options));
}

function explain(to: string, ...more: readonly string[]): CliOutcome {
  return cli(["explain", "--from", CONTAINER[to.includes(":") ? 6 : 4], "--to", to, ...more]);
}

// biome-ignore lint/suspicious/noExplicitAny: whatever it prints
function explained(to: string, ...more: readonly string[]): any {
  const { status, stdout, stderr } = explain(to, "--json", ...more);
  expect([status, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

describe("bauta explain", () => {
  const cases: readonly (readonly [
    what: string,
    options: JsonObject,
    verdict: string,
    source: readonly [string, string],
  ])[] = [
    ["no options", {}, "masquerade", [UPLINK[4], UPLINK[6]]],
    ["the destination excluded", { exclude: ["192.0.2.0/24", "2001:db8::/32"] }, "keep", [CONTAINER[4], CONTAINER[6]]],
    [
      "an exception to what is excluded",
      { exclude: ["reserved"], excludeExceptions: ["192.0.2.2/32", "2001:db8::2/128"] },
      "masquerade",
      [UPLINK[4], UPLINK[6]],
    ],
    ["only other destinations", { only: ["8.0.0.0/8", "2600::/16"] }, "keep", [CONTAINER[4], CONTAINER[6]]],
    ["an interface excluded", { excludeOutInterfaces: ["uplink"] }, "keep", [CONTAINER[4], CONTAINER[6]]],
    ["another interface alone", { outInterfaces: ["wg0"] }, "keep", [CONTAINER[4], CONTAINER[6]]],
    ["this interface and another", { outInterfaces: ["wg0", "uplink"] }, "masquerade", [UPLINK[4], UPLINK[6]]],
    ["a fixed source", { to: { ipv4: "192.0.2.1", ipv6: "2001:db8::1" } }, "snat", [UPLINK[4], UPLINK[6]]],
    ["ports to choose from", { ports: "20000-20100", random: "none" }, "masquerade", [UPLINK[4], UPLINK[6]]],
  ];
  for (const [what, options, verdict, sources] of cases) {
    it(`foretells what is seen outside with ${what}`, () => {
      attach(options);
      for (const [i, to] of [OUTSIDE[4], OUTSIDE[6]].entries()) {
        const foretold = explained(to, "--proto", "udp", "--port", "7777");
        const seen = seenFrom(node.container, foretold.from, node.outside, to, "udp");
        expect([foretold.verdict, foretold.source]).toEqual([verdict, { first: seen, last: seen }]);
        expect(seen).toBe(sources[i]);
        expect(foretold).toMatchObject({
          network: "dual",
          container: "c1",
          interface: "eth0",
          in: "veth5",
          out: "uplink",
        });
        expect(foretold.rules.filter(({ decides }: { decides: boolean }) => decides)).toHaveLength(1);
      }
    });
  }

  it("chooses the address of the outgoing interface as the kernel does, by the next hop", () => {
    attach();
    for (const [to, source] of [
      [BEYOND[4], SECOND_UPLINK],
      [BEYOND[6], UPLINK[6]],
    ] as const) {
      const { source: foretold, from } = explained(to);
      expect(seenFrom(node.container, from, node.outside, to, "tcp")).toBe(source);
      expect(foretold).toEqual({ first: source, last: source });
    }
  });

  it("tells the range and the ports where the kernel has a choice, and says so in words", () => {
    run("ip", "address", "add", "192.0.2.3/24", "dev", "uplink");
    run("ip", "address", "add", "192.0.2.4/24", "dev", "uplink");
    attach({ to: { ipv4: "192.0.2.3-192.0.2.4", persistent: true }, ports: "20000-20100" });
    const foretold = explained(OUTSIDE[4]);
    expect(foretold).toMatchObject({
      verdict: "snat",
      source: { first: "192.0.2.3", last: "192.0.2.4" },
      ports: { first: 20000, last: 20100 },
    });
    expect(["192.0.2.3", "192.0.2.4"]).toContain(
      seenFrom(node.container, CONTAINER[4], node.outside, OUTSIDE[4], "tcp"),
    );
    const { stdout } = explain(OUTSIDE[4]);
    expect(stdout).toContain("10.1.0.5 is eth0 of container c1 on network dual");
    expect(stdout).toMatch(
      /meta l4proto tcp counter snat to 192\.0\.2\.3-192\.0\.2\.4:20000-20100 fully-random,persistent {2}translates {2}<- decides/,
    );
    expect(stdout).toContain(
      "It leaves with the source 192.0.2.3-192.0.2.4, and a source port from 20000 to 20100 chosen at random; always the same address for this container",
    );
    expect(explained(OUTSIDE[4], "--proto", "icmp").ports).toBeNull();
  });

  it("tells the limit of what the container sends, by what the kernel has", () => {
    attach();
    const limit = { rate: 10_000_000, burst: 2_000_000 };
    expect(explained(OUTSIDE[4]).effects).toEqual([]);
    bandwidth.setUp(C1, { netns: node.container.path, limits: { egress: limit, ingress: limit } });
    const [ifb] = JSON.parse(run("ip", "-j", "link", "show", "type", "ifb"));
    const told = `bandwidth limits what it sends to 10Mbit, after a burst of 2Mbit, by the tbf of ${ifb.ifname}`;
    expect(explain(OUTSIDE[4]).stdout).toContain(`\n  ${told}\n`);
    expect(explained(OUTSIDE[6]).effects).toEqual([told]);
    run("tc", "qdisc", "delete", "dev", ifb.ifname, "root");
    expect(explained(OUTSIDE[4]).effects).toEqual([
      expect.stringMatching(/^bandwidth is to limit what it sends to 10Mbit, but does not: egress: /),
    ]);
    expect(cli(["restore"]).status).toBe(0);
    expect(explained(OUTSIDE[4]).effects).toEqual([told]);
    bandwidth.tearDown(C1, []);
    expect(explained(OUTSIDE[4]).effects).toEqual([]);
  });

  it("tells which destinations have no limit", () => {
    attach();
    const egress = { rate: 10_000_000, burst: 2_000_000 };
    const near = prefixes("192.0.2.0/24", "2001:db8::/64");
    bandwidth.setUp(C1, {
      netns: node.container.path,
      limits: { egress, subnets: { isSpared: true, prefixes: near } },
    });
    for (const to of [OUTSIDE[4], OUTSIDE[6]])
      expect(explained(to).effects).toEqual([`bandwidth has no limit for ${to} (unshapedSubnets)`]);
    for (const to of [BEYOND[4], BEYOND[6]])
      expect(explained(to).effects).toEqual([expect.stringMatching(/^bandwidth limits what it sends to 10Mbit/)]);
    bandwidth.setUp(C1, {
      netns: node.container.path,
      limits: { egress, subnets: { isSpared: false, prefixes: near } },
    });
    expect(explained(OUTSIDE[4]).effects).toEqual([expect.stringMatching(/^bandwidth limits what it sends to 10Mbit/)]);
    expect(explained(BEYOND[4]).effects).toEqual([`bandwidth has no limit for ${BEYOND[4]} (shapedSubnets)`]);
  });

  it("names the range that excludes a destination, and the rule", () => {
    attach({ exclude: ["private"] });
    const { stdout } = explain("172.16.5.5");
    expect(stdout).toContain("no route leads to 172.16.5.5 (ENETUNREACH)");
    run("ip", "route", "add", "172.16.0.0/12", "via", OUTSIDE[4]);
    expect(explain("172.16.5.5").stdout).toContain(
      "It keeps its source, 10.1.0.5: its destination is excluded, by 172.16.0.0-172.31.255.255 (exclude, excludeFile or only)",
    );
  });

  it("reads the rules as they are, not as they were made", () => {
    attach();
    run("nft", "insert", "rule", "ip", "bauta_masquerade", "outside-10.1.0.0/16", "ip", "daddr", OUTSIDE[4], "drop");
    expect(explained(OUTSIDE[4])).toMatchObject({ verdict: "drop", source: null });
    run("nft", "insert", "rule", "ip", "bauta_masquerade", "outside-10.1.0.0/16", "meta", "mark", "7", "accept");
    expect(explained(OUTSIDE[4])).toMatchObject({ verdict: "unknown", source: null });
    run("nft", "delete", "element", "ip", "bauta_masquerade", "policies", "{ 10.1.0.5 }");
    run("nft", "delete", "element", "ip", "bauta_masquerade", "members", "{ 10.1.0.5 }");
    expect(explain(OUTSIDE[4]).stdout).toContain("neither in the set members nor in the map exceptions");
    run("nft", "flush chain ip bauta_masquerade postrouting; delete chain ip bauta_masquerade postrouting");
    expect(explain(OUTSIDE[4]).stdout).toContain("chain postrouting of table bauta_masquerade is missing");
  });

  it("tells what does not come to be translated", () => {
    attach();
    expect(explained(UPLINK[4])).toMatchObject({ verdict: "local", source: null, rules: [] });
    expect(explained("10.1.0.77")).toMatchObject({ verdict: "same-link", rules: [] });
    run("ip", "route", "add", "blackhole", "198.18.0.0/15");
    expect(explained("198.18.0.1")).toMatchObject({ verdict: "unreachable" });
  });

  it("says that the packet is dropped where the interface has no address to leave with", () => {
    attach();
    run("ip", "address", "flush", "dev", "uplink");
    run("ip", "route", "add", "default", "dev", "uplink");
    expect(explain("8.8.8.8").stdout).toContain("It is dropped: uplink has no IPv4 address to leave with");
  });
});

describe("bauta list", () => {
  it("shows the options of an attachment, and has them as JSON", () => {
    const options = { exclude: ["10.0.0.0/8", "11.0.0.0/8", "private"], to: { ipv4: UPLINK[4] } };
    attach(options);
    expect(cli(["list"]).stdout).toMatch(/^NETWORK .* OPTIONS\ndual .* exclude 3, to 192\.0\.2\.1\n/);
    expect(JSON.parse(cli(["list", "--json"]).stdout)).toMatchObject([{ container: "c1", options }]);
  });
});

describe("what bauta explain says of the surroundings", () => {
  const interference = (to: string): string[] =>
    explained(to).interference.map(({ severity, text }: Record<string, string>) => `${severity}: ${text}`);

  it("is nothing where there is nothing", () => {
    for (const device of ["all", "uplink", "veth5"]) run("sysctl", "-qw", `net.ipv4.conf.${device}.rp_filter=0`);
    attach();
    expect([interference(OUTSIDE[4]), interference(OUTSIDE[6])]).toEqual([[], []]);
  });

  it("names others' nat chains at the hook and who comes first, of this family only", () => {
    attach();
    const chain = (priority: string): string => `{ type nat hook postrouting priority ${priority}; }`;
    run("nft", `add table ip a; add chain ip a early ${chain("90")}; add chain ip a late ${chain("110")}`);
    run(
      "nft",
      `add table inet b; add chain inet b beside ${chain("100")}; add table ip6 c; add chain ip6 c six ${chain("0")}`,
    );
    const text = interference(OUTSIDE[4]).join("\n");
    expect(text).toContain("nat chain ip a early at postrouting, priority 90, comes before ours (100)");
    expect(text).toContain("nat chain ip a late at postrouting, priority 110, comes after ours (100)");
    expect(text).toContain("nat chain inet b beside at postrouting, priority 100, stands beside ours");
    expect(text).not.toContain("ip6 c six");
    run("nft", `add table ip bauta_x; add chain ip bauta_x early ${chain("90")}`);
    expect(interference(OUTSIDE[4]).join("\n")).toBe(text);
    expect(interference(OUTSIDE[6]).join("\n")).toContain("ip6 c six at postrouting, priority 0, comes before");
  });

  it("names forward chains that drop", () => {
    attach();
    run("nft", "add table ip f; add chain ip f x { type filter hook forward priority 0; policy drop; }");
    const told = (): string => interference(OUTSIDE[4]).join();
    expect(told()).toContain("problem: chain ip f x (policy drop) drops the packet");
    expect(interference(OUTSIDE[6]).join()).not.toContain("chain ip f x");
    run("nft", 'add rule ip f x iifname "veth5" oifname "uplink" accept');
    expect(told()).toContain("note: chain ip f x at forward drops what its rules do not accept (policy drop)");
    expect(told()).not.toContain("drops the packet");
    run("nft", `insert rule ip f x ip daddr ${OUTSIDE[4]} drop`);
    expect(told()).toMatch(/problem: chain ip f x \(rule handle \d+ \[ immediate reg 0 drop \]\) drops the packet/);
  });

  it("tells that forwarding is off, in both families, and still which way it would be", () => {
    attach();
    for (const key of ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]) run("sysctl", "-qw", `${key}=0`);
    expect(interference(OUTSIDE[4])[0]).toContain("problem: forwarding is off: net.ipv4.conf.veth5.forwarding is 0");
    expect(interference(OUTSIDE[6])[0]).toContain("problem: forwarding is off: net.ipv6.conf.all.forwarding is 0");
    expect(explained(OUTSIDE[4]).source).toEqual({ first: UPLINK[4], last: UPLINK[4] });
  });

  it("tells of a strict reverse path filter: as a note, and as a problem where answers come another way", () => {
    attach();
    run("sysctl", "-qw", "net.ipv4.conf.uplink.rp_filter=1");
    expect(interference(OUTSIDE[4]).join()).toContain("note: the reverse path filter is strict on uplink");
    run("ip", "link", "add", "other", "type", "veth", "peer", "name", "end");
    run("ip", "link", "set", "end", "up");
    run("ip", "link", "set", "other", "up");
    run("ip", "route", "add", "8.8.8.0/24", "dev", "other");
    run("ip", "rule", "add", "from", "10.1.0.0/16", "lookup", "77");
    run("ip", "route", "add", "8.8.8.0/24", "via", OUTSIDE[4], "table", "77");
    expect(explained("8.8.8.8").out).toBe("uplink");
    expect(interference("8.8.8.8")[0]).toContain("problem: the reverse path filter is strict on uplink");
    expect(interference("8.8.8.8")[0]).toContain("otherwise leave through other");
  });

  it("tells that no route leads back to the container", () => {
    attach();
    run("ip", "address", "flush", "dev", "veth5");
    expect(interference(OUTSIDE[4])[0]).toContain("problem: no route leads to 10.1.0.5: answers cannot reach");
  });
});

describe("what bauta explain is asked wrongly", () => {
  const mistakes: readonly (readonly [args: readonly string[], status: number, message: string])[] = [
    [[], 2, "--from is missing: --from ADDRESS"],
    [["--from", "10.1.0.5"], 2, "--to is missing: --to ADDRESS"],
    [["--from", "10.1.0.5/16", "--to", "1.1.1.1"], 2, '--from "10.1.0.5/16" is not an IP address'],
    [["--from", "10.1.0.5", "--to", "example.org"], 2, '--to "example.org" is not an IP address'],
    [["--from", "10.1.0.5", "--to", "::1"], 2, "--from 10.1.0.5 is an IPv4 address and --to ::1 an IPv6 one"],
    [["--from", "10.1.0.5", "--to", "1.1.1.1", "--proto", "tpc"], 2, '--proto "tpc" is not a protocol'],
    [["--from", "10.1.0.5", "--to", "1.1.1.1", "--port", "65536"], 2, '--port "65536" is not a port'],
    [["--from", "10.1.0.5", "--to", "1.1.1.1", "--proto", "icmp", "--port", "1"], 2, "icmp has no ports"],
    [["--from", "10.1.0.6", "--to", "1.1.1.1"], 1, "10.1.0.6 is no attachment's"],
  ];
  for (const [args, status, message] of mistakes) {
    it(`is told with status ${status}: ${message}`, () => {
      const outcome = cli(["explain", ...args]);
      expect([outcome.status, outcome.stdout]).toEqual([status, ""]);
      expect(outcome.stderr).toContain(message);
    });
  }
});
