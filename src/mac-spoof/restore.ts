// `bauta restore`: guards that the records tell of come back into the kernel.

import type { Nftables } from "../nftables/nftables.ts";
import { untilCommitted } from "../owned/commit.ts";
import type { Restoration } from "../owned/feature.ts";
import { idBytes } from "../owned/id.ts";
import { repairsOf } from "../owned/table.ts";
import { createGuards, deleteRemains, guardFaults, guardOf } from "./guard.ts";
import { removeGuard } from "./mac-spoof.ts";
import { records, type StoredGuard } from "./records.ts";
import { table } from "./table.ts";

/** Puts back what is missing of every live attachment, in one transaction. Throws NetlinkError or SyscallError. */
export function restoreGuards(nft: Nftables): Restoration {
  const { connection } = nft;
  const done = untilCommitted(nft, (generation) => {
    const genid = generation();
    const { live, problems } = records.survey();
    const wanted = newestOfEachPort(live).map((one) => ({
      ...one.record,
      guard: guardOf(one.record.attachment, one.record),
      id: one.id,
    }));
    const faults = wanted.length === 0 ? [] : table.faults(connection);
    const missing = wanted.filter(({ guard }) => guardFaults(connection, guard).length > 0);
    const remains = faults.some(({ isWhole }) => isWhole)
      ? []
      : deleteRemains(
          connection,
          missing.map(({ guard }) => guard),
        );
    nft.commit([...repairsOf(faults), ...remains, ...createGuards(missing)], { genid });
    const isMendable = ({ repair }: (typeof faults)[number]): boolean => repair.length > 0;
    return {
      missing,
      attachments: live.map(({ id }) => id),
      restored: missing.length,
      mended: faults.filter(isMendable).map(({ text }) => text),
      passedOver: problems,
      problems: faults.filter((fault) => !isMendable(fault)).map(({ text }) => text),
    };
  });
  const { missing, ...restoration } = done;
  withdrawGone(nft, missing);
  return restoration;
}

/** A port whose link has gone may have come up again for another attachment, before the DEL of the one that had it. */
function newestOfEachPort(live: readonly StoredGuard[]): StoredGuard[] {
  const newest = new Map<string, StoredGuard>();
  const time = ({ id }: StoredGuard): bigint => records.time(id) ?? 0n;
  for (const one of live) {
    const other = newest.get(one.record.port);
    if (other === undefined || time(one) > time(other)) newest.set(one.record.port, one);
  }
  return [...newest.values()];
}

/**
 * A DEL that has looked before its guard was back has found nothing to remove. It has renamed the record first; so the one of
 * the two that looks last sees what the other did, and takes the guard out.
 */
function withdrawGone(nft: Nftables, restored: readonly { readonly id: string }[]): void {
  if (restored.length === 0) return;
  const live = records.liveIds();
  for (const { id } of restored) if (!live.has(id)) removeGuard(nft, idBytes(id));
}
