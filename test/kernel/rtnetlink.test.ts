// rtnetlink against the kernel, with ip(8) and bridge(8) as witnesses: what we write, they read, and the other way round.

import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Connection } from "../../src/netlink/connection.ts";
import { NETLINK } from "../../src/netlink/uapi.ts";
import { addAddress, deleteAddress, listAddresses, replaceAddress } from "../../src/rtnetlink/address.ts";
import { setBridgePort } from "../../src/rtnetlink/bridge-port.ts";
import { addBridgeVlans, deleteBridgeVlans, listBridgeVlans } from "../../src/rtnetlink/bridge-vlan.ts";
import { addLink, deleteLink, getLink, type Link, listLinks, renameLink, setLink } from "../../src/rtnetlink/link.ts";
import { deleteNeighbour, listNeighbours, replaceNeighbour } from "../../src/rtnetlink/neighbour.ts";
import { addRoute, deleteRoute, getRoute, listRoutes, prependRoute, replaceRoute } from "../../src/rtnetlink/route.ts";
import { ETH_P, IFA_F, IN6_ADDR_GEN_MODE, NUD, RT_SCOPE, RTN, RTPROT } from "../../src/rtnetlink/uapi.ts";
import { type Cidr, formatCidr, formatIp, type Ip, parseCidr, parseIp } from "../../src/wire/ip.ts";
import { formatMac, type Mac, parseMac } from "../../src/wire/mac.ts";
import { makeNetns, type TestNetns } from "../support/netns.ts";

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new TypeError("undefined");
  return value;
}

const cidr = (text: string): Cidr => known(parseCidr(text));
const ip = (text: string): Ip => known(parseIp(text));
const mac = (text: string): Mac => known(parseMac(text));

let netns: TestNetns;
let connection: Connection;

beforeEach(() => {
  netns = makeNetns();
  connection = Connection.open(NETLINK.ROUTE, { netns: netns.fd });
});

afterEach(() => {
  connection.close();
  netns.remove();
});

/** A link that must be there. */
const link = (name: string): Link => known(getLink(connection, name));

/** A pair of veths in the namespace, veth0 and veth1. */
function addPair(): Link {
  connection.execute(addLink({ name: "veth0", info: { kind: "veth", peer: { name: "veth1" } } }));
  return link("veth0");
}

/** A pair that is up at both ends, with an address of each family on veth0. */
function addPairWithAddresses(): Link {
  const veth0 = addPair();
  connection.executeAll([
    setLink(veth0, { up: true }),
    setLink("veth1", { up: true }),
    addAddress(veth0, cidr("10.1.2.3/24")),
    addAddress(veth0, { ...cidr("fd00:1::3/64"), flags: IFA_F.NODAD }),
  ]);
  return veth0;
}

/** Whether this kernel can do a thing: only what it was built without may be missing. */
function kernelHas(probe: string): boolean {
  try {
    netns.ip(probe);
    return true;
  } catch {
    return false;
  }
}

