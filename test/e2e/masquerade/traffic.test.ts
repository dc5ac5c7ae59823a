// The main job on real packets: who a host outside sees when containers talk to it.

import { existsSync } from "node:fs";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { PATIENCE_S } from "../../../engine/patience.mjs";
import { familyOf } from "../../../src/wire/ip.ts";
import { run, type TestNetns } from "../../support/netns.ts";
import { ipOf } from "../../support/sockets.ts";
import { addMulticastRoute, openMulticastRouter, seenByMember } from "./multicast.ts";
import { becomeNode, leftovers, NODE } from "./node.ts";
import { addressesOf, attach, check, DUAL, del, type Json, networkOf, SEVEN, TYPES } from "./runtime.ts";
import { PROTOCOLS, seenFrom, seenOutside } from "./traffic.ts";

/** Where br_netfilter tells whether frames that a bridge forwards pass the rules of IP. */
const BRIDGE_NETFILTER = "/proc/sys/net/bridge/bridge-nf-call-iptables";

let outside: TestNetns;
beforeAll(() => {
  outside = becomeNode();
});

const familyOfAddress = (address: string): 4 | 6 => familyOf(ipOf(address));

describe.each(TYPES)("%s", (type) => {
  for (const [ranges, subnets] of [
    ["an IPv4 and an IPv6 range", DUAL],
    ["two IPv4 and five IPv6 ranges", SEVEN],
  ] as const) {
    it(`hides every address of a container with ${ranges} behind the node's own`, () => {
      const { container, result } = attach(networkOf(type, subnets));
      const addresses = addressesOf(result);
      expect(addresses).toHaveLength(subnets.length);
      for (const address of addresses) {
        const seen = PROTOCOLS.map((protocol) => seenOutside(container, address, outside, protocol));
        expect({ address, seen }).toEqual({ address, seen: PROTOCOLS.map(() => NODE[familyOfAddress(address)]) });
      }
    });

    it(`keeps the source within each subnet of ${ranges}`, () => {
      const config = networkOf(type, subnets);
      const [one, other] = [attach(config), attach(config)];
      for (const filtered of type === "bridge" && existsSync(BRIDGE_NETFILTER) ? ["0", "1"] : [undefined]) {
        if (filtered !== undefined) setBridgeNetfilter(filtered);
        for (const [i, address] of addressesOf(one.result).entries()) {
          const to = addressesOf(other.result)[i] ?? "";
          const seen = PROTOCOLS.map((protocol) => seenFrom(one.container, address, other.container, to, protocol));
          expect({ address, seen }).toEqual({ address, seen: PROTOCOLS.map(() => address) });
        }
      }
    });
  }

  it("keeps the source of forwarded multicast", () => {
    const { container, result } = attach(networkOf(type));
    const link = result.interfaces[0].name; // the bridge, or the node's end of the pair
    for (const address of addressesOf(result)) {
      const family = familyOfAddress(address);
      const [group, other] = family === 4 ? ["224.7.7.7", "224.7.7.8"] : ["ff0e::7777", "ff0e::7778"];
      const router = openMulticastRouter(family, ifindexOf(link), ifindexOf("uplink"));
      onTestFinished(() => router.close());
      for (const one of [group, other]) addMulticastRoute(router, address, one);
      expect(seenByMember(container, address, outside, group)).toBe(address);
      // Without the rule, the same packet to another group shows that it is the rule that does it. Not on a bridge with
      // br_netfilter, though: there conntrack confirms multicast before it is routed, too late for NAT.
      if (type === "bridge" && existsSync(BRIDGE_NETFILTER)) continue;
      removeMulticastRule(family);
      expect(seenByMember(container, address, outside, other)).toBe(NODE[family]);
    }
  });

  it("serves a container that has addresses of one family only", () => {
    for (const subnet of DUAL) {
      const config = networkOf(type, [subnet]);
      const { container, result } = attach(config);
      const [address = ""] = addressesOf(result);
      const family = familyOfAddress(address);
      expect(seenOutside(container, address, outside, "tcp")).toBe(NODE[family]);
      expect(run("nft", "list", "tables").trim()).toBe(`table ${family === 4 ? "ip" : "ip6"} bauta_masquerade`);
      del(config, container);
    }
  });

  it("stops masquerading, and leaves nothing behind, once the container is detached", () => {
    const config = networkOf(type, SEVEN);
    const { container } = attach(config);
    expect(leftovers()).not.toEqual([]);
    expect(del(config, container)).toMatchObject({ status: 0 });
    expect(leftovers()).toEqual([]);
  });
});

describe("bridge", () => {
  it("carries the gateway address of every range, and each answers", () => {
    const config = networkOf("bridge", SEVEN);
    const [{ container, result }] = [attach(config), attach(config)];
    const gateways = result.ips.map(({ gateway }: Json) => gateway);
    const [bridge] = JSON.parse(run("ip", "-j", "address", "show", config.bridge));
    const carried = bridge.addr_info.filter(({ scope }: Json) => scope === "global");
    const prefixOf = (subnet: string): string => subnet.slice(subnet.indexOf("/") + 1);
    expect(carried.map(({ local, prefixlen }: Json) => `${local}/${prefixlen}`).sort()).toEqual(
      gateways.map((gateway: string, i: number) => `${gateway}/${prefixOf(SEVEN[i] ?? "")}`).sort(),
    );
    expect(gateways).toHaveLength(7);
    for (const [i, address] of addressesOf(result).entries()) {
      container.exec("ping", "-n", "-q", "-c1", `-W${PATIENCE_S}`, "-I", address, gateways[i]);
    }
    expect(check(config, container, result)).toMatchObject({ status: 0 });
  });
});

function ifindexOf(name: string): number {
  return JSON.parse(run("ip", "-j", "link", "show", name))[0].ifindex;
}

function setBridgeNetfilter(value: string): void {
  for (const family of ["iptables", "ip6tables"]) run("sysctl", "-qw", `net.bridge.bridge-nf-call-${family}=${value}`);
}

function removeMulticastRule(family: 4 | 6): void {
  const table = [family === 4 ? "ip" : "ip6", "bauta_masquerade", "postrouting"];
  const listed = JSON.parse(run("nft", "-j", "list", "chain", ...table));
  const rule = listed.nftables.find((one: Json) => JSON.stringify(one.rule ?? "").includes('"return"'));
  run("nft", "delete", "rule", ...table, "handle", String(rule.rule.handle));
}
