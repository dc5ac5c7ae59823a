// Which device the configuration means, by what /sys says: PCI and auxiliary devices, paths, drivers of user space. Ours and
// upstream's plugin look at the same /sys, which is the test's own.

import { rmSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { plugin } from "../../src/plugins/host-device/plugin.ts";
import { ourNode, peerNode, type TestNode } from "../support/differential.ts";
import { addFakeDevice, coverSysfs, type FakeDevice } from "../support/fake-sysfs.ts";
import { succeed } from "../support/plugin.ts";

// biome-ignore lint/suspicious/noExplicitAny: configurations, results, and what ip(8) prints
type Json = any;

const PCI = "0000:00:1f.6";
const configOf = (more: Json = {}): Json => ({ cniVersion: "1.1.0", name: "net1", type: "host-device", ...more });
const nodes = (): TestNode[] => [ourNode(plugin), peerNode("host-device")];
const linksOf = ({ node }: TestNode): string[] => node.ipJson("link show").map(({ ifname }: Json) => ifname);

function withLink(node: TestNode, name = "ens5"): TestNode {
  node.node.ip(`link add ${name} type veth peer name other`);
  return node;
}

describe("the device is found", () => {
  it.each<[what: string, device: FakeDevice, keys: Json]>([
    ["by pciBusID", { bus: "pci", id: PCI, driver: "e1000e", links: ["ens5"] }, { pciBusID: PCI }],
    [
      "by pciBusID of a virtio device",
      { bus: "pci", id: PCI, driver: "virtio-pci", directory: "virtio3/net", links: ["ens5"] },
      { pciBusID: PCI },
    ],
    ["by kernelpath", { bus: "pci", id: PCI, links: ["ens5"] }, { kernelpath: `/sys/devices/pci0000:00/${PCI}` }],
    [
      "by runtimeConfig.deviceID, a PCI device",
      { bus: "pci", id: PCI, driver: "e1000e", links: ["ens5"] },
      { runtimeConfig: { deviceID: PCI }, pciBusID: "0000:00:02.0" },
    ],
    [
      "by runtimeConfig.deviceID, an auxiliary device",
      { bus: "auxiliary", id: "mlx5_core.sf.4", links: ["ens5"] },
      { runtimeConfig: { deviceID: "mlx5_core.sf.4" }, pciBusID: "0000:00:02.0" },
    ],
  ])("%s", (_, device, keys) => {
    coverSysfs();
    addFakeDevice(device);
    for (const node of nodes()) {
      withLink(node);
      const config = configOf(keys);
      const prevResult = succeed(node.call({ command: "ADD", config }));
      expect(linksOf(node)).not.toContain("ens5");
      succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
      succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
      expect(linksOf(node)).toContain("ens5");
    }
  });

  it("is the first of the node's own links", () => {
    coverSysfs();
    addFakeDevice({ bus: "pci", id: PCI, driver: "mlx4_core", links: ["ens5", "ens4", "another-namespace"] });
    const node = withLink(ourNode(plugin));
    const result = succeed(node.call({ command: "ADD", config: configOf({ pciBusID: PCI }) }));
    expect(result.interfaces).toHaveLength(1);
    expect(linksOf(node)).not.toContain("ens5");
  });
});

describe("a device that a program in user space has", () => {
  it.each(["vfio-pci", "uio_pci_generic", "igb_uio"])("of the driver %s is not moved", (driver) => {
    coverSysfs();
    addFakeDevice({ bus: "pci", id: PCI, driver });
    for (const node of nodes()) {
      const { dataDir, container } = node;
      const ipam = { type: "host-local", dataDir, subnet: "10.9.0.0/24" };
      for (const more of [{ pciBusID: PCI }, { runtimeConfig: { deviceID: PCI }, ipam }]) {
        const config = configOf(more);
        succeed(node.call({ command: "STATUS", config }));
        const result = succeed(node.call({ command: "ADD", config }));
        expect(result.interfaces).toEqual([{ name: "eth0", sandbox: container.path }]);
        expect(result.ips?.[0].address).toBe("ipam" in more ? "10.9.0.2/24" : undefined);
        succeed(node.call({ command: "CHECK", config: { ...config, prevResult: result } }));
        succeed(node.call({ command: "DEL", config: { ...config, prevResult: result } }));
        expect(container.ipJson("link show")).toHaveLength(1);
      }
    }
  });

  it("is also one of which the configuration says so", () => {
    for (const node of nodes()) {
      withLink(node);
      const config = configOf({ device: "ens5", dpdkMode: true });
      succeed(node.call({ command: "STATUS", config }));
      const prevResult = succeed(node.call({ command: "ADD", config }));
      succeed(node.call({ command: "CHECK", config: { ...config, prevResult } }));
      succeed(node.call({ command: "DEL", config: { ...config, prevResult } }));
      expect(linksOf(node)).toContain("ens5");
    }
  });
});

describe("STATUS", () => {
  it("has no driver to look at before the runtime has chosen a device", () => {
    const node = ourNode(plugin);
    const config = configOf({ dpdkMode: true, capabilities: { deviceID: true } });
    succeed(node.call({ command: "STATUS", config }));
  });

  it.each<[what: string, devices: readonly FakeDevice[], message: string]>([
    ["device", [], `pciBusID: there is no PCI device ${PCI}`],
    ["driver", [{ bus: "pci", id: PCI }], `pciBusID: the PCI device ${PCI} has no driver`],
    [
      "link",
      [{ bus: "pci", id: PCI, driver: "e1000e" }],
      `pciBusID: the node has no such device: no link is below "${PCI}"`,
    ],
  ])("says that there is no %s, whatever dpdkMode says", (_, devices, msg) => {
    coverSysfs();
    for (const device of devices) addFakeDevice(device);
    const config = configOf({ pciBusID: PCI, dpdkMode: true });
    expect(ourNode(plugin).call({ command: "STATUS", config }).json).toEqual({ cniVersion: "1.1.0", code: 50, msg });
  });
});

describe("what is not there", () => {
  it.each<[keys: Json, message: string]>([
    [{ pciBusID: "0000:00:02.0" }, "pciBusID: there is no PCI device 0000:00:02.0"],
    [{ pciBusID: PCI }, `pciBusID: the PCI device ${PCI} has no driver`],
    [{ pciBusID: "0000:00:03.0" }, 'pciBusID: the node has no such device: no link is below "0000:00:03.0"'],
    [
      { runtimeConfig: { deviceID: "0000:00:02.0" } },
      "runtimeConfig.deviceID: there is no PCI or auxiliary device 0000:00:02.0",
    ],
    [
      { kernelpath: "/sys/devices/none" },
      'kernelpath: the node has no such device: no link is below "/sys/devices/none"',
    ],
    [{ kernelpath: "/etc" }, 'kernelpath: "/etc" is not a path that begins with /sys/devices/'],
    [{ hwaddr: "0a:00:00:00:00" }, 'hwaddr: "0a:00:00:00:00" is not a MAC address'],
    [{ hwaddr: "0a:00:00:00:00:06" }, "hwaddr: the node has no such device: no link has the address 0a:00:00:00:00:06"],
    [{ device: "ens6" }, 'device: the node has no such device: "ens6"'],
    [{ pciBusID: "../../x" }, 'pciBusID: "../../x" is not the name of a device on its bus, 0000:00:1f.6 say'],
    [{}, 'which device? specify "device", "hwaddr", "kernelpath" or "pciBusID"'],
  ])("%j is an error of ADD, and in the way of no DEL (W9)", (keys, message) => {
    coverSysfs();
    addFakeDevice({ bus: "pci", id: PCI });
    addFakeDevice({ bus: "pci", id: "0000:00:03.0", driver: "e1000e" });
    const [ours, theirs] = nodes();
    const call = { command: "ADD", config: configOf(keys) } as const;
    expect(ours?.call(call).json).toEqual({ cniVersion: "1.1.0", code: 7, msg: message });
    expect(theirs?.call(call).status).toBe(1);
    expect(ours?.call({ ...call, command: "DEL" })).toMatchObject({ status: 0, stdout: "" });
  });

  it("is no obstacle to DEL where a container had it: hot unplug (W9)", () => {
    coverSysfs();
    const hardware = addFakeDevice({ bus: "pci", id: PCI, driver: "e1000e", links: ["ens5"] });
    const config = configOf({ pciBusID: PCI });
    const attached = nodes().map((node) => {
      withLink(node);
      return { node, prevResult: succeed(node.call({ command: "ADD", config })) };
    });
    rmSync(`${hardware}/driver`);
    const statuses = attached.map(({ node, prevResult }) => {
      node.container.ip("link delete eth0");
      return node.call({ command: "DEL", config: { ...config, prevResult } }).status;
    });
    expect(statuses).toEqual([0, 1]);
  });
});
