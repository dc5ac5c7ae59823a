// What the conformance suites give each plugin to work with: a configuration that is right, what is wrong with others, and
// what an attachment leaves on the node while it lives.

import { join } from "node:path";
import { run } from "../support/netns.ts";
import type { Contract } from "./contract.ts";
import type { Lifecycle } from "./lifecycle.ts";

export interface Case extends Contract, Omit<Lifecycle, "config" | "leftovers" | "path"> {
  /** The kernel's module that it takes, where the kernels that developers and CI run on may lack it: guests have it. */
  readonly module?: string;
  /** Whether the plugin works with a daemon only: its life is looked at by a test of its own then, which starts one. */
  readonly hasDaemon?: boolean;
}

/** Where the suites keep what they make. */
export const DIRECTORY = "/run/conformance";
/** host-local's store in these configurations. */
export const DATA_DIR: string = join(DIRECTORY, "networks");
/** The node's interface that others hang on in these configurations. */
export const MASTER = "conf-up";
/** Where tuning keeps its backups in these configurations. */
export const TUNING_DIR: string = join(DIRECTORY, "tuning");

const ranges = [[{ subnet: "198.18.0.0/24" }], [{ subnet: "fd61:7465:6d65::/112" }]];
const hostLocalIpam = {
  type: "host-local",
  dataDir: DATA_DIR,
  ranges,
  routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
};
const addresses = [{ address: "10.1.2.3/24", gateway: "10.1.2.1" }];
const staticIpam = { type: "static", addresses };

