// What the node does to a container's end of a pair, and how it waits for the kernel.

import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { PATIENCE_MS } from "../../engine/patience.mjs";
import type { IpConfig, Result, Route } from "../../src/cni/result.ts";
import { Undo } from "../../src/cni/undo.ts";
import { waitForCarrier } from "../../src/links/carrier.ts";
import { checkAddressing, checkLink } from "../../src/links/check.ts";
import { configureContainer } from "../../src/links/configure.ts";
import { type Namespaces, withNamespaces } from "../../src/links/namespaces.ts";
import { settleAddresses, withAddressWatch } from "../../src/links/settle.ts";
import { createVeth, type VethEnd } from "../../src/links/veth.ts";
import { awaitEvent, withWatch } from "../../src/links/watch.ts";
import { RTNLGRP } from "../../src/rtnetlink/uapi.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { ipConfig, route } from "../support/cni-result.ts";
import { syscallsOf } from "../support/intercept-syscalls.ts";
import { makeNetns, type TestNetns } from "../support/netns.ts";
import { withoutChance } from "../support/node-state.ts";

let node: TestNetns;
let container: TestNetns;

beforeEach(() => {
  [node, container] = [makeNetns(), makeNetns()];
  onTestFinished(() => {
    for (const netns of [container, node]) netns.remove();
  });
});

/** Runs work on the node with a new pair. */
function withPair<T>(work: (namespaces: Namespaces, device: VethEnd, nodeName: string) => T): T {
  return inNetns(node.fd, () =>
    withNamespaces(container.path, (namespaces) => {
      const { node: end, container: device } = createVeth(namespaces, { ifname: "eth0" }, new Undo());
      return work(namespaces, device, end.name);
    }),
  );
}

const result = (ips: Result["ips"], routes: readonly Route[] = []): Result => ({
  interfaces: [],
  ips,
  routes,
  dns: {},
});
const addresses = (...texts: readonly string[]): IpConfig[] => texts.map((text) => ipConfig(text));

describe("duplicate address detection", () => {
  it("is waited for where it is asked for", () => {
    withPair((namespaces, device) => {
      const setup = { device, addresses: addresses("fd00::5/64"), routes: [], duplicateAddressDetection: true };
      configureContainer(namespaces, setup);
    });
    const [{ addr_info }] = container.ipJson("-6 address show dev eth0");
    const found = addr_info.find(({ local }: { local?: string }) => local === "fd00::5");
    expect(found).toMatchObject({ prefixlen: 64 });
    expect(found).not.toHaveProperty("tentative");
    expect(found).not.toHaveProperty("nodad");
  });

  it("names the address that another station has", () => {
    withPair((namespaces, device, nodeName) => {
      node.ip(`address add fd00::5/64 dev ${nodeName} nodad`);
      const setup = { device, addresses: addresses("fd00::5/64"), routes: [], duplicateAddressDetection: true };
      expect(() => configureContainer(namespaces, setup)).toThrow(
        "another station on the link of eth0 already has the address fd00::5",
      );
    });
  });

  it("is given up after a while, which is an error only where frames flow", () => {
    withPair((namespaces, device, nodeName) => {
      const settle = (): void =>
        withAddressWatch(namespaces.netns, (watch) => settleAddresses(namespaces.container, device, watch, 20));
      container.ip("link set eth0 up");
      waitForCarrier(namespaces.container, device);
      container.ip("address add fd00::5/64 dev eth0");
      expect(settle).toThrow(/^eth0 still has tentative addresses after 20 ms: (fe80::\S+, )?fd00::5/);
      node.ip(`link set ${nodeName} down`);
      container.ip("address add fd00::6/64 dev eth0");
      expect(settle).not.toThrow();
    });
  });
});

describe("configureContainer", () => {
  it("turns IPv6 on for the interface and the loopback, and keeps addresses while the link is down", () => {
    container.exec("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1");
    container.exec("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1");
    withPair((namespaces, device) =>
      configureContainer(namespaces, { device, addresses: addresses("fd00::5/64"), routes: [] }),
    );
    container.ip("link set eth0 down");
    const [{ addr_info }] = container.ipJson("-6 address show dev eth0");
    expect(addr_info).toContainEqual(expect.objectContaining({ local: "fd00::5", nodad: true }));
    expect(container.exec("cat", "/proc/sys/net/ipv6/conf/lo/disable_ipv6").trim()).toBe("0");
  });

  it("leaves alone what a router has told the container: addresses and routes that have an end", () => {
    withPair((namespaces, device) => {
      container.ip("link set eth0 up");
      container.ip("address add 2001:db8::5/64 dev eth0 valid_lft 600 preferred_lft 300 nodad");
      container.ip("-6 route add default via fe80::1 dev eth0 proto ra metric 1024 expires 600");
      const ips = [ipConfig("2001:db8::5/64", "fe80::1"), ipConfig("fd00::5/64")];
      const routes = [route("::/0"), route("fd01::/64", { gw: "fe80::1" })];
      configureContainer(namespaces, { device, addresses: ips, routes });
    });
    const [{ addr_info }] = container.ipJson("-6 address show dev eth0 scope global");
    const found = addr_info.map(({ local, valid_life_time }: { local: string; valid_life_time: number }) => [
      local,
      valid_life_time <= 600,
    ]);
    expect(found).toEqual(
      expect.arrayContaining([
        ["2001:db8::5", true],
        ["fd00::5", false],
      ]),
    );
    const routes = container.ipJson("-6 route show via fe80::1");
    expect(routes).toHaveLength(2);
    expect(routes).toContainEqual(
      expect.objectContaining({ dst: "default", protocol: "ra", expires: expect.any(Number) }),
    );
    expect(routes).toContainEqual(expect.objectContaining({ dst: "fd01::/64", protocol: "boot" }));
  });

  it("gives routes the MTU and the segment size that the result has", () => {
    const keys = { gw: "10.1.2.1", mtu: 1300, advmss: 1200, priority: 7, scope: 0, table: 0 };
    const routes = [route("192.0.2.0/24", keys)];
    withPair((namespaces, device) =>
      configureContainer(namespaces, { device, addresses: addresses("10.1.2.3/24"), routes }),
    );
    const [found] = container.ipJson("route show 192.0.2.0/24");
    expect(found).toMatchObject({ gateway: "10.1.2.1", metric: 7, metrics: [{ mtu: 1300, advmss: 1200 }] });
  });

  it("names the route that the kernel refuses", () => {
    const routes = [route("192.0.2.0/24", { gw: "10.9.9.9" })];
    withPair((namespaces, device) => {
      const configure = (): void =>
        configureContainer(namespaces, { device, addresses: addresses("10.1.2.3/24"), routes });
      expect(configure).toThrow(/cannot route prepend 192\.0\.2\.0\/24 via 10\.9\.9\.9 dev eth0: ENETUNREACH/);
    });
  });

  it("says that an interface has no IPv6 when it has none", () => {
    withPair((namespaces, device, nodeName) => {
      node.ip(`link set ${nodeName} mtu 1000`);
      container.ip("link set eth0 mtu 1000");
      const configure = (): void =>
        configureContainer(namespaces, { device, addresses: addresses("fd00::5/64"), routes: [] });
      expect(configure).toThrow("eth0 can't have an IPv6 address: the kernel has no IPv6 on this interface");
    });
  });
});

