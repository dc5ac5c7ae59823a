// IPv6 of dhcp and its daemon as they were built: with dnsmasq as router and DHCPv6 server, and with a router and a server that
// are the test.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { PATIENCE_S } from "../../engine/patience.mjs";
import { startBeside, until } from "../support/background.ts";
import { DhcpCaller, Lan, OURS, startDaemon, TestServer } from "../support/dhcp.ts";
import { type Advertising, addIpv6, dnsmasq6, HOST6, PREFIX6, TestRouter, TestServer6 } from "../support/dhcp6.ts";
import { peerDirectory } from "../support/differential.ts";
import { addressesIn, type TestNetns } from "../support/netns.ts";
import { executable, succeed } from "../support/plugin.ts";

const [SOLICIT, REQUEST, RENEW, REBIND, RELEASE, DECLINE] = [1, 3, 5, 6, 8, 9];
const IPV6 = { family: ["ipv6"] };
const BOTH = { family: ["ipv4", "ipv6"] };
const MANAGED: Advertising = { managed: true };
const PREFIX = { valid: 600, preferred: 600 };

interface KernelAddress {
  readonly local: string;
  readonly prefixlen: number;
  readonly valid_life_time: number;
}

/** The IPv6 addresses of a container's eth0 that reach beyond the link. */
function addresses6(container: TestNetns): KernelAddress[] {
  const found: { addr_info: KernelAddress[] }[] = container.ipJson("-6 address show dev eth0 scope global");
  return found.flatMap(({ addr_info: some = [] }) => some.filter(({ local }) => local !== undefined));
}

const FOR_EVER = 0xffffffff;

/** A node whose bridge, or whose interface, is connected to the network of the servers; a container without an interface on it. */
function nodeOf(lan: Lan, type: string) {
  const node = new Lan();
  lan.server.ip(`link add up0 type veth peer name up1 netns ${node.server.name}`);
  lan.server.ip("link set up0 master lan0 up");
  node.server.ip("address flush dev lan0");
  node.server.ip("link set lan0 address 02:00:00:00:00:02");
  node.server.ip(`link set up1 ${type === "bridge" ? "master lan0 " : ""}up`);
  const container = node.container();
  container.ip("link delete eth0");
  const plugin = executable(join(OURS, type), ["nsenter", `--net=${node.server.path}`]);
  return { container, plugin };
}

