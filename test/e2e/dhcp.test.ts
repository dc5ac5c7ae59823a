// dhcp and its daemon as they were built, with dnsmasq, beside upstream's in either part, and with a server that is the test.

import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { PATIENCE_S } from "../../engine/patience.mjs";
import { findInterface } from "../../src/dhcp/interface.ts";
import { leaseRecords } from "../../src/dhcp/records.ts";
import {
  CMD_ARGS,
  CONNECT,
  CONNECTED,
  cmdArgsToGob,
  REQUEST as REQUEST_HEADER,
  RESPONSE,
  RESULT,
} from "../../src/dhcp/rpc.ts";
import { GobEncoder } from "../../src/gob/encode.ts";
import type { GobStruct } from "../../src/gob/types.ts";
import { bootTimeMs } from "../../src/sys/process.ts";
import { startBeside, until } from "../support/background.ts";
import { DhcpCaller, Lan, OURS, startDaemon, TestServer } from "../support/dhcp.ts";
import { peerDirectory } from "../support/differential.ts";
import { addressesIn, type TestNetns } from "../support/netns.ts";
import { executable, succeed } from "../support/plugin.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const [OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE] = [2, 3, 4, 5, 6, 7];
const THEIRS = peerDirectory();

/** The address of a result, set in the container as the plugin that asked for it would. */
function apply(container: TestNetns, result: { ips: readonly { address: string; gateway: string }[] }): void {
  for (const { address, gateway } of result.ips) {
    container.ip(`address add ${address} dev eth0`);
    container.ip(`route add default via ${gateway}`);
  }
}

const addressOf = (result: { ips: readonly { address: string }[] }): string =>
  result.ips[0]?.address.split("/")[0] ?? "";
const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

