// The state of a node or a container as iproute2 and /proc/sys tell it: links, addresses, routes and parameters, without
// the parts that differ from one run to the next.

import { formatIp } from "../../src/wire/ip.ts";
import { poll, type TestNetns } from "./netns.ts";

// biome-ignore lint/suspicious/noExplicitAny: whatever iproute2 prints
type Json = any;

/** The state of one namespace, in a form that can be compared. */
export interface NetnsState {
  readonly links: readonly Json[];
  readonly addresses: readonly Json[];
  readonly routes: readonly Json[];
  readonly vlans: readonly Json[];
  /** Parameters that plugins have a say in, by name. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** The state once it has settled: links have their carrier, and no IPv6 address is tentative any more. */
export function settledState(netns: TestNetns): NetnsState {
  poll(`settled state of ${netns.name}`, () => isSettled(netns));
  const links: Json[] = netns.ipJson("link show");
  const addresses: Json[] = netns.ipJson("address show");
  return {
    links: byText(links.map(linkState)),
    addresses: byText(addresses.flatMap((link) => link.addr_info.map((one: Json) => addressState(link.ifname, one)))),
    routes: byText([...routes(netns, "-4"), ...routes(netns, "-6")]),
    vlans: JSON.parse(netns.exec("bridge", "-j", "vlan", "show") || "[]"),
    parameters: parameters(
      netns,
      links.map(({ ifname }) => ifname),
    ),
  };
}

function isSettled(netns: TestNetns): boolean {
  const links: Json[] = netns.ipJson("address show");
  return links.every(({ flags, operstate, link_type, addr_info, master, ifname }) => {
    if (!flags.includes("UP") || link_type === "loopback") return true;
    if (flags.includes("NO-CARRIER") && operstate !== "DOWN") return false;
    if (flags.includes("LOWER_UP") && operstate !== "UP") return false;
    if (addr_info.some((address: Json) => address.tentative)) return false;
    const wantsLinkLocal = operstate === "UP" && read(netns, `ipv6/conf/${ifname}/disable_ipv6`) === "0";
    return !wantsLinkLocal || master !== undefined || addr_info.some(({ scope }: Json) => scope === "link");
  });
}

function linkState(link: Json): Json {
  const { ifname, flags, mtu, operstate, link_type, txqlen, master, promiscuity, ifalias, linkinfo } = link;
  const { info_kind, info_slave_kind, info_slave_data } = linkinfo ?? {};
  const { vlan_filtering, vlan_default_pvid, id } = linkinfo?.info_data ?? {};
  const { state, hairpin, isolated } = info_slave_data ?? {};
  return {
    ...{ ifname, flags: [...flags].sort(), mtu, operstate, link_type, txqlen, master, promiscuity, ifalias },
    ...{ mac: link.address, info_kind, info_slave_kind, vlan_filtering, vlan_default_pvid, id },
    ...{ state, hairpin, isolated },
  };
}

/** `nodad` and `tentative` are left out: they tell how the address has become usable. */
function addressState(ifname: string, address: Json): Json {
  const { family, local, prefixlen, broadcast, scope, label, dadfailed, deprecated, noprefixroute } = address;
  return { ifname, family, local, prefixlen, broadcast, scope, label, dadfailed, deprecated, noprefixroute };
}

function routes(netns: TestNetns, family: "-4" | "-6"): Json[] {
  return netns.ipJson(`${family} route show table all`);
}

const PARAMETERS = [
  "ipv4/conf/IF/forwarding",
  "ipv4/conf/IF/arp_notify",
  "ipv6/conf/IF/forwarding",
  "ipv6/conf/IF/disable_ipv6",
  "ipv6/conf/IF/accept_ra",
  "ipv6/conf/IF/accept_dad",
  "ipv6/conf/IF/enhanced_dad",
  "ipv6/conf/IF/keep_addr_on_down",
];

function parameters(netns: TestNetns, ifnames: readonly string[]): Record<string, string> {
  const names = ["all", "default", ...ifnames].flatMap((ifname) => PARAMETERS.map((one) => one.replace("IF", ifname)));
  const text = netns.exec("sh", "-c", 'for n; do cat "/proc/sys/net/$n" 2>/dev/null || echo; done', "sh", ...names);
  const values = text.split("\n");
  return Object.fromEntries(names.map((name, i) => [name, values[i] ?? ""]));
}

function read(netns: TestNetns, name: string): string {
  return netns.exec("cat", `/proc/sys/net/${name}`).trim();
}

function byText(values: readonly Json[]): Json[] {
  const text = (value: Json): string => JSON.stringify(value);
  return [...values].sort((a, b) => (text(a) < text(b) ? -1 : 1));
}

/**
 * Replaces the random parts by names that are the same in every run: the names of veths, Ethernet addresses, the link-local
 * addresses made of those, and the given texts. Names are numbered in the order in which the parts appear.
 */
export function withoutChance<T>(value: T, texts: Readonly<Record<string, string>> = {}): T {
  const seen = new Map<string, string>();
  const numbered = (kind: string, key: string): string => {
    const name = seen.get(key) ?? `${kind}${[...seen.values()].filter((one) => one.startsWith(kind)).length}`;
    seen.set(key, name);
    return name;
  };
  let text = JSON.stringify(value);
  for (const [name, given] of Object.entries(texts)) text = text.replaceAll(given, name);
  text = text
    .replace(/\bveth[0-9a-f]{8}\b/g, (name) => numbered("VETH", name))
    .replace(/\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b/g, (mac) =>
      /^(00:){5}00$|^(ff:){5}ff$/.test(mac) ? mac : numbered("MAC", linkLocal(mac)),
    )
    .replace(/\bfe80::[0-9a-f:]+\b/g, (address) => (seen.has(address) ? `fe80::${seen.get(address)}` : "fe80::OTHER"));
  return JSON.parse(text);
}

/** RFC 4291 appendix A. */
function linkLocal(mac: string): string {
  const [a = 0, ...rest] = mac.split(":").map((digits) => Number.parseInt(digits, 16));
  return formatIp(
    Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, ...rest.slice(0, 2), 0xff, 0xfe, ...rest.slice(2)),
  );
}
