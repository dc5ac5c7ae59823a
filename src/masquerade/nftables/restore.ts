// `bauta restore`: the addresses that the records tell of come back into the kernel, after `nft flush ruleset` for example.

import { verdictText } from "../../nftables/data.ts";
import type { Interval } from "../../nftables/interval.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { NFT_VERDICT } from "../../nftables/uapi.ts";
import { untilCommitted } from "../../owned/commit.ts";
import type { Restoration } from "../../owned/feature.ts";
import { idBytes, idText } from "../../owned/id.ts";
import { createPart, type Fault, partFaults, repairsOf, tableText } from "../../owned/table.ts";
import { FAMILIES, type Family, formatIp, hostPrefix } from "../../wire/ip.ts";
import {
  addAddresses,
  clearRouteIn,
  deleteElement,
  eachOf,
  type RouteIn,
  requireOwner,
  routeInto,
} from "./elements.ts";
import type { Departure } from "./exact-release.ts";
import { deleteIntervals, Networks } from "./networks.ts";
import type { Policy } from "./policy.ts";
import { createPolicies, policyFaults } from "./policy-chains.ts";
import { apart, baseOf } from "./policy-name.ts";
import { type LiveRecord, records } from "./records.ts";
import { releaseExactly } from "./release.ts";
import { EXCEPTIONS, MEMBERS, NETWORKS, OWNERS, POLICIES, STRICT } from "./table-names.ts";
import { strictPart, TABLES } from "./tables.ts";
import { type Wanted, type WantedAddress, type WantedTable, wantedBy } from "./wanted.ts";

/**
 * Puts back the missing elements of every live attachment, and mends altered parts, both families in one transaction.
 * Parts that are as they should be are left alone. Throws NetlinkError or SyscallError.
 */
export function restore(nft: Nftables): Restoration {
  return untilCommitted(nft, (generation) => {
    const { live, problems } = records.survey();
    const plan = planFor(nft, live);
    const done = carryOut(nft, plan, generation());
    // Others may have a claim to what was taken back from those who are gone.
    const rest = done.isGone ? restore(nft) : undefined;
    return {
      attachments: rest?.attachments ?? live.map(({ id }) => id),
      restored: done.restored + (rest?.restored ?? 0),
      mended: [...new Set([...done.mended, ...(rest?.mended ?? [])])],
      problems: rest?.problems ?? done.problems,
      passedOver: rest?.passedOver ?? problems,
    };
  });
}

/** What records want of the kernel, and the commands for it where the kernel has nothing yet. */
export interface Plan {
  readonly wanted: Wanted;
  readonly fresh: Readonly<Partial<Record<Family, readonly Command[]>>>;
}

/** All that takes long. It comes before the question for the generation, as a commit of others after that makes ours fail. */
export function planFor(nft: Nftables, live: readonly LiveRecord[]): Plan {
  const wanted = wantedBy(live);
  const fresh: Partial<Record<Family, readonly Command[]>> = {};
  for (const family of FAMILIES) {
    if (!TABLES[family].exists(nft.connection)) fresh[family] = freshCommands(family, wanted.tables[family]);
  }
  return { wanted, fresh };
}

/**
 * Brings the kernel's tables to what is wanted, in one transaction with the commands in `more`. The kernel says ERESTART if
 * any program has committed since that generation.
 */
export function carryOut(
  nft: Nftables,
  { wanted, fresh }: Plan,
  genid: number | undefined,
  more: readonly Command[] = [],
): CarriedOut {
  const parts = FAMILIES.map((family) => repairOf(nft, family, wanted.tables[family], fresh[family]));
  nft.commit([...parts.flatMap(({ commands }) => commands), ...more], { genid });
  for (const file of wanted.files) file.remember();
  const added = parts.flatMap((part) => part.added);
  const gone = withdrawGone(nft, added);
  return {
    isGone: gone > 0,
    restored: added.length - gone,
    mended: parts.flatMap(({ faults }) => textsOf(faults, true)),
    problems: [...wanted.problems, ...parts.flatMap(({ faults }) => textsOf(faults, false))],
  };
}