describe("links", () => {
  it("a bridge gets the options that it is made with", () => {
    const info = { kind: "bridge", ageingTime: 12300, stpState: 0, multicastSnooping: false } as const;
    connection.execute(addLink({ name: "br0", mtu: 1400, mac: mac("02:00:00:00:00:0b"), up: true, info }));
    const [seen] = netns.ipJson("link show dev br0");
    expect(seen).toMatchObject({ ifname: "br0", mtu: 1400, address: "02:00:00:00:00:0b" });
    expect(seen.flags).toContain("UP");
    expect(seen.linkinfo).toMatchObject({
      info_kind: "bridge",
      info_data: { ageing_time: 12300, mcast_snooping: 0, stp_state: 0 },
    });
    expect(link("br0")).toMatchObject({ isUp: true, mtu: 1400, mac: mac("02:00:00:00:00:0b"), kind: "bridge" });
    expect(link("br0").info).toMatchObject(info);
  });

  it("the options of a bridge can be set later, by name or by index", () => {
    netns.ip("link add br0 type bridge");
    connection.executeAll([
      setLink("br0", { info: { kind: "bridge", ageingTime: 500 } }),
      setLink(link("br0"), { info: { kind: "bridge", forwardDelay: 300 } }),
    ]);
    expect(netns.ipJson("link show dev br0")[0].linkinfo.info_data).toMatchObject({
      ageing_time: 500,
      forward_delay: 300,
    });
  });

  it("a veth pair is made with one end in another namespace and the other in a bridge", () => {
    const container = makeNetns();
    try {
      netns.ip("link add br0 type bridge");
      const peer = { name: "eth0", mtu: 1400, mac: mac("0a:58:0a:16:00:05"), netnsFd: container.fd };
      const veth = { name: "vethabc", mtu: 1400, up: true, masterIndex: link("br0").index };
      connection.execute(addLink({ ...veth, info: { kind: "veth", peer } }));
      const [outside] = netns.ipJson("link show dev vethabc");
      const [inside] = container.ipJson("link show dev eth0");
      expect(outside).toMatchObject({ mtu: 1400, master: "br0", link_index: inside.ifindex });
      expect(inside).toMatchObject({ mtu: 1400, address: "0a:58:0a:16:00:05", link_index: outside.ifindex });
      expect(link("vethabc")).toMatchObject({ linkIndex: inside.ifindex, linkNetnsId: 0, kind: "veth" });
      expect(link("vethabc").port).toMatchObject({ kind: "bridge" });
    } finally {
      container.remove();
    }
  });

  it("both ends of a veth pair get the indexes that are asked for", () => {
    const peer = { name: "veth1", index: 41 };
    connection.execute(addLink({ name: "veth0", index: 40, info: { kind: "veth", peer } }));
    expect([link("veth0").index, link("veth1").index]).toEqual([40, 41]);
  });

  it("everything that can be set is seen by ip(8)", () => {
    netns.ip("link add br0 type bridge");
    const veth0 = addPair();
    const settings = {
      up: true,
      promisc: true,
      allMulticast: true,
      mac: mac("02:00:00:00:00:09"),
      mtu: 1280,
      masterIndex: link("br0").index,
      txQueueLength: 77,
      alias: "network/contäiner",
      addressGenerationMode: IN6_ADDR_GEN_MODE.NONE,
    };
    connection.execute(setLink(veth0, settings));
    const [seen] = netns.ipJson("link show dev veth0");
    expect(seen).toMatchObject({
      mtu: 1280,
      master: "br0",
      address: "02:00:00:00:00:09",
      txqlen: 77,
      ifalias: "network/contäiner",
      inet6_addr_gen_mode: "none",
    });
    expect(seen.flags).toEqual(expect.arrayContaining(["UP", "PROMISC", "ALLMULTI"]));
    const { up, promisc, allMulticast, ...rest } = settings;
    expect(link("veth0")).toMatchObject({ isUp: up, ...rest });

    connection.execute(setLink(veth0, { up: false, promisc: false, allMulticast: false, masterIndex: 0, alias: "" }));
    const [later] = netns.ipJson("link show dev veth0");
    expect(later).not.toHaveProperty("master");
    expect(later).not.toHaveProperty("ifalias");
    expect(later.flags).not.toEqual(expect.arrayContaining(["UP"]));
    expect(later.flags).not.toEqual(expect.arrayContaining(["PROMISC"]));
    expect(link("veth0")).toMatchObject({ isUp: false, alias: undefined, masterIndex: undefined });
  });

  it("a link is renamed, and moved to another namespace", () => {
    const container = makeNetns();
    try {
      const veth0 = addPair();
      connection.executeAll([renameLink(veth0, "other0"), setLink("veth1", { netnsFd: container.fd })]);
      expect(netns.ipJson("link show").map((one: { ifname: string }) => one.ifname)).toEqual(["lo", "other0"]);
      expect(container.ipJson("link show").map((one: { ifname: string }) => one.ifname)).toEqual(["lo", "veth1"]);
    } finally {
      container.remove();
    }
  });

  it("links are deleted by name and by index", () => {
    netns.ip("link add br0 type bridge");
    const veth0 = addPair();
    connection.executeAll([deleteLink("br0"), deleteLink(veth0)]);
    expect(netns.ipJson("link show")).toHaveLength(1);
    expect(() => connection.execute(deleteLink("br0"))).toThrow("cannot link delete br0: ENODEV: No such device");
  });

  it("what ip(8) makes is read: alternative names, peers, ports of a master, links of a kind", () => {
    netns.ip("link add br0 type bridge");
    netns.ip("link add veth0 master br0 type veth peer name veth1");
    netns.ip("link property add dev veth0 altname a-name-that-is-longer-than-15");
    const found = link("a-name-that-is-longer-than-15");
    expect(found).toMatchObject({ name: "veth0", alternativeNames: ["a-name-that-is-longer-than-15"], promiscuity: 1 });
    expect(getLink(connection, { index: known(found.linkIndex) })?.name).toBe("veth1");
    expect(formatMac(found.mac)).toBe(netns.ipJson("link show dev veth0")[0].address);
    const names = (links: readonly Link[]): string[] => links.map(({ name }) => name).sort();
    expect(names(listLinks(connection))).toEqual(["br0", "lo", "veth0", "veth1"]);
    expect(names(listLinks(connection, { masterIndex: link("br0").index }))).toEqual(["veth0"]);
    expect(names(listLinks(connection, { kind: "veth" }))).toEqual(["veth0", "veth1"]);
    expect(getLink(connection, "nope")).toBeUndefined();
    expect(getLink(connection, { index: 4711 })).toBeUndefined();
  });

  it("the kernel's refusals come with its own words", () => {
    addPair();
    const again = addLink({ name: "veth0", info: { kind: "veth", peer: { name: "veth2" } } });
    expect(() => connection.execute(again)).toThrow(
      "cannot link add veth0 type veth peer name veth2: EEXIST: File exists",
    );
    expect(() => connection.execute(setLink("veth0", { mtu: 1 }))).toThrow(
      "cannot link set veth0 mtu 1: EINVAL: mtu less than device minimum",
    );
    const kind = { kind: "unknown", name: "no-such", data: undefined } as const;
    expect(() => connection.execute(addLink({ name: "x0", info: kind }))).toThrow(
      "cannot link add x0 type no-such: EOPNOTSUPP: Unknown device type",
    );
  });

  it("a VLAN is made, where the kernel has them", () => {
    const parent = addPair();
    const vlan = addLink({
      name: "veth0.5",
      linkIndex: parent.index,
      info: { kind: "vlan", id: 5, protocol: ETH_P["8021AD"] },
    });
    if (!kernelHas("link add link veth0 name probe type vlan id 9")) {
      expect(() => connection.execute(vlan)).toThrow("EOPNOTSUPP: Unknown device type");
      return;
    }
    connection.execute(vlan);
    expect(netns.ipJson("link show dev veth0.5")[0].linkinfo.info_data).toMatchObject({ protocol: "802.1ad", id: 5 });
    expect(link("veth0.5")).toMatchObject({ linkIndex: parent.index, info: { kind: "vlan", id: 5 } });
  });

  it("a dummy is made, where the kernel has them", () => {
    const dummy = addLink({ name: "d0", info: { kind: "dummy" } });
    if (!kernelHas("link add probe type dummy")) {
      expect(() => connection.execute(dummy)).toThrow("EOPNOTSUPP: Unknown device type");
      return;
    }
    connection.execute(dummy);
    expect(netns.ipJson("link show dev d0")[0].linkinfo.info_kind).toBe("dummy");
  });
});

