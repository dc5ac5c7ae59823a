// The tap plugin: what it makes, what a program meets that opens the tap, and what is left.

import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { describe, expect, it, onTestFinished } from "vitest";
import { IFF, TUNSETIFF } from "../../src/links/uapi.ts";
import { plugin } from "../../src/plugins/tap/plugin.ts";
import { ioctl } from "../../src/sys/ioctl.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { startBeside } from "../support/background.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { addressesIn, poll, type TestNetns } from "../support/netns.ts";
import { succeed } from "../support/plugin.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations, results, and what ip(8) prints
type Json = any;

const MAC = "0a:00:00:00:00:05";
const configOf = (more: Json = {}): Json => ({ cniVersion: "1.1.0", name: "net1", type: "tap", ...more });
const linkOf = ({ container }: TestNode): Json => container.ipJson("link show dev eth0")[0];
const names = ({ container }: TestNode): string[] => container.ipJson("link show").map(({ ifname }: Json) => ifname);
const hostLocal = ({ dataDir }: TestNode): Json => ({
  type: "host-local",
  dataDir,
  ranges: [[{ subnet: "10.9.0.0/24" }], [{ subnet: "fd09::/64" }]],
  routes: [{ dst: "0.0.0.0/0" }],
});

/** Opens the tap as a program does, for as long as the test runs. */
function openTap(container: TestNetns, flags: number): number {
  const fd = inNetns(container.fd, () => openSync("/dev/net/tun", "r+"));
  onTestFinished(() => closeSync(fd));
  const ifreq = Buffer.alloc(40);
  ifreq.write("eth0");
  ifreq.writeUInt16LE(flags, 16);
  ioctl(fd, TUNSETIFF, ifreq, "open the tap");
  return fd;
}

/** The next frame of this type that `isWanted`, without the header before it. */
function readFrame(fd: number, header: number, type: number, isWanted: (frame: Buffer) => boolean): Buffer {
  const buffer = Buffer.alloc(2048);
  return poll(`a frame of the type 0x${type.toString(16)}`, () => {
    const frame = buffer.subarray(header, readSync(fd, buffer));
    return frame.readUInt16BE(12) === type && isWanted(frame) && Buffer.from(frame);
  });
}