describe("with dnsmasq", () => {
  it.each([
    ["bridge", { bridge: "lan0" }],
    ["macvlan", { master: "up1" }],
  ])(
    "a container by %s has the address that its kernel makes, whose end and whose routes stay the router's",
    async (type, keys) => {
      const lan = new Lan();
      const router = addIpv6(lan);
      await dnsmasq6(
        lan,
        `--dhcp-range=${PREFIX6},ra-only,64,10m`,
        "--dhcp-option=option6:dns-server,[2001:db8::53]",
        "--dhcp-option=option6:domain-search,example.org",
      );
      const { socket } = await startDaemon();
      const { container, plugin } = nodeOf(lan, type);
      const ipam = { type: "dhcp", daemonSocketPath: socket, ...IPV6 };
      const config = { cniVersion: "1.1.0", name: "net", type, ...keys, ipam };
      const call = { containerId: "c1", netns: container.path, ifname: "eth0" };
      const result = succeed(plugin({ ...call, command: "ADD", config }));
      const [address] = addresses6(container);
      expect(addresses6(container)).toHaveLength(1);
      expect(address).toMatchObject({ local: expect.stringContaining("2001:db8:77:"), prefixlen: 64 });
      expect(address?.valid_life_time).toBeLessThan(FOR_EVER);
      expect(result.ips).toMatchObject([{ address: `${address?.local}/64`, gateway: router }]);
      expect(result.routes).toEqual([{ dst: "::/0", gw: router }]);
      expect(result.dns).toEqual({ nameservers: ["2001:db8::53"], search: ["example.org"] });
      const routes = container.ipJson("-6 route show default");
      expect(routes).toMatchObject([{ gateway: router, protocol: "ra", expires: expect.any(Number) }]);
      container.exec("ping", "-c1", `-W${PATIENCE_S}`, HOST6);
      succeed(plugin({ ...call, command: "CHECK", config: { ...config, prevResult: result } }));
      succeed(plugin({ ...call, command: "DEL", config: { ...config, prevResult: result } }));
      expect(readdirSync(`${socket}.leases`)).toEqual([]);
      expect(container.ipJson("link show")).toHaveLength(1);
    },
  );

  it("where routers say so, DHCPv6 gives the address, and gets it back", async () => {
    const lan = new Lan();
    const router = addIpv6(lan);
    const dnsmasq = await dnsmasq6(
      lan,
      `--dhcp-range=${PREFIX6}100,${PREFIX6}1ff,64,10m`,
      "--dhcp-option=option6:dns-server,[2001:db8::53]",
    );
    const leases = (): string[] => dnsmasq.leases().filter((line) => line.includes(` ${PREFIX6}`));
    const { socket } = await startDaemon();
    const { container, plugin } = nodeOf(lan, "macvlan");
    const ipam = { type: "dhcp", daemonSocketPath: socket, ...IPV6 };
    const config = { cniVersion: "1.1.0", name: "net", type: "macvlan", master: "up1", ipam };
    const call = { containerId: "c1", netns: container.path, ifname: "eth0" };
    const result = succeed(plugin({ ...call, command: "ADD", config }));
    expect(leases()).toHaveLength(1);
    const [address] = addresses6(container);
    expect(address?.prefixlen).toBe(128);
    expect(address?.valid_life_time).toBeLessThanOrEqual(600);
    expect(result.ips).toMatchObject([{ address: `${address?.local}/128`, gateway: router }]);
    expect(result.dns.nameservers).toEqual(["2001:db8::53"]);
    container.exec("ping", "-c1", `-W${PATIENCE_S}`, HOST6);
    succeed(plugin({ ...call, command: "CHECK", config: { ...config, prevResult: result } }));
    succeed(plugin({ ...call, command: "DEL", config: { ...config, prevResult: result } }));
    await until("dnsmasq to have no lease", () => leases().length === 0);
  });

  it("both families are got at once, given back by DEL, and by GC", async () => {
    const lan = new Lan();
    addIpv6(lan);
    const dnsmasq = await dnsmasq6(lan, `--dhcp-range=${PREFIX6}100,${PREFIX6}1ff,64,10m`);
    const leases = (): string[] => dnsmasq.leases().filter((line) => !line.startsWith("duid"));
    const { socket } = await startDaemon();
    const callers = [lan.container(), lan.container()].map((one) => new DhcpCaller(OURS, one, socket, BOTH));
    const [first, second] = callers;
    if (first === undefined || second === undefined) throw new Error("there are two");
    const results = (await Promise.all(callers.map((one) => one.start("ADD")))).map(succeed);
    expect(leases()).toHaveLength(4);
    for (const { ips, routes } of results) {
      expect(ips).toMatchObject([
        { address: expect.stringContaining("192.168.77.") },
        { address: expect.stringContaining(PREFIX6) },
      ]);
      expect(routes.map(({ dst }: { dst: string }) => dst)).toEqual(["0.0.0.0/0", "::/0"]);
    }
    succeed(first.call("CHECK", { prevResult: results[0] }));
    succeed(first.call("DEL"));
    await until("two leases to be left", () => leases().length === 2);
    succeed(second.call("GC", { "cni.dev/valid-attachments": [] }));
    await until("no lease", () => leases().length === 0);
  });

  it("both families survive kill -9 of the daemon", async () => {
    const lan = new Lan();
    addIpv6(lan);
    const dnsmasq = await dnsmasq6(lan, `--dhcp-range=${PREFIX6}100,${PREFIX6}1ff,64,10m`);
    const leases = (): string[] => dnsmasq.leases().filter((line) => !line.startsWith("duid"));
    const first = await startDaemon();
    const caller = new DhcpCaller(OURS, lan.container(), first.socket, BOTH);
    const result = succeed(await caller.start("ADD"));
    first.background.child.kill("SIGKILL");
    await first.background.ends();
    await startDaemon(OURS, [], first.socket);
    succeed(caller.call("CHECK", { prevResult: result }));
    const [address] = result.ips;
    expect(caller.call("CHECK", { prevResult: { ...result, ips: [address] } }).json.msg).toContain(PREFIX6);
    succeed(caller.call("DEL"));
    await until("no lease", () => leases().length === 0);
    expect(readdirSync(`${first.socket}.leases`)).toEqual([]);
  });

  it("a server that gives no addresses is asked for name servers", async () => {
    const lan = new Lan();
    addIpv6(lan);
    await dnsmasq6(
      lan,
      `--dhcp-range=${PREFIX6},ra-stateless,64,10m`,
      "--dhcp-option=option6:dns-server,[2001:db8::53]",
      "--dhcp-option=option6:domain-search,example.org",
    );
    const { socket } = await startDaemon();
    const result = succeed(await new DhcpCaller(OURS, lan.container(), socket, IPV6).start("ADD"));
    expect(result.ips).toMatchObject([{ address: expect.stringMatching(/^2001:db8:77:.*\/64$/) }]);
    expect(result.dns).toEqual({ nameservers: ["2001:db8::53"], search: ["example.org"] });
  });
});

