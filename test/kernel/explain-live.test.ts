// `bauta explain --live`: the kernel's own trace beside what was foretold.

import { rmSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PATIENCE_S } from "../../engine/patience.mjs";
import type { JsonObject } from "../../src/cni/json.ts";
import { setUpMasquerade } from "../../src/masquerade/nftables/nftables.ts";
import { readOptions } from "../../src/masquerade/options/options.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { startBeside } from "../support/background.ts";
import { type CliOutcome, cli } from "../support/cli.ts";
import { run, type TestNetns } from "../support/netns.ts";
import { OUTSIDE as HOST, NODE } from "../support/outside.ts";
import { PublishingNode } from "../support/published-ports.ts";
import {
  CONTAINER,
  CONTAINER_PREFIXES,
  makeRoutedContainer,
  OUTSIDE,
  type RoutedContainer,
  UPLINK,
} from "../support/routed-container.ts";

let node: RoutedContainer;
beforeEach(() => {
  node = makeRoutedContainer();
});
afterEach(() => {
  expect(run("nft", "list", "tables")).not.toContain("bauta_trace");
  node.remove();
  rmSync("/run/bauta", { recursive: true, force: true });
});

function attach(options: JsonObject = {}): void {
  const attachment = { network: "dual", containerId: "c1", ifname: "eth0" };
  setUpMasquerade(attachment, CONTAINER_PREFIXES, readOptions(options));
}

function live(family: 4 | 6, ...more: readonly string[]): CliOutcome {
  return cli(["explain", "--from", CONTAINER[family], "--to", OUTSIDE[family], "--live", ...more]);
}

const KINDS: readonly (readonly string[])[] = [
  ["--proto", "tcp", "--port", "443"],
  ["--proto", "udp", "--port", "53"],
];

describe("bauta explain --live", () => {
  for (const family of [4, 6] as const) {
    it(`sends a packet of each protocol and finds it as foretold, over IPv${family}`, () => {
      attach();
      for (const kind of [...KINDS, ["--proto", family === 4 ? "icmp" : "icmpv6"]]) {
        const { status, stdout, stderr } = live(family, ...kind, "--netns", node.container.path, "--json");
        expect([status, stderr]).toEqual([0, ""]);
        expect(JSON.parse(stdout).live).toMatchObject({ agrees: true, differences: [], source: UPLINK[family] });
      }
    });

    it(`agrees where options keep the source or choose another, over IPv${family}`, () => {
      attach({ exclude: ["192.0.2.0/24", "2001:db8::/32"], dropInvalid: true });
      const kept = JSON.parse(live(family, ...(KINDS[1] ?? []), "--netns", node.container.path, "--json").stdout);
      expect([kept.verdict, kept.live.agrees, kept.live.source]).toEqual(["keep", true, CONTAINER[family]]);
      attach({ to: { ipv4: UPLINK[4], ipv6: UPLINK[6] }, ports: "20000-20010" });
      const chosen = JSON.parse(live(family, ...(KINDS[0] ?? []), "--netns", node.container.path, "--json").stdout);
      expect([chosen.verdict, chosen.live.agrees, chosen.live.source]).toEqual(["snat", true, UPLINK[family]]);
    });
  }

  it("says in words what the packet went through, others' chains included", () => {
    attach();
    run("nft", "add table ip other; add chain ip other x { type filter hook forward priority 0; }");
    const { status, stdout } = live(4, "--proto", "udp", "--port", "53", "--netns", node.container.path);
    expect(status).toBe(0);
    expect(stdout).toContain("ip other x: policy accept");
    expect(stdout).toMatch(/ip bauta_masquerade postrouting: rule \d+: goto outside-10\.1\.0\.0\/16/);
    expect(stdout).toContain("it left with the source 192.0.2.1\nThe kernel did as foretold\n");
  });

  it("notices that another chain has decided before ours", () => {
    attach();
    run("ip", "address", "add", "192.0.2.7/24", "dev", "uplink");
    run("nft", "add table ip other; add chain ip other x { type nat hook postrouting priority 50; }");
    run("nft", "add rule ip other x ip saddr 10.1.0.5 snat to 192.0.2.7");
    const { status, stdout, stderr } = live(4, "--proto", "udp", "--port", "53", "--netns", node.container.path);
    expect(stdout).toContain(
      "The kernel did otherwise than foretold: it met none of bauta's rules: another nat chain decided first",
    );
    expect(stdout).toContain("it left with the source 192.0.2.7");
    expect([status, stderr]).toEqual([1, "bauta: the packet did otherwise than foretold\n"]);
  });

  it("waits for a packet that somebody else sends, and not for all that follow", () => {
    attach();
    const flood = `while :; do ping -q -c1 -W1 ${OUTSIDE[4]}; done >/dev/null`;
    startBeside("sh", ["-c", flood], { netns: node.container });
    const { stdout } = live(4, "--proto", "icmp", "--wait", String(PATIENCE_S), "--json");
    expect(JSON.parse(stdout).live).toMatchObject({ agrees: true, source: UPLINK[4] });
  });

  it("says that none came, and leaves nothing", () => {
    attach();
    const { status, stderr } = live(4, "--wait", "1");
    expect([status, stderr]).toEqual([1, "bauta: no such packet came within 1 s\n"]);
  });

  it("refuses to disturb another that is at work", () => {
    attach();
    run("nft", "add", "table", "ip", "bauta_trace");
    const { status, stderr } = live(4, "--wait", "1");
    run("nft", "delete", "table", "ip", "bauta_trace");
    expect([status, stderr]).toEqual([1, expect.stringContaining("another bauta explain --live is at work")]);
  });

  const mistakes: readonly (readonly [args: readonly string[], status: number, message: string])[] = [
    [["--netns", "/nowhere", "--port", "1"], 1, "/nowhere"],
    [["--netns", "/dev/null", "--port", "1"], 1, "/dev/null is not a network namespace"],
    [["--netns", "/proc/self/ns/net"], 2, "--netns needs --port"],
    [["--netns", "/proc/self/ns/net", "--port", "1"], 1, "send from the container's address"],
    [["--netns", "/proc/self/ns/net", "--proto", "sctp", "--port", "1"], 2, "--netns sends tcp, udp"],
    [["--wait", "0"], 2, '--wait "0" is not a number of seconds'],
  ];
  for (const [args, status, message] of mistakes) {
    it(`is told with status ${status} what is wrong with ${args.join(" ")}`, () => {
      attach();
      const outcome = live(4, ...args);
      expect(outcome.status).toBe(status);
      expect(outcome.stderr).toContain(message);
    });
  }

  it("says that the container has no route, where that is so", () => {
    attach();
    node.container.ip("route delete default");
    const { status, stderr } = live(4, "--port", "443", "--netns", node.container.path);
    const said = `no packet leaves ${node.container.path}: no route leads to ${OUTSIDE[4]}`;
    expect([status, stderr]).toEqual([1, expect.stringContaining(said)]);
  });

  it("has options that are for it alone", () => {
    const { status, stderr } = cli(["explain", "--from", "10.1.0.5", "--to", "1.1.1.1", "--netns", "/x"]);
    expect([status, stderr]).toEqual([2, expect.stringContaining("--netns is for --live")]);
  });
});