describe("checks", () => {
  it("are content with routes in other tables and of several next hops, and tell what is missing", () => {
    withPair((namespaces, device) => {
      const routes = [
        route("192.0.2.0/24", { gw: "10.1.2.1", table: 100 }),
        route("2001:db8::/32", { gw: "fd00::1" }),
        route("2001:db8::/32", { gw: "fd00::2" }),
      ];
      configureContainer(namespaces, { device, addresses: addresses("10.1.2.3/24", "fd00::5/64"), routes });
      const check =
        (...wanted: readonly Route[]) =>
        (): void =>
          checkAddressing(namespaces.container, device, result([], wanted));
      expect(check(...routes)).not.toThrow();
      // No rule leads packets there, so nobody has moved the route: it is not where it should be.
      expect(check(route("192.0.2.0/24", { gw: "10.1.2.1" }))).toThrow("route to 192.0.2.0/24 via 10.1.2.1 not found");
      expect(check(route("192.0.2.0/24", { gw: "10.1.2.9", table: 100 }))).toThrow(/via 10\.1\.2\.9 .* in table 100$/);
      expect(check(route("198.51.100.0/24", { table: 7 }))).toThrow(/in table 7$/);
      expect(check()).not.toThrow();
    });
  });

  it("read a table once, for the addresses and for the routes", () => {
    withPair((namespaces, device) => {
      const own = addresses("10.1.2.3/24", "fd00::5/64");
      const routes = [route("192.0.2.0/24", { gw: "10.1.2.1" }), route("2001:db8::/32", { gw: "fd00::1" })];
      configureContainer(namespaces, { device, addresses: own, routes });
      const calls = (wanted: readonly Route[]): readonly string[] =>
        syscallsOf(() => checkAddressing(namespaces.container, device, result(own, wanted)));
      expect(calls(routes)).toEqual(calls([]));
    });
  });

  it("tell a link of another kind", () => {
    container.ip("link add br0 type bridge");
    withPair(({ container: connection }) => {
      const check = (name: string) => (): unknown => checkLink(connection, { name }, "veth", "in the container");
      expect(check("br0")).toThrow("interface br0 in the container is not of type veth but bridge");
      expect(check("lo")).toThrow("interface lo in the container is not of type veth but of none");
    });
  });
});

describe("awaitEvent", () => {
  const isThere = (name: string): true | undefined =>
    node.ipJson("link show").some(({ ifname }: { ifname: string }) => ifname === name) || undefined;

  it("looks again when something has happened, also where more has than can be told", () => {
    const changes = 'i=0; while [ $i -lt 1000 ]; do echo "link set b0 mtu $((1400 + i % 2))"; i=$((i + 1)); done';
    for (const happens of [() => undefined, () => node.exec("sh", "-c", `${changes} | ip -batch -`)]) {
      let looks = 0;
      const found = withWatch(node.fd, [RTNLGRP.LINK], (watch) =>
        awaitEvent(watch, PATIENCE_MS, () => {
          if (looks++ > 0) return isThere("b0");
          node.ip("link add b0 type bridge");
          happens();
          return undefined;
        }),
      );
      expect([found, looks]).toEqual([true, 2]);
      node.ip("link delete b0");
    }
  });

  it("is undefined where nothing happens", () => {
    expect(withWatch(node.fd, [RTNLGRP.LINK], (watch) => awaitEvent(watch, 10, () => isThere("b0")))).toBeUndefined();
  });
});

describe("waitForCarrier", () => {
  it("returns when frames can pass, and where there is no such link", () => {
    withPair(({ node: connection }, { index }, nodeName) => {
      const link = { index: node.ipJson(`link show ${nodeName}`)[0].ifindex };
      container.ip("link set eth0 up");
      waitForCarrier(connection, link);
      expect(withoutChance(node.ipJson(`link show ${nodeName}`))[0].operstate).toBe("UP");
      expect(() => waitForCarrier(connection, { index: index + 1000 })).not.toThrow();
    });
  });
});
