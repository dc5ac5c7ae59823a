// The host-device plugin with PCI network cards: what becomes of hardware when the namespace that it is in ends. Runs in guests
// only (npm run test:kernels), which have two cards on one Ethernet; see tools/kernels/guest.mjs.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { plugin } from "../../src/plugins/host-device/plugin.ts";
import { inNetns } from "../../src/sys/netns.ts";
import { cli } from "../support/cli.ts";
import { peerDirectory } from "../support/differential.ts";
import { makeNetns, openNetns, poll, requireNamespaces, run, type TestNetns } from "../support/netns.ts";
import { executable, inProcess, type PluginCall, type PluginOutcome, succeed } from "../support/plugin.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations, results, and what ip(8) prints
type Json = any;

const PCI = ["0000:00:10.0", "0000:00:11.0"] as const;
const MAC = ["52:54:00:00:00:01", "52:54:00:00:00:02"] as const;
const RECORDS = "/run/bauta/host-device";

/** The first network namespace of all: hardware is there. */
let node: TestNetns;
let container: TestNetns | undefined;

const linksOf = (netns: TestNetns): Json[] => netns.ipJson("link show");
const linkOf = (netns: TestNetns, name: string): Json => linksOf(netns).find(({ ifname }: Json) => ifname === name);
const names = (netns: TestNetns): string[] => linksOf(netns).map(({ ifname }: Json) => ifname);
const byMac = (mac: string): Json => linksOf(node).find(({ permaddr, address }: Json) => (permaddr ?? address) === mac);

beforeAll(() => {
  requireNamespaces();
  node = openNetns("/proc/1/ns/net");
  run("modprobe", "-a", "virtio_pci", "virtio_net");
  poll("the cards' links", () => MAC.every((mac) => byMac(mac) !== undefined));
});
afterAll(() => run("modprobe", "-r", "virtio_net"));

/** The cards are ens16, up, with an alias, and ens17. */
beforeEach(() => {
  for (const [i, mac] of MAC.entries()) {
    const { ifname } = byMac(mac);
    node.ip(`link set ${ifname} down`);
    node.ip(`link set ${ifname} name ens1${6 + i} address ${mac} mtu 1500`);
    node.exec("ip", "link", "set", `ens1${6 + i}`, "alias", i === 0 ? "the uplink" : "");
  }
  node.ip("link set ens16 mtu 1400 up");
  container = makeNetns();
});
afterEach(() => {
  endContainer();
  for (const mac of MAC) poll(`the card ${mac}`, () => byMac(mac) !== undefined);
  run("rm", "-rf", RECORDS);
});

function current(): TestNetns {
  if (container === undefined) throw new Error("the container has ended");
  return container;
}

/** The namespace ends, with whatever is in it. */
function endContainer(): string {
  const path = container?.path ?? "";
  container?.remove();
  container = undefined;
  return path;
}

const ours = inProcess(plugin);
const config = (more: Json = {}): Json => ({
  ...{ cniVersion: "1.1.0", name: "net1", type: "host-device" },
  ...more,
});

function call(given: PluginCall, by = ours): PluginOutcome {
  const attachment = { containerId: "container-1", netns: container?.path ?? "/run/netns/gone", ifname: "eth0" };
  return inNetns(node.fd, () => by({ ...attachment, ...given }));
}

/** The first card is as it was before ADD. */
function expectBack(): void {
  const card = linkOf(node, "ens16");
  expect(card).toMatchObject({ address: MAC[0], mtu: 1400, ifalias: "the uplink" });
  expect(card.flags).toContain("UP");
}

