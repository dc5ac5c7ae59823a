// Packets from a container's address to the host outside, and whom that sees.

import { PATIENCE_S } from "../../../engine/patience.mjs";
import { type Family, familyOf } from "../../../src/wire/ip.ts";
import type { TestNetns } from "../../support/netns.ts";
import { ipOf, Socket } from "../../support/sockets.ts";
import { OUTSIDE } from "./node.ts";

export type Protocol = "tcp" | "udp" | "icmp";
export const PROTOCOLS: readonly Protocol[] = ["tcp", "udp", "icmp"];

const PORT = 7777;
const ICMP = { 4: { protocol: 1, echoRequest: 8 }, 6: { protocol: 58, echoRequest: 128 } } as const;

/** Sends from one of a container's addresses to an address elsewhere; returns the source that is seen there. */
export function seenFrom(
  container: TestNetns,
  source: string,
  there: TestNetns,
  to: string,
  protocol: Protocol,
): string {
  if (protocol === "tcp") return seenByTcp(container, source, there, to);
  return protocol === "udp" ? seenByUdp(container, source, there, to) : seenByPing(container, source, there, to);
}

/** The same with the host outside as the destination. */
export function seenOutside(container: TestNetns, source: string, outside: TestNetns, protocol: Protocol): string {
  return seenFrom(container, source, outside, OUTSIDE[familyOf(ipOf(source))], protocol);
}

/** The source that the host outside sees of one datagram. No answer is asked for. */
export function seenOneWay(container: TestNetns, source: string, outside: TestNetns): string {
  const to = { address: OUTSIDE[familyOf(ipOf(source))], port: PORT };
  return withSockets(source, "datagram", container, outside, (client, server) => {
    server.bind(to);
    client.bind({ address: source, port: 0 }).send("it is me", to);
    return server.receive().from;
  });
}

/** Bytes go both ways. */
function seenByTcp(container: TestNetns, source: string, there: TestNetns, to: string): string {
  return withSockets(source, "stream", container, there, (client, server) => {
    server.bind({ address: to, port: PORT }).listen();
    client.bind({ address: source, port: 0 }).connect({ address: to, port: PORT });
    const { from, socket } = server.accept();
    socket.send("hello");
    const { bytes } = client.receive();
    socket.close();
    if (bytes.length !== 5) throw new Error(`${source} got ${bytes.length} bytes over TCP, not 5`);
    return from;
  });
}

function seenByUdp(container: TestNetns, source: string, there: TestNetns, to: string): string {
  return withSockets(source, "datagram", container, there, (client, server) => {
    server.bind({ address: to, port: PORT });
    client.bind({ address: source, port: 0 }).connect({ address: to, port: PORT });
    client.send("who am I?");
    const { from, endpoint } = server.receive();
    server.send(from, endpoint);
    client.receive();
    return from;
  });
}

/** ping(8) is answered, and a raw socket sees its request. */
function seenByPing(container: TestNetns, source: string, there: TestNetns, to: string): string {
  const family = familyOf(ipOf(source));
  const { protocol, echoRequest } = ICMP[family];
  const listener = Socket.open(there, family, "raw", protocol);
  try {
    container.exec("ping", "-n", "-q", "-c1", `-W${PATIENCE_S}`, "-I", source, to);
    for (;;) {
      const { from, bytes } = listener.receive();
      if (bytes[icmpOffset(family, bytes)] === echoRequest) return from;
    }
  } finally {
    listener.close();
  }
}

/** Raw IPv4 sockets give the IP header, too (raw(7)). */
function icmpOffset(family: Family, bytes: Uint8Array): number {
  return family === 4 ? ((bytes[0] ?? 0) & 15) * 4 : 0;
}

function withSockets<T>(
  source: string,
  type: "stream" | "datagram",
  from: TestNetns,
  to: TestNetns,
  use: (client: Socket, server: Socket) => T,
): T {
  const family = familyOf(ipOf(source));
  const client = Socket.open(from, family, type);
  const server = Socket.open(to, family, type);
  try {
    return use(client, server);
  } finally {
    client.close();
    server.close();
  }
}
