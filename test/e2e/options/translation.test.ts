// Options that tell what packets are translated to, and by which way out, on packets of either family.

import { existsSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { FAMILIES } from "../../../src/wire/ip.ts";
import { run, type TestNetns } from "../../support/netns.ts";
import { NODE } from "../masquerade/node.ts";
import { type Attached, attach, check, del, type Json, TYPES } from "../masquerade/runtime.ts";
import { PROTOCOLS, seenFrom } from "../masquerade/traffic.ts";
import {
  addressOf,
  BEYOND_SECOND,
  becomeNodeInWorld,
  endpointAt,
  NODE_SECOND,
  networkWith,
  PRIVATE,
  PRIVATE_TOO,
  PUBLIC,
  RESERVED,
  SECOND,
  seenAt,
} from "./world.ts";

/** More addresses of the node: four of each family, and a routed block. */
const POOL = { 4: "192.0.2.16-192.0.2.19", 6: "2001:db8:a::10-2001:db8:a::13" } as const;
const BLOCK = { 4: "203.0.113.64/28", 6: "2001:db8:b::40/124" } as const;

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNodeInWorld();
  for (const n of [0, 1, 2, 3]) {
    run("ip", "address", "add", `192.0.2.${16 + n}/32`, "dev", "uplink");
    run("ip", "address", "add", `2001:db8:a::1${n}/128`, "dev", "lo"); // on the link IPv6 would prefer them as sources
  }
  outside.ip(`route add 2001:db8:a::/64 via ${NODE[6]}`);
  for (const family of FAMILIES) {
    run("ip", "route", "add", "local", BLOCK[family], "dev", "lo");
    outside.ip(`route add ${BLOCK[family]} via ${NODE[family]}`);
  }
});

/** Fixed ports, none of which is used twice: conntrack remembers flows. */
let lastPort = 40_000;
const freshPort = (): number => ++lastPort;
/** The first of a hundred ports. */
let lastRange = 20_000;
const freshRange = (): number => {
  lastRange += 100;
  return lastRange;
};

describe("to", () => {
  it.each(TYPES)("is the one source address that a %s network leaves with", (type) => {
    const config = networkWith(type, { to: { ipv4: "192.0.2.17", ipv6: "2001:db8:a::12" } });
    const attached = attach(config);
    for (const protocol of PROTOCOLS) {
      expect(seenAt(attached, outside, PUBLIC[4], protocol)).toBe("192.0.2.17");
      expect(seenAt(attached, outside, PUBLIC[6], protocol)).toBe("2001:db8:a::12");
    }
    expect(check(config, attached.container, attached.result)).toMatchObject({ status: 0 });
  });

  it("holds for the family that it is given for", () => {
    const attached = attach(networkWith("ptp", { to: { ipv6: "2001:db8:a::12" } }));
    expect(seenAt(attached, outside, PUBLIC[4])).toBe(NODE[4]);
    expect(seenAt(attached, outside, PUBLIC[6])).toBe("2001:db8:a::12");
  });

  const TO_MANY = (family: 4 | 6): string[] =>
    [PUBLIC, PRIVATE, PRIVATE_TOO, RESERVED, BEYOND_SECOND].map((kind) => kind[family]);
  const inPool = { 4: /^192\.0\.2\.1[6-9]$/, 6: /^2001:db8:a::1[0-3]$/ };

  it("spreads containers over a range, each of which keeps its address where persistent", () => {
    const config = networkWith("ptp", { to: { ipv4: POOL[4], ipv6: POOL[6], persistent: true } });
    const containers = Array.from({ length: 8 }, () => attach(config));
    for (const family of FAMILIES) {
      const sources = containers.map((one) => {
        const seen = TO_MANY(family).flatMap((to) => [seenAt(one, outside, to), seenAt(one, outside, to, "tcp")]);
        expect(new Set(seen).size, `sources of one container: ${seen}`).toBe(1);
        expect(seen[0]).toMatch(inPool[family]);
        return seen[0];
      });
      expect(new Set(sources).size, `sources of eight containers: ${sources}`).toBeGreaterThan(1);
    }
  });

  it("gives a container the address of a range that it had before, where persistent", () => {
    const config = networkWith("ptp", { to: { ipv4: POOL[4], ipv6: POOL[6], persistent: true } });
    const again = {
      ...config,
      ipam: {
        type: "static",
        addresses: [
          { address: "198.18.9.9/17", gateway: "198.18.0.1" },
          { address: "fd61:7465:6d65:1000::99/112", gateway: "fd61:7465:6d65:1000::1" },
        ],
        routes: config.ipam.routes,
      },
    };
    const seen = [1, 2].map(() => {
      const attached = attach(again);
      const sources = FAMILIES.map((family) => seenAt(attached, outside, PUBLIC[family]));
      del(again, attached.container);
      return sources;
    });
    expect(seen[0]).toEqual(seen[1]);
  });

  it("spreads the flows of a container over a range by their destination, unless persistent", () => {
    const attached = attach(networkWith("ptp", { to: { ipv4: POOL[4], ipv6: POOL[6] } }));
    for (const family of FAMILIES) {
      const seen = TO_MANY(family).map((to) => seenAt(attached, outside, to));
      for (const one of seen) expect(one).toMatch(inPool[family]);
      expect(new Set(seen).size, `sources: ${seen}`).toBeGreaterThan(1);
    }
  });

  it("takes a prefix that a local route makes the node's", () => {
    const config = networkWith("ptp", { to: { ipv4: BLOCK[4], ipv6: BLOCK[6] } });
    const attached = attach(config);
    for (const protocol of PROTOCOLS) {
      expect(seenAt(attached, outside, PUBLIC[4], protocol)).toMatch(/^203\.0\.113\.(6[4-9]|7[0-9])$/);
      expect(seenAt(attached, outside, PUBLIC[6], protocol)).toMatch(/^2001:db8:b::4[0-9a-f]$/);
    }
    expect(check(config, attached.container, attached.result)).toMatchObject({ status: 0 });
  });
});