describe("hardware", () => {
  it.each<[key: string, keys: Json]>([
    ["pciBusID", { pciBusID: PCI[0] }],
    ["runtimeConfig.deviceID", { runtimeConfig: { deviceID: PCI[0] }, device: "ens17" }],
    ["hwaddr", { hwaddr: MAC[0] }],
    ["device", { device: "ens16" }],
  ])("by %s serves a container, and comes back by DEL", (_, keys) => {
    node.ip("link set ens17 up");
    node.ip("address add 10.9.0.1/24 dev ens17");
    const ipam = { type: "static", addresses: [{ address: "10.9.0.2/24" }] };
    const prevResult = succeed(call({ command: "ADD", config: config({ ...keys, ipam }) }));
    expect(prevResult.interfaces).toEqual([{ name: "eth0", mac: MAC[0], sandbox: current().path }]);
    expect(linkOf(current(), "eth0")).toMatchObject({ ifalias: "ens16" });
    current().exec("ping", "-c", "1", "-W", "20", "10.9.0.1");
    succeed(call({ command: "CHECK", config: config({ ...keys, ipam, prevResult }) }));
    succeed(call({ command: "DEL", config: config({ ...keys, ipam, prevResult }) }));
    expect(names(current())).toEqual(["lo"]);
    expectBack();
    node.ip("address flush dev ens17");
  });

  it("comes back under its old name where the namespace has ended (W4, D11)", () => {
    const prevResult = succeed(call({ command: "ADD", config: config({ device: "ens16" }) }));
    const netns = endContainer();
    // The kernel may still be taking the namespace apart: DEL waits for it.
    succeed(call({ command: "DEL", config: config({ device: "ens16", prevResult }), netns }));
    expectBack();
    expect(readdirSync(RECORDS)).toEqual([]);
  });

  it("comes back where the container had renamed it, and others have its names", () => {
    const prevResult = succeed(call({ command: "ADD", config: config({ pciBusID: PCI[0] }) }));
    const inside = current();
    inside.ip("link set eth0 down");
    inside.ip("link set eth0 name lan7 address 52:54:00:00:00:99 mtu 1300");
    inside.exec("ip", "link", "set", "lan7", "alias", "");
    node.ip("link add lan7 type bridge");
    endContainer();
    succeed(call({ command: "DEL", config: config({ pciBusID: PCI[0], prevResult }) }));
    node.ip("link delete lan7");
    expectBack();
  });

  it("that upstream's plugin has moved comes back under its old name, too", () => {
    const upstream = executable(join(peerDirectory(), "host-device"));
    const prevResult = succeed(call({ command: "ADD", config: config({ device: "ens17" }) }, upstream));
    const netns = endContainer();
    const given = { command: "DEL", config: config({ device: "ens17", prevResult }), netns };
    expect(call(given, upstream).status).toBe(1);
    poll("the kernel to give the card back", () => byMac(MAC[1]) !== undefined);
    expect(names(node)).not.toContain("ens17");
    succeed(call(given));
    expect(linkOf(node, "ens17")).toMatchObject({ address: MAC[1] });
  });
});

describe("without a DEL", () => {
  /** The card has come back by itself, under the container's name for it. */
  function abandon(): void {
    succeed(call({ command: "ADD", config: config({ device: "ens16" }) }));
    endContainer();
    poll("the kernel to give the card back", () => byMac(MAC[0]) !== undefined);
    expect(names(node)).not.toContain("ens16");
  }

  it("the runtime's GC gives the card its name back", () => {
    abandon();
    succeed(call({ command: "GC", config: config({ device: "ens16", "cni.dev/valid-attachments": [] }) }));
    expectBack();
  });

  it("bauta gc does", () => {
    abandon();
    const { stdout } = inNetns(node.fd, () => cli(["gc", "--grace", "0s"]));
    expect(stdout).toContain("removed 1 attachment");
    expectBack();
  });

  it.each([{ device: "ens16" }, { pciBusID: PCI[0] }, { hwaddr: MAC[0] }])("the next ADD by %j does", (keys) => {
    abandon();
    container = makeNetns();
    const again = { config: config(keys), containerId: "container-2" };
    const prevResult = succeed(call({ command: "ADD", ...again }));
    expect(linkOf(current(), "eth0")).toMatchObject({ ifalias: "ens16" });
    succeed(call({ command: "DEL", config: config({ ...keys, prevResult }), containerId: "container-2" }));
    expectBack();
    // The DEL that comes late finds nothing.
    succeed(call({ command: "DEL", config: config({ device: "ens16" }), netns: "" }));
    expectBack();
  });

  it("a late DEL leaves the card to the container that has it by now, in a namespace of the same path", () => {
    succeed(call({ command: "ADD", config: config({ device: "ens16" }) }));
    const { name } = current();
    endContainer();
    poll("the kernel to give the card back", () => byMac(MAC[0]) !== undefined);
    container = makeNetns(name);
    succeed(call({ command: "ADD", config: config({ device: "ens16" }), containerId: "container-2" }));
    succeed(call({ command: "DEL", config: config({ device: "ens16" }) }));
    expect(names(current())).toContain("eth0");
  });
});

