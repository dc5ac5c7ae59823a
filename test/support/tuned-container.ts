// A container whose interface a chained plugin can tune, and what ip(8) and /proc/sys tell of it.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TestNode } from "./differential.ts";

// biome-ignore lint/suspicious/noExplicitAny: whatever iproute2 prints
type Json = any;

export const MAC = "0a:00:00:00:00:07";

/** Makes the container's eth0, a veth with a fixed address, and returns the result that a main plugin would have. */
export function makeInterface({ node, container }: TestNode): Json {
  node.ip(`link add veth-node up type veth peer name eth0 netns ${container.name}`);
  container.ip(`link set eth0 address ${MAC} up`);
  container.ip("address add 198.18.0.2/24 dev eth0");
  return {
    cniVersion: "1.1.0",
    interfaces: [
      { name: "veth-node", mac: node.ipJson("link show veth-node")[0].address },
      { name: "eth0", mac: MAC, sandbox: container.path },
    ],
    ips: [{ address: "198.18.0.2/24", gateway: "198.18.0.1", interface: 1 }],
  };
}

/** The interface as ip(8) tells it; undefined where there is none. */
export function linkOf({ container }: TestNode, name = "eth0"): Json {
  const found = container.ipJson("link show").find(({ ifname }: Json) => ifname === name);
  if (found === undefined) return undefined;
  const { address: mac, mtu, txqlen, promiscuity, flags } = found;
  return { mac, mtu, txqlen, promiscuity, promisc: flags.includes("PROMISC"), allmulti: flags.includes("ALLMULTI") };
}

/** A parameter of the container, with slashes: `net/ipv4/conf/eth0/arp_filter`. */
export function parameter({ container }: TestNode, name: string): string {
  return container.exec("cat", `/proc/sys/${name}`).trim();
}

/** The files in the data directory by their names, each with its content and its mode. */
export function backups({ dataDir }: TestNode): Readonly<Record<string, readonly [string, string]>> {
  const names = existsSync(dataDir) ? readdirSync(dataDir) : [];
  return Object.fromEntries(
    names.map((name) => {
      const path = join(dataDir, name);
      return [name, [readFileSync(path, "utf8"), (statSync(path).mode & 0o7777).toString(8)]];
    }),
  );
}
