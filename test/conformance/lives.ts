// The life of an attachment of every plugin, as the CNI specification wants it, in real network namespaces.

import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { OwnPlugin } from "../../src/cni/plugin.ts";
import { requireNamespaces, run } from "../support/netns.ts";
import { CASES, DATA_DIR, DIRECTORY, MASTER, TUNING_DIR } from "./cases.ts";
import { COMPANION_CASE, COMPANION_PREFIX, companion } from "./chained-example.ts";
import { runLifecycle } from "./lifecycle.ts";

const path = join(DIRECTORY, "bin");
const SBR_RECORDS = "/run/bauta/sbr";

/** Runs the suite for each of the plugins, on a node that has an interface for those that need a master. */
export function runLives(plugins: readonly OwnPlugin[]): void {
  beforeAll(() => {
    requireNamespaces();
    mkdirSync(path, { recursive: true });
    // Our own executable is the one that runs, here Node: IPAM is then called in this process.
    for (const name of ["host-local", "static"]) symlinkSync(process.execPath, join(path, name));
    run("ip", "link", "add", MASTER, "up", "type", "veth", "peer", "name", `${MASTER}-peer`);
  });
  afterAll(() => {
    run("ip", "link", "delete", MASTER);
    rmSync(DIRECTORY, { recursive: true });
  });
  for (const plugin of plugins) {
    const own = plugin === companion ? COMPANION_CASE : CASES[plugin.name];
    if (own === undefined) throw new Error(`test/conformance/cases.ts has no case for ${plugin.name}`);
    const { config, wrong: _, ...rest } = own;
    runLifecycle(plugin, { config: () => config, path, leftovers, ...rest });
  }
}

/** Reserved addresses, links of the node, elements of our tables, and backups; a bridge outlives its attachments. */
function leftovers(): readonly string[] {
  const network = join(DATA_DIR, "conformance");
  const files = existsSync(network) ? readdirSync(network) : [];
  const backups = existsSync(TUNING_DIR) ? readdirSync(TUNING_DIR) : [];
  const records = existsSync(SBR_RECORDS) ? readdirSync(SBR_RECORDS) : [];
  const links: readonly { ifname: string; ifalias?: string }[] = JSON.parse(run("ip", "-j", "link", "show"));
  return [
    ...files.filter((name) => /^[0-9a-f.:]+$/.test(name)).map((name) => `address ${name}`),
    ...backups.map((name) => `backup ${name}`),
    ...records.map((name) => `rules of ${name}`),
    ...links.filter(({ ifname }) => ifname.startsWith("veth")).map(({ ifname }) => `link ${ifname}`),
    ...links.filter(({ ifname }) => ifname.startsWith(COMPANION_PREFIX)).map(({ ifname }) => `companion ${ifname}`),
    ...links.filter(({ ifname }) => /^bw[pei]/.test(ifname)).map(({ ifname }) => `ifb ${ifname}`),
    ...["ip", "ip6"].flatMap((family) =>
      ["bauta_masquerade", "bauta_portmap"].flatMap((table) => elementsOf(family, table, "owners")),
    ),
    ...elementsOf("inet", "bauta_firewall", "attachments"),
  ];
}

function elementsOf(family: string, table: string, map: string): readonly string[] {
  const tables = run("nft", "list", "tables");
  if (!tables.includes(`table ${family} ${table}`)) return [];
  const text = run("nft", "-j", "list", "map", family, table, map);
  const found: readonly { map?: { elem?: readonly unknown[] } }[] = JSON.parse(text).nftables;
  return found.flatMap(({ map }) => map?.elem ?? []).map((element) => `element ${JSON.stringify(element)}`);
}
