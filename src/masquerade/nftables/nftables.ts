// IP masquerade of an attachment's addresses in nf_tables. docs/adr/0002-masquerade.md tells how it works.

import type { Attachment } from "../../cni/attachment.ts";
import { CNI_CODE, CniError } from "../../cni/error.ts";
import { type Keep, reasonAgainst, withNftables, withNftablesIfAny } from "../../owned/commit.ts";
import { deleteConnectionsOf } from "../../owned/connections.ts";
import { attachmentId, idBytes, idText, isOfNetwork, networkId } from "../../owned/id.ts";
import { type TryOut, tryOutOnce } from "../../owned/tried-out.ts";
import { type Cidr, type Family, familyOf } from "../../wire/ip.ts";
import { requireNoFaults } from "../faults.ts";
import { type AddressRange, familiesOf, type MasqueradeOptions, PLAIN, sourcesOf } from "../options/options.ts";
import { requireOwnAddresses } from "../options/sources.ts";
import { collectUpstreamRules, removeUpstreamRules } from "../upstream/table.ts";
import { faultsOf } from "./check.ts";
import { claim } from "./claim.ts";
import type { Departure } from "./exact-release.ts";
import { records } from "./records.ts";
import { release, releaseEach, releaseExactly, search } from "./release.ts";
import { tryOutMasquerade } from "./try-out.ts";

/**
 * Masquerades what leaves the subnets of these addresses, in both families, in one transaction; packets inside a subnet
 * and to multicast groups keep their source. An address that is another attachment's is taken over. `netns` is
 * the path of the container's network namespace, for the record. Throws NetlinkError or SyscallError; call
 * tearDownMasquerade then.
 */
export function setUpMasquerade(
  attachment: Attachment,
  addresses: readonly Cidr[],
  options: MasqueradeOptions = PLAIN,
  netns?: string,
): void {
  const wanted = wantedAddresses(addresses, options);
  if (wanted.length === 0) return;
  withNftables((nft) => {
    if (records.hasAny(attachment)) release(nft, attachment, []); // an ADD after an ADD or a DEL that was killed
    claim(nft, attachment, wanted, options, netns);
  });
}

/**
 * Ends the masquerade of the attachment, also what containernetworking/plugins set up for it. Needs neither the
 * container nor its addresses: `hints` are addresses known from elsewhere, a prevResult say. Does nothing, without an
 * error, where nothing is left. `keep` is of closingLast. Throws NetlinkError or SyscallError.
 */
export function tearDownMasquerade(attachment: Attachment, hints: readonly Cidr[], keep?: Keep): void {
  const isDone = withNftablesIfAny((nft) => {
    release(nft, attachment, hints);
    removeUpstreamRules(nft, attachment);
  }, keep);
  if (!isDone) forget(attachment);
}

/** The addresses that the options mean. Throws CniError 7 where they ask for what the container or the node hasn't got. */
function wantedAddresses(addresses: readonly Cidr[], options: MasqueradeOptions): readonly Cidr[] {
  const families = familiesOf(options);
  const has = (family: Family): boolean => addresses.some(({ ip }) => familyOf(ip) === family);
  const ranges: AddressRange[] = [];
  for (const family of families) {
    const sources = sourcesOf(options, family);
    const key = options.families !== undefined ? "families" : `to.ipv${family}`;
    if (!has(family) && (options.families !== undefined || sources !== undefined)) {
      throw new CniError(CNI_CODE.INVALID_CONFIG, `ipMasqOptions.${key}: the container has no IPv${family} address`);
    }
    if (sources !== undefined) ranges.push(sources);
  }
  requireOwnAddresses(ranges);
  return addresses.filter(({ ip }) => families.includes(familyOf(ip)));
}

/** CHECK: the missing or altered parts, each as a phrase. Throws NetlinkError or SyscallError. */
export function masqueradeFaults(
  attachment: Attachment,
  addresses: readonly Cidr[],
  options: MasqueradeOptions = PLAIN,
): readonly string[] {
  const families = familiesOf(options);
  const wanted = addresses.filter(({ ip }) => families.includes(familyOf(ip)));
  return withNftables((nft) => faultsOf(nft, attachment, wanted, options));
}

/** Throws MasqueradeError, which names all that is missing or altered. */
export function checkMasquerade(
  attachment: Attachment,
  addresses: readonly Cidr[],
  options: MasqueradeOptions = PLAIN,
): void {
  requireNoFaults(attachment, masqueradeFaults(attachment, addresses, options));
}

/** Ends the masquerade of every attachment on the network that is not among the valid ones. */
export function collectMasquerade(network: string, valid: readonly Attachment[]): void {
  const validIds = new Set(valid.map((attachment) => idText(attachmentId(attachment))));
  const ofNetwork = networkId(network);
  const stale = records.stale(network, valid);
  const isDone = withNftablesIfAny((nft) => {
    releaseEach(nft, stale);
    // The addresses that no record tells of any more.
    const found = search(nft, (id) => isOfNetwork(id, ofNetwork) && !validIds.has(idText(id)));
    const departures: Departure[] = [...found].map(([id, owned]) => ({
      id: idBytes(id),
      owned,
      displaced: [],
    }));
    if (departures.length > 0) deleteConnectionsOf(nft.connection, releaseExactly(nft, departures).left);
    collectUpstreamRules(nft, network, valid);
  });
  if (!isDone) stale.forEach(forget);
}

/** Removes the record. Elements can't be there, because the kernel has no nf_tables. */
function forget(attachment: Attachment): void {
  records.beginRelease(attachment);
  records.endRelease(attachment);
}

/**
 * Why this node cannot masquerade now, or undefined when it can. Asks the kernel one question where an address is
 * masqueraded already; otherwise it tries out what the first takes.
 */
export function masqueradeUnavailable(tryOut: TryOut = tryOutOnce): string | undefined {
  return reasonAgainst(() => withNftables((nft) => tryOutMasquerade(nft, tryOut)));
}
