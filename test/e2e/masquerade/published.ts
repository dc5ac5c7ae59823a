// Ports of a container that are published on the node.

import { expect } from "vitest";
import { familyOf } from "../../../src/wire/ip.ts";
import { addressesIn, type TestNetns } from "../../support/netns.ts";
import { ipOf, Socket } from "../../support/sockets.ts";
import { NODE, OUTSIDE } from "./node.ts";

export interface Published {
  readonly protocol: "tcp" | "udp";
  /** The port on the node. */
  readonly hostPort: number;
  readonly containerPort: number;
}

/**
 * Bytes come through to the container and back, in both families: from the host outside, whose address the container sees, from
 * the node by its own address and, in IPv4, by 127.0.0.1.
 */
export function expectPublished(container: TestNetns, outside: TestNetns, published: Published): void {
  for (const address of addressesIn(container)) {
    const family = familyOf(ipOf(address));
    const listening = { address, port: published.containerPort };
    const exchange = published.protocol === "tcp" ? exchangeByTcp : exchangeByUdp;
    const type = published.protocol === "tcp" ? "stream" : "datagram";
    const server = Socket.open(container, family, type).bind(listening);
    if (type === "stream") server.listen();
    const seenFrom = (client: Socket, to: string): string => {
      try {
        return exchange(client.connect({ address: to, port: published.hostPort }), server);
      } finally {
        client.close();
      }
    };
    try {
      expect(seenFrom(Socket.open(outside, family, type), NODE[family])).toBe(OUTSIDE[family]);
      expect(seenFrom(Socket.openOnNode(family, type), NODE[family])).not.toBe("");
      if (family === 4) expect(seenFrom(Socket.openOnNode(family, type), "127.0.0.1")).not.toMatch(/^127\./);
    } finally {
      server.close();
    }
  }
}

/** Returns whom the server has seen. */
function exchangeByTcp(client: Socket, server: Socket): string {
  client.send("hello");
  const { from, socket } = server.accept();
  expect(socket.receive().bytes).toHaveLength(5);
  socket.send("welcome");
  expect(client.receive().bytes).toHaveLength(7);
  socket.close();
  return from;
}

function exchangeByUdp(client: Socket, server: Socket): string {
  client.send("hello");
  const { from, endpoint, bytes } = server.receive();
  expect(bytes).toHaveLength(5);
  server.send("welcome", endpoint);
  expect(client.receive().bytes).toHaveLength(7);
  return from;
}
