// `bauta restore` for what the iptables back end has made: one iptables-restore for each family, whatever the number of
// attachments.

import type { Attachment } from "../../cni/attachment.ts";
import { undisturbed } from "../../iptables/again.ts";
import { POSTROUTING, readListing } from "../../iptables/listing.ts";
import { IptablesError, restoreNat, saveNat } from "../../iptables/program.ts";
import { lineOf } from "../../iptables/rule.ts";
import type { Restoration } from "../../owned/feature.ts";
import { type Cidr, FAMILIES, type Family, familyOf, formatIp } from "../../wire/ip.ts";
import { withdrawIptables } from "./iptables.ts";
import { chainOf } from "./names.ts";
import { type Repair, repairOf } from "./plan.ts";
import { type IptablesRecord, iptablesRecords } from "./records.ts";

/**
 * Puts back what is missing of every live attachment, and right what has been altered. Where there is none, nothing is
 * executed. Throws SyscallError; what iptables refuses is a problem.
 */
export function restoreIptables(): Restoration {
  const survey = iptablesRecords.survey();
  const records = survey.live.map(({ record }) => record);
  const chains = byChain(records);
  const problems: string[] = [];
  const repairs = FAMILIES.flatMap((family) => {
    try {
      return restoreFamily(family, chains);
    } catch (error) {
      if (!(error instanceof IptablesError)) throw error;
      problems.push(error.message);
      return [];
    }
  });
  const addresses = repairs.flatMap((repair) => repair.addresses).length;
  if (addresses > 0) withdrawGone(records);
  return {
    attachments: survey.live.map(({ id }) => id),
    passedOver: survey.problems,
    restored: addresses,
    mended: repairs.flatMap(({ mended }) => mended),
    problems,
  };
}

/** A chain: interfaces of one container share it. */
interface Chain {
  readonly attachment: Attachment;
  readonly addresses: readonly Cidr[];
}

function byChain(records: readonly IptablesRecord[]): ReadonlyMap<string, Chain> {
  const chains = new Map<string, Chain>();
  for (const { attachment, addresses } of records) {
    const name = chainOf(attachment);
    chains.set(name, { attachment, addresses: [...(chains.get(name)?.addresses ?? []), ...addresses] });
  }
  return chains;
}

function restoreFamily(family: Family, chains: ReadonlyMap<string, Chain>): readonly Repair[] {
  const own = [...chains].flatMap(([chain, { attachment, addresses }]) => {
    const wanted = addresses.filter(({ ip }) => familyOf(ip) === family);
    return wanted.length === 0 ? [] : [{ chain, attachment, wanted }];
  });
  if (own.length === 0) return [];
  const list = (): ReturnType<typeof readListing> => readListing(saveNat(family));
  const textOf = (listing: ReturnType<typeof list>): string => JSON.stringify([...listing]);
  let seen = "";
  return undisturbed(
    () => {
      const listing = list();
      seen = textOf(listing);
      const lead = new Set((listing.get(POSTROUTING) ?? []).map(lineOf));
      const repairs = own.map(({ chain, attachment, wanted }) =>
        repairOf(listing, lead, attachment, family, wanted, chain),
      );
      const lines = repairs.flatMap((repair) => repair.lines);
      if (lines.length > 0) restoreNat(family, lines);
      return repairs;
    },
    () => seen !== textOf(list()),
  );
}

/**
 * A DEL that has looked before its rules were back has found nothing to remove. That DEL has renamed the record first. So of
 * the two, the one that looks last sees what the other did, and takes the rules out.
 */
function withdrawGone(records: readonly IptablesRecord[]): void {
  for (const { attachment, addresses } of records) {
    const still = new Set(iptablesRecords.read(attachment)?.addresses.map(({ ip }) => formatIp(ip)));
    const gone = addresses.filter(({ ip }) => !still.has(formatIp(ip)));
    if (gone.length > 0) withdrawIptables(attachment, gone);
  }
}
