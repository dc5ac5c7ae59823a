// The client of one interface, in the kernel's namespaces, with a loop that the test drives.

import { expect, it, onTestFinished } from "vitest";
import { type Client, Keeper, type Keeping } from "../../src/dhcp/keeper.ts";
import { findInterface } from "../../src/dhcp/packet-link.ts";
import type { LeaseRecord } from "../../src/dhcp/records.ts";
import { EPOLL } from "../../src/sys/epoll.ts";
import { receivePacket } from "../../src/sys/packet-socket.ts";
import { Lan, TestServer } from "../support/dhcp.ts";
import type { TestNetns } from "../support/netns.ts";
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
      chaddr: where.mac,
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
  return { keeper, loop, written, logged, hasEnded: () => hasEnded };
}

/** The descriptor that the loop watches, which is the keeper's. */
function watched({ handlers }: WatchedLoop): number {
  expect(handlers.size).toBe(1);
  return [...handlers.keys()][0] ?? -1;
}

it("takes up to 16 packets in a turn, and leaves the rest for the next one", async () => {
  const lan = new Lan();
  const server = new TestServer(lan);
  const { keeper, loop } = keeperOf(lan.container());
  keeper.search(60_000);
  const fd = watched(loop);
  const packet = server.packet(await server.hear(1), { type: 2, ip: "192.168.77.60", xid: 7 });
  for (let i = 0; i < 40; i++) server.send(packet);
  loop.ready(fd, EPOLL.IN);
  let left = 0;
  while (receivePacket("count", fd, new Uint8Array(2048)) !== undefined) left++;
  expect(left).toBe(40 - 16);
});
