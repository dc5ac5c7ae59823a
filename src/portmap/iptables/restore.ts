// `bauta restore` for ports that are published by iptables.

import { type NatListing, readListing } from "../../iptables/listing.ts";
import { IptablesError, saveNat } from "../../iptables/program.ts";
import type { Restoration } from "../../owned/feature.ts";
import { FAMILIES, type Family } from "../../wire/ip.ts";
import { faultsOf, publishIn, tearDownIptables } from "./iptables.ts";
import { dnatChainOf } from "./names.ts";
import { type RecordedPart, recordedParts } from "./plan.ts";
import { type IptablesRecord, records } from "./records.ts";

/**
 * Puts back what is missing of every live attachment, and right what has been altered. Where there is none, nothing is
 * executed. Throws SyscallError; what iptables refuses is a problem.
 */
export function restoreIptablesPorts(): Restoration {
  const { live, problems: passedOver } = records.survey();
  const done = FAMILIES.map((family) => {
    try {
      return restoreFamily(
        family,
        live.map(({ record }) => record),
      );
    } catch (error) {
      if (!(error instanceof IptablesError)) throw error;
      return { restored: 0, problems: [error.message] };
    }
  });
  if (done.some(({ restored }) => restored > 0)) withdrawGone(live.map(({ record }) => record));
  return {
    attachments: live.map(({ id }) => id),
    restored: done.reduce((sum, { restored }) => sum + restored, 0),
    mended: [],
    passedOver,
    problems: done.flatMap(({ problems }) => problems),
  };
}

function restoreFamily(family: Family, live: readonly IptablesRecord[]): Pick<Restoration, "restored" | "problems"> {
  const containers = byChain(recordedParts(live, family));
  if (containers.size === 0) return { restored: 0, problems: [] };
  const listing: NatListing = readListing(saveNat(family));
  let restored = 0;
  for (const parts of containers.values()) {
    const attachment = parts[0]?.record.attachment;
    if (attachment === undefined || faultsOf(family, listing, parts, attachment).length === 0) continue;
    publishIn(family, parts, attachment);
    restored += parts.reduce((sum, { part }) => sum + part.entries.length, 0);
  }
  return { restored, problems: [] };
}

/** Interfaces of one container share a chain. */
function byChain(parts: readonly RecordedPart[]): Map<string, RecordedPart[]> {
  const chains = new Map<string, RecordedPart[]>();
  for (const one of parts) {
    const chain = dnatChainOf(one.record.attachment);
    chains.set(chain, [...(chains.get(chain) ?? []), one]);
  }
  return chains;
}

/** Of a DEL and this one, the one that looks last sees what the other did: see portmap/restore.ts. */
function withdrawGone(restored: readonly IptablesRecord[]): void {
  const live = records.liveIds();
  for (const { attachment } of restored) {
    const found = records.find(attachment);
    if (found === undefined || !live.has(found.id)) tearDownIptables(attachment);
  }
}
