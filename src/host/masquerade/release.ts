// DEL and GC: addresses leave masquerade, unless they have become another's.

import type { Nftables } from "../../nftables/batch.ts";
import { listElements } from "../../nftables/element.ts";
import type { Command } from "../../nftables/message.ts";
import { hasCode } from "../../sys/error.ts";
import { sameBytes } from "../../wire/codec.ts";
import { type Cidr, type Family, familyOf, formatIp, type Ip, parseCidr } from "../../wire/ip.ts";
import { type Attachment, attachmentId, idBytes, idText } from "../attachment.ts";
import { deleteConnectionsOf } from "../conntrack.ts";
import { untilCommitted } from "../transactions.ts";
import {
  addHoldings,
  byFamily,
  deleteElement,
  deleteHoldings,
  type Holding,
  idOf,
  readHeld,
  requireSameOwner,
} from "./elements.ts";
import { readInForce } from "./exclude-file.ts";
import { readOptions } from "./options.ts";
import { policyFor } from "./policy.ts";
import {
  beginRelease,
  type DisplacedClaim,
  endRelease,
  haveRecords,
  type MasqueradeRecord,
  readRecordById,
} from "./records.ts";
import { nfproto, OWNERS, POLICIES, STRICT, TABLE } from "./table-names.ts";
import { type Fault, policyFaults, repairsOf, strictFaults } from "./tables.ts";
import {
  deleteEmptySkeleton,
  deletePolicy,
  deleteSkeleton,
  isPolicyUnusedBut,
  isTableEmptyBut,
  tidy,
} from "./unused.ts";
import { forgetListOf } from "./unused-list.ts";

/** An attachment that goes, and what it is known to hold. */
export interface Leaving {
  readonly id: Uint8Array;
  readonly holdings: readonly Holding[];
  readonly displaced: readonly DisplacedClaim[];
}

/**
 * Takes the attachment's addresses out, in one transaction, and then makes the kernel forget their connections. They are
 * known from its record; `hints` are addresses that the caller knows of besides. Where there are no records at all, or its
 * own is illegible, the kernel's maps are searched.
 */
export function release(nft: Nftables, attachment: Attachment, hints: readonly Cidr[]): void {
  deleteConnectionsOf(nft.connection, withdraw(nft, attachment, hints));
  endRelease(attachment);
}

/** The same for several, whose connections are looked for together. */
export function releaseEach(nft: Nftables, attachments: readonly Attachment[]): void {
  deleteConnectionsOf(
    nft.connection,
    attachments.flatMap((attachment) => withdraw(nft, attachment, [])),
  );
  attachments.forEach(endRelease);
}

/** Returns the addresses that nobody has any more. */
function withdraw(nft: Nftables, attachment: Attachment, hints: readonly Cidr[]): readonly Ip[] {
  const id = attachmentId(attachment);
  const begun = beginRelease(attachment);
  const record = begun === "illegible" ? undefined : begun;
  const holdings = holdingsOf(record, hints);
  const isUnknown = begun === "illegible" || (holdings.length === 0 && !haveRecords());
  const found = isUnknown ? search(nft, (owner) => sameBytes(owner, id)).get(idText(id)) : undefined;
  const displaced = record?.displaced ?? [];
  const { left, absent } = releaseHoldings(nft, { id, holdings: found ?? holdings, displaced });
  forgetListOf(nft, record?.options);
  // With a record there has been no DEL that went through: what is absent has not been given to anybody else yet.
  return begun === undefined ? left : [...left, ...absent];
}

function holdingsOf(record: MasqueradeRecord | undefined, hints: readonly Cidr[]): Holding[] {
  const holdings = new Map<string, Holding>();
  for (const cidr of hints) holdings.set(formatIp(cidr.ip), { ...cidr, chain: policyFor(cidr).chain, isStrict: false });
  for (const { cidr, policy, isStrict = false } of record?.addresses ?? []) {
    const address = parseCidr(cidr);
    if (address !== undefined) holdings.set(formatIp(address.ip), { ...address, chain: policy, isStrict });
  }
  return [...holdings.values()];
}

