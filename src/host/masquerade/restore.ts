// `bauta restore`: what the records tell of comes back into the kernel, after somebody has flushed the rule set, say.

import type { Nftables } from "../../nftables/batch.ts";
import { verdictText } from "../../nftables/data.ts";
import { type Element, listElements } from "../../nftables/element.ts";
import type { Command } from "../../nftables/message.ts";
import { hasCode } from "../../sys/error.ts";
import { sameBytes } from "../../wire/codec.ts";
import { type Family, formatIp } from "../../wire/ip.ts";
import { idText } from "../attachment.ts";
import { ATTEMPTS } from "./claim.ts";
import { addAddresses, deleteElement, idOf, verdictOf } from "./elements.ts";
import { type LiveRecord, liveIds, readLiveRecords } from "./live-records.ts";
import { type Leaving, releaseExactly } from "./release.ts";
import { nfproto, OWNERS, POLICIES, STRICT, TABLE } from "./table-names.ts";
import { createPolicies, createStrict, type Fault, policyFaults, skeletonFaults, strictFaults } from "./tables.ts";
import { type Wanted, type WantedAddress, type WantedTable, wantedBy } from "./wanted.ts";

const FAMILIES: readonly Family[] = [4, 6];

/** What has been put back. */
export interface Restoration {
  /** How many live attachments there are. */
  readonly attachments: number;
  /** How many addresses were missing, or went elsewhere. */
  readonly addresses: number;
  /** What was wrong with the tables themselves, as phrases. */
  readonly mended: readonly string[];
  /** What could not be put back or mended, and why, each as a phrase. */
  readonly problems: readonly string[];
}

/**
 * Puts back what is missing of every live attachment, and right what has been altered, both families in one transaction.
 * What is as it should be is left alone. Throws NetlinkError or SyscallError.
 */
export function restore(nft: Nftables): Restoration {
  for (let attempt = 1; ; attempt++) {
    const records = readLiveRecords();
    const plan = planFor(records);
    const genid = nft.generation();
    try {
      return { attachments: records.length, ...carryOut(nft, plan, genid) };
    } catch (error) {
      if (attempt === ATTEMPTS || !hasCode(error, "ERESTART", "ENOENT", "EEXIST", "EBUSY")) throw error;
    }
  }
}

/** What records want of the kernel, and the commands for it where the kernel has nothing yet. */
export interface Plan {
  readonly wanted: Wanted;
  readonly fresh: Readonly<Record<Family, readonly Command[]>>;
}

/** All that takes long, so that it can come before the generation is asked for: who commits after that is in the way. */
export function planFor(records: readonly LiveRecord[]): Plan {
  const wanted = wantedBy(records);
  return { wanted, fresh: { 4: freshCommands(4, wanted.tables[4]), 6: freshCommands(6, wanted.tables[6]) } };
}

/**
 * Brings the kernel's tables to what is wanted, in one transaction with the commands in `more`; ERESTART if anyone
 * committed since that generation.
 */
export function carryOut(
  nft: Nftables,
  { wanted, fresh }: Plan,
  genid: number,
  more: readonly Command[] = [],
): Omit<Restoration, "attachments"> {
  const parts = FAMILIES.map((family) => repairOf(nft, family, wanted.tables[family], fresh[family]));
  nft.commit([...parts.flatMap(({ commands }) => commands), ...more], { genid });
  for (const file of wanted.files) file.remember();
  const added = parts.flatMap((part) => part.added);
  withdrawGone(nft, added);
  return {
    addresses: added.length,
    mended: parts.flatMap(({ faults }) => textsOf(faults, true)),
    problems: [...wanted.problems, ...parts.flatMap(({ faults }) => textsOf(faults, false))],
  };
}

interface Repair {
  readonly commands: readonly Command[];
  readonly added: readonly WantedAddress[];
  readonly faults: readonly Fault[];
}

/** The texts of what can be mended, or of what cannot. */
function textsOf(faults: readonly Fault[], isMendable: boolean): string[] {
  const texts = faults.filter(({ repair }) => repair.length > 0 === isMendable).map(({ text }) => text);
  return [...new Set(texts)];
}

