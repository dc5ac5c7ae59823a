// The host-device plugin with devices that stand for hardware: veths, a macvlan, a tap. What becomes of hardware when a namespace
// ends is in test/guest/host-device.test.ts.

import { closeSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hostDevice } from "../../src/host-device/feature.ts";
import { reclaimReturned } from "../../src/host-device/give-back.ts";
import { take } from "../../src/host-device/take.ts";
import { withNamespaces, withNode } from "../../src/links/namespaces.ts";
import { plugin } from "../../src/plugins/host-device/plugin.ts";
import { getNetDevice, type NetDevice } from "../../src/rtnetlink/net-device.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { cli } from "../support/cli.ts";
import { ourNode, type TestNode } from "../support/differential.ts";
import { syscallsOf } from "../support/intercept-syscalls.ts";
import { makeNetns, run, type TestNetns } from "../support/netns.ts";
import { type PluginCall, type PluginOutcome, succeed } from "../support/plugin.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations, results, and what ip(8) prints
type Json = any;

const MAC = "0a:00:00:00:00:05";
const RECORDS = "/run/bauta/host-device";

/** A node with the device ens5: up, with an alias, another MTU, an altname and a master. */
function nodeWithDevice(): TestNode {
  const node = ourNode(plugin);
  node.node.ip("link add br7 type bridge");
  node.node.ip(`link add ens5 address ${MAC} type veth peer name other`);
  node.node.ip("link set ens5 mtu 1400 master br7 up");
  node.node.exec("ip", "link", "set", "ens5", "alias", "the uplink");
  node.node.ip("link property add dev ens5 altname enp0s5");
  return node;
}

const configOf = (more: Json = {}): Json => ({ cniVersion: "1.1.0", name: "net1", type: "host-device", ...more });
const withIpam = ({ dataDir }: TestNode): Json => ({
  ipam: { type: "host-local", dataDir, ranges: [[{ subnet: "10.9.0.0/24" }], [{ subnet: "fd09::/64" }]] },
});
const reservations = ({ dataDir }: TestNode): string[] =>
  existsSync(`${dataDir}/net1`) ? readdirSync(`${dataDir}/net1`).filter((name) => /^[0-9a-f]+[.:]/.test(name)) : [];

function linkIn(netns: TestNetns, name: string): Json {
  const links = netns.ipJson("link show");
  return links.find((one: Json) => one.ifname === name);
}
const names = (netns: TestNetns): string[] => netns.ipJson("link show").map(({ ifname }: Json) => ifname);

/** The device as it was before ADD. */
function expectAsBefore({ node }: TestNode): void {
  const link = linkIn(node, "ens5");
  expect(link).toMatchObject({ mtu: 1400, address: MAC, ifalias: "the uplink", altnames: ["enp0s5"], master: "br7" });
  expect(link.flags).toContain("UP");
}

function add(node: TestNode, config: Json, call: Partial<PluginCall> = {}): Json {
  return succeed(node.call({ command: "ADD", config, ...call }));
}
function del(node: TestNode, config: Json, prevResult: Json, call: Partial<PluginCall> = {}): PluginOutcome {
  const outcome = node.call({ command: "DEL", config: { ...config, prevResult }, ...call });
  succeed(outcome);
  return outcome;
}

/** How many messages `work` sends to the kernel. */
const netlinkCallsOf = (work: () => unknown): number => syscallsOf(work).filter((name) => name === "sendto").length;

/** What the command prints on the node. */
const onNode = ({ node }: TestNode, ...args: string[]): string => inNetns(node.fd, () => cli(args)).stdout;

