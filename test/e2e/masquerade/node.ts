// The node of one test file: this thread, and the programs it starts, in namespaces of their own within those of
// run-in-namespaces.sh, so that test files side by side share neither rules nor files under /run and /var/lib.

import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { call, tryCall } from "../../../src/sys/call.ts";
import { O, withOpen } from "../../../src/sys/fd.ts";
import { makeNetns, poll, requireNamespaces, run, type TestNetns } from "../../support/netns.ts";

/** The plugins as `npm run build` leaves them. */
export const PLUGINS: string = fileURLToPath(new URL("../../../dist/cni", import.meta.url));

/** Addresses for documentation (RFC 5737, RFC 3849). */
export const NODE = { 4: "192.0.2.1", 6: "2001:db8::1" } as const;
export const OUTSIDE = { 4: "192.0.2.2", 6: "2001:db8::2" } as const;

// include/uapi/linux/sched.h, include/uapi/asm-generic/fcntl.h
const LOCK_EX = 2;
const LOCK_NB = 4;
const CLONE_NEWNS = 0x00020000;
const CLONE_NEWNET = 0x40000000;

/** Makes this thread a node that nothing else is on, with a link to a host outside; call it once, in beforeAll. */
export function becomeNode(): TestNetns {
  requireNamespaces();
  if (!existsSync(join(PLUGINS, "ptp"))) throw new Error(`${PLUGINS} is missing: npm run build makes it`);
  call("make namespaces", "unshare", CLONE_NEWNS | CLONE_NEWNET);
  run("mount", "--make-rprivate", "/");
  for (const path of ["/run", "/var/lib"]) run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", path);
  mkdirSync("/run/netns");
  run("ip", "link", "set", "lo", "up");
  return connectOutside();
}

/** Its only routes are those to the link between it and the node. */
function connectOutside(): TestNetns {
  const outside = makeNetns("outside");
  outside.ip("link set lo up");
  // Whatever the kernel's default: it must take packets from addresses to which it knows no way.
  outside.exec("sysctl", "-qw", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0");
  run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "eth0", "netns", outside.name);
  run("ip", "address", "add", `${NODE[4]}/24`, "dev", "uplink");
  run("ip", "address", "add", `${NODE[6]}/64`, "dev", "uplink", "nodad");
  outside.ip(`address add ${OUTSIDE[4]}/24 dev eth0`);
  outside.ip(`address add ${OUTSIDE[6]}/64 dev eth0 nodad`);
  run("ip", "link", "set", "uplink", "up");
  outside.ip("link set eth0 up");
  poll("carrier of uplink", () => /state UP/.test(run("ip", "link", "show", "uplink")));
  return outside;
}

/** What `nft list ruleset` prints on the node. */
export function ruleset(): string {
  return run("nft", "list", "ruleset");
}

/** The node's ends of veth pairs, but for the uplink's. */
export function veths(): string[] {
  // ip leaves an empty object for each of another type that the kernel lists all the same.
  const links: { ifname?: string }[] = JSON.parse(run("ip", "-j", "link", "show", "type", "veth") || "[]");
  return links.flatMap(({ ifname }) => (ifname === undefined || ifname === "uplink" ? [] : [ifname]));
}

/** Files below the directory, as paths. */
function filesIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesIn(path) : [path];
  });
}

/** What upstream's host-local leaves, too, and the index that ours keeps beside it. */
const KEPT = /\/(lock|last_reserved_ip\.\d+|\.bauta\.index)$/;

/** Reserved addresses, as files; and any other file of IPAM that doesn't stay for ever. */
export function addressFiles(): string[] {
  return filesIn("/var/lib/cni").filter((path) => !KEPT.test(path));
}

/** All that attachments have left on the node, one phrase each: empty when nothing is left. */
export function leftovers(): string[] {
  const locks = [...filesIn("/var/lib/cni"), ...filesIn("/run")].filter((path) => /lock/.test(path) && isLocked(path));
  const rules = ruleset();
  return [
    ...(rules === "" ? [] : [rules]),
    ...veths().map((name) => `link ${name}`),
    ...addressFiles(),
    // What STATUS has found out stays until the next boot.
    ...filesIn("/run/bauta").filter((path) => !path.startsWith("/run/bauta/tried-out/")),
    ...locks.map((path) => `${path} is locked`),
  ];
}

/** Whether someone holds the lock of this file. */
function isLocked(path: string): boolean {
  return withOpen(path, O.RDONLY, (fd) => tryCall("flock", fd, LOCK_EX | LOCK_NB) < 0);
}

/** An element of one of our sets or maps, as nft lists it. */
export interface MapElement {
  /** `owners`, say. */
  readonly map: string;
  /** An address, or a network as `198.18.0.0/17`. */
  readonly key: string;
  /** What the key maps to, as JSON; undefined for the key of a set. */
  readonly value: string | undefined;
  readonly comment: string | undefined;
}

/** The elements of our sets and maps of both families. */
export function mapElements(): MapElement[] {
  const { nftables } = JSON.parse(run("nft", "-j", "list", "ruleset"));
  // biome-ignore lint/suspicious/noExplicitAny: whatever nft prints
  return nftables.flatMap(({ set, map }: any): MapElement[] => {
    const { table, name, elem = [] } = set ?? map ?? {};
    if (table !== "bauta_masquerade") return [];
    // biome-ignore lint/suspicious/noExplicitAny: see above
    return elem.map((element: any) => {
      const [key, value] = Array.isArray(element) ? element : [element];
      return { map: name, key: keyText(key), value: value && JSON.stringify(value), comment: key.elem?.comment };
    });
  });
}

/** What nft's JSON has for the key of an element, as nft's own language has it. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export function keyText(key: any): string {
  const value = key.elem?.val ?? key;
  return value.prefix === undefined ? value : `${value.prefix.addr}/${value.prefix.len}`;
}

/**
 * Removes what a test that failed may have left on the node, so that nothing of it is held against the next one: rules, links but
 * for the uplink, and our files; `more` are other directories.
 */
export function cleanNode(more: readonly string[] = []): void {
  run("nft", "flush", "ruleset");
  const linksOf = (kind: string): string[] => run("ip", "-br", "link", "show", "type", kind).match(/^[^\s@]+/gm) ?? [];
  for (const bridge of linksOf("bridge")) run("ip", "link", "delete", bridge);
  // The other end of a pair goes with it.
  for (const veth of linksOf("veth"))
    if (veth !== "uplink" && veths().includes(veth)) run("ip", "link", "delete", veth);
  for (const directory of ["/run/bauta", "/var/lib/cni", ...more]) rmSync(directory, { recursive: true, force: true });
}
