// Whether the node forwards what containers send and get. The plugins turn forwarding on, so that it is off matters only where
// somebody has turned it off again.

import type { Family } from "../../wire/ip.ts";
import { hasAddresses } from "./addresses.ts";
import type { Check, Finding } from "./finding.ts";
import type { Node } from "./node.ts";

const SWITCH = { 4: "net/ipv4/ip_forward", 6: "net/ipv6/conf/all/forwarding" } as const;

export const forwarding: Check<Node> = {
  name: "forwarding",
  look(node) {
    return ([4, 6] as const).flatMap((family) => {
      const networks = node.networks().filter(({ isRouted, families }) => isRouted && families.has(family));
      if (networks.length === 0) return [];
      const value = node.sysctl(SWITCH[family]);
      if (value === undefined) return [without(family, networks[0]?.name ?? "")];
      const used = networks.filter((network) => hasAddresses(node, network, family));
      if (value === "0") return used.length === 0 ? [] : [off(family)];
      return family === 4 ? interfacesOff(node) : [];
    });
  },
};

function without(family: Family, network: string): Finding {
  const text = `this kernel has no IPv${family}, and the network ${network} has addresses of it`;
  const remedy = `take the IPv${family} range out of the configuration, or start the kernel with IPv${family}`;
  return { severity: "problem", text, remedy };
}

function off(family: Family): Finding {
  const setting = `${SWITCH[family].replaceAll("/", ".")}=1`;
  return {
    severity: "problem",
    text: `forwarding of IPv${family} is off: nothing leaves the containers, and nothing comes to them`,
    remedy: `sysctl -w ${setting}; a file in /etc/sysctl.d that turns it off will do so again`,
  };
}

/** IPv4 asks the interface that a packet comes in by. */
function interfacesOff(node: Node): Finding[] {
  const uplinks = node.routes(4).filter(({ dst }) => dst.prefixLength === 0);
  const indexes = new Set(uplinks.flatMap(({ device }) => device?.index ?? []));
  const bridges = new Set(node.networks().flatMap(({ bridge }) => bridge ?? []));
  const names = node.links().filter(({ index, name }) => indexes.has(index) || bridges.has(name));
  return names.flatMap(({ name }): Finding[] => {
    if (node.sysctl(`net/ipv4/conf/${name}/forwarding`) !== "0") return [];
    const text = `${name} does not forward IPv4, though the node does`;
    return [{ severity: "problem", text, remedy: `sysctl -w net/ipv4/conf/${name}/forwarding=1` }];
  });
}
