// A router and a DHCPv6 server on the network of a test: dnsmasq, and ones that are the test and say whatever it wants.

import { onTestFinished } from "vitest";
import { encodeReply6, type Reply6 } from "../../src/dhcp/ipv6/message.ts";
import { ALL_SERVERS, PORT6 } from "../../src/dhcp/ipv6/uapi.ts";
import { close } from "../../src/sys/fd.ts";
import {
  AF,
  bind,
  inetAddress,
  openSocket,
  receiveFrom,
  SOCK,
  type SocketKind,
  sendTo,
  setOption,
} from "../../src/sys/socket.ts";
import { parseIp } from "../../src/wire/ip.ts";
import { until } from "./background.ts";
import type { Dnsmasq, Lan } from "./dhcp.ts";
import { poll } from "./netns.ts";

/** The prefix of the network, and the address that the host of the bridge has there. */
export const PREFIX6 = "2001:db8:77::";
export const HOST6: string = `${PREFIX6}1`;

// include/uapi/linux/in6.h
const IPPROTO_ICMPV6 = 58;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_ADD_MEMBERSHIP = 20;

/** Gives the host of the bridge an address of IPv6; returns its link-local one, which routers and servers are known by. */
export function addIpv6(lan: Lan): string {
  lan.server.ip(`address add ${HOST6}/64 dev lan0 nodad`);
  // A bridge without a port has no carrier, and what has none does not look for duplicates.
  if (lan.server.ipJson("link show master lan0").length === 0) lan.container().ip("link set eth0 up");
  return poll("a link-local address", () => {
    const found: { addr_info?: { local?: string }[] }[] = lan.server.ipJson(
      "-6 address show dev lan0 scope link -tentative",
    );
    return found.flatMap(({ addr_info: some = [] }) => some.flatMap(({ local }) => local ?? []))[0];
  });
}

/** Starts dnsmasq as a router as well, with these ranges and options of IPv6. */
export function dnsmasq6(lan: Lan, ...options: readonly string[]): Promise<Dnsmasq> {
  return lan.dnsmasq("--enable-ra", "--ra-param=lan0,4", ...options);
}

/** What a client has sent. */
export interface Heard6 {
  readonly type: number;
  readonly xid: number;
  readonly from: Uint8Array;
  /** The first of each number. */
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** What a server of the test's own answers. */
export interface Answering6 extends Partial<Reply6> {
  readonly ip?: string;
  readonly valid?: number;
  readonly preferred?: number;
  readonly t1?: number;
  readonly t2?: number;
  /** Status of the IA_NA. */
  readonly iaStatus?: number;
}

const SERVER_DUID = Uint8Array.of(0, 3, 0, 1, 2, 0, 0, 0, 0, 1);

/** A DHCPv6 server that is the test. */
export class TestServer6 {
  readonly #fd: number;
  readonly heard: Heard6[] = [];
  #unread: readonly Heard6[] = [];