describe("ports of a bridge", () => {
  beforeEach(() => {
    netns.ip("link add br0 type bridge");
    netns.ip("link add veth0 master br0 type veth peer name veth1");
  });

  it("get the options that are set, and are read with them", () => {
    const settings = { hairpin: true, isolated: true, learning: false, flood: false, multicastFlood: false };
    connection.execute(setBridgePort(link("veth0"), settings));
    const [seen] = JSON.parse(netns.exec("bridge", "-j", "-d", "link", "show", "dev", "veth0"));
    expect(seen).toMatchObject({ hairpin: true, isolated: true, learning: false, flood: false, mcast_flood: false });
    expect(link("veth0").port).toMatchObject({ kind: "bridge", ...settings });
    netns.exec("bridge", "link", "set", "dev", "veth0", "hairpin", "off", "cost", "42");
    expect(link("veth0").port).toMatchObject({ hairpin: false, isolated: true, cost: 42 });
  });

  it("are told from links that are none", () => {
    expect(() => connection.execute(setBridgePort(link("veth1"), { hairpin: true }))).toThrow(
      "cannot bridge link set dev veth1 hairpin on: EOPNOTSUPP: Operation not supported",
    );
  });

  it("let the VLANs through that are set, where the kernel filters VLANs", () => {
    const port = link("veth0");
    const add = addBridgeVlans(port, [
      { vid: 100, pvid: true, untagged: true },
      { vid: 200, lastVid: 210 },
    ]);
    if (!kernelHas("link set br0 type bridge vlan_filtering 1")) {
      expect(() => connection.execute(add)).toThrow("EOPNOTSUPP");
      expect([...listBridgeVlans(connection).values()].flat()).toEqual([]);
      return;
    }
    connection.execute(add);
    netns.exec("bridge", "vlan", "add", "dev", "veth0", "vid", "300-305", "untagged");
    connection.execute(deleteBridgeVlans(port, [{ vid: 1 }, { vid: 205, lastVid: 210 }]));
    connection.execute(addBridgeVlans({ ...link("br0"), self: true }, [{ vid: 100 }]));
    const [seen] = JSON.parse(netns.exec("bridge", "-j", "-compressvlans", "vlan", "show", "dev", "veth0"));
    expect(seen.vlans).toEqual([
      { vlan: 100, flags: ["PVID", "Egress Untagged"] },
      { vlan: 200, vlanEnd: 204, flags: [] },
      { vlan: 300, vlanEnd: 305, flags: ["Egress Untagged"] },
    ]);
    const vlans = listBridgeVlans(connection);
    expect(vlans.get(port.index)).toEqual([
      { vid: 100, lastVid: undefined, pvid: true, untagged: true },
      { vid: 200, lastVid: 204, pvid: false, untagged: false },
      { vid: 300, lastVid: 305, pvid: false, untagged: true },
    ]);
    expect(vlans.get(link("br0").index)).toContainEqual({ vid: 100, lastVid: undefined, pvid: false, untagged: false });
  });
});

