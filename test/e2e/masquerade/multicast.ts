// Multicast from a container through the node: the node forwards it by a route that a socket of ours holds, as a
// multicast routing daemon would.

import { type Family, familyOf } from "../../../src/wire/ip.ts";
import type { TestNetns } from "../../support/netns.ts";
import { ipOf, Socket, socketAddress, uint32 } from "../../support/sockets.ts";

const IPPROTO = { IP: 0, IGMP: 2, ICMPV6: 58, IPV6: 41 } as const;
const LEVEL: Record<Family, number> = { 4: IPPROTO.IP, 6: IPPROTO.IPV6 };

// include/uapi/linux/mroute.h and mroute6.h; the numbers are the same
const MRT = { INIT: 200, ADD_VIF: 202, ADD_MFC: 204 } as const;
const VIFF_USE_IFINDEX = 8;

// include/uapi/linux/in.h, in6.h
const MULTICAST_IF = { 4: 32, 6: 17 } as const;
const MULTICAST_HOPS = { 4: 33, 6: 18 } as const;
const JOIN_GROUP = { 4: 35, 6: 20 } as const;

const PORT = 7778;

/** The routing socket of the node, with two interfaces: 0, where packets come from, and 1, where they go. */
export function openMulticastRouter(family: Family, from: number, to: number): Socket {
  const router = Socket.openOnNode(family, "raw", family === 4 ? IPPROTO.IGMP : IPPROTO.ICMPV6);
  router.set(LEVEL[family], MRT.INIT, uint32(1));
  for (const [vif, ifindex] of [from, to].entries())
    router.set(LEVEL[family], MRT.ADD_VIF, interfaceOf(family, vif, ifindex));
  return router;
}

/** struct vifctl or mif6ctl. */
function interfaceOf(family: Family, vif: number, ifindex: number): Uint8Array {
  const bytes = new Uint8Array(family === 4 ? 16 : 12);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, vif, true);
  view.setUint8(2, family === 4 ? VIFF_USE_IFINDEX : 0);
  view.setUint8(3, 1); // the least TTL
  if (family === 4) view.setUint32(8, ifindex, true);
  else view.setUint16(4, ifindex, true);
  return bytes;
}

/** Forwards what comes from this address to the group. */
export function addMulticastRoute(router: Socket, origin: string, group: string): void {
  router.set(LEVEL[router.family], MRT.ADD_MFC, router.family === 4 ? route4(origin, group) : route6(origin, group));
}

/** struct mfcctl: origin, group, parent interface, then a least TTL for each of 32 interfaces. */
function route4(origin: string, group: string): Uint8Array {
  const bytes = new Uint8Array(60);
  bytes.set(ipOf(origin), 0);
  bytes.set(ipOf(group), 4);
  bytes.fill(255, 10, 42);
  bytes[11] = 1;
  return bytes;
}

/** struct mf6cctl: origin, group, parent interface, then a bit for each of 256 interfaces. */
function route6(origin: string, group: string): Uint8Array {
  const bytes = new Uint8Array(92);
  bytes.set(socketAddress({ address: origin, port: 0 }), 0);
  bytes.set(socketAddress({ address: group, port: 0 }), 28);
  bytes[60] = 1 << 1;
  return bytes;
}

/** Sends to the group from one of a container's addresses; returns the source that a member elsewhere sees. */
export function seenByMember(container: TestNetns, source: string, there: TestNetns, group: string): string {
  const family = familyOf(ipOf(source));
  const member = Socket.open(there, family, "datagram").bind({ address: group, port: PORT });
  const sender = Socket.open(container, family, "datagram").bind({ address: source, port: 0 });
  try {
    member.set(LEVEL[family], JOIN_GROUP[family], membership(group, ifindexOf(there)));
    sender.set(LEVEL[family], MULTICAST_IF[family], outgoing(family, ifindexOf(container)));
    sender.set(LEVEL[family], MULTICAST_HOPS[family], uint32(8));
    sender.send("to all", { address: group, port: PORT });
    return member.receive().from;
  } finally {
    member.close();
    sender.close();
  }
}

/** Index of eth0. */
function ifindexOf(netns: TestNetns): number {
  return netns.ipJson("link show eth0")[0].ifindex;
}

/** struct ip_mreqn or ipv6_mreq. */
function membership(group: string, ifindex: number): Uint8Array {
  const ip = ipOf(group);
  return Uint8Array.from([...ip, ...(ip.length === 4 ? [0, 0, 0, 0] : []), ...uint32(ifindex)]);
}

function outgoing(family: Family, ifindex: number): Uint8Array {
  return family === 6 ? uint32(ifindex) : Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, ...uint32(ifindex)]);
}