describe("host-device", () => {
  it("moves the device, with its old name as the alias, and gives it back as it was", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5", dns: { nameservers: ["192.0.2.53"] } });
    const result = add(node, config);
    const interfaces = [{ name: "eth0", mac: MAC, sandbox: node.container.path }];
    expect(result).toEqual({ cniVersion: "1.1.0", interfaces, dns: { nameservers: ["192.0.2.53"] } });
    expect(names(node.node)).not.toContain("ens5");
    const moved = linkIn(node.container, "eth0");
    expect(moved).toMatchObject({ ifalias: "ens5", address: MAC });
    expect(moved.flags).toContain("UP");
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult: result } }));
    del(node, config, result);
    expect(names(node.container)).toEqual(["lo"]);
    expectAsBefore(node);
    expect(readdirSync(RECORDS)).toEqual([]);
  });

  it("gives the device addresses and routes, and the addresses back", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5", ...withIpam(node) });
    const result = add(node, config);
    expect(result.ips.map(({ address, interface: index }: Json) => [address, index])).toEqual([
      ["10.9.0.2/24", 0],
      ["fd09::2/64", 0],
    ]);
    const [link] = node.container.ipJson("address show dev eth0");
    expect(link.addr_info.map(({ local }: Json) => local)).toEqual(expect.arrayContaining(["10.9.0.2", "fd09::2"]));
    succeed(node.call({ command: "CHECK", config: { ...config, prevResult: result } }));
    del(node, config, result);
    expect(reservations(node)).toEqual([]);
    expectAsBefore(node);
  });

  it("releases the addresses where there is no namespace (W1), and succeeds twice (W2)", () => {
    for (const netns of ["", "/run/netns/nowhere"]) {
      const node = ourNode(plugin);
      node.node.ip("link add ens5 type veth peer name other");
      const config = configOf({ device: "ens5", ...withIpam(node) });
      const result = add(node, config);
      expect(reservations(node)).toHaveLength(2);
      node.container.ip("link delete eth0");
      del(node, config, result, { netns });
      expect(reservations(node)).toEqual([]);
      for (const again of [netns, node.container.path]) del(node, config, result, { netns: again });
    }
  });

  it("takes the device from the recorded namespace where the call names none", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    const result = add(node, config);
    del(node, config, result, { netns: "" });
    expectAsBefore(node);
  });

  it("finds a device that the container has renamed, and has taken the alias from (W3)", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    const result = add(node, config);
    node.container.ip("link set eth0 down");
    node.container.ip("link set eth0 name lan7");
    node.container.ip("link set lan7 address 0a:00:00:00:00:99 mtu 1300 up");
    node.container.exec("ip", "link", "set", "lan7", "alias", "");
    node.container.ip("link property del dev lan7 altname enp0s5");
    node.container.ip("link add eth0 type bridge");
    del(node, config, result);
    expect(names(node.container)).toEqual(["lo", "eth0"]);
    expectAsBefore(node);
  });

  it("gives the device another name where its own is taken, and says so (W5)", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    const result = add(node, config);
    node.node.ip("link add ens5 type bridge");
    const { stderr } = del(node, config, result);
    expect(stderr).toContain(
      'host-device: another link has the name "ens5" by now: the device is called "ens5_1", with the old name as its alias\n',
    );
    expect(linkIn(node.node, "ens5_1")).toMatchObject({ address: MAC, mtu: 1400, ifalias: "ens5", master: "br7" });
    expect(names(node.container)).toEqual(["lo"]);
  });

  it("gives the device back where the container has a link of its old name", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    const result = add(node, config);
    node.container.ip("link add ens5 type bridge");
    del(node, config, result);
    expect(names(node.container)).toEqual(["lo", "ens5"]);
    expectAsBefore(node);
  });

  it("moves a device whose name, or index, is taken in the container", () => {
    const node = nodeWithDevice();
    const { ifindex } = linkIn(node.node, "ens5");
    node.container.ip(`link add ens5 index ${ifindex} type bridge`);
    const config = configOf({ device: "ens5" });
    const result = add(node, config);
    expect(linkIn(node.container, "eth0").ifindex).not.toBe(ifindex);
    node.container.ip("link set eth0 down");
    node.container.ip("link set eth0 name lan7");
    node.container.exec("ip", "link", "set", "lan7", "alias", "");
    del(node, config, result);
    expectAsBefore(node);
  });

  it("takes a device whose other name is the container's name for it", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    const result = add(node, config, { ifname: "enp0s5" });
    expect(linkIn(node.container, "enp0s5")).toMatchObject({ ifalias: "ens5" });
    del(node, config, result, { ifname: "enp0s5" });
    expectAsBefore(node);
  });

  it.each([
    ["IPAM fails", { ipam: { type: "nonexist" } }],
    ["IPAM gives none", { ipam: { type: "static" } }],
    ["the addresses do not fit", { ipam: { type: "static", addresses: [{ address: "10.9.0.5/24" }], routes: [{ dst: "192.0.2.0/24", gw: "172.16.0.1" }] } }], // biome-ignore format: a row
  ])("moves the device back where %s (W6)", (_, more) => {
    const node = nodeWithDevice();
    expect(node.call({ command: "ADD", config: configOf({ device: "ens5", ...more }) }).status).toBe(1);
    expect(names(node.container)).toEqual(["lo"]);
    expectAsBefore(node);
    expect(readdirSync(RECORDS)).toEqual([]);
  });

  it("leaves device and container alone where the name is taken", () => {
    const node = nodeWithDevice();
    node.container.ip("link add eth0 type bridge");
    const config = configOf({ device: "ens5" });
    const { json } = node.call({ command: "ADD", config });
    expect(json).toMatchObject({ code: 4, msg: 'CNI_IFNAME: the container has an interface "eth0" already' });
    expectAsBefore(node);
    del(node, config, undefined);
    expect(names(node.container)).toEqual(["lo", "eth0"]);
  });

  it("names the device that the kernel does not let go, and the container that has one", () => {
    const node = nodeWithDevice();
    const immovable = node.call({ command: "ADD", config: configOf({ device: "lo" }) });
    expect(immovable.json.msg).toMatch(/the kernel does not let the device lo \(hardware\) leave the node/);
    expect(readdirSync(RECORDS)).toEqual([]);
    const config = configOf({ device: "ens5" });
    add(node, config);
    const other = makeNetns();
    const second = node.call({ command: "ADD", config, containerId: "container-2", netns: other.path });
    other.remove();
    expect(second.json).toEqual({
      cniVersion: "1.1.0",
      code: 7,
      msg: 'device: the node has no such device: "ens5"',
      details: "the container container-1 has it, as eth0 of the network net1",
    });
  });

  it("an ADD that another was faster than keeps no record of the device", () => {
    const node = nodeWithDevice();
    add(node, configOf({ device: "ens5" }));
    const other = makeNetns();
    const attachment = { network: "net1", containerId: "container-2", ifname: "enp0s5" };
    const late = (device: NetDevice): void =>
      withNamespaces(other.path, (namespaces) => void take(namespaces, attachment, device, () => undefined));
    const moved = inNetns(node.container.fd, () => withNode((container) => getNetDevice(container, "eth0")));
    const gone = { ...moved, index: 4242, name: "ens5" } as NetDevice;
    for (const alternativeNames of [[], ["enp0s5"]]) {
      expect(() => inNetns(node.node.fd, () => late({ ...gone, alternativeNames }))).toThrow(
        "the device ens5 has left the node meanwhile: another container may have it",
      );
      expect(readdirSync(RECORDS)).toHaveLength(1);
    }
    other.remove();
  });

  it("CHECK sees a device that is gone, has another address or another alias", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    const prevResult = add(node, config);
    const check = (): string => node.call({ command: "CHECK", config: { ...config, prevResult } }).json?.msg;
    expect(check()).toBeUndefined();
    node.container.exec("ip", "link", "set", "eth0", "alias", "mine");
    expect(check()).toBe('eth0 in the container: its alias is "mine", not its name on the node, ens5');
    expect(onNode(node, "restore")).toContain("put back 1 address (1 live attachment)");
    expect(check()).toBeUndefined();
    node.container.ip("link set eth0 address 0a:00:00:00:00:77");
    expect(check()).toContain("has the address 0a:00:00:00:00:77");
    node.container.ip("link delete eth0");
    expect(check()).toBe("interface eth0 in the container not found");
  });

  it("STATUS tells that the device is missing, and does not mind that a container has it", () => {
    const node = nodeWithDevice();
    const status = (more: Json): Json => node.call({ command: "STATUS", config: configOf(more) }).json;
    expect(status({ device: "ens5" })).toBeUndefined();
    expect(status({ device: "ens6" })).toMatchObject({
      code: 50,
      msg: 'device: the node has no such device: "ens6"',
    });
    expect(status({ hwaddr: "0a:00:00:00:00:06" })).toMatchObject({ code: 50 });
    expect(status({ capabilities: { deviceID: true } })).toBeUndefined();
    expect(status({})).toMatchObject({ code: 7, msg: expect.stringContaining('"pciBusID"') });
    add(node, configOf({ device: "ens5" }));
    expect(status({ device: "ens5" })).toBeUndefined();
    expect(status({ device: "enp0s5" })).toBeUndefined();
    expect(status({ hwaddr: MAC })).toBeUndefined();
  });

  it("STATUS leaves alone what has come back under another name, for the next ADD to restore", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    add(node, config);
    node.container.ip(`link set eth0 netns ${node.node.name}`);
    const before = linkIn(node.node, "eth0");
    for (const wanted of [{ device: "ens5" }, { device: "eth0" }, { hwaddr: MAC }]) {
      succeed(node.call({ command: "STATUS", config: configOf(wanted) }));
    }
    expect(linkIn(node.node, "eth0")).toEqual(before);
    expect(readdirSync(RECORDS)).toHaveLength(1);
    const again = { containerId: "container-2" };
    del(node, config, add(node, config, again), again);
    expectAsBefore(node);
  });

  it("ADD looks at the node's links once, however many records there are", () => {
    const node = ourNode(plugin);
    const calls: number[] = [];
    const ends: (() => void)[] = [];
    for (let n = 1; n <= 4; n++) {
      node.node.ip(`link add ens${n} type veth peer name other${n}`);
      const config = configOf({ device: `ens${n}` });
      const result = add(node, config, { ifname: `eth${n}` });
      ends.push(() => void del(node, config, result, { ifname: `eth${n}` }));
      calls.push(
        inNetns(node.node.fd, () => withNode((on) => netlinkCallsOf(() => reclaimReturned(on, () => undefined)))),
      );
    }
    expect(calls).toEqual(calls.map(() => calls[0]));
    for (const end of ends) end();
  });

  it("GC gives back what containers have that are not valid any more", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    add(node, config);
    const gc = (valid: readonly Json[]): void =>
      void succeed(node.call({ command: "GC", config: { ...config, "cni.dev/valid-attachments": valid } }));
    gc([{ containerID: "container-1", ifname: "eth0" }]);
    expect(names(node.container)).toContain("eth0");
    gc([]);
    expectAsBefore(node);
    expect(readdirSync(RECORDS)).toEqual([]);
  });

  it("is in bauta list while a container has the device", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    const result = add(node, config);
    const listed = (): Json => JSON.parse(onNode(node, "list", "--json"))[0]?.addresses[0];
    expect(listed()).toEqual({
      ...{ address: MAC, policy: "host-device ens5", packets: null, bytes: null },
      state: "ok",
    });
    del(node, config, result);
    expect(listed()).toBeUndefined();
    expect(hostDevice.records()).toEqual([]);
  });

  it("is missing where another container's namespace has the path by now, and `bauta restore` leaves that alone", () => {
    const node = nodeWithDevice();
    const attached = makeNetns();
    const config = configOf({ device: "ens5" });
    add(node, config, { netns: attached.path });
    run("ip", "netns", "delete", attached.name); // the descriptor keeps the namespace, and so its inode, from being used again
    const another = makeNetns(attached.name);
    another.exec("ip", "link", "add", "eth0", "index", "77", "type", "veth", "peer", "name", "other");
    const [file = ""] = readdirSync(RECORDS);
    const record = JSON.parse(readFileSync(`${RECORDS}/${file}`, "utf8"));
    const device = { ...record.device, index: 77 };
    writeFileSync(`${RECORDS}/${file}`, JSON.stringify({ ...record, device }));
    expect(JSON.parse(onNode(node, "list", "--json"))[0].addresses[0].state).toBe("missing");
    onNode(node, "restore");
    expect(linkIn(another, "eth0").ifalias).toBeUndefined();
    another.remove();
    closeSync(attached.fd);
  });

  it("leaves a device to the attachment that has it, when DEL is called for another with that namespace and name", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    const result = add(node, config);
    for (const containerId of ["container-2", "container-1"]) {
      succeed(node.call({ command: "DEL", config: { ...config, prevResult: result }, containerId }));
      expect(names(node.container)).toHaveLength(containerId === "container-2" ? 2 : 1);
    }
    expectAsBefore(node);
  });

  it("without a record, takes no name from the alias but that of the configuration", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    const result = add(node, config);
    for (const name of readdirSync(RECORDS)) rmSync(`${RECORDS}/${name}`);
    const before = names(node.node);
    node.container.exec("ip", "link", "set", "eth0", "alias", "docker0");
    expect(del(node, config, result).stderr).toContain(
      '"eth0" stays in the container: its alias is "docker0", not "ens5", the device of the configuration',
    );
    expect(names(node.node)).toEqual(before);
    node.container.exec("ip", "link", "set", "eth0", "alias", "ens5");
    del(node, config, result);
    expect(linkIn(node.node, "ens5")).toMatchObject({ address: MAC });
  });

  it("does not trust a record that is none", () => {
    const node = nodeWithDevice();
    const config = configOf({ device: "ens5" });
    const result = add(node, config);
    const [file = ""] = readdirSync(RECORDS);
    writeFileSync(`${RECORDS}/${file}`, '{"attachment":{}}');
    const { stderr } = del(node, config, result);
    expect(stderr).toContain("the record of the device is illegible");
    expect(linkIn(node.node, "ens5")).toMatchObject({ address: MAC }); // by the alias
  });
});

describe("by hwaddr", () => {
  it("hardware comes before what has borrowed its address (W10), and any form of the address will do", () => {
    const node = ourNode(plugin);
    node.node.ip(`link add ens5 address ${MAC} type veth peer name other`);
    node.node.ip(`link add mac5 link ens5 address ${MAC} type macvlan`);
    for (const hwaddr of [MAC, MAC.toUpperCase(), "0a00.0000.0005", MAC.replaceAll(":", "-")]) {
      const config = configOf({ hwaddr });
      const result = add(node, config);
      expect(result.interfaces[0].mac).toBe(MAC);
      del(node, config, result);
    }
  });
});
