// A network with a DHCP server, the daemon beside it, and containers on it.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { encodeDatagram } from "../../src/dhcp/datagram.ts";
import { encodeReply } from "../../src/dhcp/message.ts";
import { readOptions } from "../../src/dhcp/options.ts";
import { close } from "../../src/sys/fd.ts";
import { ETH_P, openPacketSocket, receivePacket, sendPacket } from "../../src/sys/packet-socket.ts";
import { parseIp } from "../../src/wire/ip.ts";
import { type Background, startBeside, until } from "./background.ts";
import { makeNetns, type TestNetns } from "./netns.ts";
import { executable, type PluginCall, type PluginOutcome, start } from "./plugin.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** The directory of our executables. */
export const OURS: string = fileURLToPath(new URL("../../dist/cni", import.meta.url));

/** A host with a bridge that containers are on: 192.168.77.1/24. */
export class Lan {
  readonly server: TestNetns = keep(makeNetns());
  #count = 0;

  constructor() {
    this.server.ip("link set lo up");
    this.server.ip("link add lan0 address 02:00:00:00:00:01 type bridge");
    this.server.ip("address add 192.168.77.1/24 dev lan0");
    this.server.ip("link set lan0 up");
  }

  /** A container whose eth0 is on the network, down and without an address. */
  container(): TestNetns {
    const container = keep(makeNetns());
    const port = `port${++this.#count}`;
    this.server.ip(`link add ${port} type veth peer name eth0 netns ${container.name}`);
    this.server.ip(`link set ${port} master lan0 up`);
    return container;
  }

  /** Starts dnsmasq, which gives out 192.168.77.50 to .99. */
  async dnsmasq(...options: readonly string[]): Promise<Dnsmasq> {
    const leases = join(temporaryDirectory(), "leases");
    const args = ["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=lan0", "--bind-interfaces"];
    const range = "--dhcp-range=192.168.77.50,192.168.77.99,255.255.255.0,2m";
    const files = [`--dhcp-leasefile=${leases}`, "--pid-file=", "--user=root", "--log-facility=-"];
    const background = startBeside("dnsmasq", [...args, ...files, "--no-ping", range, ...options], {
      netns: this.server,
    });
    await until("dnsmasq to listen", () => this.server.exec("cat", "/proc/net/udp").includes(":0043 "));
    return {
      background,
      leases: () => (existsSync(leases) ? readFileSync(leases, "utf8").split("\n").filter(Boolean) : []),
    };
  }
}

export interface Dnsmasq {
  readonly background: Background;
  /** A line for each lease, as its file has them. */
  readonly leases: () => string[];
}

function keep(netns: TestNetns): TestNetns {
  onTestFinished(() => netns.remove());
  return netns;
}

/** A daemon, ours or another one. */
export interface RunningDaemon {
  readonly background: Background;
  readonly socket: string;
  readonly pid: number;
}

/** Starts the daemon of this directory of executables, and waits until it listens. */
export async function startDaemon(
  directory: string = OURS,
  flags: readonly string[] = [],
  socket: string = join(temporaryDirectory(), "dhcp.sock"),
): Promise<RunningDaemon> {
  const background = startBeside(join(directory, "dhcp"), ["daemon", "-socketpath", socket, ...flags]);
  await until("the daemon to listen", () => isListening(socket));
  return { background, socket, pid: background.child.pid ?? 0 };
}

/** The flag of a socket that somebody listens at: __SO_ACCEPTCON of include/uapi/linux/net.h. */
function isListening(socket: string): boolean {
  const lines = readFileSync("/proc/net/unix", "utf8").split("\n");
  return lines.some((line) => line.endsWith(` ${socket}`) && line.split(" ")[3] === "00010000");
}

/** Calls the dhcp plugin of a directory for a container's eth0. */
export class DhcpCaller {
  readonly #directory: string;
  readonly #container: TestNetns;
  readonly #socket: string;
  readonly #ipam: Readonly<Record<string, unknown>>;

  constructor(directory: string, container: TestNetns, socket: string, ipam: Readonly<Record<string, unknown>> = {}) {
    this.#directory = directory;
    this.#container = container;
    this.#socket = socket;
    this.#ipam = ipam;
  }

