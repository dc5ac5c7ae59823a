// ADD: addresses come under masquerade.

import type { Attachment } from "../../cni/attachment.ts";
import { type AskedChain, chainStates, haveChains } from "../../nftables/chain.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { cheapThenExact, tryCommit } from "../../owned/commit.ts";
import { attachmentId, idText } from "../../owned/id.ts";
import { createPart, partFaults, repairsOf } from "../../owned/table.ts";
import { sameBytes } from "../../wire/codec.ts";
import { byFamily, type Cidr, type Family, familyOf, formatCidr, formatIp } from "../../wire/ip.ts";
import { type Excluded, readExcluded } from "../options/exclude-file.ts";
import type { MasqueradeOptions } from "../options/options.ts";
import {
  addOwned,
  clearRouteIn,
  deleteElement,
  type KernelState,
  type OwnedAddress,
  readKernelState,
  requireOwner,
  routeInto,
  verdictOf,
} from "./elements.ts";
import { Networks } from "./networks.ts";
import { DestinationSets, destinationSet, type Policy, policyFor } from "./policy.ts";
import { createPolicies, createPolicy, policyFaults, refreshSet } from "./policy-chains.ts";
import { apart, goesByNetwork } from "./policy-name.ts";
import { type DisplacedAddress, records } from "./records.ts";
import { nfproto, OWNERS, POLICIES, POSTROUTING, POSTROUTING_USE, STRICT, TABLE } from "./table-names.ts";
import { strictPart, TABLES } from "./tables.ts";

/** An address, and the policy that it is to have. */
interface WantedAddress {
  readonly cidr: Cidr;
  readonly policy: Policy;
}

/** What makes it so. */
interface ClaimPlan {
  readonly commands: readonly Command[];
  readonly owned: readonly OwnedAddress[];
  readonly displaced: readonly DisplacedAddress[];
}

/** Claims the addresses for the attachment: both families in one transaction, which deletes nothing of anyone else's. */
export function claim(
  nft: Nftables,
  attachment: Attachment,
  addresses: readonly Cidr[],
  options: MasqueradeOptions,
  netns?: string,
): void {
  const excluded = readExcluded(options);
  const lists = new DestinationSets();
  const wanted = addresses.map((cidr) => ({ cidr, policy: policyFor(cidr, options, excluded.prefixes, lists) }));
  const isStrict = options.dropInvalid === true;
  const remember = ({ owned, displaced }: ClaimPlan): void =>
    records.write({
      attachment,
      addresses: owned.map((address) => ({
        cidr: formatCidr(address),
        policy: address.chain,
        ...(isStrict ? { isStrict } : {}),
      })),
      ...(netns === undefined ? {} : { netns }),
      displaced,
      ...(options.given === undefined ? {} : { options: options.given }),
    });
  const isAdded = (): boolean => {
    // A transaction that fails waits for a grace period (16 ms), so the one question before it pays.
    const additions = excluded.isApplied ? additionsFor(nft, attachment, wanted, isStrict) : undefined;
    if (additions === undefined) return false;
    remember(additions);
    return tryCommit(nft, additions.commands);
  };
  cheapThenExact(nft, isAdded, (generation) => {
    const genid = generation();
    const plan = planFor(nft, attachment, wanted, isStrict);
    remember(plan);
    nft.commit([...plan.commands, ...refreshOtherFamily(nft, options, excluded, plan.owned)], { genid });
    excluded.remember();
  });
}

/**
 * The elements, and what else they need: nothing in the common case, which is the cheapest there is, as the kernel waits for
 * nothing. Undefined where it takes a closer look, because something is there that is not as it should be, or that others may
 * have made meanwhile. What this makes must not be there: EEXIST, if it is.
 */
function additionsFor(
  nft: Nftables,
  attachment: Attachment,
  wanted: readonly WantedAddress[],
  isStrict: boolean,
): ClaimPlan | undefined {
  const owned = wanted.map(({ cidr, policy }): OwnedAddress => ({ ...cidr, chain: policy.chain, isStrict }));
  const families = byFamily(owned);
  const asked = families.flatMap(([family, own]) => {
    return [POSTROUTING, ...new Set(own.map(({ chain }) => chain))].map((name) => ({ family, name }));
  });
  const states = chainStates(nft.connection, asked.map(questionOf));
  const commands: Command[] = [];
  const places = new Map<string, string>();
  let isNew = false;
  for (const [i, { family, name }] of asked.entries()) {
    const state = states[i];
    if (state === "other") return undefined;
    if (name === POSTROUTING) {
      isNew = state === "missing";
      if (isNew) commands.push(...TABLES[family].create(), ...(isStrict ? createPart(strictPart(family)) : []));
      continue;
    }
    if (state !== "missing") {
      if (isNew) return undefined;
      continue;
    }
    // In a table that is there sets of the policy's may be there, too, and so may be what "dropInvalid" needs. What a
    // policy contains is asked for only here: lists may be long.
    const policy = wanted.find((one) => one.policy.chain === name)?.policy;
    if (!isNew && hasOneApart(nft, family, name)) places.set(name, apart(name));
    else if (policy !== undefined && (isNew || (!isStrict && policy.contents().sets.length === 0)))
      commands.push(...createPolicy(family, policy));
    else return undefined;
  }
  const placed =
    places.size === 0 ? owned : owned.map((one) => ({ ...one, chain: places.get(one.chain) ?? one.chain }));
  return { commands: [...commands, ...addAll(attachment, placed)], owned: placed, displaced: [] };
}