/** What the kernel's maps hold for the ids that are asked for, by id as text. A listing: for the rare case only. */
export function search(nft: Nftables, isWanted: (id: Uint8Array) => boolean): Map<string, Holding[]> {
  const found = new Map<string, Holding[]>();
  for (const family of [4, 6] as const) {
    const table = { family: nfproto(family), table: TABLE };
    try {
      for (const owner of listElements(nft.connection, { ...table, set: OWNERS })) {
        const id = idOf(owner);
        if (id === undefined || !isWanted(id)) continue;
        const { chain = "", isStrict } = readHeld(nft, owner.key);
        const holding = { ip: owner.key, prefixLength: owner.key.length * 8, chain, isStrict };
        found.set(idText(id), [...(found.get(idText(id)) ?? []), holding]);
      }
    } catch (error) {
      if (!hasCode(error, "ENOENT")) throw error;
    }
  }
  return found;
}

/** What has become of addresses. */
interface Released {
  /** They have left the maps. */
  readonly left: readonly Ip[];
  /** They were not in the maps to begin with. */
  readonly absent: readonly Ip[];
}

function releaseHoldings(nft: Nftables, leaving: Leaving): Released {
  if (leaving.holdings.length === 0) return { left: [], absent: [] };
  const isDone = leaving.displaced.length === 0 && releaseGuarded(nft, leaving);
  // Of two that leave at once neither may have seen itself as the last.
  const exactly = !isDone || hasUnused(nft, leaving) ? releaseExactly(nft, [leaving]) : undefined;
  return isDone || exactly === undefined ? { left: leaving.holdings.map(({ ip }) => ip), absent: [] } : exactly;
}

/** Whether nothing goes any more to one of the chains. */
function hasUnused(nft: Nftables, { holdings }: Leaving): boolean {
  return byFamily(holdings).some(([family, own]) =>
    [...tally(own).keys()].some((chain) => isPolicyUnusedBut(nft, family, chain, 0)),
  );
}

/** The common case: all addresses are still ours. Returns false, with nothing done, where that is not so. */
function releaseGuarded(nft: Nftables, { id, holdings }: Leaving): boolean {
  const genid = nft.generation();
  const commands: Command[] = [];
  const untidy: Family[] = [];
  let isLast = false;
  for (const [family, own] of byFamily(holdings)) {
    commands.push(...deleteHoldings(family, id, own));
    const structure = unusedAfter(nft, family, tally(own), deleteSkeleton);
    isLast ||= structure.length > 0;
    if (structure.length > 0 && own.some(hasOptions)) untidy.push(family);
    commands.push(...structure);
  }
  try {
    // Chains and tables go only if nobody has come in since they were counted.
    nft.commit(commands, isLast ? { genid } : {});
    for (const family of untidy) tidy(nft, family);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT", "EEXIST", "EBUSY", "ERESTART")) return false;
    throw error;
  }
}

/** Whether the address has a policy of its own making, which may have sets besides its chain. */
function hasOptions(holding: Holding): boolean {
  return holding.chain !== policyFor(holding).chain;
}

/** How many elements go from each chain. */
type Tally = ReadonlyMap<string, number>;

function tally(holdings: readonly Holding[]): Tally {
  const counts = new Map<string, number>();
  for (const { chain } of holdings) counts.set(chain, (counts.get(chain) ?? 0) + 1);
  return counts;
}

/** Deletes the chains that nothing goes to once so many elements have gone, and the table if it holds nothing else. */
function unusedAfter(nft: Nftables, family: Family, going: Tally, deleteTable: DeleteTable | undefined): Command[] {
  const unused = [...going].filter(([chain, count]) => isPolicyUnusedBut(nft, family, chain, count));
  const commands = unused.map(([chain]) => deletePolicy(family, chain));
  if (unused.length > 0 && deleteTable !== undefined && isTableEmptyBut(nft, family, unused.length))
    commands.push(...deleteTable(family));
  return commands;
}

type DeleteTable = (family: Family) => Command[];

/**
 * Reads who owns what, and deletes just what these attachments do: it fails if another takes part of that over in between,
 * and begins again. An address goes back to the attachment it was taken from, if that one is still there.
 */
export function releaseExactly(nft: Nftables, leaving: readonly Leaving[]): Released {
  const { restored, untidy, released } = untilCommitted(nft, (generation) => {
    const genid = generation();
    const plan = exactPlan(nft, leaving, genid === undefined);
    nft.commit(plan.commands, { genid });
    return plan;
  });
  for (const family of untidy) tidy(nft, family);
  withdrawDead(nft, restored);
  return released;
}

interface Restored {
  readonly owner: string;
  readonly holding: Holding;
}

interface ExactPlan {
  readonly commands: readonly Command[];
  readonly restored: readonly Restored[];
  /** Families in which chains go that may have had sets. */
  readonly untidy: readonly Family[];
  readonly released: Released;
}

