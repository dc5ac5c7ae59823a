// The client of one interface, in the kernel's namespaces, with a loop that the test drives.

import { closeSync, openSync, readdirSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { findInterface } from "../../src/dhcp/interface.ts";
import { type Client, Keeper, type Keeping } from "../../src/dhcp/keeper.ts";
import { PacketLink } from "../../src/dhcp/packet-link.ts";
import type { LeaseRecord } from "../../src/dhcp/records.ts";
import { engine } from "../../src/sys/engine.ts";
import { EPOLL } from "../../src/sys/epoll.ts";
import { receivePacket } from "../../src/sys/packet-socket.ts";
import { until } from "../support/background.ts";
import { type Heard, Lan, TestServer } from "../support/dhcp.ts";
import { addressesIn, poll, run, type TestNetns } from "../support/netns.ts";
import { WatchedLoop } from "../support/watched-loop.ts";

/** A keeper for the container's eth0, and what it has told the daemon. */
function keeperOf(container: TestNetns) {
  const loop = new WatchedLoop();
  const written: LeaseRecord[] = [];
  const logged: string[] = [];
  let hasEnded = false;
  const daemon: Keeping = {
    loop,
    random: () => 0.5,
    buffer: new Uint8Array(9216),
    log: (line) => logged.push(line),
    write: (record) => written.push(record),
    ended: () => {
      hasEnded = true;
    },
  };
  const where = findInterface(container.path, "eth0");
  const client: Client = {
    attachment: { network: "net", containerId: "c1", ifname: "eth0" },
    netns: container.path,
    where,
    settings: {
      clientId: Uint8Array.of(0, 1, 2),
      request: [1, 3],
      provide: new Map(),
      broadcast: false,
      probes: true,
      firstMs: 10_000,
      resendMaxMs: 60_000,
    },
    priority: 0,
    interfaceMtu: false,
  };
  const keeper = new Keeper(daemon, client);
  onTestFinished(() => {
    if (!hasEnded) keeper.drop("the test is over");
  });
  return { keeper, client, loop, written, logged, hasEnded: () => hasEnded };
}

/** The descriptor that the loop watches, which is the keeper's. */
function watched({ handlers }: WatchedLoop): number {
  expect(handlers.size).toBe(1);
  return [...handlers.keys()][0] ?? -1;
}

/** Tells the keeper of packets until something holds: they take a moment through the bridge. */
async function readyUntil(loop: WatchedLoop, what: string, holds: () => boolean): Promise<void> {
  await until(what, () => {
    for (const fd of loop.handlers.keys()) loop.ready(fd, EPOLL.IN);
    return holds();
  });
}

const LEASE_S = 120;

/** A keeper that has got 192.168.77.60 for two minutes, and has nothing open. */
async function boundKeeper() {
  const lan = new Lan();
  const server = new TestServer(lan);
  const container = lan.container();
  const one = keeperOf(container);
  const { keeper, loop, written } = one;
  keeper.wait(() => undefined);
  keeper.search();
  server.answer(await server.hear(1), { type: 2, ip: "192.168.77.60" });
  await readyUntil(loop, "the offer to be taken", () => server.listen().some(({ type }) => type === 3));
  const request = server.heard.find(({ type }) => type === 3);
  if (request === undefined) throw new Error("there is no request");
  server.answer(request, { type: 5, ip: "192.168.77.60", seconds: LEASE_S });
  await readyUntil(loop, "the lease", () => {
    loop.pass(30); // longer than the probe is waited for
    return written.length === 1;
  });
  expect(loop.handlers.size).toBe(0);
  return { ...one, lan, server, container };
}

it("takes up to 16 packets in a turn, and leaves the rest for the next one", async () => {
  const lan = new Lan();
  const server = new TestServer(lan);
  const { keeper, loop } = keeperOf(lan.container());
  keeper.search();
  const fd = watched(loop);
  const packet = server.packet(await server.hear(1), { type: 2, ip: "192.168.77.60", xid: 7 });
  for (let i = 0; i < 40; i++) server.send(packet);
  loop.ready(fd, EPOLL.IN);
  let left = 0;
  while (receivePacket("count", fd, new Uint8Array(2048)) !== undefined) left++;
  expect(left).toBe(40 - 16);
});

it("keeps the lease when a chained plugin has changed the MAC address, and says the new one", async () => {
  const { server, container, loop, written, hasEnded } = await boundKeeper();
  container.ip("link set eth0 address 02:00:00:00:00:99");
  loop.pass(LEASE_S * 500);
  const renewal = await server.hear(3);
  expect([...renewal.chaddr]).toEqual([2, 0, 0, 0, 0, 0x99]);
  expect(renewal.ciaddr).toBe("192.168.77.60");
  server.answer(renewal, { type: 5, ip: "192.168.77.60", seconds: LEASE_S });
  await readyUntil(loop, "the renewal", () => written.length === 2);
  expect(hasEnded()).toBe(false);
});

it("leaves another container alone that has got the path of the lease's namespace meanwhile", async () => {
  const { lan, server, container, loop, logged } = await boundKeeper();
  const other = lan.container();
  other.ip("address add 192.168.77.60/24 dev eth0");
  loop.pass(LEASE_S * 500);
  const renewal = await server.hear(3);
  // The exchange has been begun in the old namespace.
  run("mount", "--bind", other.path, container.path);
  onTestFinished(() => void run("umount", container.path));
  server.answer(renewal, { type: 5, ip: "192.168.77.61", seconds: LEASE_S });
  await readyUntil(loop, "the keeper to be told", () => loop.handlers.size === 0);
  expect(addressesIn(other)).toEqual(["192.168.77.60"]);
  expect(logged.join()).toContain("192.168.77.61");
});

it("gives up the port at an address that the server has taken back", async () => {
  const { server, container, loop } = await boundKeeper();
  container.ip("address add 192.168.77.60/24 dev eth0");
  const hasPort = (): boolean => container.exec("cat", "/proc/net/udp").includes(":0044 ");
  loop.pass(LEASE_S * 500);
  expect(hasPort()).toBe(true);
  server.answer(await server.hear(3), { type: 6, ip: "0.0.0.0" });
  await readyUntil(loop, "the search for another address", () => server.listen().some(({ type }) => type === 1));
  expect(hasPort()).toBe(false);
});

describe("of the network's ARP", () => {
  const SOMEBODY = [2, 0, 0, 0, 0, 0x77];

  /** What the kernel has let through, after a packet that it always lets through. */
  function heard(server: TestServer, link: PacketLink, to: Heard): (string | undefined)[] {
    server.answer(to, { type: 2, ip: "192.168.77.60" });
    const events: (string | undefined)[] = [];
    poll("the last packet", () => {
      const event = link.receive(new Uint8Array(2048));
      if (event !== undefined) events.push(event === "other" ? event : event.kind);
      return event !== undefined && event !== "other" && event.kind === "reply";
    });
    return events;
  }

  it("only what is said of the address that was probed for is heard", async () => {
    const lan = new Lan();
    const server = new TestServer(lan);
    const container = lan.container();
    const { keeper, client } = keeperOf(container);
    keeper.search();
    const discover = await server.hear(1);
    const link = new PacketLink(client.where, undefined);
    onTestFinished(() => link.close());
    const claimBoth = (): void => {
      for (const ip of ["192.168.77.60", "192.168.77.61"]) server.claim(ip, SOMEBODY);
    };
    claimBoth();
    expect(heard(server, link, discover)).toEqual(["reply"]);
    link.probe(Uint8Array.of(192, 168, 77, 60));
    claimBoth();
    expect(heard(server, link, discover)).toEqual(["claim", "reply"]);
    server.claim("192.168.77.60", [...discover.chaddr]);
    expect(heard(server, link, discover)).toEqual(["other", "reply"]);
  });
});

it("leaves no descriptor open, whichever one can't be had", async () => {
  const { container, client } = await boundKeeper();
  container.ip("address add 192.168.77.60/24 dev eth0");
  const descriptors = (): string[] => readdirSync("/proc/self/fd");
  const openLink = (): void => new PacketLink(client.where, Uint8Array.of(192, 168, 77, 60)).close();
  const before = descriptors();
  const most = Math.max(...before.map(Number));
  // The first numbers that are free are taken first: up to `most` there are some.
  const fillers = Array.from({ length: most + 1 - before.length }, () => openSync("/dev/null", "r"));
  onTestFinished(() => fillers.forEach(closeSync));
  const filled = descriptors().length;
  const outcomes = new Set<string>();
  for (let room = 0; room < 8; room++) {
    const limit = limitDescriptors(BigInt(most + 1 + room));
    try {
      openLink();
      outcomes.add("open");
    } catch (error) {
      expect(error).toMatchObject({ code: "EMFILE" });
      outcomes.add("failed");
    } finally {
      limitDescriptors(limit);
    }
    expect(descriptors()).toHaveLength(filled);
  }
  expect([...outcomes]).toEqual(["failed", "open"]);
});

/** Sets how many descriptors this process may have, and returns how many that were. */
function limitDescriptors(most: bigint): bigint {
  const [prlimit64, RLIMIT_NOFILE] = [engine.arch === "x64" ? 302 : 261, 7]; // include/uapi/asm-generic/resource.h
  const [before, limit] = [new BigUint64Array(2), new BigUint64Array(2)]; // struct rlimit64 { __u64 rlim_cur, rlim_max; }
  const bytesOf = ({ buffer }: BigUint64Array<ArrayBuffer>): Uint8Array => new Uint8Array(buffer);
  expect(engine.syscall(prlimit64, 0, RLIMIT_NOFILE, 0, bytesOf(before))).toBe(0);
  limit.set([most, before[1] ?? 0n]);
  expect(engine.syscall(prlimit64, 0, RLIMIT_NOFILE, bytesOf(limit), 0)).toBe(0);
  return before[0] ?? 0n;
}
