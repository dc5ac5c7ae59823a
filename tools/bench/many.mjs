// A node with very many attachments: 100 networks, each with a subnet of either family. What they claim is put there
// without a container: as the rules that containernetworking/plugins' nftables back end makes for them.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { inside } from "./sides.mjs";

/** @typedef {{ network: string, containerId: string, v4: string, v6: string, subnet4: string, subnet6: string }} Member */

/**
 * @param {number} count Of attachments.
 * @param {number} networks Over how many networks they are spread, evenly.
 * @returns {Member[]}
 */
export function members(count, networks) {
  return Array.from({ length: count }, (_, i) => {
    const [n, host] = [i % networks, Math.floor(i / networks) + 2];
    return {
      network: `net-${n}`,
      containerId: createHash("sha256").update(`${i}`).digest("hex"),
      v4: `10.${n}.${host >> 8}.${host & 255}`,
      v6: `fd00:${n.toString(16)}::${host.toString(16)}`,
      subnet4: `10.${n}.0.0/16`,
      subnet6: `fd00:${n.toString(16)}::/64`,
    };
  });
}

const digest = (/** @type {string} */ text) => createHash("sha512").update(text).digest("hex").slice(0, 16);

/** @param {Member} member */
export function upstreamComment({ network, containerId }) {
  const hashes = `${digest(network)}-${digest(`eth0:${containerId}`)}`;
  return `${hashes}, net: ${network}, if: eth0, id: ${containerId}`.slice(0, 127);
}

/**
 * The table that upstream's plugins make.
 * @param {readonly string[]} rules
 */
export const upstreamTable = (rules) => `table inet cni_plugins_masquerade {
  comment "Masquerading for plugins from github.com/containernetworking/plugins"
  chain masq_checks {
    comment "Masquerade traffic from certain IPs to any (non-multicast) IP outside their subnet"
    ${rules.join("\n    ")}
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip daddr 224.0.0.0/4 return
    ip6 daddr ff00::/8 return
    goto masq_checks
  }
}
`;

/**
 * Puts upstream's rules for all of them into the node.
 * @param {string} node
 * @param {readonly Member[]} all
 * @param {string} file Where they may stand meanwhile.
 */
export function addUpstreamRules(node, all, file) {
  const rules = all.flatMap((member) => {
    const { v4, v6, subnet4, subnet6 } = member;
    const end = `masquerade comment "${upstreamComment(member)}"`;
    return [`ip saddr ${v4} ip daddr != ${subnet4} ${end}`, `ip6 saddr ${v6} ip6 daddr != ${subnet6} ${end}`];
  });
  writeFileSync(file, upstreamTable(rules));
  inside(node, "nft", "-f", file);
}
