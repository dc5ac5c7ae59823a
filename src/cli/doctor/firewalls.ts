// Who drops the packets of containers on their way through the node. The plugin firewall lets them through where iptables or
// firewalld drops them; nobody can where a table of somebody's own does.

import { readFirewallConfig } from "../../firewall/config.ts";
import { trafficOf } from "../../firewall/passage/fate.ts";
import { planPassage, whoDrops } from "../../firewall/passage/passage.ts";
import { pluginNamed } from "../../lists/call.ts";
import { invocationFor } from "../../lists/file-faults.ts";
import { listChains } from "../../nftables/chain.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { familyOf, formatCidr, type Ip, offsetIp } from "../../wire/ip.ts";
import type { Check, Finding } from "./finding.ts";
import type { Network } from "./network.ts";
import type { Node } from "./node.ts";
import { formatList } from "./words.ts";

export const firewalls: Check<Node> = {
  name: "firewalls",
  look(node) {
    const networks = node.networks().filter(({ isRouted }) => isRouted);
    if (networks.length === 0) return [];
    return node.nftables((nft) => (nft === undefined ? [] : networks.flatMap((network) => findingsOf(nft, network))));
  },
};

function findingsOf(nft: Nftables, network: Network): Finding[] {
  const samples = samplesOf(network);
  const admitted = network.list.plugins.find(({ type }) => pluginNamed(type)?.name === "firewall");
  if (admitted !== undefined) {
    const config = readFirewallConfig(invocationFor(network.list, admitted, ""));
    return obstacles(nft, network, samples, config);
  }
  const drops = new Set(
    samples.flatMap((ip) => trafficOf(familyOf(ip), ip, network.bridge).flatMap((traffic) => whoDrops(nft, traffic))),
  );
  return [...drops].map((what): Finding => {
    const owners = ownersOf(nft);
    const whose =
      owners.length === 0 ? "" : `, where ${formatList(owners)} ${owners.length === 1 ? "has" : "have"} rules`;
    const text = `${what} drops what containers of ${network.name} send or get${whose}`;
    return { severity: "problem", text, remedy: remedyFor(what, network, owners) };
  });
}

/** What the plugin can't lift. */
function obstacles(
  nft: Nftables,
  network: Network,
  samples: readonly Ip[],
  config: ReturnType<typeof readFirewallConfig>,
): Finding[] {
  const protection = {
    addresses: samples,
    bridge: network.bridge,
    port: undefined,
    policy: config.ingressPolicy,
    backend: config.backend,
    adminChain: config.iptablesAdminChainName,
    zone: config.firewalldZone,
  };
  return planPassage(nft, [protection]).obstacles.map((text): Finding => {
    const [what = text, remedy = "let the packets through in that table"] = text.split("; ");
    return { severity: "problem", text: `network ${network.name}: ${what}`, remedy };
  });
}

/** One address of each subnet, which may be anybody's: the second. */
function samplesOf({ subnets }: Network): Ip[] {
  return subnets.map(({ ip }) => offsetIp(ip, 2) ?? ip);
}

/** Programs that are known by their chains. */
const OWNERS: readonly (readonly [chain: string, owner: string])[] = [
  ["DOCKER-USER", "docker"],
  ["ufw-before-forward", "ufw"],
  ["ufw6-before-forward", "ufw"],
  ["KUBE-FORWARD", "kube-proxy"],
];

function ownersOf(nft: Nftables): string[] {
  const names = new Set(listChains(nft.connection).map(({ name }) => name));
  return [...new Set(OWNERS.flatMap(([chain, owner]) => (names.has(chain) ? [owner] : [])))];
}

function remedyFor(what: string, { bridge, subnets }: Network, owners: readonly string[]): string {
  const plugin = 'add {"type": "firewall"} to the list\'s plugins, which lets its containers through';
  const side = bridge ?? "INTERFACE";
  if (/firewalld/.test(what)) {
    const sources = subnets.map((subnet) => `firewall-cmd --zone=trusted --add-source=${formatCidr(subnet)}`);
    return `${plugin}; or ${sources.join("; ")}`;
  }
  if (/^chain (?:ip6? filter|filter of) /.test(what)) {
    const [owner] = owners;
    if (owner === "ufw") return `${plugin}; or ufw route allow in on ${side}; ufw route allow out on ${side}`;
    const chain = owner === "docker" ? "DOCKER-USER" : "FORWARD";
    return `${plugin}; or iptables -I ${chain} -i ${side} -j ACCEPT and iptables -I ${chain} -o ${side} -j ACCEPT, and ip6tables likewise`;
  }
  const [, family = "", table = "", chain = ""] = /^chain (\S+) (\S+) (\S+)/.exec(what) ?? [];
  const insert = (word: string): string => `nft insert rule ${family} ${table} ${chain} ${word} ${side} accept`;
  return `${insert("iifname")}; ${insert("oifname")}: no rule in another table lifts that`;
}
