// Subnets that are in each other's way: those of networks, and what the node's routes lead to.

import { type Range, rangeContains } from "../../ipam/range.ts";
import type { Route } from "../../rtnetlink/route.ts";
import { RTN } from "../../rtnetlink/uapi.ts";
import { type Cidr, contains, formatCidr } from "../../wire/ip.ts";
import type { Check, Finding } from "./finding.ts";
import type { Network } from "./network.ts";
import type { Node } from "./node.ts";

export const subnets: Check<Node> = {
  name: "subnets",
  look(node) {
    const networks = node.networks().filter(({ isRouted }) => isRouted);
    return [...betweenNetworks(networks), ...networks.flatMap((network) => withRoutes(node, network, networks))];
  },
};

const overlap = (a: Cidr, b: Cidr): boolean => a.ip.length === b.ip.length && (contains(a, b.ip) || contains(b, a.ip));

function betweenNetworks(networks: readonly Network[]): Finding[] {
  return networks.flatMap((one, i) =>
    networks.slice(0, i).flatMap((other): Finding[] => {
      if (one.name === other.name) return [];
      const shared = rangesOf(one).find((a) => rangesOf(other).some((b) => isShared(a, b)));
      // Two ranges of one subnet on one bridge may be meant so.
      const isApart = one.bridge === undefined || one.bridge !== other.bridge;
      const subnet = isApart ? one.subnets.find((a) => other.subnets.some((b) => overlap(a, b))) : undefined;
      const clash = shared?.subnet ?? subnet;
      if (clash === undefined) return [];
      const text =
        shared === undefined
          ? `the networks ${other.name} and ${one.name} both have ${formatCidr(clash)} and not one bridge: only one of them gets answers`
          : `the networks ${other.name} and ${one.name} give out the same addresses, of ${formatCidr(clash)}`;
      return [{ severity: "problem", text, remedy: "give each network a subnet of its own", file: one.file }];
    }),
  );
}

const rangesOf = ({ sets }: Network): Range[] => sets.flat();

function isShared(a: Range, b: Range): boolean {
  return rangeContains(a, b.start) || rangeContains(b, a.start);
}

/** Routes by which packets for containers go elsewhere, or by which containers don't get where the node does. */
function withRoutes(node: Node, network: Network, networks: readonly Network[]): Finding[] {
  const own = new Set([network, ...networks].flatMap(({ bridge }) => bridge ?? []));
  const names = new Map(node.links().map(({ index, name, kind }) => [index, { name, kind }]));
  return network.subnets.flatMap((subnet) =>
    node.routes(subnet.ip.length === 4 ? 4 : 6).flatMap((route): Finding[] => {
      const device = names.get(route.device?.index ?? route.nextHops?.[0]?.device.index ?? 0);
      if (route.type !== RTN.UNICAST || device === undefined || own.has(device.name)) return [];
      if (isOfContainer(route) || route.dst.prefixLength < COARSEST || !overlap(subnet, route.dst)) return [];
      return [clash(network, subnet, route, device.name)];
    }),
  );
}

/** A wider route, 10.0.0.0/8 through a VPN say, is less specific than any network's, and stands behind it. */
const COARSEST = 1;

/** ptp has a route for each container. */
function isOfContainer({ dst }: Route): boolean {
  return dst.prefixLength === dst.ip.length * 8;
}

function clash({ name, file }: Network, subnet: Cidr, { dst }: Route, device: string): Finding {
  const isInside = dst.prefixLength >= subnet.prefixLength;
  const text = isInside
    ? `${formatCidr(subnet)} of the network ${name} is where the node has ${formatCidr(dst)}, through ${device}: packets for containers go there`
    : `${formatCidr(subnet)} of the network ${name} lies in ${formatCidr(dst)}, which the node reaches through ${device}: containers don't reach what is there in that part`;
  const remedy = "give the network a subnet that nobody has, or remove the route";
  return { severity: isInside ? "problem" : "warning", text, remedy, file };
}