const portMappings = (wrong: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> => ({
  runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp", ...wrong }] },
});

/** Of the plugins whose interface hangs on another. */
const wrongOfUpper = {
  master: { master: "a/b" },
  mtu: { mtu: "1500" },
  linkInContainer: { linkInContainer: "yes" },
  enabledad: { enabledad: 1 },
};

/** By the plugin's name. */
export const CASES: Readonly<Record<string, Case>> = {
  bandwidth: {
    config: { ingressRate: 8e6, ingressBurst: 8e5, egressRate: 8e6, egressBurst: 8e5 },
    wrong: {
      ingressRate: { ingressRate: "8000000" },
      ingressBurst: { ingressBurst: 0 },
      egressRate: { egressRate: 7 },
      egressBurst: { egressBurst: -1 },
      "unshapedSubnets[0]": { unshapedSubnets: ["10.0.0.0/33"] },
      shapedSubnets: { unshapedSubnets: ["10.0.0.0/8"], shapedSubnets: ["fd00::/8"] },
      latency: { latency: 0 },
    },
    oldestVersion: "0.3.0",
    traces: 1,
    makesInterface: false,
    entersNetns: true,
  },
  bridge: {
    config: { bridge: "conf0", isGateway: true, ipMasq: true, ipMasqBackend: "nftables", ipam: hostLocalIpam },
    wrong: {
      bridge: { bridge: 5 },
      mtu: { mtu: "1500" },
      isGateway: { isGateway: "yes" },
      ipMasqBackend: { ipMasqBackend: "pf" },
      vlan: { vlan: 5000 },
    },
    traces: 5,
    makesInterface: true,
    entersNetns: true,
  },
  dhcp: {
    config: { ipam: { type: "dhcp", daemonSocketPath: join(DIRECTORY, "dhcp.sock") } },
    wrong: {
      ipam: { ipam: undefined },
      "ipam.request[0].option": { ipam: { type: "dhcp", request: [{ option: "x" }] } },
      "ipam.provide[0].option": { ipam: { type: "dhcp", provide: [{ option: "256", value: "x" }] } },
      "ipam.priority": { ipam: { type: "dhcp", priority: -1 } },
      "ipam.clientId": { ipam: { type: "dhcp", clientId: "random" } },
      "ipam.daemonTimeout": { ipam: { type: "dhcp", daemonTimeout: 0 } },
    },
    traces: 0,
    makesInterface: false,
    entersNetns: false,
    hasDaemon: true, // test/e2e/dhcp.test.ts
  },
  ptp: {
    config: { ipMasq: true, ipMasqBackend: "nftables", ipam: hostLocalIpam },
    wrong: { ipMasq: { ipMasq: 1 }, mtu: { mtu: {} }, ipMasqBackend: { ipMasqBackend: "pf" } },
    traces: 5,
    makesInterface: true,
    entersNetns: true,
  },
  dummy: {
    config: { mtu: 1400, mac: "0a:00:00:00:00:09", ipam: hostLocalIpam },
    wrong: { mtu: { mtu: 67 }, mac: { mac: "0a:00:00:00:09" } },
    module: "dummy",
    traces: 2,
    makesInterface: true,
    entersNetns: true,
  },
  firewall: {
    config: {},
    wrong: {
      backend: { backend: "nftable" },
      ingressPolicy: { ingressPolicy: "samebridge" },
      iptablesAdminChainName: { iptablesAdminChainName: "-X" },
      firewalldZone: { firewalldZone: "a zone" },
    },
    traces: 1,
    oldestVersion: "0.4.0",
    makesInterface: false,
    entersNetns: false,
  },
  "host-device": {
    config: { device: "device0", ipam: hostLocalIpam },
    // Where the container that had it is gone, so is a device that is no hardware.
    prepare: () => void run("sh", "-c", `ip link show device0 || ip link add device0 type veth peer name device1`),
    wrong: {
      device: { device: "a/b" },
      hwaddr: { device: "", hwaddr: "0a:00" },
      kernelpath: { device: "", kernelpath: "/etc" },
      pciBusID: { pciBusID: "../x" },
      DPDKMode: { DPDKMode: "yes" },
      "runtimeConfig.deviceID": { runtimeConfig: { deviceID: "../x" } },
    },
    traces: 2,
    makesInterface: true,
    entersNetns: true,
  },
  ipvlan: {
    config: { master: MASTER, mode: "l3", flags: "private", ipam: hostLocalIpam },
    wrong: { ...wrongOfUpper, mode: { mode: "l4" }, flags: { flags: "public" } },
    module: "ipvlan",
    traces: 2,
    makesInterface: true,
    entersNetns: true,
  },
  loopback: { config: {}, traces: 0, makesInterface: false, entersNetns: true },
  macvlan: {
    config: {
      master: MASTER,
      mode: "private",
      mtu: 1400,
      bcqueuelen: 500,
      mac: "0a:00:00:00:00:09",
      ipam: hostLocalIpam,
    },
    wrong: {
      ...wrongOfUpper,
      mode: { mode: "source" },
      bcqueuelen: { bcqueuelen: -1 },
      mac: { mac: "0a:00:00:00:09" },
      "runtimeConfig.mac": { runtimeConfig: { mac: "ff" } },
    },
    traces: 2,
    makesInterface: true,
    entersNetns: true,
  },
  portmap: {
    config: { runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] } },
    traces: 1,
    wrong: {
      backend: { backend: "pf" },
      snat: { snat: "yes" },
      markMasqBit: { markMasqBit: 32 },
      conditionsV4: { conditionsV4: ["oifname", "eth0"] },
      hostPortConflict: { hostPortConflict: "newer-wins" },
      "runtimeConfig.portMappings[0].hostPort": portMappings({ hostPort: 70000 }),
      "runtimeConfig.portMappings[0].containerPort": portMappings({ containerPort: 0 }),
      "runtimeConfig.portMappings[0].protocol": portMappings({ protocol: "icmp" }),
      "runtimeConfig.portMappings[0].hostIP": portMappings({ hostIP: "192.0.2.256" }),
    },
    makesInterface: false,
    entersNetns: false,
  },
  "host-local": {
    config: { ipam: hostLocalIpam },
    traces: 2,
    wrong: {
      "ipam.ranges": { ipam: { type: "host-local", ranges: 5 } },
      "ipam.ranges[0][0].subnet": { ipam: { type: "host-local", ranges: [[{ subnet: "10.0.0.0/33" }]] } },
      "ipam.dataDir": { ipam: { ...hostLocalIpam, dataDir: 5 } },
    },
    makesInterface: false,
    entersNetns: false,
  },
  sbr: {
    config: {},
    wrong: {
      table: { table: 0 },
      "gateways[0]": { gateways: ["192.0.2.256"] },
      gateways: { gateways: ["192.0.2.1", "192.0.2.2"] },
      addSourceHints: { addSourceHints: "yes" },
      priority: { priority: 32766 },
    },
    traces: 1,
    makesInterface: false,
    entersNetns: true,
  },
  static: {
    config: { ipam: staticIpam },
    traces: 0,
    wrong: { "ipam.addresses[0].address": { ipam: { type: "static", addresses: [{ address: "10.1.2.3/33" }] } } },
    makesInterface: false,
    entersNetns: false,
  },
  tap: {
    config: { multiQueue: true, owner: 1000, group: 1000, mtu: 1400, ipam: hostLocalIpam },
    wrong: {
      multiQueue: { multiQueue: 1 },
      vnetHdr: { vnetHdr: "on" },
      owner: { owner: -1 },
      group: { group: 4294967295 },
      mtu: { mtu: 65536 },
      bridge: { bridge: "a/b" },
      selinuxContext: { selinuxContext: 5 },
      mac: { mac: "0a:00" },
      "runtimeConfig.mac": { runtimeConfig: { mac: "0a:00" } },
    },
    traces: 2,
    makesInterface: true,
    entersNetns: true,
  },
  tuning: {
    config: {
      sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" },
      mac: "0A-00-00-00-00-09",
      promisc: true,
      mtu: 1400,
      allmulti: true,
      txQLen: 50,
      dataDir: TUNING_DIR,
    },
    wrong: {
      sysctl: { sysctl: ["net.ipv4.ip_forward"] },
      'sysctl["kernel.hostname"]': { sysctl: { "kernel.hostname": "x" } },
      mac: { mac: "0a:00:00:00:09" },
      promisc: { promisc: "yes" },
      mtu: { mtu: 65536 },
      allmulti: { allmulti: 1 },
      txQLen: { txQLen: -1 },
      dataDir: { dataDir: 5 },
      "tuningOptions.allow[0]": { tuningOptions: { allow: ["mac"] } },
      "args.cni.mtu": { args: { cni: { mtu: 1400 } } },
    },
    traces: 1,
    makesInterface: false,
    entersNetns: true,
  },
  vlan: {
    config: { master: MASTER, vlanId: 100, ipam: hostLocalIpam },
    wrong: { ...wrongOfUpper, vlanId: { vlanId: 4095 } },
    module: "8021q",
    traces: 2,
    makesInterface: true,
    entersNetns: true,
  },
  vrf: {
    config: { vrfname: "red" },
    wrong: { vrfname: { vrfname: "sixteen-letters-" }, table: { table: 254 } },
    oldestVersion: "0.3.1",
    module: "vrf",
    traces: 0,
    makesInterface: false,
    entersNetns: true,
  },
};
