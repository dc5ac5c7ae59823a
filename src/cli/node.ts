// `bauta node`: the interfaces, addresses and routes of the node that packets of containers pass, for the picture of `bauta-viewer`.

import { withNode } from "../links/namespaces.ts";
import type { Connection } from "../netlink/connection.ts";
import { listAddresses } from "../rtnetlink/address.ts";
import { type BriefLink, listBriefLinks } from "../rtnetlink/brief-link.ts";
import { listRoutes, type Route } from "../rtnetlink/route.ts";
import { IFF, RT_SCOPE, RTN } from "../rtnetlink/uapi.ts";
import { FAMILIES, formatCidr, formatIp } from "../wire/ip.ts";
import { flag } from "./arguments.ts";
import { type Column, layOut } from "./table.ts";
import { styleFor } from "./terminal-text.ts";
import { type Verb, verb } from "./verb.ts";

const ABOUT = `
A line for each interface of the node that traffic of containers can pass: those
with an address or a route of the main table. Ports of a bridge without
addresses, such as the node's ends of containers' veth pairs, are left out.

--json prints one object:

  links       an array of objects:
    name, kind  strings, kind as in ip(8); null for hardware
    up        whether it is up and has a carrier
    master    the bridge or VRF that it is a port of, or null
    addresses strings with prefix lengths, without link-local ones
  routes      an array of objects, of the main table, without link-local ones:
    to        the destination, 0.0.0.0/0 or ::/0 for a default route
    dev       the interface, via: the gateway or null
`;

export const node: Verb = verb({
  name: "node",
  summary: "Lists the node's interfaces, addresses and routes that containers use",
  about: ABOUT,
  options: { json: flag("as JSON, for programs") },
  run({ json }, io) {
    const seen = withNode(look);
    if (json) io.printJson(JSON.stringify(seen));
    else io.print(layOut(COLUMNS, seen.links.map(cellsOf), styleFor(io.isTerminal(), io.getenv), io.columns()));
  },
});

const COLUMNS: readonly Column[] = [{ title: "INTERFACE" }, { title: "KIND" }, { title: "UP" }, { title: "ADDRESSES" }];

interface NodeLink {
  readonly name: string;
  readonly kind: string | null;
  readonly up: boolean;
  readonly master: string | null;
  readonly addresses: readonly string[];
}

interface NodeRoute {
  readonly to: string;
  readonly dev: string;
  readonly via: string | null;
}

const cellsOf = ({ name, kind, up, addresses }: NodeLink): string[] => [
  name,
  kind ?? "-",
  up ? "yes" : "no",
  addresses.join(" "),
];

function look(connection: Connection): { links: NodeLink[]; routes: NodeRoute[] } {
  const links = new Map(listBriefLinks(connection).map((link) => [link.index, link]));
  const addresses = new Map<number, string[]>();
  for (const { index, scope, ...cidr } of listAddresses(connection)) {
    if (scope === RT_SCOPE.UNIVERSE) addresses.set(index, [...(addresses.get(index) ?? []), formatCidr(cidr)]);
  }
  const routes = FAMILIES.flatMap((family) => listRoutes(connection, { family })).flatMap((route) =>
    hopsOf(route, links),
  );
  const used = new Set(routes.map(({ dev }) => dev));
  const isShown = ({ index, name, flags }: BriefLink): boolean =>
    (flags & IFF.LOOPBACK) === 0 && (addresses.has(index) || used.has(name));
  const shown = [...links.values()].filter(isShown).map((link) => ({
    name: link.name,
    kind: link.kind ?? null,
    up: (link.flags & IFF.RUNNING) !== 0,
    master: links.get(link.masterIndex ?? 0)?.name ?? null,
    addresses: addresses.get(link.index) ?? [],
  }));
  return { links: shown, routes };
}

/** A route of several next hops is as many routes here. */
function hopsOf({ dst, type, device, gateway, nextHops }: Route, links: ReadonlyMap<number, BriefLink>): NodeRoute[] {
  if (type !== RTN.UNICAST || isLinkLocal(dst.ip)) return [];
  return (nextHops ?? [{ device, gateway }]).flatMap((hop) => {
    const link = links.get(hop.device?.index ?? 0);
    const via = hop.gateway === undefined ? null : formatIp(hop.gateway);
    return link === undefined ? [] : [{ to: formatCidr(dst), dev: link.name, via }];
  });
}

/** fe80::/10, which every interface has. */
function isLinkLocal(ip: Uint8Array): boolean {
  return ip.length === 16 && ip[0] === 0xfe && ((ip[1] ?? 0) & 0xc0) === 0x80;
}
