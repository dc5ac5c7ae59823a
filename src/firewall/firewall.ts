// The firewall of an attachment, verb by verb: its place in our tables, and its passage through others'. feature.ts is the door for
// the command.

import type { Attachment } from "../cni/attachment.ts";
import { iptablesMissing } from "../iptables/program.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { getTable } from "../nftables/table.ts";
import { NFPROTO } from "../nftables/uapi.ts";
import { type Keep, reasonAgainst, withNftablesIfAny } from "../owned/commit.ts";
import { attachmentId, idText, isOfNetwork, networkId } from "../owned/id.ts";
import { type TryOut, tryOutOnce, tryOutParts } from "../owned/tried-out.ts";
import { sameBytes } from "../wire/codec.ts";
import { formatIp, type Ip } from "../wire/ip.ts";
import { isolatingPolicies } from "./bridge.ts";
import { claim } from "./claim.ts";
import { holdingFaults } from "./faults.ts";
import { listFrom, ownerOf } from "./holding.ts";
import { dismissFromFirewalld, firewalldMissing, isFirewalldRunning } from "./passage/firewalld.ts";
import { dismissFromIptables } from "./passage/iptables.ts";
import { endIsolation, relaxIsolation } from "./passage/isolation.ts";
import { openPassage, passageFaults, planPassage } from "./passage/passage.ts";
import { searchPorts } from "./ports.ts";
import { type FirewallRecord, records } from "./records.ts";
import { removeHolding, searchAddresses } from "./release.ts";
import { readSegment, segmentOf } from "./segment.ts";
import { ATTACHMENTS, table } from "./table.ts";
import type { IngressPolicy, Protection } from "./wanted.ts";

/**
 * ADD: isolates the attachment's bridge as its policy asks, and lets its packets through wherever they would be dropped. What
 * can't be let through is told to `log`. Throws NetlinkError, SyscallError, IptablesError or DBusError; call endProtection then.
 */
export function beginProtection(
  attachment: Attachment,
  wanted: Protection,
  log: (line: string) => void,
  netns?: string,
): void {
  records.write({ ...wanted, attachment, ...(netns === undefined ? {} : { netns }) });
  const isDone = withNftablesIfAny((nft) => {
    const before = wanted.backend === "iptables" ? policyBefore(nft, attachment, wanted) : undefined;
    claim(nft, attachment, wanted);
    openPassage(planPassage(nft, [wanted]), log);
    const { bridge } = wanted;
    if (before === undefined || before === "open" || bridge === undefined) return;
    // What the network's attachments before had made is not asked for any more.
    relaxIsolation(nft, [{ bridge, policies: isolatingPolicies(nft.connection, bridge) }]);
  });
  if (isDone) return;
  requireNoNftables(wanted);
  openPassage(planPassage(undefined, [wanted]), log);
}

/** The policy of the attachment's segment, where it is another than the wanted one. */
function policyBefore(nft: Nftables, { network }: Attachment, wanted: Protection): IngressPolicy | undefined {
  const before = readSegment(nft.connection, segmentOf(network, wanted).id)?.policy;
  return before === wanted.policy ? undefined : before;
}

/** Throws where what is asked for takes nf_tables. Bridges are isolated by iptables then, unless that is not asked for. */
function requireNoNftables({ backend, policy }: Pick<Protection, "backend" | "policy">): void {
  if (backend === undefined || backend === "iptables" || (backend === "firewalld" && policy === "open")) return;
  const what = backend === "nftables" ? 'backend "nftables"' : `ingressPolicy ${JSON.stringify(policy)}`;
  throw new Error(`this node's kernel has no nf_tables, which ${what} takes`);
}

/** CHECK: what is missing or altered, each as a phrase; makes nothing. Throws as beginProtection. */
export function protectionFaults(attachment: Attachment, wanted: Protection): string[] {
  let faults: string[] = [];
  const isDone = withNftablesIfAny((nft) => {
    faults = [...holdingFaults(nft.connection, attachment, wanted), ...passageFaults(planPassage(nft, [wanted]))];
  });
  if (isDone) return faults;
  requireNoNftables(wanted);
  return passageFaults(planPassage(undefined, [wanted]));
}

/** What DEL knows of an attachment besides its record. */
export interface Hints {
  readonly addresses: readonly Ip[];
  /** The interface of the node by which the container is reached. */
  readonly bridge?: string | undefined;
  /** The port of a bridge that leads to the container. */
  readonly port?: string | undefined;
  /** The zone of firewalld that the configuration has, where it leaves the choice to us or asks for firewalld. */
  readonly zone?: string | undefined;
}