describe("with dnsmasq", () => {
  it.each([
    ["our plugin and our daemon", OURS, OURS],
    ["our plugin and upstream's daemon", OURS, THEIRS],
    ["upstream's plugin and our daemon", THEIRS, OURS],
    ["upstream's plugin and upstream's daemon", THEIRS, THEIRS],
  ])("%s give an address, its gateway and its routes, and give it back", async (_, plugins, daemons) => {
    const lan = new Lan();
    const dnsmasq = await lan.dnsmasq("--dhcp-option=121,10.9.0.0/16,192.168.77.7,0.0.0.0/0,192.168.77.1");
    const { socket } = await startDaemon(daemons);
    const container = lan.container();
    const caller = new DhcpCaller(plugins, container, socket, { request: [{ option: "121" }], priority: 7 });
    const result = succeed(caller.call("ADD"));
    expect(result.ips).toEqual([
      { address: expect.stringMatching(/^192\.168\.77\.\d+\/24$/), gateway: "192.168.77.1" },
    ]);
    expect(result.routes).toEqual([
      { dst: "10.9.0.0/16", gw: "192.168.77.7", priority: 7 },
      { dst: "0.0.0.0/0", gw: "192.168.77.1", priority: 7 },
    ]);
    apply(container, result);
    expect(dnsmasq.leases()).toHaveLength(1);
    succeed(caller.call("CHECK", { prevResult: result }));
    succeed(caller.call("DEL", { prevResult: result }));
    // Upstream's daemon says so from 0.0.0.0, and dnsmasq does not believe it.
    if (daemons === OURS) await until("dnsmasq to have no lease", () => dnsmasq.leases().length === 0);
    succeed(caller.call("DEL", { prevResult: result }));
  });

  it("name servers, domain and search list are in the result, and the MTU is the interface's where that is asked for", async () => {
    const lan = new Lan();
    await lan.dnsmasq(
      "--dhcp-option=6,9.9.9.9,8.8.8.8",
      "--dhcp-option=15,example.org",
      "--dhcp-option=119,a.example.org,b.example.org",
      "--dhcp-option=26,1400",
    );
    const { socket } = await startDaemon();
    const container = lan.container();
    const result = succeed(new DhcpCaller(OURS, container, socket, { interfaceMtu: true }).call("ADD"));
    expect(result.dns).toEqual({
      nameservers: ["9.9.9.9", "8.8.8.8"],
      domain: "example.org",
      search: ["a.example.org", "b.example.org"],
    });
    expect(container.ipJson("link show dev eth0")).toMatchObject([{ mtu: 1400 }]);
    const other = lan.container();
    // Upstream's plugin prints what the daemon says.
    expect(succeed(new DhcpCaller(THEIRS, other, socket).call("ADD")).dns.nameservers).toEqual(["9.9.9.9", "8.8.8.8"]);
    expect(other.ipJson("link show dev eth0")).toMatchObject([{ mtu: 1500 }]);
  });

  it.each([
    ["bridge", { bridge: "lan0" }],
    ["macvlan", { master: "up1" }],
  ])(
    "a container by %s gets its address, sees its gateway, and gives the address back before its interface goes",
    async (type, keys) => {
      const lan = new Lan();
      const dnsmasq = await lan.dnsmasq();
      const { socket } = await startDaemon();
      // A cable leads from the node's namespace to the server's.
      const node = new Lan();
      lan.server.ip(`link add up0 type veth peer name up1 netns ${node.server.name}`);
      lan.server.ip("link set up0 master lan0 up");
      node.server.ip("address flush dev lan0");
      node.server.ip("link set lan0 address 02:00:00:00:00:02");
      node.server.ip(`link set up1 ${type === "bridge" ? "master lan0 " : ""}up`);
      const container = node.container();
      container.ip("link delete eth0");
      const config = {
        cniVersion: "1.1.0",
        name: "net",
        type,
        ...keys,
        ipam: { type: "dhcp", daemonSocketPath: socket },
      };
      const plugin = executable(join(OURS, type), ["nsenter", `--net=${node.server.path}`]);
      const call = { containerId: "c1", netns: container.path, ifname: "eth0" };
      const result = succeed(plugin({ ...call, command: "ADD", config }));
      expect(addressesIn(container)).toEqual([addressOf(result)]);
      container.exec("ping", "-c1", `-W${PATIENCE_S}`, "192.168.77.1");
      succeed(plugin({ ...call, command: "CHECK", config: { ...config, prevResult: result } }));
      expect(dnsmasq.leases()).toHaveLength(1);
      succeed(plugin({ ...call, command: "DEL", config: { ...config, prevResult: result } }));
      await until("dnsmasq to have no lease", () => dnsmasq.leases().length === 0);
      expect(container.ipJson("link show")).toHaveLength(1);
    },
  );

  it("GC gives back the addresses of the network that it does not name", async () => {
    const lan = new Lan();
    const dnsmasq = await lan.dnsmasq();
    const { socket } = await startDaemon();
    const containers = [lan.container(), lan.container()];
    const callers = containers.map((one) => new DhcpCaller(OURS, one, socket));
    for (const caller of callers) succeed(caller.call("ADD"));
    const valid = [{ containerID: containers[0]?.name, ifname: "eth0" }];
    const config = { "cni.dev/valid-attachments": valid };
    succeed(callers[0]?.call("GC", { ...config, name: "other" }) ?? fail());
    expect(dnsmasq.leases()).toHaveLength(2);
    succeed(callers[0]?.call("GC", config) ?? fail());
    await until("dnsmasq to have one lease", () => dnsmasq.leases().length === 1);
    expect(dnsmasq.leases()[0]).toContain(
      Buffer.from(containers[0]?.name ?? "")
        .toString("hex")
        .replace(/(..)(?=.)/g, "$1:"),
    );
  });
});

function fail(): never {
  throw new Error("there are two");
}

/** What systemd does for a service with a socket. */
const ACTIVATE = `import os, socket, sys
path, program, count, *flags = sys.argv[1:]
listener = socket.socket(socket.AF_UNIX)
listener.bind(path.replace("@", "\\0"))
listener.listen()
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=count)
os.execv(program, [program, "daemon", *flags])`;