/** `isGone`: what was put back has been taken out again, as its owner has gone meanwhile. */
interface CarriedOut extends Omit<Restoration, "attachments" | "passedOver"> {
  readonly isGone: boolean;
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
  const wanted = [...addresses.values()];
  const chains = chainsFor(wanted, new Networks(family));
  const all = wanted.map((one) => withChain(one, chains));
  const strict = all.some(({ isStrict }) => isStrict) ? createPart(strictPart(family)) : [];
  return [...createPolicies(family, policiesOf(all, policies)), ...strict, ...addAddresses(family, all)];
}

/** For each chain that addresses went to: which of the policy's two chains they can go to now. */
function chainsFor(addresses: Iterable<WantedAddress>, networks: Networks): ReadonlyMap<string, string> {
  const chains = [...new Set([...addresses].map(({ chain }) => chain))];
  // A policy that had its network keeps it.
  const inOrder = [...chains.filter((one) => one === baseOf(one)), ...chains.filter((one) => one !== baseOf(one))];
  return new Map(inOrder.map((chain) => [chain, networks.chainFor(chain)]));
}

function withChain(wanted: WantedAddress, chains: ReadonlyMap<string, string>): WantedAddress {
  const chain = chains.get(wanted.chain) ?? wanted.chain;
  return chain === wanted.chain ? wanted : { ...wanted, chain };
}

/** The policies that these addresses go to, by the names of these chains. */
function policiesOf(addresses: readonly WantedAddress[], policies: ReadonlyMap<string, Policy>): Policy[] {
  return [...new Set(addresses.map(({ chain }) => chain))].flatMap((chain) => {
    const policy = policies.get(baseOf(chain));
    return policy === undefined ? [] : [{ chain, contents: policy.contents }];
  });
}

function repairOf(nft: Nftables, family: Family, wanted: WantedTable, fresh: readonly Command[] | undefined): Repair {
  const added = [...wanted.addresses.values()];
  if (added.length === 0) return { commands: [], added: [], faults: [] };
  const faults = TABLES[family].faults(nft.connection);
  if (faults.some(({ isWhole }) => isWhole)) {
    return { commands: [...repairsOf(faults), ...(fresh ?? freshCommands(family, wanted))], added, faults };
  }
  const found = Networks.read(nft, family);
  const altered = found.altered();
  if (altered.length > 0) faults.push(alteredFault(family, altered));
  const networks = found.withoutAltered();
  const elements = elementRepair(nft, family, wanted, networks);
  faults.push(...policiesFaults(nft, family, policiesOf(elements.all, wanted.policies), networks));
  if (added.some(({ isStrict }) => isStrict)) faults.push(...partFaults(nft.connection, strictPart(family)));
  return { commands: [...repairsOf(faults), ...elements.commands], added: elements.added, faults };
}

function alteredFault(family: Family, altered: readonly Interval[]): Fault {
  const text = `map ${NETWORKS} of ${tableText(TABLES[family].name)} has been altered`;
  return { text, repair: deleteIntervals(family, altered) };
}

/** Compares several policies with what they should be; a set that they share is looked at once. */
function policiesFaults(nft: Nftables, family: Family, policies: Iterable<Policy>, networks: Networks): Fault[] {
  const seen = new Set<string>();
  const faults: Fault[] = [];
  for (const policy of policies) {
    const { sets, rules } = policy.contents();
    const others = sets.filter(({ name }) => !seen.has(name));
    for (const { name } of others) seen.add(name);
    const own = { chain: policy.chain, contents: () => ({ sets: others, rules }) };
    faults.push(...policyFaults(nft, family, own, networks));
  }
  return faults;
}

interface ElementRepair {
  readonly commands: readonly Command[];
  readonly added: readonly WantedAddress[];
  /** All addresses, with the chains they go to then. */
  readonly all: readonly WantedAddress[];
}