/**
 * DEL: takes away what the attachment has, also by the rules of upstream's plugin, unless an address has become another's.
 * Throws NetlinkError, SyscallError, IptablesError or DBusError.
 */
export function endProtection(attachment: Attachment, hints: Hints, keep?: Keep): void {
  const begun = records.beginRelease(attachment);
  const record = begun === "illegible" ? undefined : begun;
  const id = attachmentId(attachment);
  const known = unique([...(record?.addresses ?? []), ...hints.addresses]);
  const { bridge, port } = record ?? hints;
  const isDone = withNftablesIfAny((nft) => {
    const isUnknown = begun === "illegible" || (record === undefined && !records.isKept());
    const own = isUnknown ? unique([...known, ...searchAddresses(nft.connection, id)]) : known;
    const free = own.filter((ip) => !isAnothers(nft, id, ip));
    removeHolding(nft, id, { addresses: own, port: isUnknown ? searchPorts(nft.connection, id)[0] : port });
    dismissFromIptables(nft, free);
    leaveZone(nft, record, hints, free);
    if (bridge === undefined) return;
    endIsolation(nft, bridge, port, () => isolatingPolicies(nft.connection, bridge).length > 0);
  }, keep);
  if (!isDone) {
    dismissFromIptables(undefined, known);
    leaveZone(undefined, record, hints, known);
    if (bridge !== undefined) endIsolation(undefined, bridge, port, () => isIsolatedByRecords(bridge));
  }
  records.endRelease(attachment);
}

/** Whether a live attachment isolates the bridge. */
function isIsolatedByRecords(bridge: string): boolean {
  return records.listLive().some(({ record }) => record.bridge === bridge && record.policy !== "open");
}

function unique(addresses: readonly Ip[]): Ip[] {
  return [...new Map(addresses.map((ip) => [formatIp(ip), ip])).values()];
}

/** An address that another attachment has got since must stay let through. */
function isAnothers(nft: Nftables, id: Uint8Array, ip: Ip): boolean {
  const owner = ownerOf(nft.connection, ip);
  return owner !== undefined && !sameBytes(owner, id);
}

/** Takes the addresses out of firewalld's zone, where they may be in one. */
function leaveZone(
  nft: Nftables | undefined,
  record: FirewallRecord | undefined,
  hints: Hints,
  addresses: readonly Ip[],
): void {
  const zone = record?.zone ?? hints.zone;
  if (zone === undefined || addresses.length === 0) return;
  const isSure = record?.backend === "firewalld";
  if (!isSure && !hasFirewalldTable(nft)) return;
  // Where firewalld has ended, what it knew only for the time being has gone with it.
  if (isFirewalldRunning()) dismissFromFirewalld(addresses.map((ip) => ({ ip, zone })));
}

function hasFirewalldTable(nft: Nftables | undefined): boolean {
  return nft !== undefined && getTable(nft.connection, { family: NFPROTO.INET, name: "firewalld" }) !== undefined;
}

/** GC: ends the protection of the network's attachments that are not among the valid ones. Throws as endProtection. */
export function collectProtections(network: string, valid: readonly Attachment[]): void {
  for (const attachment of records.stale(network, valid)) endProtection(attachment, { addresses: [] });
  const validIds = new Set(valid.map((attachment) => idText(attachmentId(attachment))));
  const ofNetwork = networkId(network);
  withNftablesIfAny((nft) => {
    for (const { key: id } of listFrom(nft.connection, ATTACHMENTS)) {
      if (!isOfNetwork(id, ofNetwork) || validIds.has(idText(id))) continue;
      const addresses = searchAddresses(nft.connection, id);
      removeHolding(nft, id, { addresses, port: searchPorts(nft.connection, id)[0] });
      dismissFromIptables(nft, addresses);
    }
  });
}

/** STATUS: why this node cannot do what is asked for; undefined where it can. */
export function protectionUnavailable(
  { backend, policy }: Pick<Protection, "backend" | "policy">,
  tryOut: TryOut = tryOutOnce,
): string | undefined {
  const reason = backend === "iptables" ? iptablesMissing() : backend === "firewalld" ? firewalldMissing() : undefined;
  if (reason !== undefined) return reason;
  if (backend !== undefined && backend !== "nftables" && policy === "open") return undefined;
  return reasonAgainst(() => {
    const isDone = withNftablesIfAny((nft) => {
      if (!table.exists(nft.connection)) tryOutParts(tryOut, nft, "firewall", table.create());
    });
    if (isDone) return;
    requireNoNftables({ backend, policy });
    const missing = iptablesMissing();
    if (missing !== undefined) throw new Error(`this node's kernel has no nf_tables, and ${missing}`);
  });
}
