// A node with a bridge, containers on it that publish ports, and a host outside: bridge and then portmap are called for each
// container as a runtime calls them. And clients, which find out who answers at a port, and whom the server takes them for.

import { onTestFinished } from "vitest";
import type { OwnPlugin } from "../../src/cni/plugin.ts";
import { plugin as bridge } from "../../src/plugins/bridge/plugin.ts";
import { plugin as portmap } from "../../src/plugins/portmap/plugin.ts";
import { hasCode } from "../../src/sys/error.ts";
import { inNetns } from "../../src/sys/netns.ts";
import type { Family } from "../../src/wire/ip.ts";
import { makeNetns, poll, type TestNetns } from "./netns.ts";
import { NODE, OUTSIDE } from "./outside.ts";
import { type CallPlugin, inProcess, type PluginOutcome, succeed } from "./plugin.ts";
import { Socket, uint32 } from "./sockets.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** One of `portMappings`. */
export interface Mapping {
  readonly hostPort: number;
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIP?: string;
}

/** A container that is attached: its addresses, and what its plugins were called with. */
export interface Attached {
  readonly netns: TestNetns;
  readonly containerId: string;
  readonly ips: Readonly<Record<Family, string>>;
  /** The result of the bridge plugin. */
  readonly prevResult: unknown;
}

/** Keys of portmap besides runtimeConfig, and names. */
export interface Attaching {
  readonly network?: string;
  readonly ifname?: string;
  readonly keys?: object;
}

export class PublishingNode {
  readonly netns: TestNetns;
  readonly outside: TestNetns;
  readonly #dataDir = temporaryDirectory();
  readonly #portmap: CallPlugin;
  #count = 0;

  /** `callPortmap` serves portmap, ours in this process where it is absent; it is called on the node. */
  constructor(callPortmap: CallPlugin = inProcess(portmap)) {
    this.netns = makeNetns();
    this.outside = makeNetns();
    onTestFinished(() => {
      this.outside.remove();
      this.netns.remove();
    });
    this.#portmap = this.#onNode(callPortmap);
    for (const netns of [this.netns, this.outside]) {
      netns.ip("link set lo up");
      netns.exec("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
    }
    this.netns.ip(`link add uplink type veth peer name uplink netns ${this.outside.name}`);
    for (const [netns, addresses] of [[this.netns, NODE] as const, [this.outside, OUTSIDE] as const]) {
      netns.ip(`address add ${addresses[4]}/24 dev uplink`);
      netns.ip(`address add ${addresses[6]}/64 dev uplink nodad`);
      netns.ip("link set uplink up");
    }
  }

  #onNode(call: CallPlugin): CallPlugin {
    return (given) => inNetns(this.netns.fd, () => call(given));
  }

  /** Calls a plugin of ours on the node, in this process. */
  call(plugin: OwnPlugin): CallPlugin {
    return this.#onNode(inProcess(plugin));
  }

  /** A container on the bridge, without ports. Its addresses are of one network, whatever networks portmap is told of. */
  attach(): Attached {
    const netns = makeNetns();
    onTestFinished(() => netns.remove());
    netns.exec("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
    const containerId = `container-${++this.#count}`;
    const ranges = [[{ subnet: "10.9.0.0/24" }], [{ subnet: "fd09::/64" }]];
    const routes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];
    const ipam = { type: "host-local", dataDir: this.#dataDir, ranges, routes };
    const own = { type: "bridge", bridge: "cni0", isGateway: true, hairpinMode: true, ipMasq: true, ipam };
    const config = { cniVersion: "1.0.0", name: "net", ...own };
    const prevResult = succeed(
      this.call(bridge)({ command: "ADD", containerId, netns: netns.path, ifname: "eth0", config }),
    );
    const [v4 = "", v6 = ""] = prevResult.ips.map(({ address }: { address: string }) => address.split("/")[0]);
    return { netns, containerId, ips: { 4: v4, 6: v6 }, prevResult };
  }

  /** A call of portmap for the container. */
  portmap(
    command: string,
    { netns, containerId, prevResult }: Attached,
    portMappings: readonly Mapping[],
    { network = "net", ifname = "eth0", keys = {} }: Attaching = {},
  ): PluginOutcome {
    const config = { cniVersion: "1.1.0", name: network, type: "portmap", prevResult, runtimeConfig: { portMappings } };
    return this.#portmap({ command, containerId, netns: netns.path, ifname, config: { ...config, ...keys } });
  }

  /** Attaches a container and publishes its ports. */
  publish(portMappings: readonly Mapping[], attaching: Attaching = {}): Attached {
    const attached = this.attach();
    succeed(this.portmap("ADD", attached, portMappings, attaching));
    return attached;
  }

  nft(command: string): string {
    return this.netns.exec("nft", command);
  }
}

export type Transport = "tcp" | "udp";

/** A server in a container, for one family and protocol. */
export class Server {
  readonly #socket: Socket;
  readonly #transport: Transport;