/** Adds the elements that are missing, and replaces those that say something else. */
function elementRepair(nft: Nftables, family: Family, { addresses }: WantedTable, networks: Networks): ElementRepair {
  const kernel = readTable(nft, family);
  let live: ReadonlySet<string> | undefined;
  const commands: Command[] = [];
  const added: WantedAddress[] = [];
  const all: WantedAddress[] = [];
  const chains = chainsFor(addresses.values(), networks);
  for (const [ip, one] of addresses) {
    const chain = kernel.chains.get(ip);
    const moved = withChain(one, chains);
    const wanted = isItsOwnApart(chain, moved.chain) ? { ...moved, chain } : moved;
    all.push(wanted);
    const owner = kernel.owners.get(ip);
    const isOurs = owner === wanted.owner;
    if (owner !== undefined && !isOurs) {
      // The owner in the kernel, if it still lives, is the latest: only one attachment can own an address there.
      live ??= records.liveIds();
      if (live.has(owner)) continue;
    }
    const routeIn = kernel.routeInOf(ip);
    const wantedRoute = routeInto(family, wanted.chain);
    const isSame =
      chain === wanted.chain &&
      routeIn.isMember === wantedRoute.isMember &&
      routeIn.exception === wantedRoute.exception;
    if (isOurs && isSame && (!wanted.isStrict || kernel.strict.has(ip))) continue;
    if (owner !== undefined && !isOurs) {
      commands.push(...requireOwner(family, wanted.ip, idBytes(owner)), ...deleteElement(family, OWNERS, wanted.ip));
    }
    if (chain !== undefined && chain !== wanted.chain) commands.push(...deleteElement(family, POLICIES, wanted.ip));
    commands.push(...clearRouteIn(wanted.ip, routeIn, wantedRoute));
    added.push(wanted);
  }
  return { commands: [...commands, ...addAddresses(family, added)], added, all };
}

/** Whether an address stays in the chain apart, where it is, although the policy could have its network by now. */
function isItsOwnApart(chain: string | undefined, wanted: string): chain is string {
  return chain !== undefined && chain !== wanted && chain === apart(wanted);
}

/** What the elements of a family's table say, by address as text. */
interface KernelTable {
  /** The owner's id as text. */
  readonly owners: ReadonlyMap<string, string>;
  /** The chain that it goes to; "" where it has another verdict. */
  readonly chains: ReadonlyMap<string, string>;
  readonly strict: ReadonlySet<string>;
  routeInOf(ip: string): RouteIn;
}

function readTable(nft: Nftables, family: Family): KernelTable {
  const owners = new Map<string, string>();
  const chains = new Map<string, string>();
  const strict = new Set<string>();
  const members = new Set<string>();
  const exceptions = new Map<string, string>();
  eachOf(nft, family, OWNERS, (element) => {
    owners.set(formatIp(element.key()), idText(element.value() ?? new Uint8Array(0)));
  });
  eachOf(nft, family, POLICIES, (element) => {
    const isGoto = element.verdict() === NFT_VERDICT.GOTO;
    chains.set(formatIp(element.key()), (isGoto ? element.chain() : undefined) ?? "");
  });
  eachOf(nft, family, MEMBERS, (element) => {
    members.add(formatIp(element.key()));
  });
  eachOf(nft, family, EXCEPTIONS, (element) => {
    exceptions.set(formatIp(element.key()), verdictText({ code: element.verdict() ?? 0, chain: element.chain() }));
  });
  eachOf(nft, family, STRICT, (element) => {
    strict.add(formatIp(element.key()));
  });
  const routeInOf = (ip: string): RouteIn => ({ isMember: members.has(ip), exception: exceptions.get(ip) });
  return { owners, chains, strict, routeInOf };
}

/**
 * A DEL that has looked before its addresses were back has found nothing to remove. That DEL has renamed the record first.
 * So of the two, the one that looks last sees what the other did, and takes the addresses out. Returns how many.
 */
function withdrawGone(nft: Nftables, added: readonly WantedAddress[]): number {
  if (added.length === 0) return 0;
  const live = records.liveIds();
  const gone: Departure[] = added
    .filter(({ owner }) => !live.has(owner))
    .map(({ id, ip, chain, isStrict }) => ({
      id,
      owned: [{ ...hostPrefix(ip), chain, isStrict }],
      displaced: [],
    }));
  if (gone.length > 0) releaseExactly(nft, gone);
  return gone.length;
}