/** The ports that the host outside sees when the container's are these. */
function portsSeen(attached: Attached, protocol: "tcp" | "udp", to: string, ports: readonly number[]): number[] {
  return ports.map((port) => endpointAt(attached, outside, to, protocol, port).port);
}

describe.each(["tcp", "udp"] as const)("over %s", (protocol) => {
  it.each<[string, Json]>([
    ["with the default choice", {}],
    ["at random", { random: "random" }],
    ["with ports kept where they can be", { random: "none" }],
    ["together with a source address", { to: { ipv4: "192.0.2.17", ipv6: "2001:db8:a::12" } }],
  ])("ports are the only ones that flows leave with, %s", (_, options) => {
    const first = freshRange();
    const config = networkWith("ptp", { ports: `${first}-${first + 99}`, ...options });
    const attached = attach(config);
    for (const family of FAMILIES) {
      const seen = portsSeen(attached, protocol, PUBLIC[family], [0, 0, 0, freshPort()]);
      for (const port of seen) expect(Math.floor(port / 100), `port ${port}`).toBe(first / 100);
    }
    expect(check(config, attached.container, attached.result)).toMatchObject({ status: 0 });
  });

  it("ports are kept where random is none and they are in the range", () => {
    const first = freshRange();
    const attached = attach(networkWith("ptp", { random: "none", ports: `${first}-${first + 99}` }));
    for (const family of FAMILIES) {
      const ports = [first + 30 + family, first + 40 + family];
      expect(portsSeen(attached, protocol, PUBLIC[family], ports)).toEqual(ports);
    }
  });

  it("a single port serves one flow to each destination", () => {
    const port = freshRange();
    const attached = attach(networkWith("ptp", { ports: String(port) }));
    for (const family of FAMILIES) {
      for (const to of [PUBLIC[family], PRIVATE[family]]) {
        expect(endpointAt(attached, outside, to, protocol).port).toBe(port);
      }
    }
  });

  it("ports stay as they are where random is none", () => {
    const attached = attach(networkWith("ptp", { random: "none" }));
    for (const family of FAMILIES) {
      const ports = [freshPort(), freshPort(), freshPort()];
      expect(portsSeen(attached, protocol, PUBLIC[family], ports)).toEqual(ports);
    }
  });

  it.each<[string, Json]>([
    ["by default", {}],
    ["where asked for fully", { random: "fully" }],
    ["where asked for", { random: "random" }],
    ["where asked for with a source address", { random: "random", to: { ipv4: "192.0.2.17", ipv6: "2001:db8:a::12" } }],
  ])("ports are random %s", (_, options) => {
    const attached = attach(networkWith("ptp", options));
    for (const family of FAMILIES) {
      const ports = [freshPort(), freshPort(), freshPort()];
      const seen = portsSeen(attached, protocol, PUBLIC[family], ports);
      expect(seen).not.toEqual(ports);
      const steps = seen.map((port, i) => port - (ports[i] ?? 0));
      expect(new Set(steps).size, `steps ${steps}`).toBeGreaterThan(1);
    }
  });
});