describe("a daemon that goes and comes again", () => {
  it.each(["SIGKILL", "SIGTERM"] as const)("renews its leases after %s", async (signal) => {
    const lan = new Lan();
    const server = new TestServer(lan);
    const first = await startDaemon();
    const container = lan.container();
    const caller = new DhcpCaller(OURS, container, first.socket);
    const add = caller.start("ADD");
    await server.give("192.168.77.60", { seconds: 8 });
    const result = succeed(await add);
    apply(container, result);
    first.background.child.kill(signal);
    await first.background.ends();
    expect(existsSync(first.socket)).toBe(signal === "SIGKILL");
    const second = await startDaemon(OURS, [], first.socket);
    const renewal = await server.hear(REQUEST);
    expect(renewal).toMatchObject({ ciaddr: "192.168.77.60", source: "192.168.77.60", destination: "192.168.77.1" });
    expect([...renewal.options.keys()]).toEqual([53, 55, 57, 61]);
    server.answer(renewal, { type: ACK, ip: "192.168.77.60" });
    succeed(caller.call("CHECK", { prevResult: result }));
    succeed(caller.call("DEL", { prevResult: result }));
    expect(await server.hear(RELEASE)).toMatchObject({ source: "192.168.77.60", destination: "192.168.77.1" });
    expect(readdirSync(`${second.socket}.leases`)).toEqual([]);
  });

  it("gives back what a DEL could not, because there was no daemon", async () => {
    const lan = new Lan();
    const dnsmasq = await lan.dnsmasq();
    const first = await startDaemon();
    const caller = new DhcpCaller(OURS, lan.container(), first.socket);
    const result = succeed(caller.call("ADD"));
    first.background.child.kill("SIGTERM");
    await first.background.ends();
    const outcome = caller.call("DEL", { prevResult: result });
    expect(outcome).toMatchObject({ status: 0, stderr: expect.stringContaining("a daemon") });
    await startDaemon(OURS, [], first.socket);
    await until("dnsmasq to have no lease", () => dnsmasq.leases().length === 0);
  });

  it("forgets the leases of containers that are gone, and of others under their names", async () => {
    const lan = new Lan();
    await lan.dnsmasq();
    const first = await startDaemon();
    const container = lan.container();
    const caller = new DhcpCaller(OURS, container, first.socket);
    succeed(caller.call("ADD"));
    first.background.child.kill("SIGTERM");
    await first.background.ends();
    container.ip("link delete eth0");
    await startDaemon(OURS, [], first.socket);
    await until("no lease", () => readdirSync(`${first.socket}.leases`).length === 0);
    expect(caller.call("CHECK", { prevResult: {} })).toMatchObject({ status: 1 });
  });

  it("keeps the lease of a container that it can't look at when it starts", async () => {
    const lan = new Lan();
    const server = new TestServer(lan);
    const first = await startDaemon();
    const container = lan.container();
    const path = join(temporaryDirectory(), "netns");
    symlinkSync(container.path, path);
    const add = new DhcpCaller(OURS, { ...container, path }, first.socket).start("ADD");
    await server.give("192.168.77.60", { seconds: 60 });
    apply(container, succeed(await add));
    first.background.child.kill("SIGTERM");
    await first.background.ends();
    rmSync(path);
    symlinkSync(path, path); // ELOOP
    const { socket } = await startDaemon(OURS, [], first.socket);
    rmSync(path);
    symlinkSync(container.path, path);
    expect(readdirSync(`${socket}.leases`)).toHaveLength(1);
    succeed(await new DhcpCaller(OURS, { ...container, path }, socket).start("DEL"));
    expect(await server.hear(RELEASE)).toMatchObject({ ciaddr: "192.168.77.60" });
  });

  it("does not take the socket of a daemon that lives", async () => {
    const { socket } = await startDaemon();
    const second = startBeside(join(OURS, "dhcp"), ["daemon", "-socketpath", socket]);
    expect(await second.ends()).toBe(1);
    expect(existsSync(socket)).toBe(true);
  });

  it("does not take the socket of a daemon that is too busy to take a call", async () => {
    const socket = join(temporaryDirectory(), "dhcp.sock");
    const script =
      "import socket, sys, time; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(0); time.sleep(3600)";
    startBeside("/usr/bin/python3", ["-c", script, socket]);
    await until("the socket", () => existsSync(socket));
    const waiting = [net.connect(socket), net.connect(socket)];
    for (const one of waiting) one.on("error", () => {});
    onTestFinished(() => waiting.forEach((one) => void one.destroy()));
    const ours = startBeside(join(OURS, "dhcp"), ["daemon", "-socketpath", socket]);
    expect(await ours.ends()).toBe(1);
    expect(existsSync(socket)).toBe(true);
  });

  it("leaves a file alone that is no socket, and says so", async () => {
    const path = join(temporaryDirectory(), "dhcp.sock");
    writeFileSync(path, "mine");
    const args = ["-c", 'exec "$@" 2>&1', "-", join(OURS, "dhcp"), "daemon", "-socketpath", path];
    const daemon = startBeside("bash", args);
    expect(await daemon.ends()).toBe(1);
    expect(daemon.printed()).toContain(`cannot listen at ${path}: what is there is not a socket`);
    expect(readFileSync(path, "utf8")).toBe("mine");
  });

  it("runs once for a socket, however many are started at once", async () => {
    const { socket, background } = await startDaemon();
    background.child.kill("SIGKILL");
    await background.ends();
    const started = Array.from({ length: 6 }, () => startBeside(join(OURS, "dhcp"), ["daemon", "-socketpath", socket]));
    const ended = Promise.all(started.map((one) => one.ends()));
    await until("one to be left", () => started.filter(({ child }) => child.exitCode === null).length === 1);
    succeed(await new DhcpCaller(OURS, { name: "c1", path: "/run/netns/none" } as TestNetns, socket).start("STATUS"));
    for (const { child } of started) child.kill("SIGTERM");
    expect((await ended).sort()).toEqual([0, 1, 1, 1, 1, 1]);
  });

  it("writes its process id, and takes the file away when it ends", async () => {
    const pidfile = join(temporaryDirectory(), "pid");
    const daemon = await startDaemon(OURS, ["--pidfile", pidfile]);
    await until("the file", () => existsSync(pidfile));
    expect(Number(readFileSync(pidfile, "utf8"))).toBe(daemon.pid);
    daemon.background.child.kill("SIGINT");
    expect(await daemon.background.ends()).toBe(0);
    expect([existsSync(pidfile), existsSync(daemon.socket)]).toEqual([false, false]);
  });

  it("serves the socket that systemd passes, and leaves it", async () => {
    const path = join(temporaryDirectory(), "activated.sock");
    const daemon = startBeside("/usr/bin/python3", ["-c", ACTIVATE, path, join(OURS, "dhcp"), "1"]);
    await until("the socket", () => existsSync(path));
    const lan = new Lan();
    await lan.dnsmasq();
    const container = lan.container();
    succeed(new DhcpCaller(OURS, container, path).call("ADD"));
    daemon.child.kill("SIGTERM");
    expect(await daemon.ends()).toBe(0);
    expect([existsSync(path), readdirSync(`${path}.leases`).length]).toEqual([true, 1]);
  });

  it("has callers wait where it has no descriptor left, and nothing else", async () => {
    const socket = join(temporaryDirectory(), "dhcp.sock");
    const daemon = startBeside("bash", [
      "-c",
      'exec prlimit --nofile=16 "$@" 2>&1',
      "-",
      join(OURS, "dhcp"),
      "daemon",
      "-socketpath",
      socket,
    ]);
    await until("the daemon to listen", () => existsSync(socket));
    const callers = Array.from({ length: 30 }, () => net.connect(socket).on("error", () => {}));
    await until("the daemon to say so", () => daemon.printed().includes("EMFILE"));
    const before = daemon.printed().split("\n").length;
    await pause(2000);
    expect(daemon.printed().split("\n").length - before).toBeLessThan(5);
    for (const caller of callers) caller.destroy();
    const plugin = new DhcpCaller(OURS, { name: "c1", path: "/run/netns/none" } as TestNetns, socket);
    expect((await plugin.start("STATUS")).status).toBe(0);
  });

  it("keeps its leases at the path of its flags where systemd's socket has a name and no path", async () => {
    const path = join(temporaryDirectory(), "dhcp.sock");
    const args = ["-c", ACTIVATE, `@bauta-test-${process.pid}`, join(OURS, "dhcp"), "1", "-socketpath", path];
    startBeside("/usr/bin/python3", args);
    await until("the daemon to have its lock", () => existsSync(`${path}.lock`));
    expect(existsSync(path)).toBe(false);
  });

  it("refuses more sockets than one, in upstream's words", async () => {
    const path = join(temporaryDirectory(), "activated.sock");
    expect(await startBeside("/usr/bin/python3", ["-c", ACTIVATE, path, join(OURS, "dhcp"), "2"]).ends()).toBe(1);
  });
});