/** A network whose router and whose server are the test, a daemon, and a container. */
async function begin({ ipam = IPV6, flags = [] }: { ipam?: object; flags?: readonly string[] } = {}) {
  const lan = new Lan();
  addIpv6(lan);
  const [router, server] = [new TestRouter(lan), new TestServer6(lan)];
  const daemon = await startDaemon(OURS, flags);
  const container = lan.container();
  const caller = new DhcpCaller(OURS, container, daemon.socket, { ...ipam });
  const add = caller.start("ADD");
  return { lan, router, server, daemon, container, caller, add };
}

/** Says M until the client asks for an address. */
async function solicited(
  { router, server }: Pick<Awaited<ReturnType<typeof begin>>, "router" | "server">,
  said: Advertising = MANAGED,
) {
  const found: ReturnType<TestServer6["listen"]> = [];
  await router.until("the client to solicit", said, () => {
    found.push(...server.listen());
    return found.some(({ type }) => type === SOLICIT);
  });
  const solicit = found.find(({ type }) => type === SOLICIT);
  if (solicit === undefined) throw new Error("it was there");
  return solicit;
}

/** An address given to a container by a server that is the test. */
async function bound(ip: string, times: { valid: number; t1?: number; t2?: number }) {
  const one = await begin();
  const { server } = one;
  server.answer(await solicited(one), { type: 2, ip, preference: 255, ...times });
  server.answer(await server.hear(REQUEST), { ip, ...times });
  return { ...one, result: succeed(await one.add) };
}

describe("without what it needs", () => {
  it("an ADD says that no router has been heard", async () => {
    const lan = new Lan();
    addIpv6(lan);
    const { socket } = await startDaemon(OURS, ["-resendtimeout", "6s"]);
    const { json } = await new DhcpCaller(OURS, lan.container(), socket, IPV6).start("ADD");
    expect(json).toMatchObject({ code: 999, msg: expect.stringContaining("no router advertisement has come to eth0") });
    expect(existsSync(`${socket}.leases`)).toBe(false);
  });

  it("an ADD says that routers have promised a server, and none has answered", async () => {
    const one = await begin({ flags: ["-resendtimeout", "6s"] });
    await solicited(one);
    expect((await one.add).json.msg).toContain("no DHCPv6 server has given an address");
  });

  it("an ADD says that routers have neither a prefix nor a server", async () => {
    const { router, add } = await begin({ flags: ["-resendtimeout", "6s"] });
    let isOver = false;
    void add.then(() => {
      isOver = true;
    });
    await router.until("the end", {}, () => isOver);
    expect((await add).json.msg).toContain("neither a prefix for addresses (A) nor the flag M");
  });

  it("an ADD of both families gives back what it has got of one", async () => {
    const lan = new Lan();
    addIpv6(lan);
    const dnsmasq = await lan.dnsmasq();
    const { socket } = await startDaemon(OURS, ["-resendtimeout", "6s"]);
    const caller = new DhcpCaller(OURS, lan.container(), socket, BOTH);
    const add = caller.start("ADD");
    await until("a lease of IPv4", () => dnsmasq.leases().length === 1);
    expect((await add).json.msg).toContain("no router advertisement has come to eth0");
    await until("no lease", () => dnsmasq.leases().length === 0);
    expect(readdirSync(`${socket}.leases`)).toEqual([]);
  });
});

