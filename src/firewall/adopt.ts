// `bauta adopt`: containers that containernetworking/plugins' firewall has let through, and the isolation of their bridges. No rule
// of upstream's names an attachment; the results that runtimes keep tell whose an address is, and by which configuration.

import type { Attachment } from "../cni/attachment.ts";
import { IptablesError } from "../iptables/program.ts";
import type { Nftables } from "../nftables/nftables.ts";
import type { Adoption } from "../owned/feature.ts";
import { type KeptAttachment, keptAttachments } from "../owned/kept.ts";
import { formatIp } from "../wire/ip.ts";
import { firewallSchema, protectionOf } from "./config.ts";
import { beginProtection } from "./firewall.ts";
import { dismissFromIptables } from "./passage/iptables.ts";
import { admittedByUpstream, relaxIsolation } from "./passage/isolation.ts";
import type { Isolation } from "./passage/isolation-rules.ts";
import { planPassage } from "./passage/passage.ts";
import { records } from "./records.ts";
import type { Protection } from "./wanted.ts";

/** An attachment by the result that its runtime keeps. */
interface Kept {
  readonly attachment: Attachment;
  readonly netns: string | undefined;
  readonly protection: Protection;
}

/**
 * Puts the attachments that upstream's rules are about into our tables, and then takes out the rules that it no longer takes. With
 * `isDryRun` it only tells. Throws NetlinkError, SyscallError or DBusError.
 */
export function adoptProtections(nft: Nftables, isDryRun: boolean): Adoption {
  try {
    return adoptAll(nft, isDryRun);
  } catch (error) {
    if (!(error instanceof IptablesError)) throw error;
    return { adopted: [], problems: [], left: [`the rules of upstream's firewall stay: ${error.message}`] };
  }
}

function adoptAll(nft: Nftables, isDryRun: boolean): Adoption {
  const admitted = admittedByUpstream(nft);
  if (admitted.addresses.size + admitted.bridges.size === 0) return { adopted: [], left: [], problems: [] };
  const left: string[] = [];
  const known = keptAttachments("firewall", keptOf, (phrase) => left.push(phrase));
  const kept = known.filter(({ attachment, protection }) => {
    const { addresses, bridge } = protection;
    const isUpstreams =
      addresses.some((ip) => admitted.addresses.has(formatIp(ip))) ||
      (bridge !== undefined && admitted.bridges.has(bridge));
    return isUpstreams && records.read(attachment) === undefined;
  });
  for (const { attachment, netns, protection } of isDryRun ? [] : kept) {
    beginProtection(attachment, protection, (line) => left.push(line), netns);
    if (planPassage(nft, [protection]).iptables.size === 0) dismissFromIptables(nft, protection.addresses);
  }
  const ofKept = new Set(kept.flatMap(({ protection }) => protection.addresses.map(formatIp)));
  const isOurs = new Set(records.listLive().flatMap(({ record }) => record.addresses.map(formatIp)));
  for (const address of admitted.addresses)
    if (!ofKept.has(address) && !isOurs.has(address)) {
      left.push(`the rules of iptables for ${address} stay: no container runtime's record tells whose they are`);
    }
  if (!isDryRun) relaxIsolation(nft, bridgesOf(kept));
  const adopted = kept.map(({ attachment, protection }) => {
    return { attachment, addresses: protection.addresses.map(formatIp) };
  });
  return { adopted, left, problems: [] };
}

/** The bridges that our own tables isolate alone from now on. */
function bridgesOf(kept: readonly Kept[]): Isolation[] {
  const byIptables = new Set(
    kept.flatMap(({ protection: { backend, bridge } }) => (backend === "iptables" ? bridge : [])),
  );
  const bridges = new Set(kept.flatMap(({ protection: { bridge } }) => bridge ?? []));
  return [...bridges].filter((bridge) => !byIptables.has(bridge)).map((bridge) => ({ bridge, policies: [] }));
}

function keptOf({ attachment, netns, config, result }: KeptAttachment): Kept {
  return { attachment, netns, protection: protectionOf(firewallSchema.read(config, ""), result) };
}