  #of(command: string, more: Readonly<Record<string, unknown>>): PluginCall {
    const ipam = { type: "dhcp", daemonSocketPath: this.#socket, ...this.#ipam };
    const config = { cniVersion: "1.1.0", name: "net", type: "macvlan", ipam, ...more };
    return { command, containerId: this.#container.name, netns: this.#container.path, ifname: "eth0", config };
  }

  call(command: string, more: Readonly<Record<string, unknown>> = {}): PluginOutcome {
    return executable(join(this.#directory, "dhcp"))(this.#of(command, more));
  }

  /** The same without waiting: the test is the server meanwhile. */
  start(command: string, more: Readonly<Record<string, unknown>> = {}): Promise<PluginOutcome> {
    return start(join(this.#directory, "dhcp"), this.#of(command, more));
  }
}

/** What a client has sent. */
export interface Heard {
  readonly type: number;
  readonly xid: number;
  readonly flags: number;
  readonly chaddr: Uint8Array;
  readonly ciaddr: string;
  readonly source: string;
  readonly destination: string;
  readonly options: ReadonlyMap<number, Uint8Array>;
}

/** What a server of the test's own answers. */
export interface Answering {
  readonly type: number;
  readonly ip: string;
  readonly xid?: number;
  readonly chaddr?: Uint8Array;
  readonly seconds?: number;
  readonly server?: string;
  readonly options?: readonly (readonly [number, Uint8Array])[];
}

/** A server that is the test: it hears what clients send, and says whatever it is told to. */
export class TestServer {
  readonly #fd: number;
  readonly #ifindex: number;
  readonly heard: Heard[] = [];
  /** What came together with a message that was waited for, and after it. */
  #unread: readonly Heard[] = [];

  constructor(lan: Lan) {
    this.#ifindex = lan.server.ipJson("link show dev lan0")[0].ifindex;
    const everything = [[6, 0, 0, 0x40000]] as const;
    this.#fd = openPacketSocket("be a server", { netns: lan.server.fd, ifindex: this.#ifindex, filter: everything });
    onTestFinished(() => close(this.#fd));
  }

  /** Takes what has come; returns the new messages of clients. */
  listen(): Heard[] {
    const found: Heard[] = [];
    for (;;) {
      const packet = receivePacket("hear", this.#fd, new Uint8Array(2048));
      if (packet === undefined) break;
      const message = packet.protocol === ETH_P.IP ? heardIn(packet.payload) : undefined;
      if (message !== undefined) found.push(message);
    }
    this.heard.push(...found);
    const all = [...this.#unread, ...found];
    this.#unread = [];
    return all;
  }

  /** Waits for a client's message; passes over what has come before it. */
  async hear(type: number): Promise<Heard> {
    let found: Heard | undefined;
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

  /** The bytes of an answer to a message, from the IP header on. */
  packet(to: Heard, answer: Answering): Uint8Array {
    const { type, ip, xid = to.xid, chaddr = to.chaddr, seconds = 120, server = "192.168.77.1" } = answer;
    const time = new Uint8Array(4);
    new DataView(time.buffer).setUint32(0, seconds);
    const options = new Map([
      [54, addressOf(server)] as const,
      ...(type === 6
        ? []
        : [
            [51, time] as const,
            [1, Uint8Array.of(255, 255, 255, 0)] as const,
            [3, addressOf("192.168.77.1")] as const,
          ]),
      ...(answer.options ?? []),
    ]);
    const payload = encodeReply({ type, xid, chaddr, yiaddr: addressOf(ip), options });
    return encodeDatagram(
      { source: addressOf("192.168.77.1"), destination: addressOf("255.255.255.255"), payload },
      true,
    );
  }

  /** Says by ARP that the address is that of whoever has the MAC address. */
  claim(ip: string, mac: readonly number[]): void {
    const sender = [...mac, ...addressOf(ip)];
    this.send(Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 2, ...sender, ...new Uint8Array(6), ...addressOf(ip)), ETH_P.ARP);
  }

  answer(to: Heard, answer: Answering): void {
    this.send(this.packet(to, answer));
  }

  /** Sends a packet to everybody on the network. */
  send(payload: Uint8Array, protocol: number = ETH_P.IP): void {
    const mac = new Uint8Array(6).fill(0xff);
    sendPacket("answer", this.#fd, { protocol, ifindex: this.#ifindex, mac, payload });
  }

  /** Gives an address as servers do: OFFER and ACK. */
  async give(ip: string, more: Partial<Answering> = {}): Promise<void> {
    this.answer(await this.hear(1), { ...more, type: 2, ip });
    this.answer(await this.hear(3), { ...more, type: 5, ip });
  }
}

function addressOf(text: string): Uint8Array {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is no address`);
  return ip;
}

function heardIn(packet: Uint8Array): Heard | undefined {
  const [ipHeader, udpHeader, dhcpHeader] = [20, 8, 240];
  const isToServer = packet[9] === 17 && packet[22] === 0 && packet[23] === 67;
  const message = packet.subarray(ipHeader + udpHeader);
  if (!isToServer || message.length < dhcpHeader) return undefined;
  const options = new Map<number, Uint8Array>();
  readOptions(message.subarray(dhcpHeader), options);
  const view = new DataView(message.buffer, message.byteOffset);
  return {
    type: options.get(53)?.[0] ?? 0,
    xid: view.getUint32(4),
    flags: view.getUint16(10),
    ciaddr: message.subarray(12, 16).join("."),
    chaddr: message.slice(28, 34),
    source: packet.subarray(12, 16).join("."),
    destination: packet.subarray(16, 20).join("."),
    options,
  };
}
