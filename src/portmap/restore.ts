// `bauta restore`: ports that the records tell of come back into the kernel.

import type { Connection } from "../netlink/connection.ts";
import type { Command } from "../nftables/message.ts";
import type { Nftables } from "../nftables/nftables.ts";
import { untilCommitted } from "../owned/commit.ts";
import type { Restoration } from "../owned/feature.ts";
import { type Fault, repairsOf } from "../owned/table.ts";
import { FAMILIES, type Family } from "../wire/ip.ts";
import { conditionFaults } from "./chains.ts";
import {
  bytesText,
  createAll,
  deleteAll,
  type Elements,
  elementsOf,
  isSameData,
  type Part,
  partsOf,
} from "./elements.ts";
import { holdersIn, takenOf } from "./publish.ts";
import { records, type StoredPublication } from "./records.ts";
import { belongingsOf, readState, StateIndex, without } from "./state.ts";
import { tableFaults } from "./table-faults.ts";
import { EXCEPTIONS } from "./table-names.ts";
import { takenText } from "./taken.ts";
import { withdrawByIds } from "./withdraw.ts";

/** Puts back what is missing of every live attachment, in one transaction. Throws NetlinkError or SyscallError. */
export function restorePorts(nft: Nftables): Restoration {
  const done = untilCommitted(nft, (generation) => {
    const genid = generation();
    const { live, problems } = records.survey();
    const plans = FAMILIES.map((family) => planFamily(nft.connection, family, live));
    nft.commit(
      plans.flatMap(({ commands }) => commands),
      { genid },
    );
    const faults = plans.flatMap((plan) => plan.faults);
    const isMendable = ({ repair }: Fault): boolean => repair.length > 0;
    return {
      missing: new Set(plans.flatMap(({ missing }) => missing)),
      attachments: live.map(({ id }) => id),
      restored: plans.reduce((sum, plan) => sum + plan.restored, 0),
      mended: faults.filter(isMendable).map(({ text }) => text),
      passedOver: problems,
      problems: [
        ...faults.filter((fault) => !isMendable(fault)).map(({ text }) => text),
        ...plans.flatMap((plan) => plan.problems),
      ],
    };
  });
  const { missing, ...restoration } = done;
  withdrawGone(nft, missing);
  return restoration;
}

interface FamilyPlan {
  readonly commands: readonly Command[];
  readonly faults: readonly Fault[];
  /** The ids of the attachments that got something back. */
  readonly missing: readonly string[];
  /** How many ports. */
  readonly restored: number;
  readonly problems: readonly string[];
}

/** An attachment's part of the family, as its record tells. */
interface Recorded {
  readonly id: string;
  readonly part: Part;
  readonly elements: Elements;
}

function planFamily(connection: Connection, family: Family, live: readonly StoredPublication[]): FamilyPlan {
  const wanted = newestOfEachAddress(recordedParts(family, live));
  const state = readState(connection, family);
  const faults =
    wanted.length === 0
      ? []
      : [
          ...tableFaults(connection, family, state),
          ...differentConditions(wanted).flatMap((part) => conditionFaults(connection, part)),
        ];
  const index = new StateIndex(state);
  const missing = wanted.filter(({ elements }) => !hasAll(index, elements));
  const gone = belongingsOf(
    state,
    family,
    new Set(missing.map(({ id }) => id)),
    new Set(missing.map(({ part }) => bytesText(part.container.ip))),
  );
  const problems: string[] = [];
  const holders = holdersIn(without(state, gone));
  const creations = missing.flatMap(({ elements, part }) => {
    const taken = takenOf(part, holders);
    problems.push(...taken.map(takenText));
    if (taken.length > 0) return [];
    for (const [name, comment] of holdersIn(elements)) holders.set(name, comment);
    return createAll(family, elements);
  });
  return {
    commands: [...repairsOf(faults), ...deleteAll(family, gone), ...creations],
    faults,
    missing: missing.map(({ id }) => id),
    restored: missing.reduce((sum, { part }) => sum + part.entries.length, 0),
    problems,
  };
}

/** In the order in which they were made: of two that publish the same port, the older one has it. */
function recordedParts(family: Family, live: readonly StoredPublication[]): Recorded[] {
  const times = new Map(live.map(({ id }) => [id, records.time(id) ?? 0n]));
  const timeOf = ({ id }: StoredPublication): bigint => times.get(id) ?? 0n;
  return live
    .toSorted((one, other) => (timeOf(one) < timeOf(other) ? -1 : 1))
    .flatMap(({ id, record }) =>
      partsOf(record)
        .filter((part) => part.family === family)
        .map((part) => ({ id, part, elements: elementsOf(record.attachment, part, record) })),
    );
}

/** An address that two attachments have had is the later one's: nobody has called DEL for the other. */
function newestOfEachAddress(parts: readonly Recorded[]): readonly Recorded[] {
  const newest = new Map(parts.map((one) => [bytesText(one.part.container.ip), one]));
  return parts.filter((one) => newest.get(bytesText(one.part.container.ip)) === one);
}

/** A part for each set of conditions. */
function differentConditions(parts: readonly Recorded[]): Part[] {
  return [...new Map(parts.map(({ part }) => [part.conditions.join(" "), part])).values()];
}

/** Shared elements that have been altered are mended by themselves. */
function hasAll(index: StateIndex, wanted: Elements): boolean {
  return [...wanted].every(([set, elements]) =>
    elements.every((one) => {
      const found = index.get(set, one.key);
      return found !== undefined && (set === EXCEPTIONS || isSameData(found, one));
    }),
  );
}

/**
 * A DEL that has looked before its ports were back has found nothing to remove. It has renamed the record first; so the one of
 * the two that looks last sees what the other did, and takes the ports out.
 */
function withdrawGone(nft: Nftables, restored: ReadonlySet<string>): void {
  if (restored.size === 0) return;
  const live = records.liveIds();
  const gone = [...restored].filter((id) => !live.has(id));
  if (gone.length > 0) withdrawByIds(nft, new Set(gone));
}
