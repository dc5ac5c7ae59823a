// ADD: addresses come under masquerade.

import type { Nftables } from "../../nftables/batch.ts";
import { type AskedChain, chainStates } from "../../nftables/chain.ts";
import type { Command } from "../../nftables/message.ts";
import { hasCode } from "../../sys/error.ts";
import { sameBytes } from "../../wire/codec.ts";
import { type Cidr, type Family, familyOf, formatCidr, formatIp } from "../../wire/ip.ts";
import { type Attachment, attachmentId, idText } from "../attachment.ts";
import { untilCommitted } from "../transactions.ts";
import {
  addHoldings,
  byFamily,
  deleteElement,
  type Held,
  type Holding,
  readHeld,
  requireOwner,
  verdictOf,
} from "./elements.ts";
import { type Excluded, readExcluded } from "./exclude-file.ts";
import type { MasqueradeOptions } from "./options.ts";
import { destinationSet, type Policy, policyFor } from "./policy.ts";
import { type DisplacedClaim, readRecordById, writeRecord } from "./records.ts";
import { nfproto, OWNERS, POLICIES, POSTROUTING, POSTROUTING_USE, STRICT, TABLE } from "./table-names.ts";
import {
  createPolicy,
  createSkeleton,
  createStrict,
  policyFaults,
  refreshSet,
  repairsOf,
  skeletonFaults,
  strictFaults,
} from "./tables.ts";

/** Claims the addresses for the attachment: both families in one transaction, which deletes nothing of anyone else's. */
export function claim(
  nft: Nftables,
  attachment: Attachment,
  addresses: readonly Cidr[],
  options: MasqueradeOptions,
  netns?: string,
): void {
  const id = attachmentId(attachment);
  const excluded = readExcluded(options);
  const wanted = addresses.map((cidr) => ({ cidr, policy: policyFor(cidr, options, excluded.prefixes) }));
  const isStrict = options.dropInvalid === true;
  const holdings = wanted.map(({ cidr, policy }) => ({ ...cidr, chain: policy.chain, isStrict }));
  const policies = new Map(wanted.map(({ policy }) => [policy.chain, policy]));
  const remember = (displaced: readonly DisplacedClaim[]): void =>
    writeRecord({
      attachment,
      addresses: holdings.map((holding) => ({
        cidr: formatCidr(holding),
        policy: holding.chain,
        ...(isStrict ? { isStrict } : {}),
      })),
      ...(netns === undefined ? {} : { netns }),
      displaced,
      ...(options.given === undefined ? {} : { options: options.given }),
    });
  remember([]);
  const isAdded = (): boolean => {
    // A transaction that fails waits for a grace period (16 ms), so the one question before it pays.
    const missing = excluded.isApplied ? missingChains(nft, holdings, policies) : undefined;
    if (missing === undefined) return false;
    const additions = byFamily(holdings).flatMap(([family, own]) => addHoldings(family, attachment, id, own));
    return tryCommit(nft, [...missing, ...additions]);
  };
  if (isAdded()) return;
  untilCommitted(nft, (generation, nth) => {
    if (nth > 1 && isAdded()) return; // whoever came in between may have made what was missing
    const genid = generation();
    const { commands, displaced } = plan(nft, attachment, id, holdings, policies);
    if (displaced.length > 0) remember(displaced);
    nft.commit([...commands, ...refreshOtherFamily(nft, options, excluded, holdings)], { genid });
    excluded.remember();
  });
}

/** Returns false where something has come in between, and nothing has been done. */
function tryCommit(nft: Nftables, commands: readonly Command[]): boolean {
  try {
    nft.commit(commands);
    return true;
  } catch (error) {
    if (!hasCode(error, "ENOENT", "EEXIST", "EBUSY")) throw error;
    return false;
  }
}

/**
 * The commands that make what the holdings need besides their elements: none in the common case, which is the cheapest
 * there is, as the kernel waits for nothing. Undefined where it takes a closer look, because something is there that is
 * not as it should be, or that others may have made meanwhile. What this makes must not be there: EEXIST, if it is.
 */