describe("a server that lies", () => {
  /** An ADD at work, and the server that is asked. */
  async function begin(flags: readonly string[] = [], ipam = {}) {
    const lan = new Lan();
    const server = new TestServer(lan);
    const daemon = await startDaemon(OURS, flags);
    const container = lan.container();
    const caller = new DhcpCaller(OURS, container, daemon.socket, ipam);
    return { lan, server, daemon, container, caller, add: caller.start("ADD") };
  }

  it("with wrong ids, wrong addresses, broken options and short packets is not believed; the right offer is", async () => {
    const { server, add } = await begin();
    const discover = await server.hear(1);
    const wrong = (change: object): void => server.answer(discover, { type: OFFER, ip: "192.168.77.66", ...change });
    wrong({ xid: (discover.xid ^ 1) >>> 0 });
    wrong({ chaddr: Uint8Array.of(2, 9, 9, 9, 9, 9) });
    for (const ip of ["0.0.0.0", "127.0.0.1", "224.0.0.5", "192.168.77.255", "192.168.77.0"]) wrong({ ip });
    wrong({ options: [[1, Uint8Array.of(255, 0, 255, 0)]] });
    wrong({ options: [[52, Uint8Array.of(9)]] });
    const right = server.packet(discover, { type: OFFER, ip: "192.168.77.66" });
    for (let length = 0; length < right.length; length += 7) server.send(right.slice(0, length));
    server.answer(discover, { type: OFFER, ip: "192.168.77.67" });
    server.answer(discover, { type: OFFER, ip: "192.168.77.68" });
    const request = await server.hear(REQUEST);
    expect(request.options.get(50)?.join(".")).toBe("192.168.77.67");
    for (let i = 0; i < 3; i++) server.answer(request, { type: ACK, ip: "192.168.77.67" });
    expect(succeed(await add).ips).toMatchObject([{ address: "192.168.77.67/24" }]);
  });

  it("without a mask in its ACK ends the ADD in upstream's words", async () => {
    const { server, add } = await begin();
    server.answer(await server.hear(1), { type: OFFER, ip: "192.168.77.66" });
    const request = await server.hear(REQUEST);
    const packet = server.packet(request, { type: ACK, ip: "192.168.77.66" });
    const at = packet.findIndex((byte, i) => i >= 268 && byte === 1 && packet[i + 1] === 4);
    packet.fill(0, at, at + 6); // PAD
    packet.set([0, 0], 26); // no checksum
    server.send(packet);
    expect((await add).json.msg).toContain("DHCP option Subnet Mask not found in DHCPACK");
  });

  it("that says NAK for ever, or nothing, is given up in time", async () => {
    const flags = ["-timeout", "200ms", "-resendmax", "400ms", "-resendtimeout", "2s"];
    const { server, caller, add } = await begin(flags);
    let isOver = false;
    void add.then(() => {
      isOver = true;
    });
    await until("the end", () => {
      for (const one of server.listen()) {
        if (one.type === 1) server.answer(one, { type: OFFER, ip: "192.168.77.66" });
        if (one.type === REQUEST) server.answer(one, { type: NAK, ip: "0.0.0.0" });
      }
      return isOver;
    });
    expect((await add).json).toMatchObject({ code: 999, msg: expect.stringContaining("no more tries") });
    expect(server.heard.length).toBeGreaterThan(3);
    expect(server.heard.length).toBeLessThan(40);
    const begun = performance.now();
    expect((await caller.start("ADD")).json.msg).toContain("no more tries");
    expect(performance.now() - begun).toBeGreaterThan(1900);
  });

  it("that gives an address which somebody has gets it declined", async () => {
    const { lan, server, add } = await begin();
    const other = lan.container();
    other.ip("address add 192.168.77.66/24 dev eth0");
    other.ip("link set eth0 up");
    other.exec("ping", "-c1", `-W${PATIENCE_S}`, "192.168.77.1"); // it is there
    await server.give("192.168.77.66");
    const decline = await server.hear(DECLINE);
    expect(decline.options.get(50)?.join(".")).toBe("192.168.77.66");
    await server.give("192.168.77.67");
    expect(succeed(await add).ips).toMatchObject([{ address: "192.168.77.67/24" }]);
  });

  it("may change the address: it is changed in the container, and taken away when its time is over", async () => {
    const { server, add, container, caller } = await begin();
    await server.give("192.168.77.60", { seconds: 6 });
    const result = succeed(await add);
    apply(container, result);
    const renewal = await server.hear(REQUEST);
    server.answer(renewal, { type: ACK, ip: "192.168.77.61", seconds: 6 });
    await until("the new address", () => addressesIn(container).join() === "192.168.77.61");
    expect(container.ipJson("route show default")).toMatchObject([{ gateway: "192.168.77.1" }]);
    expect(caller.call("CHECK", { prevResult: result }).json.msg).toContain("192.168.77.61");
    await until("no address", () => addressesIn(container).length === 0);
    await server.give("192.168.77.62", { seconds: 60 });
    await until("another address", () => addressesIn(container).join() === "192.168.77.62");
    succeed(caller.call("DEL"));
    expect(await server.hear(RELEASE)).toMatchObject({ ciaddr: "192.168.77.62" });
  });

  it("that takes an address back is obeyed at once", async () => {
    const { server, add, container } = await begin();
    await server.give("192.168.77.60", { seconds: 6 });
    apply(container, succeed(await add));
    server.answer(await server.hear(REQUEST), { type: NAK, ip: "0.0.0.0" });
    await server.hear(1);
    await until("no address", () => addressesIn(container).length === 0);
  });

  it("is not asked on behalf of a caller that has gone, nor after a DEL", async () => {
    const { server, caller, add, daemon, container } = await begin(["-timeout", "100ms"]);
    await server.hear(1);
    succeed(caller.call("DEL"));
    expect((await add).status).toBe(1);
    const client = net.connect(daemon.socket);
    client.on("error", () => {});
    const encoder = new GobEncoder();
    client.write(CONNECT);
    client.write(encoder.encode(REQUEST_HEADER, { ServiceMethod: "DHCP.Allocate" }));
    const config = { cniVersion: "1.1.0", name: "net", ipam: { type: "dhcp" } };
    const stdin = Uint8Array.from(Buffer.from(JSON.stringify(config)));
    const args = { containerId: "c", netns: container.path, ifname: "eth0", args: "", path: "", stdin };
    client.write(encoder.encode(CMD_ARGS, cmdArgsToGob(args)));
    server.listen();
    await server.hear(1);
    client.destroy();
    await pause(50); // what was sent before is there
    server.listen();
    await pause(600);
    expect(server.listen()).toEqual([]);
  });

  it("hears the flag for broadcasts where it is asked for", async () => {
    const { server, add } = await begin(["-broadcast=true"]);
    await server.give("192.168.77.60");
    succeed(await add);
    expect(server.heard.map(({ flags }) => flags)).toEqual([0x8000, 0x8000]);
  });

  it("hears one client identifier, the configuration's, from DISCOVER to RELEASE", async () => {
    const provide = [{ option: "dhcp-client-identifier", value: "mine" }];
    const { server, add, caller } = await begin([], { provide });
    await server.give("192.168.77.60");
    succeed(await add);
    succeed(caller.call("DEL"));
    await server.hear(RELEASE);
    expect(server.heard.map(({ options }) => Buffer.from(options.get(61) ?? []).toString())).toEqual([
      "mine",
      "mine",
      "mine",
    ]);
  });

  it("sends what upstream's daemon answers in the same way: the same messages but for 55's list", async () => {
    const sent = [];
    for (const daemons of [OURS, THEIRS]) {
      const lan = new Lan();
      const server = new TestServer(lan);
      const { socket } = await startDaemon(daemons);
      const caller = new DhcpCaller(THEIRS, lan.container(), socket, {
        request: [{ skipDefault: true }, { option: "121" }],
      });
      const add = caller.start("ADD");
      await server.give("192.168.77.60");
      succeed(await add);
      const own = ([code, value]: [number, Uint8Array]): [number, string] => [code, code === 61 ? "" : value.join(" ")];
      sent.push(server.heard.map((one) => ({ ...one, xid: 0, chaddr: 0, options: [...one.options].map(own) })));
    }
    expect(sent[0]).toEqual(sent[1]);
  });
});