describe("tap", () => {
  it("makes a tap that stays, nobody's, without headers of its own", () => {
    const node = ourNode(plugin);
    const result = succeed(node.call({ command: "ADD", config: configOf() }));
    const link = linkOf(node);
    expect(result.interfaces).toEqual([{ name: "eth0", mac: link.address, sandbox: node.container.path }]);
    expect(link.flags).toContain("UP");
    expect(link.linkinfo).toEqual({
      info_kind: "tun",
      info_data: { type: "tap", pi: false, vnet_hdr: false, multi_queue: false, persist: true },
    });
    succeed(node.call({ command: "CHECK", config: configOf({ prevResult: result }) }));
    for (let time = 0; time < 2; time++)
      succeed(node.call({ command: "DEL", config: configOf({ prevResult: result }) }));
    expect(names(node)).toEqual(["lo"]);
  });

  it.each<[what: string, keys: Json, expected: Json, call?: Json]>([
    ["owner 0", { owner: 0 }, { data: { user: "root" } }],
    ["owner and group, by number", { owner: 4242, group: 4243 }, { data: { user: 4242, group: 4243 } }],
    ["the highest of each", { owner: 4294967294, group: 4294967294 }, { data: { user: 4294967294 } }],
    ["several queues", { multiQueue: true }, { data: { multi_queue: true, numqueues: 0 } }],
    ["a virtio header", { vnetHdr: true, owner: 1, group: 1 }, { data: { vnet_hdr: true, pi: false } }],
    ["owner, group, MTU and address (W1)", { owner: 1, group: 1, mtu: 1400, mac: MAC }, { mtu: 1400, address: MAC }],
    ["an address of CNI_ARGS", { mac: "zz" }, { address: MAC }, { args: `IgnoreUnknown=1;MAC=${MAC}` }],
    ["the runtime's address", { runtimeConfig: { mac: MAC } }, { address: MAC }, { args: "MAC=0a:00:00:00:00:06" }],
  ])("has what is asked for: %s", (_, keys, { data, ...rest }, call = {}) => {
    const node = ourNode(plugin);
    const config = configOf(keys);
    const prevResult = succeed(node.call({ command: "ADD", config, ...call }));
    expect(linkOf(node)).toMatchObject({ ...rest, linkinfo: { info_data: data ?? {} } });
    expect(prevResult.interfaces[0].mac).toBe(linkOf(node).address);
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult }, ...call }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult }, ...call }));
    expect(names(node)).toEqual(["lo"]);
  });

  it.each<[what: string, flags: number, keys: Json]>([
    ["plain frames", 0, {}],
    ["a virtio header", IFF.VNET_HDR, {}],
    ["several queues", IFF.MULTI_QUEUE, { multiQueue: true }],
  ])("gives a program the container's frames, and the container its answers: %s", async (_, flags, keys) => {
    const node = ourNode(plugin);
    const addresses = [{ address: "10.9.0.2/24" }];
    succeed(
      node.call({ command: "ADD", config: configOf({ mac: MAC, ipam: { type: "static", addresses }, ...keys }) }),
    );
    const fd = openTap(node.container, IFF.TAP | IFF.NO_PI | flags);
    const header = flags === IFF.VNET_HDR ? 10 : 0;
    poll("the carrier", () => linkOf(node).operstate !== "DOWN");
    await startBeside("nsenter", [`--net=${node.container.path}`, "ping", "-c", "100", "-i", "0.2", "10.9.0.1"]);
    const request = readFrame(fd, header, 0x0806, (frame) => frame.subarray(38, 42).equals(Buffer.from([10, 9, 0, 1])));
    expect([...request.subarray(6, 12)]).toEqual([10, 0, 0, 0, 0, 5]);
    // The answer: 10.9.0.1 is at 0a:00:00:00:00:01.
    const answer = Buffer.from(request);
    answer.writeUInt16BE(2, 20);
    request.copy(answer, 0, 6, 12);
    for (const at of [6, 22]) Buffer.from([10, 0, 0, 0, 0, 1]).copy(answer, at);
    request.copy(answer, 28, 38, 42);
    request.copy(answer, 32, 22, 32);
    writeSync(fd, Buffer.concat([Buffer.alloc(header), answer]));
    const echo = readFrame(fd, header, 0x0800, () => true);
    expect([...echo.subarray(0, 6)]).toEqual([10, 0, 0, 0, 0, 1]);
    expect([...echo.subarray(30, 34)]).toEqual([10, 9, 0, 1]);
  });

  it("can be opened with as many queues only as it was made for", () => {
    const node = ourNode(plugin);
    succeed(node.call({ command: "ADD", config: configOf() }));
    expect(() => openTap(node.container, IFF.TAP | IFF.NO_PI | IFF.MULTI_QUEUE)).toThrow("EINVAL");
  });

  it("joins a bridge of the container", () => {
    const node = ourNode(plugin);
    node.container.ip("link add br0 type bridge");
    node.container.ip("link add other type veth peer name peer");
    const config = configOf({ bridge: "br0" });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    expect(linkOf(node).master).toBe("br0");
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
    for (const [bridge, what] of [
      ["br1", "no link of this name"],
      ["other", "a link of this name that is no bridge"],
    ] as const) {
      const { json } = node.call({ command: "ADD", config: configOf({ bridge }) });
      expect(json).toMatchObject({ code: 7, msg: `bridge: "${bridge}": the container has ${what}` });
    }
    expect(names(node)).toEqual(["lo", "br0", "peer", "other"]);
  });

  it("gets addresses and routes, which go back with DEL, and IPAM's dns", () => {
    const node = ourNode(plugin);
    const config = configOf({ ipam: hostLocal(node), dns: { nameservers: ["192.0.2.53"] } });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    expect(addressesIn(node.container)).toEqual(["10.9.0.2", "fd09::2"]);
    for (const name of ["ipv4/conf/eth0/arp_notify", "ipv6/conf/eth0/ndisc_notify"]) // W6
      expect(node.container.exec("cat", `/proc/sys/net/${name}`)).toBe("1\n");
    expect(prevResult.ips.map((ip: Json) => ip.interface)).toEqual([0, 0]);
    expect(prevResult.dns).toEqual({ nameservers: ["192.0.2.53"] });
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
    succeed(node.call({ command: "DEL", config: { ...config, prevResult }, netns: "" }));
    expect(names(node)).toEqual(["lo", "eth0"]);
    succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
    expect(names(node)).toEqual(["lo"]);
  });

  it.each<[what: string, keys: Json, code: number, message: string]>([
    ["IPAM that is not there (W5)", { ipam: { type: "nonexist" } }, 999, "nonexist"],
    ["IPAM that gives nothing", { ipam: { type: "static" } }, 999, "IPAM plugin returned missing IP config"],
    ["an owner below 0", { owner: -1 }, 7, "owner: -1 is not a number from 0 to 4294967294"],
    ["an owner that stands for nobody", { owner: 4294967295 }, 7, "owner: 4294967295 is not a number"],
    ["a group that is text", { group: "wheel" }, 6, 'group: "wheel" is not a whole number'],
    ["an MTU that no link has", { mtu: 67 }, 7, "mtu: 67 is not a number from 68 to 65535"],
    ["an MTU that no tap has", { mtu: 65535 }, 7, "mtu: no tap can have 65535"],
    ["an MTU too small for IPv6", { mtu: 1000, ipam: { type: "static", addresses: [{ address: "fd09::2/64" }] } }, 7, "mtu: 1000 is too small"], // biome-ignore format: a row
    ["a multicast address", { mac: "01:00:5e:00:00:01" }, 7, "mac: an interface can't have a multicast address"],
    ["an SELinux context without SELinux", { selinuxContext: "system_u:system_r:container_t:s0" }, 7, "selinuxContext: the kernel has no SELinux, or its policy no context"], // biome-ignore format: a row
    ["a bridge that is no name", { bridge: "a/b" }, 7, 'bridge: "a/b" is not an interface name'],
  ])("refuses %s, and leaves nothing", (_, keys, code, message) => {
    const node = ourNode(plugin);
    const { status, json } = node.call({ command: "ADD", config: configOf(keys) });
    expect([status, json.code]).toEqual([1, code]);
    expect(json.msg).toContain(message);
    expect(names(node)).toEqual(["lo"]);
  });

  it.each(["tap", "bridge"])("refuses a name that a %s has, and leaves it alone (W4)", (kind) => {
    const node = ourNode(plugin);
    node.container.ip(kind === "tap" ? "tuntap add eth0 mode tap user 77" : "link add eth0 type bridge");
    const before = linkOf(node);
    const { json } = node.call({ command: "ADD", config: configOf({ mtu: 1400, owner: 1 }) });
    expect(json).toMatchObject({ code: 4, msg: 'CNI_IFNAME: the container has an interface "eth0" already' });
    expect(linkOf(node)).toEqual(before);
    expect(names(node)).toEqual(["lo", "eth0"]);
  });

  it("refuses CNI_ARGS that are none", () => {
    const node = ourNode(plugin);
    expect(node.call({ command: "ADD", config: configOf(), args: "MAC=zz" }).json.code).toBe(4);
    expect(names(node)).toEqual(["lo"]);
  });

  it("CHECK compares kind, owner, group, address, MTU, queues and bridge (W7)", () => {
    const node = ourNode(plugin);
    const { container } = node;
    container.ip("link add br0 type bridge");
    const config = configOf({ owner: 7, group: 8, mac: MAC, mtu: 1400, bridge: "br0" });
    const prevResult = succeed(node.call({ command: "ADD", config }));
    const check = (): string => node.call({ command: "CHECK", config: { ...config, prevResult } }).json?.msg;
    const replace = (made: string, more = `address ${MAC} mtu 1400 master br0`): void => {
      container.ip("link delete eth0");
      container.ip(made);
      container.ip(`link set eth0 ${more} up`);
    };
    expect(check()).toBeUndefined();
    replace("tuntap add eth0 mode tap user 7 group 8");
    expect(check()).toBeUndefined();
    replace("tuntap add eth0 mode tap user 9 multi_queue");
    expect(check()).toBe(
      "the tap eth0 is not as configured: multiQueue is true, not false; owner is 9, not 7; group is not set, not 8",
    );
    replace("tuntap add eth0 mode tap user 7 group 8", `address ${MAC}`);
    expect(check()).toContain("mtu is 1500, not 1400; bridge is not set, not br0");
    replace("tuntap add eth0 mode tap user 7 group 8", "mtu 1400 master br0");
    expect(check()).toContain("interface eth0 in the container has the address");
    replace("link add eth0 type veth peer name other");
    expect(check()).toBe("interface eth0 in the container is not of type tun but veth");
  });

  it("STATUS succeeds where there is a driver", () => {
    const node = ourNode(plugin);
    succeed(node.call({ command: "STATUS", config: configOf() }));
    expect(node.call({ command: "STATUS", config: configOf({ owner: "x" }) }).json.code).toBe(6);
  });
});