describe("ways out", () => {
  const FIRST_ONLY = [true, false];
  const SECOND_ONLY = [false, true];

  it.each<[string, Json, boolean[]]>([
    ["both, unless said otherwise", {}, [true, true]],
    ["one", { outInterfaces: ["uplink"] }, FIRST_ONLY],
    ["another, whose name begins like the first's", { outInterfaces: [SECOND] }, SECOND_ONLY],
    ["two", { outInterfaces: ["uplink", SECOND] }, [true, true]],
    ["two, one of which isn't there yet", { outInterfaces: ["wg0", SECOND] }, SECOND_ONLY],
    ["all but one", { excludeOutInterfaces: ["uplink"] }, SECOND_ONLY],
    ["all but two", { excludeOutInterfaces: [SECOND, "uplink"] }, [false, false]],
    ["one, and another excluded", { outInterfaces: ["uplink"], excludeOutInterfaces: [SECOND] }, FIRST_ONLY],
  ])("are masqueraded: %s", (_, options, expected) => {
    const config = networkWith("ptp", options);
    const attached = attach(config);
    for (const family of FAMILIES) {
      for (const protocol of PROTOCOLS) {
        expect([
          seenAt(attached, outside, PUBLIC[family], protocol),
          seenAt(attached, outside, BEYOND_SECOND[family], protocol),
        ]).toEqual([expected[0] ? NODE[family] : "its own", expected[1] ? NODE_SECOND[family] : "its own"]);
      }
    }
    expect(check(config, attached.container, attached.result)).toMatchObject({ status: 0 });
  });
});

describe("sameSubnet", () => {
  const GATEWAY = { 4: "198.18.0.1", 6: "fd61:7465:6d65:1000::1" } as const;
  /** There when the kernel has br_netfilter. */
  const BRIDGE_NETFILTER = "/proc/sys/net/bridge/bridge-nf-call-iptables";

  it("masquerades what goes from one container to another of its subnet", () => {
    for (const [options, isMasked] of [
      [{ sameSubnet: true }, true],
      [{ sameSubnet: false }, false],
    ] as const) {
      const config = networkWith("ptp", options);
      const [one, other] = [attach(config), attach(config)];
      for (const family of FAMILIES) {
        const [from, to] = [addressOf(one, family), addressOf(other, family)];
        for (const protocol of PROTOCOLS) {
          const seen = seenFrom(one.container, from, other.container, to, protocol);
          expect({ from, to, seen }).toEqual({ from, to, seen: isMasked ? GATEWAY[family] : from });
        }
        expect(seenAt(one, outside, PUBLIC[family])).toBe(NODE[family]);
      }
    }
  });

  it.runIf(existsSync(BRIDGE_NETFILTER))("masquerades also what a bridge forwards, where rules of IP see that", () => {
    for (const of of ["iptables", "ip6tables"]) run("sysctl", "-qw", `net.bridge.bridge-nf-call-${of}=1`);
    const config = networkWith("bridge", { sameSubnet: true });
    const [one, other] = [attach(config), attach(config)];
    for (const family of FAMILIES) {
      const [from, to] = [addressOf(one, family), addressOf(other, family)];
      expect(seenFrom(one.container, from, other.container, to, "tcp")).toBe(GATEWAY[family]);
    }
  });
});
