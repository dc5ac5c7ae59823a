// The rules that containernetworking/plugins' nftables back end leaves: one for each address, in one table. A rule is found by
// its comment, which begins with hashes of the network and of the interface and container.

import type { Attachment } from "../../cni/attachment.ts";
import { sha512Hex } from "../../hash/sha512.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { deleteRule } from "../../nftables/rule.ts";
import { getTable } from "../../nftables/table.ts";
import { deleteConnectionsOf } from "../../owned/connections.ts";
import { hasCode } from "../../sys/error.ts";
import { formatIp, type Ip } from "../../wire/ip.ts";
import { readKernelState } from "../nftables/elements.ts";
import { readUpstreamRules, UPSTREAM, type UpstreamRule } from "./rules.ts";

const HASH_DIGITS = 16;

const hash = (text: string): string => sha512Hex(text, HASH_DIGITS);

function commentPrefix({ network, ifname, containerId }: Attachment): string {
  return `${hash(network)}-${hash(`${ifname}:${containerId}`)}`;
}

/** Whether upstream's plugin made the rule with this comment for the attachment. */
export function isOfAttachment(comment: string, attachment: Attachment): boolean {
  return comment.startsWith(commentPrefix(attachment));
}

/** Removes the rules that upstream's plugin made for the attachment. Costs one question where it has made none. */
export function removeUpstreamRules(nft: Nftables, attachment: Attachment): void {
  deleteWhere(nft, () => {
    const prefix = commentPrefix(attachment);
    return (comment) => comment.startsWith(prefix);
  });
}

/** Removes upstream's rules of the network but for those of the valid attachments. */
export function collectUpstreamRules(nft: Nftables, network: string, valid: readonly Attachment[]): void {
  deleteWhere(nft, () => {
    const ofNetwork = `${hash(network)}-`;
    const prefixes = valid.map(commentPrefix);
    return (comment) => comment.startsWith(ofNetwork) && !prefixes.some((prefix) => comment.startsWith(prefix));
  });
}

function deleteWhere(nft: Nftables, makeFilter: () => (comment: string) => boolean): void {
  if (getTable(nft.connection, { family: UPSTREAM.family, name: UPSTREAM.table }) === undefined) return;
  const isWanted = makeFilter();
  const rules = readUpstreamRules(nft);
  const wanted = rules.filter(({ comment }) => isWanted(comment));
  try {
    nft.commit(wanted.map(({ handle }) => deleteRule({ ...UPSTREAM, handle })));
  } catch (error) {
    // Upstream's plugin may be at work in the same chain, and has deleted one of the rules itself then.
    if (!hasCode(error, "ENOENT")) throw error;
  }
  forgetConnections(nft, wanted, rules);
}

/** Forgets the connections of addresses that no other rule of upstream's is about, and that have no owner in our maps. */
function forgetConnections(nft: Nftables, removed: readonly UpstreamRule[], rules: readonly UpstreamRule[]): void {
  if (removed.length === 0) return;
  const addressOf = ({ cidr }: UpstreamRule): Ip[] => (cidr === undefined ? [] : [cidr.ip]);
  const gone = new Set(removed);
  const used = new Set(
    rules
      .filter((rule) => !gone.has(rule))
      .flatMap(addressOf)
      .map(formatIp),
  );
  const left = removed.flatMap(addressOf).filter((ip) => !used.has(formatIp(ip)));
  deleteConnectionsOf(
    nft.connection,
    left.filter((ip) => readKernelState(nft, ip).id === undefined),
  );
}