describe("a packet to a published port", () => {
  const mapping = { hostPort: 8080, containerPort: 80, protocol: "tcp" };

  it.each([4, 6] as const)("is sent, and does as foretold, over IPv%i", (family) => {
    const world = new PublishingNode();
    // Where bridged frames pass the rules of IP, a neighbour keeps its own source.
    for (const tool of ["iptables", "ip6tables"])
      world.netns.exec("sysctl", "-qw", `net.bridge.bridge-nf-call-${tool}=0`);
    const one = world.publish([mapping]);
    const neighbour = world.attach();
    const follow = (from: string, netns: TestNetns): JsonObject => {
      const asked = ["--from", from, "--to", NODE[family], "--port", "8080", "--live", "--netns", netns.path, "--json"];
      const { status, stdout, stderr } = inNetns(world.netns.fd, () => cli(["explain", ...asked]));
      expect([status, stderr]).toEqual([0, ""]);
      return JSON.parse(stdout);
    };
    const target = { address: one.ips[family], port: 80 };
    const bridge = family === 4 ? "10.9.0.1" : "fd09::1";
    expect(follow(HOST[family], world.outside)).toMatchObject({ target, live: { agrees: true, source: HOST[family] } });
    expect(follow(neighbour.ips[family], neighbour.netns)).toMatchObject({
      target,
      live: { agrees: true, source: bridge },
    });
    expect(follow(NODE[family], world.netns)).toMatchObject({ target, live: { agrees: true } });
  });

  it.each([4, 6] as const)("does as foretold where no route leads to the container, over IPv%i", (family) => {
    const world = new PublishingNode();
    const one = world.publish([mapping]);
    world.netns.ip(`-${family} route add unreachable ${one.ips[family]}`);
    const asked = ["--from", HOST[family], "--to", NODE[family], "--port", "8080"];
    const live = ["--live", "--netns", world.outside.path, "--json"];
    const { status, stdout, stderr } = inNetns(world.netns.fd, () => cli(["explain", ...asked, ...live]));
    expect([status, stderr]).toEqual([0, ""]);
    const { text, source, live: found, rules } = JSON.parse(stdout);
    expect([text, source]).toEqual([expect.stringContaining("but no route leads there"), null]);
    expect(found).toMatchObject({ agrees: true, source: null });
    expect(rules.map(({ chain }: { chain: string }) => chain)).not.toContain("postrouting");
  });

  it("that somebody else leads elsewhere is told", () => {
    const world = new PublishingNode();
    world.publish([mapping]);
    const other = world.attach();
    world.nft("add table ip theirs");
    world.nft("add chain ip theirs pre { type nat hook prerouting priority -150 ; }");
    world.nft(`add rule ip theirs pre tcp dport 8080 dnat to ${other.ips[4]}:80`);
    const asked = ["--from", HOST[4], "--to", NODE[4], "--port", "8080", "--live", "--netns", world.outside.path];
    const { status, stdout } = inNetns(world.netns.fd, () => cli(["explain", ...asked]));
    expect([status, stdout]).toEqual([1, expect.stringContaining("The kernel did otherwise than foretold: it m")]);
    expect(stdout).toContain("it left for another address");
  });
});