/** With `isGuarded` it is a plan that fails where another has taken part of that over since. */
function exactPlan(nft: Nftables, leaving: readonly Leaving[], isGuarded: boolean): ExactPlan {
  const commands: Command[] = [];
  const deleteTable = isGuarded ? deleteEmptySkeleton : deleteSkeleton;
  const restored: Restored[] = [];
  const faults: Fault[] = [];
  const returns: Command[] = [];
  const [left, absent]: [Ip[], Ip[]] = [[], []];
  const going: Record<Family, Map<string, number>> = { 4: new Map(), 6: new Map() };
  const leavingIds = new Set(leaving.map(({ id }) => idText(id)));
  for (const { id, holdings, displaced } of leaving) {
    for (const holding of holdings) {
      const family = familyOf(holding.ip);
      const counts = going[family];
      // Its chain may have become unused although the address itself is another's by now.
      counts.set(holding.chain, counts.get(holding.chain) ?? 0);
      const held = readHeld(nft, holding.ip);
      // Both elements come in one transaction: one without an owner is what somebody has left of ours.
      const isOurs = held.id === undefined ? held.verdict !== undefined : sameBytes(held.id, id);
      if (!isOurs && held.id === undefined) absent.push(holding.ip);
      if (!isOurs) continue;
      if (isGuarded) commands.push(...requireSameOwner(holding.ip, held));
      if (held.id !== undefined) commands.push(...deleteElement(family, OWNERS, holding.ip));
      if (held.verdict !== undefined) commands.push(...deleteElement(family, POLICIES, holding.ip));
      if (held.isStrict) commands.push(...deleteElement(family, STRICT, holding.ip));
      if (held.chain !== undefined) counts.set(held.chain, (counts.get(held.chain) ?? 0) + 1);
      const back = heirOf(holding.ip, displaced, leavingIds);
      if (back === undefined) {
        left.push(holding.ip);
        continue;
      }
      const given = giveBack(nft, back);
      faults.push(...given.faults);
      returns.push(...given.commands);
      restored.push(back);
    }
  }
  commands.push(...repairsOf(faults), ...returns);
  for (const { holding } of restored) going[familyOf(holding.ip)].delete(holding.chain);
  const untidy: Family[] = [];
  for (const family of [4, 6] as const) {
    const isUsed = restored.some(({ holding }) => familyOf(holding.ip) === family);
    const structure = unusedAfter(nft, family, going[family], isUsed ? undefined : deleteTable);
    commands.push(...structure);
    const own = leaving.flatMap(({ holdings }) => holdings.filter(({ ip }) => familyOf(ip) === family));
    if (structure.length > 0 && own.some(hasOptions)) untidy.push(family);
  }
  return { commands, restored, untidy, released: { left, absent } };
}

/** The attachment that an address goes back to: the latest one it was taken from that is still there. */
function heirOf(ip: Ip, displaced: readonly DisplacedClaim[], leavingIds: ReadonlySet<string>): Restored | undefined {
  for (const { owner, cidr, policy, isStrict = false } of displaced) {
    const address = parseCidr(cidr);
    if (address === undefined || !sameBytes(address.ip, ip) || leavingIds.has(owner) || !isAlive(owner)) continue;
    return { owner, holding: { ...address, chain: policy, isStrict } };
  }
  return undefined;
}

/** What gives the address back, once what is wrong has been put right. */
function giveBack(nft: Nftables, { owner, holding }: Restored): { faults: readonly Fault[]; commands: Command[] } {
  const record = readRecordById(owner);
  if (record === undefined) return { faults: [], commands: [] };
  const family = familyOf(holding.ip);
  const options = readOptions(record.options ?? {});
  const faults = policyFaults(nft, family, policyFor(holding, options, readInForce(options)));
  const strict = holding.isStrict ? strictFaults(nft, family) : [];
  const commands = addHoldings(family, record.attachment, attachmentId(record.attachment), [holding]);
  return { faults: [...faults, ...strict], commands };
}

function isAlive(owner: string): boolean {
  return readRecordById(owner) !== undefined;
}

/**
 * A DEL of the attachment that got its address back may have looked before it had it. Such a DEL has renamed the record
 * first; so whoever of the two looks last sees what the other did, and takes the address out.
 */
function withdrawDead(nft: Nftables, restored: readonly Restored[]): void {
  for (const { owner, holding } of restored) {
    if (isAlive(owner)) continue;
    releaseHoldings(nft, { id: idBytes(owner), holdings: [holding], displaced: [] });
  }
}