  constructor(netns: TestNetns, family: Family, transport: Transport, port: number) {
    this.#transport = transport;
    this.#socket = Socket.open(netns, family, transport === "tcp" ? "stream" : "datagram");
    if (family === 6) this.#socket.set(IPPROTO_IPV6, IPV6_V6ONLY, uint32(1)); // another may serve IPv4
    this.#socket.bind({ address: family === 4 ? "0.0.0.0" : "::", port });
    if (transport === "tcp") this.#socket.listen();
    onTestFinished(() => this.#socket.close());
  }

  /** Who a client that reaches this server at the address and port is taken for. Throws where none reaches it in time. */
  seen(from: TestNetns, address: string, port: number): string {
    return poll(`an answer at ${address} ${port}`, () => this.#ask(from, address, port));
  }

  /** Whether a client reaches this server there within a second. */
  isReached(from: TestNetns, address: string, port: number): boolean {
    return this.#ask(from, address, port) !== undefined;
  }

  #ask(from: TestNetns, address: string, port: number): string | undefined {
    const client = Socket.open(from, address.includes(":") ? 6 : 4, this.#transport === "tcp" ? "stream" : "datagram");
    client.patience(SECOND);
    try {
      client.connect({ address, port });
      return this.#transport === "tcp" ? this.#acceptOne() : this.#answerOne(client);
    } catch (error) {
      if (hasCode(error, ...NO_ANSWER)) return undefined;
      throw error;
    } finally {
      client.close();
    }
  }

  /** A client of UDP that stays. */
  client(from: TestNetns, address: string, port: number): Socket {
    const client = Socket.open(from, address.includes(":") ? 6 : 4, "datagram");
    onTestFinished(() => client.close());
    return client.connect({ address, port });
  }

  /** Whether what the client sends comes here. */
  hears(client: Socket): boolean {
    this.#socket.patience(SECOND);
    try {
      client.send("ping");
    } catch (error) {
      if (!hasCode(error, "ECONNREFUSED")) throw error; // the answer to what it sent before
      client.send("ping");
    }
    try {
      this.#socket.receive();
      return true;
    } catch (error) {
      if (hasCode(error, "EAGAIN")) return false;
      throw error;
    }
  }

  /** A connection is there once both sides have heard of each other. */
  #acceptOne(): string {
    const { from, socket } = this.#socket.accept();
    socket.close();
    return from;
  }

  /** The client must get the answer, too. */
  #answerOne(client: Socket): string {
    client.send("ping");
    this.#socket.patience(SECOND);
    const { from, endpoint } = this.#socket.receive();
    this.#socket.send("pong", endpoint);
    client.receive();
    return from;
  }
}

// include/uapi/linux/in.h, in6.h
const [IPPROTO_IPV6, IPV6_V6ONLY] = [41, 26];

/** EINPROGRESS and EAGAIN: not within the time that a socket waits. EINVAL: no route for a packet from 127.0.0.1. */
const NO_ANSWER = [
  "ECONNREFUSED",
  "ETIMEDOUT",
  "EAGAIN",
  "EINPROGRESS",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EINVAL",
] as const;

/** How long a client waits for an answer that may never come. */
const SECOND = 1;