/** Whether the policy has had to be made without its network. */
function hasOneApart(nft: Nftables, family: Family, chain: string): boolean {
  return goesByNetwork(family, chain) && haveChains(nft.connection, [questionOf({ family, name: apart(chain) })]);
}

/** How a chain is to be: the one that leads to all others must have its rules. */
function questionOf({ family, name }: { readonly family: Family; readonly name: string }): AskedChain {
  const chain = { family: nfproto(family), table: TABLE, name };
  return name === POSTROUTING ? { ...chain, use: POSTROUTING_USE } : chain;
}

function addAll(attachment: Attachment, owned: readonly OwnedAddress[]): Command[] {
  const id = attachmentId(attachment);
  return byFamily(owned).flatMap(([family, own]) => addOwned(family, attachment, id, own));
}

/**
 * What must change in the tables as they stand: missing parts are made, altered ones mended, addresses taken over. It fails
 * where somebody else has made those parts or taken those addresses since.
 */
function planFor(
  nft: Nftables,
  attachment: Attachment,
  wanted: readonly WantedAddress[],
  isStrict: boolean,
): ClaimPlan {
  const plans = ([4, 6] as const).flatMap((family): ClaimPlan[] => {
    const own = wanted.filter(({ cidr }) => familyOf(cidr.ip) === family);
    return own.length === 0 ? [] : [planForFamily(nft, family, attachmentId(attachment), own, isStrict)];
  });
  const owned = plans.flatMap((plan) => plan.owned);
  return {
    commands: [...plans.flatMap(({ commands }) => commands), ...addAll(attachment, owned)],
    owned,
    displaced: plans.flatMap(({ displaced }) => displaced),
  };
}

/** All but the additions. */
function planForFamily(
  nft: Nftables,
  family: Family,
  id: Uint8Array,
  wanted: readonly WantedAddress[],
  isStrict: boolean,
): ClaimPlan {
  const faults = TABLES[family].faults(nft.connection);
  const isNew = faults.some(({ isWhole }) => isWhole);
  const networks = isNew ? new Networks(family) : Networks.read(nft, family);
  const policies = new Map<string, Policy>();
  const owned = wanted.map(({ cidr, policy }): OwnedAddress => {
    const chain = networks.chainFor(policy.chain);
    policies.set(chain, { chain, contents: policy.contents });
    return { ...cidr, chain, isStrict };
  });
  if (isNew) {
    const strict = isStrict ? createPart(strictPart(family)) : [];
    const contents = [...createPolicies(family, [...policies.values()]), ...strict];
    return { commands: [...repairsOf(faults), ...contents], owned, displaced: [] };
  }
  for (const policy of policies.values()) faults.push(...policyFaults(nft, family, policy, networks));
  if (isStrict) faults.push(...partFaults(nft.connection, strictPart(family)));
  const all = owned.map((address) => ({ address, state: readKernelState(nft, address.ip) }));
  return {
    commands: [...repairsOf(faults), ...all.flatMap(({ address, state }) => clear(address, state, id))],
    owned,
    displaced: all.flatMap(({ address, state }) => displacedBy(address, state, id)),
  };
}

/** A changed file comes into force for both families at once, also where this attachment has addresses of one only. */
function refreshOtherFamily(
  nft: Nftables,
  options: MasqueradeOptions,
  excluded: Excluded,
  owned: readonly OwnedAddress[],
): Command[] {
  if (excluded.isApplied) return [];
  const others = ([4, 6] as const).filter((family) => owned.every(({ ip }) => familyOf(ip) !== family));
  return others.flatMap((family) => {
    const set = destinationSet(options, family, excluded.prefixes);
    return set === undefined ? [] : refreshSet(nft, family, set);
  });
}

/** Removes what is in the way of the new elements. */
function clear(address: OwnedAddress, state: KernelState, id: Uint8Array): Command[] {
  const family = familyOf(address.ip);
  const commands: Command[] = [];
  if (state.id !== undefined && !sameBytes(state.id, id)) {
    commands.push(...requireOwner(family, address.ip, state.id), ...deleteElement(family, OWNERS, address.ip));
  }
  if (state.verdict !== undefined && state.verdict !== verdictOf(address))
    commands.push(...deleteElement(family, POLICIES, address.ip));
  commands.push(...clearRouteIn(address.ip, state, routeInto(family, address.chain)));
  if (state.isStrict && !address.isStrict) commands.push(...deleteElement(family, STRICT, address.ip));
  return commands;
}

/** Whose address this was, and whose it was before that. */
function displacedBy(address: OwnedAddress, state: KernelState, id: Uint8Array): DisplacedAddress[] {
  if (state.id === undefined || sameBytes(state.id, id) || state.chain === undefined) return [];
  const owner = idText(state.id);
  const record = records.byId(owner);
  const isThis = ({ cidr }: { readonly cidr: string }): boolean => cidr.startsWith(`${formatIp(address.ip)}/`);
  const cidr = record?.addresses.find(isThis)?.cidr ?? formatCidr(address);
  const strict = state.isStrict ? { isStrict: true } : {};
  return [{ owner, cidr, policy: state.chain, ...strict }, ...(record?.displaced.filter(isThis) ?? [])];
}
