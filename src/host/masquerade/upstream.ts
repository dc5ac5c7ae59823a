// What containernetworking/plugins' nftables back end leaves: a rule for each address in one table, found by a comment
// that begins with hashes of the network and of the interface and container.

import type { Nftables } from "../../nftables/batch.ts";
import { deleteRule, listRules } from "../../nftables/rule.ts";
import { getTable } from "../../nftables/table.ts";
import { NFPROTO } from "../../nftables/uapi.ts";
import { hasCode } from "../../sys/error.ts";
import { host } from "../../sys/host.ts";
import type { Attachment } from "../attachment.ts";
import { sha512Hex } from "../sha512.ts";

const TABLE = { family: NFPROTO.INET, name: "cni_plugins_masquerade" };
const CHAIN = "masq_checks";
const HASH_DIGITS = 16;

const hash = (text: string): string => sha512Hex(host.encode(text)).slice(0, HASH_DIGITS);

function commentPrefix({ network, ifname, containerId }: Attachment): string {
  return `${hash(network)}-${hash(`${ifname}:${containerId}`)}`;
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
  if (getTable(nft.connection, TABLE) === undefined) return;
  const isWanted = makeFilter();
  const where = { family: TABLE.family, table: TABLE.name, chain: CHAIN };
  try {
    const rules = listRules(nft.connection, where).filter(({ comment }) => comment !== undefined && isWanted(comment));
    nft.commit(rules.map(({ handle }) => deleteRule({ ...where, handle })));
  } catch (error) {
    // Upstream's plugin may be at work in the same chain; what is gone is gone.
    if (!hasCode(error, "ENOENT")) throw error;
  }
}