describe("addresses", () => {
  it("of both families are added in one send and seen by ip(8)", () => {
    const veth0 = addPair();
    connection.executeAll([
      addAddress(veth0, { ...cidr("10.1.2.3/24"), broadcast: ip("10.1.2.255"), label: "veth0:1" }),
      addAddress(veth0, { ...cidr("10.9.0.1/32"), peer: ip("10.9.0.2"), scope: RT_SCOPE.LINK }),
      addAddress(veth0, { ...cidr("fd00:1::3/64"), flags: IFA_F.NODAD | IFA_F.NOPREFIXROUTE | IFA_F.HOMEADDRESS }),
    ]);
    const [seen] = netns.ipJson("address show dev veth0");
    const inOrder = seen.addr_info.sort((a: { local: string }, b: { local: string }) => (a.local < b.local ? -1 : 1));
    expect(inOrder).toEqual([
      expect.objectContaining({ local: "10.1.2.3", prefixlen: 24, broadcast: "10.1.2.255", label: "veth0:1" }),
      expect.objectContaining({ local: "10.9.0.1", prefixlen: 32, address: "10.9.0.2", scope: "link" }),
      expect.objectContaining({ local: "fd00:1::3", prefixlen: 64, nodad: true, noprefixroute: true, home: true }),
    ]);
  });

  it("with nodad can be used at once", () => {
    const found = listAddresses(connection, { device: addPairWithAddresses() });
    const own = known(found.find((address) => formatCidr(address) === "fd00:1::3/64"));
    expect(own.flags & IFA_F.TENTATIVE).toBe(0);
  });

  it("that ip(8) gives are read: both families, one family, one link", () => {
    addPair();
    netns.ip("link set lo up");
    netns.ip("address add 192.0.2.1/24 broadcast + dev veth0");
    netns.ip("address add 192.0.2.5 peer 192.0.2.6/32 dev veth1");
    netns.ip("address add fd00:1::3/64 dev veth0 nodad");
    const text = (only: Parameters<typeof listAddresses>[1]): string[] =>
      listAddresses(connection, only)
        .map((address) => formatCidr(address))
        .sort();
    expect(text({})).toEqual(["127.0.0.1/8", "192.0.2.1/24", "192.0.2.5/32", "::1/128", "fd00:1::3/64"].sort());
    expect(text({ family: 6 })).toEqual(["::1/128", "fd00:1::3/64"]);
    expect(text({ device: link("veth0") })).toEqual(["192.0.2.1/24", "fd00:1::3/64"]);
    const peer = known(listAddresses(connection, { device: link("veth1") })[0]);
    expect(peer).toMatchObject({ peer: ip("192.0.2.6"), label: "veth1", index: link("veth1").index });
  });

  it("are replaced and deleted", () => {
    const veth0 = addPairWithAddresses();
    const address = cidr("10.1.2.3/24");
    expect(() => connection.execute(addAddress(veth0, address))).toThrow(
      "cannot address add 10.1.2.3/24 dev veth0: EEXIST",
    );
    connection.executeAll([replaceAddress(veth0, address), deleteAddress(veth0, cidr("fd00:1::3/64"))]);
    const found = listAddresses(connection, { device: veth0 }).filter(({ scope }) => scope === RT_SCOPE.UNIVERSE);
    expect(found.map((one) => formatCidr(one))).toEqual(["10.1.2.3/24"]);
    connection.executeAll(found.map((one) => deleteAddress(veth0, one)));
    expect(netns.ipJson("-4 address show dev veth0")).toEqual([]);
    expect(() => connection.execute(deleteAddress(veth0, address))).toThrow(
      "cannot address delete 10.1.2.3/24 dev veth0: EADDRNOTAVAIL",
    );
  });

  it("of a link that is not there are refused", () => {
    expect(() => connection.execute(addAddress({ index: 4711 }, cidr("10.1.2.3/24")))).toThrow("ENODEV");
    expect(() => listAddresses(connection, { device: { index: 4711 } })).toThrow(
      "cannot address show dev if4711: ENODEV",
    );
  });
});

