// A node with two networks for the viewer: attachments by the executable, and what another program does to rules.

import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { startBeside } from "./background.ts";
import { makeNetns, run } from "./netns.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const BAUTA = resolve("dist/bauta");
const PLUGINS = resolve("dist/cni");
export const VIEWER = resolve("dist/viewer/bauta-viewer.mjs");

/** Gives the node default routes through its uplink, and attaches web-1, web-2 (bridge, port 8080) and db-1 (ptp). */
export function attachContainers(): void {
  run("ip", "route", "replace", "default", "via", "192.0.2.2");
  run("ip", "-6", "route", "replace", "default", "via", "2001:db8::2");
  const lan = listOf("lan", { type: "bridge", bridge: "cni0", isGateway: true }, "10.22.0.0/16", "fd00:22::/64");
  const dual = listOf("dual", { type: "ptp" }, "198.18.0.0/17", "fd61:7465:6d65:1000::/112");
  attach(lan, "web-1", { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] });
  attach(lan, "web-2", {});
  attach(dual, "db-1", {});
}

function listOf(name: string, main: object, subnet4: string, subnet6: string): string {
  const ipam = {
    type: "host-local",
    ranges: [[{ subnet: subnet4 }], [{ subnet: subnet6 }]],
    routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }],
  };
  const plugins = [
    { ...main, ipMasq: true, ipMasqBackend: "nftables", ipam },
    { type: "portmap", capabilities: { portMappings: true } },
  ];
  const path = join(temporaryDirectory(), `${name}.conflist`);
  writeFileSync(path, JSON.stringify({ cniVersion: "1.1.0", name, plugins }));
  return path;
}

function attach(list: string, container: string, capabilities: object): void {
  const { path } = makeNetns();
  const names = ["--netns", path, "--container-id", container, "--cni-path", PLUGINS];
  run(BAUTA, "cni", "add", list, ...names, "--cap-args", JSON.stringify(capabilities));
}

const COMMENT = 'comment "6fd1bd9b3d0a7c0d-0c4f, net: podman, if: eth0, id: c0ffee"';
const CHAIN = "inet cni_plugins_masquerade masq_checks";

/** What containernetworking/plugins 1.6.0 did in one ADD, as `nft` does it: IPv4's rule comes, and goes as IPv6's comes. */
export const STORY = {
  first: (): void => {
    run("nft", "add table inet cni_plugins_masquerade; add chain inet cni_plugins_masquerade masq_checks");
    run("nft", `add rule ${CHAIN} ip saddr 10.88.0.5 ip daddr != 10.88.0.0/16 masquerade ${COMMENT}`);
  },
  second: (): void => {
    const [, handle = ""] = /ip saddr 10.88.0.5.*# handle (\d+)/.exec(run("nft", "-a", "list", "ruleset")) ?? [];
    const add = `add rule ${CHAIN} ip6 saddr fd88::5 ip6 daddr != fd88::/64 masquerade ${COMMENT}`;
    run("nft", `delete rule ${CHAIN} handle ${handle}; ${add}`);
  },
} as const;

/** Takes one family of web-1 out of bauta's own table, as somebody may by hand. */
export function breakWeb1(): void {
  run("nft", "delete element ip bauta_masquerade members { 10.22.0.2 }");
}

/** Starts the viewer, and returns the address that it prints. */
export async function startViewer(executable: string = BAUTA): Promise<URL> {
  const viewer = startBeside(process.execPath, [VIEWER, "serve", "--bauta", executable]);
  await viewer.prints(/^http:.*\n/);
  return new URL(viewer.printed().trim());
}
