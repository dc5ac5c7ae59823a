// CHECK of a container that containernetworking/plugins have attached, on a node whose executables have been replaced since:
// upstream's rules are a masquerade, too, as long as packets come to them.

import type { Attachment } from "../../cni/attachment.ts";
import { getChain } from "../../nftables/chain.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { listRules } from "../../nftables/rule.ts";
import { NFT_VERDICT } from "../../nftables/uapi.ts";
import { withNftablesIfAny } from "../../owned/commit.ts";
import { type Cidr, compareIp, type Family, familyOf, formatIp } from "../../wire/ip.ts";
import { iptablesFaults, natTables } from "../iptables/iptables.ts";
import { chainOf } from "../iptables/names.ts";
import { readUpstreamRules, UPSTREAM, type UpstreamRule } from "./rules.ts";
import { isOfAttachment } from "./table.ts";

/** What upstream's plugins have made for an attachment, by either of their back ends. */
export interface UpstreamMasquerade {
  /** The missing or altered parts, each as a phrase; empty where upstream's rules do all that an "ipMasq" asks for. */
  readonly faults: readonly string[];
  /** Whether `bauta adopt` would mend all of that. */
  readonly isAdoptable: boolean;
}

/** Undefined where upstream's plugins have made nothing for the attachment. Throws NetlinkError, SyscallError or IptablesError. */
export function findUpstream(attachment: Attachment, addresses: readonly Cidr[]): UpstreamMasquerade | undefined {
  let found: UpstreamMasquerade | undefined;
  const hasNftables = withNftablesIfAny((nft) => {
    found = inNftables(nft, attachment, addresses) ?? inIptables(nft, attachment, addresses);
  });
  return hasNftables ? found : inIptables(undefined, attachment, addresses);
}

const POSTROUTING = "postrouting";
const tableText = `table inet ${UPSTREAM.table}`;

function inNftables(nft: Nftables, attachment: Attachment, addresses: readonly Cidr[]): UpstreamMasquerade | undefined {
  const rules = readUpstreamRules(nft).filter(({ comment }) => isOfAttachment(comment, attachment));
  if (rules.length === 0) return undefined;
  const missing = addresses
    .filter((address) => !rules.some((rule) => isAbout(rule, address)))
    .map(({ ip }) => `the rule for ${formatIp(ip)} in chain ${UPSTREAM.chain} of ${tableText} is missing`);
  const lead = isLedTo(nft) ? [] : [`chain ${POSTROUTING} of ${tableText} does not lead to chain ${UPSTREAM.chain}`];
  return { faults: [...missing, ...lead], isAdoptable: missing.length === 0 };
}

function isAbout({ cidr }: UpstreamRule, { ip, prefixLength }: Cidr): boolean {
  return cidr !== undefined && compareIp(cidr.ip, ip) === 0 && cidr.prefixLength === prefixLength;
}

/** Whether packets come to upstream's rules: by a chain at the hook, whose last rule leads there. */
function isLedTo(nft: Nftables): boolean {
  const chain = { family: UPSTREAM.family, table: UPSTREAM.table, chain: POSTROUTING };
  if (getChain(nft.connection, { ...chain, name: POSTROUTING })?.hook === undefined) return false;
  const verdict = listRules(nft.connection, chain).at(-1)?.expressions.at(-1);
  if (verdict?.kind !== "immediate" || verdict.data instanceof Uint8Array) return false;
  const { code, chain: to } = verdict.data ?? {};
  return (code === NFT_VERDICT.GOTO || code === NFT_VERDICT.JUMP) && to === UPSTREAM.chain;
}

function inIptables(
  nft: Nftables | undefined,
  attachment: Attachment,
  addresses: readonly Cidr[],
): UpstreamMasquerade | undefined {
  const chain = chainOf(attachment);
  const families = new Set(addresses.map(({ ip }): Family => familyOf(ip)));
  const isThere = [...families].some((family) => natTables(nft, family).some((table) => table.hasChain(chain)));
  return isThere ? { faults: iptablesFaults(attachment, addresses), isAdoptable: false } : undefined;
}