describe("routes", () => {
  it("of both families are added in one send with the addresses they need", () => {
    const veth0 = addPair();
    connection.executeAll([
      setLink("veth1", { up: true }),
      addAddress(veth0, cidr("10.1.2.3/24")),
      addAddress(veth0, { ...cidr("fd00:1::3/64"), flags: IFA_F.NODAD }),
      setLink(veth0, { up: true }),
      addRoute({ dst: cidr("0.0.0.0/0"), gateway: ip("10.1.2.1"), mtu: 1400, advmss: 1360 }),
      addRoute({ dst: cidr("192.0.2.0/24"), device: veth0, source: ip("10.1.2.3"), priority: 50 }),
      addRoute({ dst: cidr("198.51.100.0/24"), gateway: ip("169.254.1.1"), device: veth0, onlink: true }),
      addRoute({ dst: cidr("203.0.113.0/24"), type: RTN.BLACKHOLE, scope: RT_SCOPE.UNIVERSE }),
      addRoute({ dst: cidr("::/0"), gateway: ip("fd00:1::1"), device: veth0, mtu: 1400 }),
      addRoute({ dst: cidr("fd00:2::/64"), device: veth0, priority: 77, protocol: RTPROT.STATIC }),
    ]);
    expect(netns.ipJson("route show")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: "default", gateway: "10.1.2.1", metrics: [{ mtu: 1400, advmss: 1360 }] }),
        expect.objectContaining({ dst: "192.0.2.0/24", scope: "link", prefsrc: "10.1.2.3", metric: 50 }),
        expect.objectContaining({ dst: "198.51.100.0/24", gateway: "169.254.1.1", flags: ["onlink"] }),
        expect.objectContaining({ type: "blackhole", dst: "203.0.113.0/24" }),
      ]),
    );
    expect(netns.ipJson("-6 route show")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: "default", gateway: "fd00:1::1", metrics: [{ mtu: 1400 }] }),
        expect.objectContaining({ dst: "fd00:2::/64", metric: 77, protocol: "static" }),
      ]),
    );
  });

  it("that ip(8) adds are read, table by table and link by link", () => {
    const veth0 = addPairWithAddresses();
    netns.ip("route add default via 10.1.2.1 mtu 1400 advmss 1360 metric 50");
    netns.ip("route add default via 10.1.2.9 table 1000");
    netns.ip("route add 192.0.2.0/24 via 10.9.9.9 dev veth0 onlink src 10.1.2.3");
    netns.ip("link set lo up");
    netns.ip("route add 198.51.100.0/24 dev lo");
    netns.ip("-6 route add default via fd00:1::1 metric 7");
    const text = (only: Parameters<typeof listRoutes>[1]): string[] =>
      listRoutes(connection, only)
        .map(({ dst, gateway }) => `${formatCidr(dst)}${gateway === undefined ? "" : ` via ${formatIp(gateway)}`}`)
        .sort();
    const through = ["0.0.0.0/0 via 10.1.2.1", "10.1.2.0/24", "192.0.2.0/24 via 10.9.9.9"];
    expect(text({ family: 4 })).toEqual([...through, "198.51.100.0/24"]);
    expect(text({ family: 4, device: veth0 })).toEqual(through);
    expect(text({ family: 4, table: 1000 })).toEqual(["0.0.0.0/0 via 10.1.2.9"]);
    expect(text({ family: 6, device: veth0 })).toContain("::/0 via fd00:1::1");
    const metrics = known(listRoutes(connection, { family: 4 }).find(({ dst }) => dst.prefixLength === 0));
    expect(metrics).toMatchObject({ priority: 50, mtu: 1400, advmss: 1360, protocol: RTPROT.BOOT, table: 254 });
  });

  it("of a table that has none are none, in a fresh namespace too", () => {
    expect(listRoutes(connection, { family: 4 })).toEqual([]);
    expect(listRoutes(connection, { family: 6 })).toEqual([]);
    expect(listRoutes(connection, { family: 4, table: 4711 })).toEqual([]);
    expect(listRoutes(connection, { family: 6, table: 4711 })).toEqual([]);
  });

  it("are replaced, put in front of others and deleted", () => {
    const device = addPairWithAddresses();
    const dst = cidr("0.0.0.0/0");
    connection.execute(addRoute({ dst, gateway: ip("10.1.2.1"), device }));
    expect(() => connection.execute(addRoute({ dst, gateway: ip("10.1.2.9"), device }))).toThrow(
      "cannot route add default via 10.1.2.9 dev veth0: EEXIST: File exists",
    );
    connection.execute(replaceRoute({ dst, gateway: ip("10.1.2.8"), device }));
    connection.execute(prependRoute({ dst, gateway: ip("10.1.2.9"), device }));
    const gateways = (): unknown[] => netns.ipJson("route show default").map((one: { gateway: string }) => one.gateway);
    expect(gateways()).toEqual(["10.1.2.9", "10.1.2.8"]);
    connection.execute(deleteRoute({ dst, gateway: ip("10.1.2.8") }));
    expect(gateways()).toEqual(["10.1.2.9"]);
    connection.executeAll(
      listRoutes(connection, { family: 4 })
        .filter((route) => route.dst.prefixLength === 0)
        .map((route) => deleteRoute(route)),
    );
    expect(gateways()).toEqual([]);
    expect(() => connection.execute(deleteRoute({ dst }))).toThrow("cannot route delete default: ESRCH");
  });

  it("of IPv6 that are read can be deleted as they are", () => {
    const device = addPairWithAddresses();
    netns.ip("-6 route add fd00:9::/64 via fd00:1::1 dev veth0 metric 7 mtu 1400");
    const route = listRoutes(connection, { family: 6, device }).find(({ dst }) => formatCidr(dst) === "fd00:9::/64");
    connection.execute(deleteRoute(known(route)));
    expect(netns.ipJson("-6 route show fd00:9::/64")).toEqual([]);
  });

  it("are looked up for an address", () => {
    const device = addPairWithAddresses();
    netns.ip("route add default via 10.1.2.1");
    netns.ip("-6 route add default via fd00:1::1");
    const four = known(getRoute(connection, ip("192.0.2.7")));
    expect(four).toMatchObject({ gateway: ip("10.1.2.1"), source: ip("10.1.2.3"), table: 254 });
    const six = known(getRoute(connection, ip("2001:db8::7")));
    expect(six).toMatchObject({ gateway: ip("fd00:1::1"), source: ip("fd00:1::3"), table: 254 });
    expect([four.device?.index, six.device?.index]).toEqual([device.index, device.index]);
    netns.ip("route del default");
    expect(() => getRoute(connection, ip("192.0.2.7"))).toThrow("cannot route get 192.0.2.7: ENETUNREACH");
  });

  it("that can't be are refused with the kernel's own words", () => {
    addPairWithAddresses();
    expect(() => connection.execute(addRoute({ dst: cidr("192.0.2.0/24"), gateway: ip("10.77.0.1") }))).toThrow(
      "cannot route add 192.0.2.0/24 via 10.77.0.1: ENETUNREACH: Nexthop has invalid gateway",
    );
  });
});

