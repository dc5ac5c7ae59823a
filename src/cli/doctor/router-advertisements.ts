// A node that forwards IPv6 does not listen to routers any more, unless accept_ra is 2 (Documentation/networking/ip-sysctl.rst).
// Where the kernel itself listens, rather than a program, the default route goes with the first container.

import { RTPROT } from "../../rtnetlink/uapi.ts";
import type { Check, Finding } from "./finding.ts";
import type { Node } from "./node.ts";

export const routerAdvertisements: Check<Node> = {
  name: "router-advertisements",
  look(node) {
    if (!node.networks().some(({ isRouted, families }) => isRouted && families.has(6))) return [];
    const forwards = node.sysctl("net/ipv6/conf/all/forwarding") === "1";
    const defaults = node.routes(6).filter(({ dst }) => dst.prefixLength === 0);
    if (forwards && defaults.some(({ protocol }) => protocol !== RTPROT.RA)) return [];
    const suspects = forwards && defaults.length === 0 ? uplinks(node) : learned(node);
    return suspects
      .filter((name) => node.sysctl(`net/ipv6/conf/${name}/accept_ra`) === "1")
      .map((name) => (forwards ? lost(name) : willBeLost(name)));
  },
};

/** The interfaces that lead out over IPv4: most probably IPv6 would lead out over them, too. */
function uplinks(node: Node): string[] {
  const indexes = node.routes(4).flatMap(({ dst, device }) => (dst.prefixLength === 0 ? (device?.index ?? []) : []));
  return namesOf(node, indexes);
}

/** The interfaces whose default routes the kernel has learned. */
function learned(node: Node): string[] {
  const routes = node.routes(6).filter(({ dst, protocol }) => dst.prefixLength === 0 && protocol === RTPROT.RA);
  return namesOf(
    node,
    routes.flatMap(({ device }) => device?.index ?? []),
  );
}

function namesOf(node: Node, indexes: readonly number[]): string[] {
  const names = new Map(node.links().map(({ index, name }) => [index, name]));
  return [...new Set(indexes)].flatMap((index) => names.get(index) ?? []);
}

const remedyFor = (name: string): string =>
  `sysctl -w net/ipv6/conf/${name}/accept_ra=2, and the same in /etc/sysctl.d`;

function lost(name: string): Finding {
  const text = `there is no default route of IPv6, and ${name} ignores routers: the node forwards, and accept_ra is 1`;
  return { severity: "problem", text, remedy: remedyFor(name) };
}

function willBeLost(name: string): Finding {
  const text = `the default route of IPv6 was learned by ${name}, and goes as soon as the node forwards: accept_ra is 1`;
  return { severity: "warning", text, remedy: remedyFor(name) };
}
