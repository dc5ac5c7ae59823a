// `bauta adopt`: what containernetworking/plugins' nftables back end masquerades moves into our maps, and its rules go, in
// one transaction: no packet leaves with a wrong source.

import type { Attachment } from "../../cni/attachment.ts";
import { IptablesError } from "../../iptables/program.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { deleteRule } from "../../nftables/rule.ts";
import { deleteTable, getTable } from "../../nftables/table.ts";
import { untilCommitted } from "../../owned/commit.ts";
import type { Adoption } from "../../owned/feature.ts";
import { type Cidr, formatIp } from "../../wire/ip.ts";
import { policyFor } from "../nftables/policy.ts";
import { type DisplacedAddress, type LiveRecord, type RecordedAddress, records } from "../nftables/records.ts";
import { releaseEach } from "../nftables/release.ts";
import { carryOut, planFor, restore } from "../nftables/restore.ts";
import { readUpstreamJumps, removeUpstreamJumps, type UpstreamJump } from "./jumps.ts";
import { type Identified, Identifier } from "./owners.ts";
import { readUpstreamRules, UPSTREAM, type UpstreamRule } from "./rules.ts";

/**
 * Moves upstream's rules into our maps, those of its iptables back end, too: they go when the maps have what they did, so
 * that for a moment both masquerade. With `isDryRun` it only tells. Throws NetlinkError or SyscallError.
 */
export function adopt(nft: Nftables, isDryRun: boolean): Adoption {
  const written: Written = new Map();
  const { before, jumps, ...adoption } = untilCommitted(nft, (generation) => {
    const genid = generation();
    const rules = identified(readUpstreamRules(nft));
    const found = readUpstreamJumps(nft);
    const moved = recordsOf([...rules.found, ...found.found]);
    const adopted = moved.map(({ record: { attachment, addresses } }) => ({
      attachment,
      addresses: addresses.map(({ cidr }) => cidr),
    }));
    const done = { adopted, left: [...rules.left, ...found.left], problems: [], before: [], jumps: [] };
    if (isDryRun) return done;
    const live = liveBefore(written);
    const all = joined(live, moved);
    writeRecords(moved, all, written, live);
    if (moved.length === 0) return done;
    // Upstream's plugins may be at work: the table goes only if they have added nothing since.
    const removal = removalOf(nft, rules.removed, rules.left.length === 0 && genid !== undefined);
    const { problems, isGone } = carryOut(nft, planFor(nft, [...all.values()]), genid, removal);
    if (isGone) restore(nft);
    return { ...done, problems, before: live, jumps: found.found };
  });
  return { ...adoption, problems: [...adoption.problems, ...endJumps(nft, jumps, before)] };
}

/**
 * Takes the rules of iptables out. A rule that has gone since it was seen was removed by a DEL that knew nothing of our maps:
 * its address leaves our maps again, unless the address was there before. Returns the problems, as phrases.
 */
function endJumps(nft: Nftables, jumps: readonly UpstreamJump[], before: readonly LiveRecord[]): string[] {
  try {
    const known = new Set(before.map(({ id }) => id));
    const gone = new Map(removeUpstreamJumps(jumps).map(({ id, attachment }) => [id, attachment]));
    for (const id of known) gone.delete(id);
    releaseEach(nft, [...gone.values()]);
    return [];
  } catch (error) {
    if (!(error instanceof IptablesError)) throw error;
    return [`the rules of iptables stay beside ours: ${error.message}`];
  }
}

/** The rules whose attachments are known, the rules that are to go, and a phrase about each of the others. */
function identified(rules: readonly UpstreamRule[]): {
  readonly found: readonly Identified[];
  readonly removed: readonly UpstreamRule[];
  readonly left: readonly string[];
} {
  const identifier = new Identifier();
  const found: Identified[] = [];
  const removed: UpstreamRule[] = [];
  const left: string[] = [];
  for (const rule of rules) {
    const one = identifier.identify(rule);
    if (typeof one === "string") left.push(`rule with handle ${rule.handle}: ${one}`);
    else {
      removed.push(rule);
      found.push(one);
    }
  }
  return { found, removed, left };
}