describe("neighbours", () => {
  it("are put into the table, changed and deleted", () => {
    const veth0 = addPairWithAddresses();
    const first = mac("02:00:00:00:00:04");
    connection.executeAll([
      replaceNeighbour(veth0, { ip: ip("10.1.2.4"), mac: first }),
      replaceNeighbour(veth0, { ip: ip("fd00:1::4"), mac: first, state: NUD.STALE }),
      replaceNeighbour(veth0, { ip: ip("10.1.2.4"), mac: mac("02:00:00:00:00:05") }),
    ]);
    expect(netns.ipJson("neighbour show dev veth0")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ dst: "10.1.2.4", lladdr: "02:00:00:00:00:05", state: ["PERMANENT"] }),
        expect.objectContaining({ dst: "fd00:1::4", lladdr: "02:00:00:00:00:04", state: ["STALE"] }),
      ]),
    );
    connection.execute(deleteNeighbour(veth0, ip("10.1.2.4")));
    expect(netns.ipJson("-4 neighbour show dev veth0")).toEqual([]);
  });

  it("that ip(8) adds are read, of the link that is asked for", () => {
    const veth0 = addPairWithAddresses();
    netns.ip("neighbour add 10.1.2.4 lladdr 02:00:00:00:00:04 dev veth0");
    netns.ip("neighbour add fd00:1::4 lladdr 02:00:00:00:00:06 dev veth0");
    netns.ip("neighbour add 10.1.2.5 lladdr 02:00:00:00:00:05 dev veth1");
    const expected = { device: { index: veth0.index }, state: NUD.PERMANENT, flags: 0 };
    expect(listNeighbours(connection, { family: 4, device: veth0 })).toEqual([
      { ...expected, ip: ip("10.1.2.4"), mac: mac("02:00:00:00:00:04") },
    ]);
    expect(listNeighbours(connection, { family: 6, device: veth0 })).toContainEqual({
      ...expected,
      ip: ip("fd00:1::4"),
      mac: mac("02:00:00:00:00:06"),
    });
    expect(
      listNeighbours(connection, { family: 4 })
        .map((one) => formatIp(one.ip))
        .sort(),
    ).toEqual(["10.1.2.4", "10.1.2.5"]);
  });
});