it("hwaddr means the card that was made with the address (W10)", () => {
  node.ip("link set ens16 down");
  node.ip("link set ens16 address 52:54:00:00:00:77");
  node.ip(`link add vlan5 link ens17 address ${MAC[0]} type vlan id 5`);
  const prevResult = succeed(call({ command: "ADD", config: config({ hwaddr: MAC[0] }) }));
  expect(prevResult.interfaces[0].mac).toBe("52:54:00:00:00:77");
  succeed(call({ command: "DEL", config: config({ hwaddr: MAC[0], prevResult }) }));
  expect(linkOf(node, "ens16")).toMatchObject({ address: "52:54:00:00:00:77" });
  node.ip("link delete vlan5");
});

it("a card that is unplugged while a container has it is no obstacle to DEL (W9)", () => {
  const prevResult = succeed(call({ command: "ADD", config: config({ pciBusID: PCI[0] }) }));
  writeFileSync(`/sys/bus/pci/devices/${PCI[0]}/remove`, "1");
  poll("the link to go", () => !names(current()).includes("eth0"));
  const { stderr } = call({ command: "DEL", config: config({ pciBusID: PCI[0], prevResult }) });
  expect(stderr).toBe("");
  expect(readdirSync(RECORDS)).toEqual([]);
  writeFileSync("/sys/bus/pci/rescan", "1");
  poll("the card", () => byMac(MAC[0]) !== undefined);
});

it("a card whose driver is one of user space stays where it is", () => {
  const driver = "/sys/bus/pci/drivers/uio_pci_generic";
  if (spawnSync("modprobe", ["uio_pci_generic"]).status !== 0) throw new Error("the guest has no uio_pci_generic");
  const bind = (to: string): void => {
    const device = `/sys/bus/pci/devices/${PCI[1]}`;
    if (existsSync(`${device}/driver`)) writeFileSync(`${device}/driver/unbind`, PCI[1]);
    writeFileSync(`${device}/driver_override`, to);
    writeFileSync("/sys/bus/pci/drivers_probe", PCI[1]);
  };
  bind("uio_pci_generic");
  expect(existsSync(`${driver}/${PCI[1]}`)).toBe(true);
  const ipam = { type: "static", addresses: [{ address: "10.9.0.2/24" }] };
  const given = config({ pciBusID: PCI[1], ipam });
  const prevResult = succeed(call({ command: "ADD", config: given }));
  expect(prevResult).toMatchObject({
    interfaces: [{ name: "eth0", sandbox: current().path }],
    ips: [{ interface: 0 }],
  });
  succeed(call({ command: "CHECK", config: { ...given, prevResult } }));
  succeed(call({ command: "DEL", config: { ...given, prevResult } }));
  expect(names(current())).toEqual(["lo"]);
  bind("virtio-pci");
  poll("the card", () => byMac(MAC[1]) !== undefined);
});