function missingChains(
  nft: Nftables,
  holdings: readonly Holding[],
  policies: ReadonlyMap<string, Policy>,
): Command[] | undefined {
  const asked = byFamily(holdings).flatMap(([family, own]) => {
    const names = new Set(own.map(({ chain }) => chain));
    const isStrict = own.some((holding) => holding.isStrict);
    return [POSTROUTING, ...names].map((name) => ({ family, name, isStrict }));
  });
  const states = chainStates(nft.connection, asked.map(questionOf));
  const commands: Command[] = [];
  let isNew = false;
  for (const [i, { family, name, isStrict }] of asked.entries()) {
    const state = states[i];
    if (state === "other") return undefined;
    if (name === POSTROUTING) {
      isNew = state === "missing";
      if (isNew) commands.push(...createSkeleton(family), ...(isStrict ? createStrict(family) : []));
      continue;
    }
    const policy = policies.get(name);
    if (state === "missing") {
      // In a table that is there sets of the policy's may be there, too, and so may be what "dropInvalid" needs. What a
      // policy contains is asked for only here: lists may be long.
      const isSimple = isNew || (!isStrict && policy?.contents().sets.length === 0);
      if (policy === undefined || !isSimple) return undefined;
      commands.push(...createPolicy(family, policy));
    } else if (isNew) {
      return undefined;
    }
  }
  return commands;
}

/** How a chain is to be: the one that leads to all others must have its rules. */
function questionOf({ family, name }: { readonly family: Family; readonly name: string }): AskedChain {
  const chain = { family: nfproto(family), table: TABLE, name };
  return name === POSTROUTING ? { ...chain, use: POSTROUTING_USE } : chain;
}

/**
 * What must change in the tables as they stand: missing parts are made, altered ones mended, addresses taken over. It fails
 * where somebody else has made those parts or taken those addresses since.
 */
function plan(
  nft: Nftables,
  attachment: Attachment,
  id: Uint8Array,
  holdings: readonly Holding[],
  policies: ReadonlyMap<string, Policy>,
): { commands: Command[]; displaced: DisplacedClaim[] } {
  const commands: Command[] = [];
  const displaced: DisplacedClaim[] = [];
  for (const [family, own] of byFamily(holdings)) {
    const faults = skeletonFaults(nft, family);
    const isNew = faults.some(({ isWhole }) => isWhole);
    const contents: Command[] = [];
    for (const chain of new Set(own.map((holding) => holding.chain))) {
      const policy = policies.get(chain);
      if (policy === undefined) continue;
      if (isNew) contents.push(...createPolicy(family, policy));
      else faults.push(...policyFaults(nft, family, policy));
    }
    if (own.some((holding) => holding.isStrict)) {
      if (isNew) contents.push(...createStrict(family));
      else faults.push(...strictFaults(nft, family));
    }
    commands.push(...repairsOf(faults), ...contents);
    if (!isNew) {
      for (const holding of own) {
        const held = readHeld(nft, holding.ip);
        commands.push(...clear(holding, held, id));
        displaced.push(...displacedBy(holding, held, id));
      }
    }
    commands.push(...addHoldings(family, attachment, id, own));
  }
  return { commands, displaced };
}

/** A changed file comes into force for both families at once, also where this attachment has addresses of one only. */
function refreshOtherFamily(
  nft: Nftables,
  options: MasqueradeOptions,
  excluded: Excluded,
  holdings: readonly Holding[],
): Command[] {
  if (excluded.isApplied) return [];
  const others = ([4, 6] as const).filter((family) => holdings.every(({ ip }) => familyOf(ip) !== family));
  return others.flatMap((family) => {
    const set = destinationSet(options, family, excluded.prefixes);
    return set === undefined ? [] : refreshSet(nft, family, set);
  });
}

/** Removes what is in the way of the new elements. */
function clear(holding: Holding, held: Held, id: Uint8Array): Command[] {
  const family = familyOf(holding.ip);
  const commands: Command[] = [];
  if (held.id !== undefined && !sameBytes(held.id, id)) {
    commands.push(...requireOwner(family, holding.ip, held.id), ...deleteElement(family, OWNERS, holding.ip));
  }
  if (held.verdict !== undefined && held.verdict !== verdictOf(holding))
    commands.push(...deleteElement(family, POLICIES, holding.ip));
  if (held.isStrict && !holding.isStrict) commands.push(...deleteElement(family, STRICT, holding.ip));
  return commands;
}

/** Whose address this was, and whose it was before that. */
function displacedBy(holding: Holding, held: Held, id: Uint8Array): DisplacedClaim[] {
  if (held.id === undefined || sameBytes(held.id, id) || held.chain === undefined) return [];
  const owner = idText(held.id);
  const record = readRecordById(owner);
  const isThis = ({ cidr }: { readonly cidr: string }): boolean => cidr.startsWith(`${formatIp(holding.ip)}/`);
  const cidr = record?.addresses.find(isThis)?.cidr ?? formatCidr(holding);
  const strict = held.isStrict ? { isStrict: true } : {};
  return [{ owner, cidr, policy: held.chain, ...strict }, ...(record?.displaced.filter(isThis) ?? [])];
}
