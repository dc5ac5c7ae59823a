// The tests' own sockets: what a signal does to them differs from one build of Node.js to the next.

import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { errno } from "../../src/sys/errno.ts";
import { makeNetns, requireNamespaces, type TestNetns } from "../support/netns.ts";
import { Socket } from "../support/sockets.ts";

beforeAll(() => requireNamespaces());

function loopback(): TestNetns {
  const netns = makeNetns();
  onTestFinished(() => netns.remove());
  netns.ip("link set lo up");
  return netns;
}

/** Runs `work` with the first system call of each number interrupted by a signal before it has begun. */
function interrupted<T>(work: () => T): T {
  const { bautaEngine } = globalThis;
  const original = bautaEngine.syscall;
  const seen = new Set<number>();
  bautaEngine.syscall = (number, ...args) => {
    if (seen.has(number)) return original(number, ...args);
    seen.add(number);
    return -errno("EINTR");
  };
  try {
    return work();
  } finally {
    bautaEngine.syscall = original;
  }
}

describe("a test's socket", () => {
  it.each(["127.0.0.1", "::1"])("makes each call again that a signal interrupts: %s", (address) => {
    const netns = loopback();
    const family = address.includes(":") ? 6 : 4;
    const server = Socket.open(netns, family, "stream");
    const client = Socket.open(netns, family, "stream");
    const text = interrupted(() => {
      server.bind({ address, port: 7777 }).listen();
      client.bind({ address, port: 0 }).connect({ address, port: 7777 });
      const { socket } = server.accept();
      socket.send("hello");
      const { bytes } = client.receive();
      for (const one of [socket, client, server]) one.close();
      return Buffer.from(bytes).toString();
    });
    expect(text).toBe("hello");
  });
});
