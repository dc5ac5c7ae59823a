// What containers with "ipMasqOptions" talk to: the host outside has addresses of many kinds, and knows a way back to the
// containers, so that packets which keep their source are answered, too.

import { type Family, familyOf } from "../../../src/wire/ip.ts";
import { run, type TestNetns } from "../../support/netns.ts";
import { type Endpoint, ipOf, Socket } from "../../support/sockets.ts";
import { becomeNode, leftovers, NODE, OUTSIDE } from "../masquerade/node.ts";
import { type Attached, addressesOf, DUAL, type Json, networkOf, type Type } from "../masquerade/runtime.ts";
import { type Protocol, seenFrom } from "../masquerade/traffic.ts";

/** One destination of each kind and family; IPv6 routers forward nothing to link-local addresses. */
export const PRIVATE = { 4: "10.9.1.1", 6: "fd99:1::1" } as const;
export const PRIVATE_TOO = { 4: "10.9.2.1", 6: "fd99:2::1" } as const;
export const LINK_LOCAL = "169.254.7.7";
export const RESERVED = { 4: "100.64.7.7", 6: "100::7" } as const;
export const PUBLIC = { 4: "8.8.8.8", 6: "2600::8" } as const;

/** The link to the same host over which only these are reached. */
export const SECOND = "uplink2";
export const NODE_SECOND = { 4: "198.51.100.1", 6: "2001:db8:1::1" } as const;
export const BEYOND_SECOND = { 4: "8.8.4.4", 6: "2600:1::4" } as const;

/** Makes this thread a node between containers and that host; call it once, in beforeAll. */
export function becomeNodeInWorld(): TestNetns {
  const outside = becomeNode();
  const kinds = [PRIVATE, PRIVATE_TOO, RESERVED, PUBLIC, BEYOND_SECOND];
  const addresses = [...kinds.flatMap((kind) => [kind[4], kind[6]]), LINK_LOCAL];
  for (const address of addresses) outside.ip(`address add ${address} dev lo`);
  outside.ip(`route add 198.18.0.0/15 via ${NODE[4]}`);
  outside.ip(`route add fd61:7465:6d65::/48 via ${NODE[6]}`);
  run("ip", "route", "add", "default", "via", OUTSIDE[4]);
  run("ip", "route", "add", "default", "via", OUTSIDE[6]);
  connectSecond(outside);
  // Neighbours of forwarded packets are asked for from link-local addresses, and those the kernel makes are not ready yet.
  for (const link of ["uplink", SECOND]) run("ip", "address", "add", "fe80::1/64", "dev", link, "nodad");
  for (const link of ["eth0", "eth1"]) outside.ip(`address add fe80::2/64 dev ${link} nodad`);
  return outside;
}

function connectSecond(outside: TestNetns): void {
  run("ip", "link", "add", SECOND, "type", "veth", "peer", "name", "eth1", "netns", outside.name);
  run("ip", "address", "add", `${NODE_SECOND[4]}/24`, "dev", SECOND);
  run("ip", "address", "add", `${NODE_SECOND[6]}/64`, "dev", SECOND, "nodad");
  outside.ip("address add 198.51.100.2/24 dev eth1");
  outside.ip("address add 2001:db8:1::2/64 dev eth1 nodad");
  run("ip", "link", "set", SECOND, "up");
  outside.ip("link set eth1 up");
  run("ip", "route", "add", BEYOND_SECOND[4], "via", "198.51.100.2");
  run("ip", "route", "add", BEYOND_SECOND[6], "via", "2001:db8:1::2");
}

/** What attachments have left, but for the second link, and for last good lists of files, which are kept until they change. */
export function left(): string[] {
  return leftovers().filter((one) => one !== `link ${SECOND}` && !one.startsWith("/run/bauta/lists/"));
}

/** A network of its own, of either family, masqueraded with these options. */
export function networkWith(type: Type, ipMasqOptions: Json, more: object = {}): Json {
  return networkOf(type, DUAL, { ipMasqOptions, ...more });
}

/** The container's address of the family. */
export function addressOf({ result }: Attached, family: Family): string {
  const address = addressesOf(result).find((one) => familyOf(ipOf(one)) === family);
  if (address === undefined) throw new Error(`the container has no IPv${family} address`);
  return address;
}

/** What the host outside sees when the container talks to one of its addresses: the container's own address, or another. */
export function seenAt(attached: Attached, outside: TestNetns, to: string, protocol: Protocol = "udp"): string {
  const own = addressOf(attached, familyOf(ipOf(to)));
  const seen = seenFrom(attached.container, own, outside, to, protocol);
  return seen === own ? "its own" : seen;
}

const PORT = 7778;

/** The same, with the port; `port` is the container's, any if it is 0. */
export function endpointAt(
  attached: Attached,
  outside: TestNetns,
  to: string,
  protocol: "tcp" | "udp",
  port = 0,
): Endpoint {
  const family = familyOf(ipOf(to));
  const type = protocol === "tcp" ? "stream" : "datagram";
  const sockets = [Socket.open(outside, family, type), Socket.open(attached.container, family, type)] as const;
  const [server, client] = sockets;
  try {
    server.bind({ address: to, port: PORT });
    if (protocol === "tcp") server.listen();
    client.bind({ address: addressOf(attached, family), port }).connect({ address: to, port: PORT });
    return protocol === "tcp" ? overTcp(server, client) : overUdp(server, client);
  } finally {
    for (const socket of sockets) socket.close();
  }
}

function overTcp(server: Socket, client: Socket): Endpoint {
  const { endpoint, socket } = server.accept();
  socket.send("hello");
  client.receive();
  socket.close();
  return endpoint;
}

function overUdp(server: Socket, client: Socket): Endpoint {
  client.send("who am I?");
  const { endpoint } = server.receive();
  server.send("you", endpoint);
  client.receive();
  return endpoint;
}
