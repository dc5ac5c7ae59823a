// `bauta gc`: attachments of containers that are provably gone. The proof: the network namespace of the attachment's ADD
// is there no more, no container runtime keeps a result of it, and its record is older than a grace period.

import { withExistingStore } from "../../ipam/store.ts";
import { exists } from "../../sys/file.ts";
import { parseCidr } from "../../wire/ip.ts";
import type { Attachment } from "../attachment.ts";
import { type LiveRecord, readLiveRecords, recordTime } from "./live-records.ts";
import { readRecord } from "./records.ts";
import { holderOf, isCached, NETWORKS } from "./runtime-files.ts";

export interface Stale {
  readonly attachment: Attachment;
  /** With their prefix lengths. */
  readonly addresses: readonly string[];
  /** The network namespace that has gone. */
  readonly netns: string;
  /** Those of the addresses that host-local still keeps for it. */
  readonly reserved: readonly string[];
}

export interface Sweep {
  readonly stale: readonly Stale[];
  /** How many records do not tell the network namespace, so that nothing can be proved. */
  readonly unknown: number;
}

/** What may be removed; `now` and `grace` are in nanoseconds, `now` since 1970. Throws SyscallError. */
export function findStale(now: bigint, grace: bigint): Sweep {
  const records = readLiveRecords();
  const stale = records.flatMap((one) => {
    const netns = goneNetns(one, now, grace);
    return netns === undefined ? [] : [staleOf(one, netns)];
  });
  return { stale, unknown: records.filter(({ record }) => record.netns === undefined).length };
}

function goneNetns({ id, record }: LiveRecord, now: bigint, grace: bigint): string | undefined {
  const { netns, attachment } = record;
  const written = recordTime(id);
  if (netns === undefined || written === undefined || now - written < grace) return undefined;
  return exists(netns) || isCached(attachment) ? undefined : netns;
}

function staleOf({ record: { attachment, addresses } }: LiveRecord, netns: string): Stale {
  const ips = addresses.flatMap(({ cidr }) => parseCidr(cidr)?.ip ?? []);
  const reserved = ips.flatMap((ip, i) => {
    const holder = holderOf(attachment.network, ip);
    const isIts = holder?.containerId === attachment.containerId && holder.ifname === attachment.ifname;
    return isIts ? [addresses[i]?.cidr ?? ""] : [];
  });
  return { attachment, addresses: addresses.map(({ cidr }) => cidr), netns, reserved };
}

/** Whether the proof still holds: the attachment may have been made anew since. */
export function isStillStale({ attachment, netns }: Stale): boolean {
  return readRecord(attachment)?.netns === netns && !exists(netns) && !isCached(attachment);
}

/** Gives back what host-local keeps for the attachment. Throws SyscallError. */
export function giveBackAddresses({ attachment }: Stale): void {
  withExistingStore(`${NETWORKS}/${attachment.network}`, (store) => store.releaseAll(attachment));
}