  constructor(lan: Lan) {
    this.#fd = open(lan, { family: AF.INET6, type: SOCK.DGRAM | SOCK.NONBLOCK, protocol: 0 });
    bind("be a server", this.#fd, inetAddress(new Uint8Array(16), PORT6.SERVER));
    const membership = new Uint8Array(20); // struct ipv6_mreq
    membership.set(ALL_SERVERS);
    new DataView(membership.buffer).setInt32(16, ifindexOf(lan), true);
    setOption("be a server", this.#fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, new Int32Array(membership.buffer));
  }

  /** Takes what has come; returns the new messages of clients. */
  listen(): Heard6[] {
    const found: Heard6[] = [];
    const buffer = new Uint8Array(2048);
    for (;;) {
      const from = new Uint8Array(28);
      const length = receiveFrom("hear", this.#fd, buffer, false, from);
      if (length === undefined) break;
      found.push(heardIn(buffer.slice(0, length), from));
    }
    this.heard.push(...found);
    const all = [...this.#unread, ...found];
    this.#unread = [];
    return all;
  }

  /** Waits for a client's message; passes over what has come before it. */
  async hear(type: number): Promise<Heard6> {
    let found: Heard6 | undefined;
    await until(`a client to send ${type}`, () => {
      const messages = this.listen();
      const at = messages.findIndex((one) => one.type === type);
      if (at < 0) return false;
      found = messages[at];
      this.#unread = messages.slice(at + 1);
      return true;
    });
    if (found === undefined) throw new Error("until has returned");
    return found;
  }

  /** The bytes of an answer. */
  message(to: Heard6, answer: Answering6): Uint8Array {
    const { ip, valid = 120, preferred = valid, t1 = 0, t2 = 0, iaStatus: status = 0, ...more } = answer;
    const asked = to.options.get(3);
    const iaid = asked === undefined ? 0 : new DataView(asked.buffer, asked.byteOffset).getUint32(0);
    const addresses = ip === undefined ? [] : [{ ip: bytesOf(ip), preferred, valid, status: 0 }];
    return encodeReply6({
      type: 7,
      xid: to.xid,
      clientId: to.options.get(1),
      serverId: SERVER_DUID,
      preference: 0,
      isRapid: false,
      associations: asked === undefined ? [] : [{ iaid, t1, t2, status, addresses }],
      nameservers: [],
      domains: new Uint8Array(0),
      ...more,
    });
  }

  answer(to: Heard6, answer: Answering6): void {
    this.send(to, this.message(to, answer));
  }

  send(to: Heard6, message: Uint8Array): void {
    sendTo("answer", this.#fd, message, to.from);
  }

  /** Gives an address as servers do: ADVERTISE and REPLY. */
  async give(ip: string, more: Answering6 = {}): Promise<Heard6> {
    this.answer(await this.hear(1), { ...more, type: 2, ip, preference: 255 });
    const request = await this.hear(3);
    this.answer(request, { ...more, type: 7, ip });
    return request;
  }
}

/** What a router of the test's own says. */
export interface Advertising {
  /** M and O. */
  readonly managed?: boolean;
  readonly other?: boolean;
  /** Seconds; 0: it is no default router. */
  readonly lifetime?: number;
  /** Of the prefix; undefined: there is none. */
  readonly prefix?: { readonly valid: number; readonly preferred: number; readonly autonomous?: boolean };
  /** Further options, as they stand. */
  readonly options?: readonly Uint8Array[];
}

/** A router that is the test: it advertises whenever it is told to. */
export class TestRouter {
  readonly #fd: number;
  readonly #everybody: Uint8Array;

  constructor(lan: Lan) {
    this.#fd = open(lan, { family: AF.INET6, type: SOCK.RAW | SOCK.NONBLOCK, protocol: IPPROTO_ICMPV6 });
    setOption("be a router", this.#fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 255);
    this.#everybody = inetAddress(bytesOf("ff02::1"), 0, ifindexOf(lan));
  }

  advertise({ managed = false, other = false, lifetime = 600, prefix, options = [] }: Advertising): void {
    const flags = (managed ? 0x80 : 0) | (other ? 0x40 : 0);
    const header = Uint8Array.of(134, 0, 0, 0, 64, flags, lifetime >> 8, lifetime & 0xff, 0, 0, 0, 0, 0, 0, 0, 0);
    const parts = [header, ...(prefix === undefined ? [] : [prefixOption(prefix)]), ...options];
    sendTo("advertise", this.#fd, Buffer.concat(parts), this.#everybody);
  }

  /** Advertises every now and then while something is waited for: the container asks when its link-local address is ready. */
  async until(what: string, said: Advertising, holds: () => boolean): Promise<void> {
    await until(what, () => {
      this.advertise(said);
      return holds();
    });
  }
}

function prefixOption({ valid, preferred, autonomous = true }: NonNullable<Advertising["prefix"]>): Uint8Array {
  const option = new Uint8Array(32); // RFC 4861 section 4.6.2
  const view = new DataView(option.buffer);
  option.set([3, 4, 64, 0x80 | (autonomous ? 0x40 : 0)]);
  view.setUint32(4, valid);
  view.setUint32(8, preferred);
  option.set(bytesOf(PREFIX6), 16);
  return option;
}

function heardIn(message: Uint8Array, from: Uint8Array): Heard6 {
  const view = new DataView(message.buffer);
  const options = new Map<number, Uint8Array>();
  for (let at = 4; at + 4 <= message.length; ) {
    const [code, length] = [view.getUint16(at), view.getUint16(at + 2)];
    if (!options.has(code)) options.set(code, message.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return { type: message[0] ?? 0, xid: view.getUint32(0) & 0xffffff, from, options };
}

function open(lan: Lan, kind: SocketKind): number {
  const fd = openSocket("be on the network", kind, lan.server.fd);
  onTestFinished(() => close(fd));
  return fd;
}

function ifindexOf(lan: Lan): number {
  return lan.server.ipJson("link show dev lan0")[0].ifindex;
}

function bytesOf(text: string): Uint8Array {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is no address`);
  return ip;
}