/** The records of the attachments that have these addresses. */
function recordsOf(found: readonly Identified[]): LiveRecord[] {
  const byId = new Map<
    string,
    { attachment: Attachment; addresses: RecordedAddress[]; displaced: DisplacedAddress[] }
  >();
  const holders = new Map<string, DisplacedAddress>();
  const chains = new PlainChains();
  for (const { attachment, id, cidr } of found) {
    const group = byId.get(id) ?? { attachment, addresses: [], displaced: [] };
    byId.set(id, group);
    const ip = formatIp(cidr.ip);
    const address = { cidr: `${ip}/${cidr.prefixLength}`, policy: chains.of(cidr) };
    if (group.addresses.some((one) => one.cidr === address.cidr)) continue;
    group.addresses.push(address);
    // The same address twice: the later rule tells the later owner, as in our maps.
    const before = holders.get(ip);
    if (before !== undefined && before.owner !== id) group.displaced.push(before);
    holders.set(ip, { owner: id, cidr: address.cidr, policy: address.policy });
  }
  return [...byId].map(([id, record]) => ({ id, record }));
}

/** The chains of plain policies; of many addresses in one subnet it is the same. */
class PlainChains {
  readonly #chains = new Map<string, string>();

  of({ ip, prefixLength }: Cidr): string {
    const key = `${ip.subarray(0, (prefixLength + 7) >> 3).join(".")}/${prefixLength}`;
    const chain = this.#chains.get(key) ?? policyFor({ ip, prefixLength }).chain;
    this.#chains.set(key, chain);
    return chain;
  }
}

/** An attachment that has a record already keeps what that says, and gets what upstream's rules say besides. */
function joined(live: readonly LiveRecord[], adopted: readonly LiveRecord[]): Map<string, LiveRecord> {
  const all = new Map(live.map((one) => [one.id, one]));
  for (const { id, record } of adopted) {
    const own = all.get(id)?.record;
    if (own === undefined) all.set(id, { id, record });
    else {
      const has = new Set(own.addresses.map(({ cidr }) => cidr));
      const addresses = [...own.addresses, ...record.addresses.filter(({ cidr }) => !has.has(cidr))];
      all.set(id, { id, record: { ...own, addresses } });
    }
  }
  return all;
}

/** The records that have been written, by id, with what was there before. */
type Written = Map<string, LiveRecord | undefined>;

/** The live records as they would be without those that have been written. */
function liveBefore(written: Written): LiveRecord[] {
  const others = records.listLive().filter(({ id }) => !written.has(id));
  return [...others, ...[...written.values()].filter((one) => one !== undefined)];
}

function writeRecords(
  adopted: readonly LiveRecord[],
  all: ReadonlyMap<string, LiveRecord>,
  written: Written,
  before: readonly LiveRecord[],
): void {
  const now = new Set(adopted.map(({ id }) => id));
  for (const [id, original] of written) {
    if (now.has(id)) continue; // otherwise upstream's DEL has come in between
    if (original === undefined) records.forget(id);
    else records.writeNew([original.record]);
    written.delete(id);
  }
  const originals = new Map(before.map((one) => [one.id, one]));
  records.writeNew([...now].flatMap((id) => all.get(id)?.record ?? []));
  for (const id of now) if (!written.has(id)) written.set(id, originals.get(id));
}

/** Chains and hooks that upstream makes: masq_checks and postrouting. */
const UPSTREAM_USE = 2;

function removalOf(nft: Nftables, removed: readonly UpstreamRule[], mayDeleteTable: boolean): Command[] {
  const table = { family: UPSTREAM.family, name: UPSTREAM.table };
  if (mayDeleteTable && getTable(nft.connection, table)?.use === UPSTREAM_USE) return [deleteTable(table)];
  return removed.map(({ handle }) => deleteRule({ ...UPSTREAM, handle }));
}
