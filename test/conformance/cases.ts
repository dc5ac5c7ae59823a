// What the conformance suites give each plugin to work with: a configuration that is right, what is wrong with others, and
// what an attachment leaves on the node while it lives.

import { join } from "node:path";
import type { Contract } from "./contract.ts";
import type { Lifecycle } from "./lifecycle.ts";

export interface Case extends Contract, Omit<Lifecycle, "config" | "leftovers" | "path"> {}

/** Where the suites keep what they make. */
export const DIRECTORY = "/run/conformance";
/** host-local's store in these configurations. */
export const DATA_DIR: string = join(DIRECTORY, "networks");

const ranges = [[{ subnet: "198.18.0.0/24" }], [{ subnet: "fd61:7465:6d65::/112" }]];
const hostLocalIpam = {
  type: "host-local",
  dataDir: DATA_DIR,
  ranges,
  routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
};
const addresses = [{ address: "10.1.2.3/24", gateway: "10.1.2.1" }];
const staticIpam = { type: "static", addresses };

/** By the plugin's name. */
export const CASES: Readonly<Record<string, Case>> = {
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
  ptp: {
    config: { ipMasq: true, ipMasqBackend: "nftables", ipam: hostLocalIpam },
    wrong: { ipMasq: { ipMasq: 1 }, mtu: { mtu: {} }, ipMasqBackend: { ipMasqBackend: "pf" } },
    traces: 5,
    makesInterface: true,
    entersNetns: true,
  },
  loopback: { config: {}, traces: 0, makesInterface: false, entersNetns: true },
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
  static: {
    config: { ipam: staticIpam },
    traces: 0,
    wrong: { "ipam.addresses[0].address": { ipam: { type: "static", addresses: [{ address: "10.1.2.3/33" }] } } },
    makesInterface: false,
    entersNetns: false,
  },
};