it("a container that forwards listens to routers all the same", async () => {
  const lan = new Lan();
  addIpv6(lan);
  const router = new TestRouter(lan);
  const { socket } = await startDaemon();
  const container = lan.container();
  container.exec("bash", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding");
  const add = new DhcpCaller(OURS, container, socket, { ...IPV6, priority: 7 }).start("ADD");
  await router.until("an address", { prefix: PREFIX }, () => addressesIn(container).length === 1);
  const result = succeed(await add);
  expect(result.ips).toHaveLength(1);
  expect(result.routes).toMatchObject([{ dst: "::/0", priority: 7 }]);
  expect(container.ipJson("-6 route show default")).toMatchObject([{ metric: 7, protocol: "ra" }]);
});

it("an address of SLAAC that another station has ends the ADD, and is named", async () => {
  const lan = new Lan();
  addIpv6(lan);
  const router = new TestRouter(lan);
  const { socket } = await startDaemon();
  const [container, other] = [lan.container(), lan.container()];
  container.ip("link set eth0 address 02:00:00:00:00:77");
  other.ip(`address add ${PREFIX6}ff:fe00:77/64 dev eth0 nodad`);
  other.ip("link set eth0 up");
  const add = new DhcpCaller(OURS, container, socket, IPV6).start("ADD");
  let isOver = false;
  void add.then(() => {
    isOver = true;
  });
  await router.until("the end", { prefix: PREFIX }, () => isOver);
  expect((await add).json.msg).toMatch(/another station on the link of eth0 already has the address 2001:db8:77:.*77/);
});

describe("a lease of DHCPv6", () => {
  const IP = `${PREFIX6}60`;

  it("is renewed in time, and given back by the interface's link-local address", async () => {
    const { server, container, caller, result } = await bound(IP, { valid: 60, t1: 3 });
    expect(result.ips).toMatchObject([{ address: `${IP}/128` }]);
    const renewal = await server.hear(RENEW);
    server.answer(renewal, { ip: IP, valid: 500 });
    await until("the new lifetime", () => (addresses6(container)[0]?.valid_life_time ?? 0) > 60);
    succeed(caller.call("CHECK", { prevResult: result }));
    succeed(caller.call("DEL"));
    const release = await server.hear(RELEASE);
    expect(release.options.get(1)).toEqual(renewal.options.get(1));
    expect([...release.from.slice(8, 10)]).toEqual([0xfe, 0x80]);
    expect(addresses6(container)).toEqual([]);
  });

  it("survives kill -9 of the daemon, and is renewed by the next one", async () => {
    const { server, container, caller, daemon, result } = await bound(IP, { valid: 60, t1: 4 });
    daemon.background.child.kill("SIGKILL");
    await daemon.background.ends();
    await startDaemon(OURS, [], daemon.socket);
    server.answer(await server.hear(RENEW), { ip: IP, valid: 500 });
    await until("the new lifetime", () => (addresses6(container)[0]?.valid_life_time ?? 0) > 60);
    succeed(caller.call("CHECK", { prevResult: result }));
    succeed(caller.call("DEL"));
    await server.hear(RELEASE);
    expect(readdirSync(`${daemon.socket}.leases`)).toEqual([]);
  });

  it("is rebound by any server, ends, and another address is got", async () => {
    const { server, container } = await bound(IP, { valid: 8, t1: 2, t2: 4 });
    await server.hear(RENEW);
    const rebind = await server.hear(REBIND);
    expect(rebind.options.has(2)).toBe(false);
    await until("no address", () => addresses6(container).length === 0);
    await server.give(`${PREFIX6}61`);
    await until("another address", () => addressesIn(container).join() === `${PREFIX6}61`);
  });

  it("that the server has forgotten is asked for anew, without a moment without it", async () => {
    const { server, container } = await bound(IP, { valid: 60, t1: 2 });
    server.answer(await server.hear(RENEW), { iaStatus: 3 });
    const request = await server.hear(REQUEST);
    expect(addressesIn(container)).toEqual([IP]);
    server.answer(request, { ip: IP, valid: 500 });
    await until("the new lifetime", () => (addresses6(container)[0]?.valid_life_time ?? 0) > 60);
  });

  it("of an address that another station has is declined", async () => {
    const one = await begin();
    const { server, lan, add, container } = one;
    const other = lan.container();
    other.ip(`address add ${IP}/64 dev eth0 nodad`);
    other.ip("link set eth0 up");
    server.answer(await solicited(one), { type: 2, ip: IP, preference: 255 });
    server.answer(await server.hear(REQUEST), { ip: IP });
    await server.hear(DECLINE);
    await server.give(`${PREFIX6}61`);
    expect(succeed(await add).ips).toMatchObject([{ address: `${PREFIX6}61/128` }]);
    expect(addressesIn(container)).toEqual([`${PREFIX6}61`]);
  });

  it("comes besides the address of SLAAC where routers have both", async () => {
    const one = await begin();
    const { server, container } = one;
    server.answer(await solicited(one, { ...MANAGED, prefix: PREFIX }), { type: 2, ip: IP, preference: 255 });
    server.answer(await server.hear(REQUEST), { ip: IP });
    const { ips } = succeed(await one.add);
    expect(ips).toMatchObject([{ address: expect.stringMatching(/\/64$/) }, { address: `${IP}/128` }]);
    expect(addressesIn(container)).toHaveLength(2);
  });

  it("can't be asked for where a program of the container has the port: the ADD says so", async () => {
    const lan = new Lan();
    addIpv6(lan);
    const container = lan.container();
    const script =
      "import socket, time; s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(('::', 546)); time.sleep(3600)";
    startBeside("/usr/bin/python3", ["-c", script], { netns: container });
    await until("the port to be taken", () => container.exec("cat", "/proc/net/udp6").includes(":0222 "));
    const router = new TestRouter(lan);
    const { socket } = await startDaemon();
    const add = new DhcpCaller(OURS, container, socket, IPV6).start("ADD");
    let isOver = false;
    void add.then(() => {
      isOver = true;
    });
    await router.until("the end", MANAGED, () => isOver);
    expect((await add).json.msg).toMatch(/port 546 of eth0.*EADDRINUSE/);
  });

  it("is given up with the caller", async () => {
    const one = await begin();
    await solicited(one);
    succeed(one.caller.call("DEL"));
    expect((await one.add).status).toBe(1);
  });
});

it("a server that lies is not believed; the right one is", async () => {
  const one = await begin();
  const { server, add } = one;
  const solicit = await solicited(one);
  const wrong = (change: object): void =>
    server.answer(solicit, { type: 2, ip: `${PREFIX6}66`, preference: 255, ...change });
  wrong({ xid: solicit.xid ^ 1 });
  wrong({ clientId: Uint8Array.of(0, 4, 1) });
  wrong({ clientId: undefined });
  wrong({ serverId: undefined });
  wrong({ iaStatus: 2 });
  wrong({ status: 1 });
  wrong({ t1: 100, t2: 50 });
  wrong({ preferred: 500, valid: 100 });
  wrong({ valid: 0 });
  for (const ip of ["::", "::1", "ff02::1", "fe80::5"]) wrong({ ip });
  wrong({ associations: [] });
  const right = server.message(solicit, { type: 2, ip: `${PREFIX6}66`, preference: 255 });
  for (let length = 0; length < right.length; length += 5) server.send(solicit, right.slice(0, length));
  server.answer(solicit, { type: 2, ip: `${PREFIX6}67`, preference: 255 });
  const request = await server.hear(REQUEST);
  server.answer(request, { ip: `${PREFIX6}67`, xid: request.xid ^ 1 });
  for (let i = 0; i < 3; i++) server.answer(request, { ip: `${PREFIX6}67` });
  expect(succeed(await add).ips).toMatchObject([{ address: `${PREFIX6}67/128` }]);
});

it("a daemon that does not know of families is told from ours", async () => {
  const lan = new Lan();
  await lan.dnsmasq();
  const { socket } = await startDaemon(peerDirectory());
  const { json } = new DhcpCaller(OURS, lan.container(), socket, BOTH).call("ADD");
  expect(json.msg).toContain("has given no address of ipv6");
});

it("the configuration without a family is refused, and IPv4 alone is upstream's", async () => {
  const lan = new Lan();
  const { socket } = await startDaemon();
  const container = lan.container();
  const { json } = new DhcpCaller(OURS, container, socket, { family: [] }).call("ADD");
  expect(json).toMatchObject({ code: 7, msg: expect.stringContaining("ipam.family") });
  const server = new TestServer(lan);
  const add = new DhcpCaller(OURS, container, socket).start("ADD");
  await server.give("192.168.77.60");
  expect(succeed(await add).ips).toHaveLength(1);
});
