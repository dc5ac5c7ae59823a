// `bauta gc`: attachments of containers that are provably gone. The proof: the network namespace of the attachment's ADD
// is there no more, no container runtime keeps a result of it, and its record is older than a grace period.

import type { Attachment } from "../cni/attachment.ts";
import { withExistingStore } from "../ipam/store.ts";
import { holderOf, isCached, NETWORKS } from "../owned/runtime-files.ts";
import { exists } from "../sys/file.ts";
import { formatCidr, parseCidr } from "../wire/ip.ts";
import { findIptablesRecord, listIptablesRecords, listLeavingIptablesRecords } from "./iptables/records.ts";
import { readLiveRecords, recordTime } from "./nftables/live-records.ts";
import { readRecord } from "./nftables/records.ts";

export interface Stale {
  readonly attachment: Attachment;
  /** With their prefix lengths. */
  readonly addresses: readonly string[];
  /** The network namespace that has gone. */
  readonly netns: string;
  /** Those of the addresses that host-local still keeps for it. */
  readonly reserved: readonly string[];
  readonly backend: "nftables" | "iptables";
}

export interface Sweep {
  readonly stale: readonly Stale[];
  /** How many records do not tell the network namespace, so that nothing can be proved. */
  readonly unknown: number;
}

/** A record of either back end. */
interface Candidate extends Pick<Stale, "attachment" | "addresses" | "backend"> {
  readonly netns: string | undefined;
  /** When it was written; undefined where it is gone. */
  readonly written: () => bigint | undefined;
}

function candidates(): Candidate[] {
  const ofNftables = readLiveRecords().map(({ id, record: { attachment, addresses, netns } }): Candidate => {
    const texts = addresses.map(({ cidr }) => cidr);
    return { attachment, addresses: texts, backend: "nftables", netns, written: () => recordTime(id) };
  });
  // An earlier removal may have failed half-way, for want of iptables' programs.
  const inIptables = [...listIptablesRecords(), ...listLeavingIptablesRecords()];
  const ofIptables = inIptables.map(({ attachment, addresses, netns }): Candidate => {
    const written = (): bigint | undefined => findIptablesRecord(attachment)?.written;
    return { attachment, addresses: addresses.map(formatCidr), backend: "iptables", netns, written };
  });
  return [...ofNftables, ...ofIptables];
}

/** What may be removed; `now` and `grace` are in nanoseconds, `now` since 1970. Throws SyscallError. */
export function findStale(now: bigint, grace: bigint): Sweep {
  const all = candidates();
  const stale = all.flatMap((one) => {
    const netns = goneNetns(one, now, grace);
    return netns === undefined ? [] : [staleOf(one, netns)];
  });
  return { stale, unknown: all.filter(({ netns }) => netns === undefined).length };
}

function goneNetns({ attachment, netns, written }: Candidate, now: bigint, grace: bigint): string | undefined {
  if (netns === undefined) return undefined;
  const time = written();
  if (time === undefined || now - time < grace) return undefined;
  return exists(netns) || isCached(attachment) ? undefined : netns;
}

function staleOf({ attachment, addresses, backend }: Candidate, netns: string): Stale {
  const reserved = addresses.filter((text) => {
    const ip = parseCidr(text)?.ip;
    const holder = ip === undefined ? undefined : holderOf(attachment.network, ip);
    return holder?.containerId === attachment.containerId && holder.ifname === attachment.ifname;
  });
  return { attachment, addresses, netns, reserved, backend };
}

/** Whether the proof still holds: the attachment may have been made anew since. */
export function isStillStale({ attachment, netns, backend }: Stale): boolean {
  const record = backend === "nftables" ? readRecord(attachment) : findIptablesRecord(attachment)?.record;
  return record?.netns === netns && !exists(netns) && !isCached(attachment);
}

/** Gives back what host-local keeps for the attachment. Throws SyscallError. */
export function giveBackAddresses({ attachment }: Stale): void {
  withExistingStore(`${NETWORKS}/${attachment.network}`, (store) => store.releaseAll(attachment));
}