/** What fills a table that has just been made. */
function freshCommands(family: Family, { addresses, policies }: WantedTable): Command[] {
  const all = [...addresses.values()];
  const strict = all.some(({ isStrict }) => isStrict) ? createStrict(family) : [];
  return [...createPolicies(family, [...policies.values()]), ...strict, ...addAddresses(family, all)];
}

function repairOf(nft: Nftables, family: Family, wanted: WantedTable, fresh: readonly Command[]): Repair {
  const added = [...wanted.addresses.values()];
  if (added.length === 0) return { commands: [], added: [], faults: [] };
  const faults = skeletonFaults(nft, family);
  if (faults.some(({ isWhole }) => isWhole)) {
    return { commands: [...repairsOf(faults), ...fresh], added, faults };
  }
  for (const policy of wanted.policies.values()) faults.push(...policyFaults(nft, family, policy));
  if (added.some(({ isStrict }) => isStrict)) faults.push(...strictFaults(nft, family));
  const elements = elementRepair(nft, family, wanted);
  return { commands: [...repairsOf(faults), ...elements.commands], added: elements.added, faults };
}

/** A set that policies share is found wrong more than once. */
function repairsOf(faults: readonly Fault[]): Command[] {
  const byText = new Map(faults.map(({ text, repair }) => [text, repair]));
  return [...byText.values()].flat();
}

/** Adds the elements that are missing, and replaces those that say something else. */
function elementRepair(nft: Nftables, family: Family, { addresses }: WantedTable): Omit<Repair, "faults"> {
  const owners = elementsByAddress(nft, family, OWNERS);
  const policies = elementsByAddress(nft, family, POLICIES);
  const isAnyStrict = [...addresses.values()].some(({ isStrict }) => isStrict);
  const strict = isAnyStrict ? elementsByAddress(nft, family, STRICT) : new Map();
  let live: ReadonlySet<string> | undefined;
  const commands: Command[] = [];
  const added: WantedAddress[] = [];
  for (const [ip, wanted] of addresses) {
    const owner = idOf(owners.get(ip));
    const policy = policies.get(ip);
    const isOurs = owner !== undefined && sameBytes(owner, wanted.id);
    if (owner !== undefined && !isOurs) {
      // Whoever holds it and lives came last: its claim was made in the kernel, where only one can have the address.
      live ??= liveIds();
      if (live.has(idText(owner))) continue;
    }
    const isRight = policy?.data !== undefined && !(policy.data instanceof Uint8Array);
    const isSame = isRight && verdictText(policy.data) === verdictOf(wanted);
    if (isOurs && isSame && (!wanted.isStrict || strict.has(ip))) continue;
    if (owner !== undefined && !isOurs) commands.push(...deleteElement(family, OWNERS, wanted.ip));
    if (policy !== undefined && !isSame) commands.push(...deleteElement(family, POLICIES, wanted.ip));
    added.push(wanted);
  }
  return { commands: [...commands, ...addAddresses(family, added)], added };
}

/** Empty where the map is missing: then it is a fault, and is being made. */
function elementsByAddress(nft: Nftables, family: Family, set: string): Map<string, Element> {
  try {
    const found = listElements(nft.connection, { family: nfproto(family), table: TABLE, set });
    return new Map(found.map((element) => [formatIp(element.key), element]));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return new Map();
    throw error;
  }
}

/**
 * A DEL that has looked before its addresses were back has found nothing to remove. It has renamed the record first; so
 * whoever of the two looks last sees what the other did, and takes them out.
 */
function withdrawGone(nft: Nftables, added: readonly WantedAddress[]): void {
  if (added.length === 0) return;
  const live = liveIds();
  const gone: Leaving[] = added
    .filter(({ owner }) => !live.has(owner))
    .map(({ id, ip, chain, isStrict }) => ({
      id,
      holdings: [{ ip, prefixLength: ip.length * 8, chain, isStrict }],
      displaced: [],
    }));
  if (gone.length > 0) releaseExactly(nft, gone);
}