/** What a daemon says behind the greeting: a header, and a result without anything in it. */
function answered(header: GobStruct): string {
  const encoder = new GobEncoder();
  return Buffer.concat([encoder.encode(RESPONSE, header), encoder.encode(RESULT, {})]).toString("latin1");
}

describe("without a daemon that answers", () => {
  const container = { name: "c1", path: "/run/netns/none" } as TestNetns;
  const at = (socket: string, ipam = {}): DhcpCaller => new DhcpCaller(OURS, container, socket, ipam);

  it("ADD and CHECK are told so with code 11, STATUS with 50; DEL and GC succeed", () => {
    const caller = at("/run/nowhere/dhcp.sock");
    for (const command of ["ADD", "CHECK"]) {
      const { json } = caller.call(command, { prevResult: {} });
      expect(json).toMatchObject({ code: 11, msg: expect.stringContaining("/run/nowhere/dhcp.sock") });
      expect(json.details).toContain("dhcp daemon");
    }
    expect(caller.call("STATUS").json).toMatchObject({ code: 50 });
    for (const command of ["DEL", "GC"]) succeed(caller.call(command));
  });

  it("an interface that is not Ethernet is named, and gets no message", async () => {
    const tunnel = new Lan().container();
    tunnel.ip("link delete eth0");
    tunnel.ip("tuntap add eth0 mode tun");
    const { socket } = await startDaemon();
    const { json } = new DhcpCaller(OURS, tunnel, socket).call("ADD");
    expect(json.msg).toContain("eth0");
    expect(json.msg).toContain("DHCP works on Ethernet links only");
  });

  it("CHECK without a lease is an error, and makes none", async () => {
    const lan = new Lan();
    const dnsmasq = await lan.dnsmasq();
    const { socket } = await startDaemon();
    const caller = new DhcpCaller(OURS, lan.container(), socket);
    expect(caller.call("CHECK", { prevResult: {} }).json.msg).toContain("there is no lease");
    expect(dnsmasq.leases()).toEqual([]);
    succeed(caller.call("STATUS"));
  });

  it.each([
    ["that is no DHCP daemon", "HTTP/1.0 404 Not Found\r\n\r\n", 999],
    ["that ends at once", "", 11],
    ["that ends in the middle", "HTTP/1.0 200 Connected to Go RPC\n\n\x39\x7f", 11],
    ["that answers another call", CONNECTED + answered({ ServiceMethod: "DHCP.Allocate", Seq: 7 }), 999],
    ["that says what nobody understands", "HTTP/1.0 200 Connected to Go RPC\n\n\x04\x06\x00\x80\xff", 999],
  ])("something %s is told, with its socket", async (_, says, code) => {
    const socket = join(temporaryDirectory(), "other.sock");
    const server = net.createServer((one) =>
      one
        .on("error", () => {})
        .resume()
        .end(Buffer.from(says, "latin1")),
    );
    await new Promise<void>((done) => server.listen(socket, done));
    onTestFinished(() => void server.close());
    const { json } = await at(socket).start("ADD");
    expect(json).toMatchObject({ code, msg: expect.stringContaining(socket) });
  });

  it("one that hangs is waited for as long as the configuration says", async () => {
    const socket = join(temporaryDirectory(), "hanging.sock");
    const greeting = "HTTP/1.0 200 Connected to Go RPC\n\n";
    const server = net.createServer(
      (one) =>
        void one
          .on("error", () => {})
          .resume()
          .write(greeting),
    );
    await new Promise<void>((done) => server.listen(socket, done));
    onTestFinished(() => void server.close());
    const begun = performance.now();
    const { json } = await at(socket, { daemonTimeout: 1 }).start("ADD");
    expect(json).toMatchObject({ code: 11, msg: expect.stringContaining("in time") });
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it("one that is killed in the middle of an exchange is told", async () => {
    const lan = new Lan();
    const server = new TestServer(lan);
    const daemon = await startDaemon();
    const add = new DhcpCaller(OURS, lan.container(), daemon.socket).start("ADD");
    await server.hear(1);
    daemon.background.child.kill("SIGKILL");
    await daemon.background.ends();
    expect((await add).json).toMatchObject({ code: 11, msg: expect.stringContaining("in the middle") });
  });

  it("what comes over the daemon's socket and is no call ends the connection only", async () => {
    const { socket } = await startDaemon();
    for (const says of [
      "GET / HTTP/1.0\r\n\r\n",
      "POST /_goRPC_ HTTP/1.0\n\n",
      "CONNECT /_goRPC_ HTTP/1.0\n\n\xf7\xff\xff",
      "x".repeat(20000),
    ]) {
      const client = net.connect(socket);
      client.on("error", () => {});
      client.write(Buffer.from(says, "latin1"));
      let heard = "";
      client.setEncoding("latin1").on("data", (part: string) => {
        heard += part;
      });
      await new Promise((done) => client.once("close", done));
      if (says.startsWith("GET")) expect(heard).toMatch(/^HTTP\/1\.0 404/);
      if (says.startsWith("POST")) expect(heard).toMatch(/^HTTP\/1\.0 405/);
    }
    succeed(at(socket).call("STATUS"));
  });
});

it("a daemon without anything due does nothing", async () => {
  const lan = new Lan();
  await lan.dnsmasq();
  const { socket, pid } = await startDaemon();
  const descriptors = (): string[] => readdirSync(`/proc/${pid}/fd`);
  const idle = descriptors();
  succeed(new DhcpCaller(OURS, lan.container(), socket).call("ADD"));
  const switches = (): string[] => readFileSync(`/proc/${pid}/status`, "utf8").match(/ctxt_switches:\s+\d+/g) ?? [];
  await until("it to sleep", () => / S /.test(readFileSync(`/proc/${pid}/stat`, "utf8")));
  const before = switches();
  await pause(2000);
  expect(switches()).toEqual(before);
  expect(readdirSync(`/proc/${pid}/task`)).toHaveLength(1);
  expect(descriptors()).toEqual(idle);
});

it("a thousand leases take the daemon less than 20 MB", async () => {
  const lan = new Lan();
  const container = lan.container();
  const socket = join(temporaryDirectory(), "dhcp.sock");
  const records = leaseRecords(socket);
  const where = findInterface(container.path, "eth0");
  const ip = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
  for (let i = 0; i < 1000; i++) {
    const containerId = String(i).padStart(64, "c");
    const attachment = { network: "net", containerId, ifname: "eth0" };
    const clientId = ip(0, ...Buffer.from(`${containerId}/net/eth0`));
    const provide = new Map([[12, ip(...Buffer.from(`pod-${i}`))]]);
    // What dnsmasq says.
    const options = new Map([
      [1, ip(255, 255, 255, 0)],
      [3, ip(192, 168, 77, 1)],
      [6, ip(192, 168, 77, 1)],
      [15, ip(...Buffer.from("cluster.example.org"))],
      [28, ip(192, 168, 77, 255)],
      [51, ip(0, 0, 14, 16)],
      [53, ip(5)],
      [54, ip(192, 168, 77, 1)],
      [58, ip(0, 0, 7, 8)],
      [59, ip(0, 0, 12, 78)],
    ]);
    records.write({
      attachment,
      netns: container.path,
      netnsId: where.netnsId,
      ifindex: where.ifindex,
      client: { clientId, request: [3, 1, 6, 15, 119], provide, broadcast: false, probes: true },
      priority: 0,
      interfaceMtu: false,
      lease: {
        ip: ip(192, 168, 77, i % 250),
        options,
        server: ip(192, 168, 77, 1),
        serverMac: ip(2, 0, 0, 0, 0, 1),
        since: bootTimeMs(),
      },
    });
  }
  const { pid } = await startDaemon(OURS, [], socket);
  const call = new DhcpCaller(OURS, container, socket);
  expect(call.call("STATUS").status).toBe(0); // the daemon has read them
  const kilobytes = (): number => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  const before = kilobytes();
  expect(before).toBeLessThan(20_000);
  // Nor do calls leave anything in its memory.
  const client = net.connect(socket);
  onTestFinished(() => void client.destroy());
  const encoder = new GobEncoder();
  const config = { cniVersion: "1.1.0", name: "net", ipam: { type: "dhcp" }, comment: "x".repeat(10_000) };
  const stdin = Uint8Array.from(Buffer.from(JSON.stringify(config)));
  const args = { containerId: "other", netns: container.path, ifname: "eth0", args: "", path: "", stdin };
  client.write(CONNECT);
  let heard = "";
  client.setEncoding("latin1").on("data", (part: string) => {
    heard += part;
  });
  for (let i = 1; i <= 2000; i++) {
    client.write(encoder.encode(REQUEST_HEADER, { ServiceMethod: "DHCP.Check", Seq: i }));
    client.write(encoder.encode(CMD_ARGS, cmdArgsToGob(args)));
    if (i % 20 === 0) await until("the answers", () => heard.split("there is no lease for other").length - 1 === i);
  }
  expect(kilobytes() - before).toBeLessThan(2000);
});
