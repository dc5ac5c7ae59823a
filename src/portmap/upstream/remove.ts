// DEL takes out what containernetworking/plugins' nftables back end has made for the attachment. Its rules name the container
// alone, which may be on other networks, too: so a rule goes where its address is known to be the attachment's.

import type { Attachment } from "../../cni/attachment.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { deleteRule } from "../../nftables/rule.ts";
import { untilCommitted } from "../../owned/commit.ts";
import { holderOf } from "../../owned/runtime-files.ts";
import { FAMILIES, formatIp, type Ip } from "../../wire/ip.ts";
import { endFlowsToContainer } from "../flows.ts";
import { NO_CONDITIONS, type Publication } from "../mapping.ts";
import { readUpstreamRules, type UpstreamRule } from "./rules.ts";

/**
 * Takes out upstream's rules of the attachment. `known` are addresses that it is known to have; where there are none,
 * host-local is asked, and if that does not know, all rules of the container go as long as they are about one address a
 * family. Costs one question a family where upstream has made nothing. Throws NetlinkError or SyscallError.
 */
export function removeUpstreamPorts(nft: Nftables, attachment: Attachment, known: readonly Ip[]): void {
  const removed = untilCommitted(nft, (generation) => {
    const genid = generation();
    const rules = FAMILIES.flatMap((family) => ownRules(ofContainer(nft, family, attachment), attachment, known));
    if (rules.length > 0)
      nft.commit(
        rules.map(({ rule }) => deleteRule(rule)),
        { genid },
      );
    return rules;
  });
  for (const publication of publicationsOf(removed)) endFlowsToContainer(nft.connection, publication);
}

function ofContainer(nft: Nftables, family: 4 | 6, { containerId }: Attachment): UpstreamRule[] {
  return readUpstreamRules(nft.connection, family).filter(({ rule }) => rule.comment === containerId);
}

function ownRules(
  rules: readonly UpstreamRule[],
  attachment: Attachment,
  known: readonly Ip[],
): readonly UpstreamRule[] {
  const addresses = new Set(rules.flatMap(({ container }) => (container === undefined ? [] : [formatIp(container)])));
  const certain = new Set(known.map(formatIp));
  const isOwn = ({ container }: UpstreamRule): boolean => {
    if (container === undefined) return false;
    return certain.has(formatIp(container)) || isHeldBy(attachment, container);
  };
  const own = rules.filter(isOwn);
  return own.length > 0 || certain.size > 0 || addresses.size > 1 ? own : rules;
}

function isHeldBy({ network, containerId, ifname }: Attachment, ip: Ip): boolean {
  const holder = holderOf(network, ip);
  // Old reservations of host-local have no interface.
  return holder?.containerId === containerId && (holder.ifname === ifname || holder.ifname === "");
}

/** What the rules published, by container. */
function publicationsOf(rules: readonly UpstreamRule[]): Publication[] {
  const publications = new Map<string, Publication>();
  for (const { container, mapping } of rules) {
    if (container === undefined || mapping === undefined) continue;
    const name = formatIp(container);
    const before = publications.get(name)?.mappings ?? [];
    publications.set(name, {
      containers: [{ ip: container, prefixLength: container.length * 8 }],
      mappings: [...before, mapping],
      snat: false,
      masqAll: false,
      conditions: NO_CONDITIONS,
    });
  }
  return [...publications.values()];
}
