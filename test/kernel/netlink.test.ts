// The netlink socket against the kernel: namespaces, long dumps, lists that change while they are read, events.

import { readlinkSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Connection } from "../../src/netlink/connection.ts";
import { NetlinkError, NetlinkProtocolError } from "../../src/netlink/error.ts";
import { readMessages } from "../../src/netlink/message.ts";
import { NetlinkSocket, type Transport } from "../../src/netlink/transport.ts";
import { NETLINK, NLM_F } from "../../src/netlink/uapi.ts";
import { addAddress, listAddresses } from "../../src/rtnetlink/address.ts";
import { addLink, decodeLink, deleteLink, getLink } from "../../src/rtnetlink/link.ts";
import { RTM, RTNLGRP } from "../../src/rtnetlink/uapi.ts";
import { inNetns, isOwnNetns, openNetns } from "../../src/sys/netns.ts";
import { POLL, poll as pollFd } from "../../src/sys/poll.ts";
import { ensureSysctl, readSysctl } from "../../src/sys/sysctl.ts";
import { startBeside } from "../support/background.ts";
import { makeNetns, poll, type TestNetns } from "../support/netns.ts";

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

const LOOPBACK = { index: 1, name: "lo" };

/** 10.x.y.z/32, the nth of many. */
const address = (n: number): { ip: Uint8Array; prefixLength: number } => ({
  ip: Uint8Array.of(10, (n >> 16) & 0xff, (n >> 8) & 0xff, n & 0xff),
  prefixLength: 32,
});

describe("namespaces", () => {
  it("a socket stays in the namespace that it was opened in, and this thread in its own", () => {
    const before = readlinkSync("/proc/thread-self/ns/net");
    connection.execute(addLink({ name: "br0", info: { kind: "bridge" } }));
    expect(readlinkSync("/proc/thread-self/ns/net")).toBe(before);
    const here = Connection.open(NETLINK.ROUTE);
    expect(getLink(here, "br0")).toBeUndefined();
    here.close();
    expect(netns.ipJson("link show dev br0")[0].ifname).toBe("br0");
  });

  it("a namespace is opened by its path, told from the own one, and its parameters reached inside", () => {
    const fd = openNetns(netns.path);
    expect(isOwnNetns(netns.path)).toBe(false);
    const outside = readSysctl("net/ipv4/ip_forward");
    inNetns(fd, () => {
      expect(isOwnNetns(netns.path)).toBe(true);
      ensureSysctl("net/ipv4/ip_forward", "1");
      ensureSysctl("net/ipv4/conf/lo/rp_filter", "2");
    });
    expect(netns.exec("cat", "/proc/sys/net/ipv4/ip_forward")).toBe("1\n");
    expect(netns.exec("cat", "/proc/sys/net/ipv4/conf/lo/rp_filter")).toBe("2\n");
    expect(readSysctl("net/ipv4/ip_forward")).toBe(outside);
    expect(isOwnNetns("/proc/self/ns/net")).toBe(true);
  });

  it("the way back is taken when what runs inside throws", () => {
    const before = readlinkSync("/proc/thread-self/ns/net");
    const fail = (): never => {
      throw new Error("stop");
    };
    expect(() => inNetns(netns.fd, fail)).toThrow("stop");
    expect(readlinkSync("/proc/thread-self/ns/net")).toBe(before);
  });
});

describe("many requests", () => {
  it("in one send are each carried out, and the first refusal is thrown after all have been tried", () => {
    const requests = [
      addAddress(LOOPBACK, address(1)),
      addAddress(LOOPBACK, address(1)),
      addAddress(LOOPBACK, address(2)),
    ];
    expect(() => connection.executeAll(requests)).toThrow(NetlinkError);
    expect(() => connection.executeAll(requests)).toThrow("cannot address add 10.0.0.1/32 dev lo: EEXIST");
    expect(listAddresses(connection)).toHaveLength(2);
    const acks = connection.tryAll([addAddress(LOOPBACK, address(3)), addAddress(LOOPBACK, address(2))]);
    expect(acks.map(({ errno }) => errno)).toEqual([0, 17]);
  });

  it("a list of thousands comes whole, in many datagrams", () => {
    const count = 3000;
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    // An acknowledgement of each must fit into the receive buffer.
    for (let at = 0; at < count; at += 100) {
      connection.executeAll(numbers.slice(at, at + 100).map((n) => addAddress(LOOPBACK, address(n))));
    }
    const found = listAddresses(connection, { device: LOOPBACK, family: 4 });
    expect(new Set(found.map(({ ip }) => ip.join("."))).size).toBe(count);
    expect(netns.ipJson("-4 address show dev lo")[0].addr_info).toHaveLength(count);
  });
});

/** A socket that counts the messages by which the kernel says that a list changed while it was read. */
class Counting implements Transport {
  interruptions = 0;
  readonly #socket: NetlinkSocket;

  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  send(datagram: Uint8Array): void {
    this.#socket.send(datagram);
  }

  receive(wait: boolean): Uint8Array | undefined {
    const datagram = this.#socket.receive(wait);
    const messages = datagram === undefined ? [] : readMessages(datagram);
    if (messages.some(({ flags }) => (flags & NLM_F.DUMP_INTR) !== 0)) this.interruptions++;
    return datagram;
  }

  close(): void {
    this.#socket.close();
  }
}

it("a list that changes while it is read is read again until it is whole", () => {
  const stable = Array.from({ length: 500 }, (_, i) => addAddress(LOOPBACK, address(i + 1)));
  for (let at = 0; at < stable.length; at += 100) connection.executeAll(stable.slice(at, at + 100));
  const counting = new Counting(new NetlinkSocket(NETLINK.ROUTE, { netns: netns.fd }));
  const reader = new Connection(counting);
  // One program, for a node with one processor, where starting them one after the other makes too few changes.
  const change = "address add 192.0.2.1/32 dev lo\naddress del 192.0.2.1/32 dev lo";
  startBeside("bash", ["-c", 'exec ip -batch <(exec yes "$1") >/dev/null', "bash", change], { netns });
  try {
    poll("an interrupted list", () => {
      const found = unlessTooRestless(() => listAddresses(reader, { family: 4 }))?.filter(({ ip }) => ip[0] === 10);
      if (found === undefined) return false;
      expect(new Set(found.map(({ ip }) => ip.join("."))).size).toBe(stable.length);
      expect(found).toHaveLength(stable.length);
      return counting.interruptions > 0;
    });
  } finally {
    reader.close();
  }
});

/** Undefined where changes have come so fast that the reader gave up, which is for another test. */
function unlessTooRestless<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NetlinkProtocolError) return undefined;
    throw error;
  }
}

describe("events", () => {
  it("are heard by who listens to their group, and say what happened", () => {
    const listener = new NetlinkSocket(NETLINK.ROUTE, { netns: netns.fd, groups: [RTNLGRP.LINK] });
    connection.execute(addLink({ name: "br0", info: { kind: "bridge" } }));
    connection.execute(deleteLink("br0"));
    const heard: string[] = [];
    while (heard.at(-1) !== `${RTM.DELLINK} br0`) {
      expect(pollFd([{ fd: listener.fd, events: POLL.IN }], 5000)).toEqual([POLL.IN]);
      for (const message of readMessages(listener.receive(true) ?? new Uint8Array(0))) {
        expect(message.sequence === 0 || message.type === RTM.NEWLINK || message.type === RTM.DELLINK).toBe(true);
        heard.push(`${message.type} ${decodeLink(message).name}`);
      }
    }
    expect(heard[0]).toBe(`${RTM.NEWLINK} br0`);
    listener.close();
  });
});
