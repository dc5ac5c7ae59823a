// Every plugin, as the CNI specification wants it: the contract, and a life in real network namespaces.

import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { Plugin } from "../../src/cni/plugin.ts";
import { plugin as bridge } from "../../src/plugins/bridge/plugin.ts";
import { plugin as hostLocalPlugin } from "../../src/plugins/host-local/plugin.ts";
import { plugin as loopback } from "../../src/plugins/loopback/plugin.ts";
import { plugin as ptp } from "../../src/plugins/ptp/plugin.ts";
import { plugin as staticPlugin } from "../../src/plugins/static/plugin.ts";
import { type Contract, runContract } from "../conformance/contract.ts";
import { type Lifecycle, runLifecycle } from "../conformance/lifecycle.ts";
import { requireNamespaces, run } from "../support/netns.ts";

const directory = "/run/conformance";
const dataDir = join(directory, "networks");
const path = join(directory, "bin");

beforeAll(() => {
  requireNamespaces();
  mkdirSync(path, { recursive: true });
  // Our own executable is the one that runs, here Node: IPAM is then called in this process.
  for (const name of ["host-local", "static"]) symlinkSync(process.execPath, join(path, name));
});
afterAll(() => rmSync(directory, { recursive: true }));

const ranges = [[{ subnet: "198.18.0.0/24" }], [{ subnet: "fd61:7465:6d65::/112" }]];
const hostLocalIpam = { type: "host-local", dataDir, ranges, routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }] };
const addresses = [{ address: "10.1.2.3/24", gateway: "10.1.2.1" }];
const staticIpam = { type: "static", addresses };

/** Reserved addresses, host-side interfaces and masqueraded addresses; a bridge outlives its attachments. */
function leftovers(): readonly string[] {
  const network = join(dataDir, "conformance");
  const files = existsSync(network) ? readdirSync(network) : [];
  const links: readonly { ifname: string; ifalias?: string }[] = JSON.parse(run("ip", "-j", "link", "show"));
  return [
    ...files.filter((name) => /^[0-9a-f.:]+$/.test(name)).map((name) => `address ${name}`),
    ...links.filter(({ ifname }) => ifname.startsWith("veth")).map(({ ifname }) => `link ${ifname}`),
    ...["ip", "ip6"].flatMap((family) => elementsOf(family)),
  ];
}

function elementsOf(family: string): readonly string[] {
  const tables = run("nft", "list", "tables");
  if (!tables.includes(`table ${family} bauta_masquerade`)) return [];
  const text = run("nft", "-j", "list", "map", family, "bauta_masquerade", "owners");
  const found: readonly { map?: { elem?: readonly unknown[] } }[] = JSON.parse(text).nftables;
  return found.flatMap(({ map }) => map?.elem ?? []).map((element) => `element ${JSON.stringify(element)}`);
}

interface Case extends Contract, Omit<Lifecycle, "config" | "leftovers" | "path"> {
  readonly plugin: Plugin;
}

const cases: readonly Case[] = [
  {
    plugin: bridge,
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
  {
    plugin: ptp,
    config: { ipMasq: true, ipMasqBackend: "nftables", ipam: hostLocalIpam },
    wrong: { ipMasq: { ipMasq: 1 }, mtu: { mtu: {} }, ipMasqBackend: { ipMasqBackend: "pf" } },
    traces: 5,
    makesInterface: true,
    entersNetns: true,
  },
  { plugin: loopback, config: {}, traces: 0, makesInterface: false, entersNetns: true },
  {
    plugin: hostLocalPlugin,
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
  {
    plugin: staticPlugin,
    config: { ipam: staticIpam },
    traces: 0,
    wrong: { "ipam.addresses[0].address": { ipam: { type: "static", addresses: [{ address: "10.1.2.3/33" }] } } },
    makesInterface: false,
    entersNetns: false,
  },
];

for (const { plugin, config, wrong, ...rest } of cases) {
  runContract(plugin, wrong === undefined ? { config } : { config, wrong });
  runLifecycle(plugin, { config: () => config, path, leftovers, ...rest });
}
