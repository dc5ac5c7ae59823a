// ADD in its cheap form: the elements alone where everything is there; table and policies, too, where they are missing and no
// other program can have made part of them. Nothing is deleted, and the kernel waits for nothing.

import { type ChainState, chainStates, haveChains } from "../../nftables/chain.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { createPart } from "../../owned/table.ts";
import { byFamily, type Family } from "../../wire/ip.ts";
import { addAll, type ClaimPlan, type ClaimRequest, questionOf } from "./claim-plan.ts";
import type { OwnedAddress } from "./elements.ts";
import type { Policy } from "./policy.ts";
import { createPolicy } from "./policy-chains.ts";
import { apart, goesByNetwork } from "./policy-name.ts";
import { POSTROUTING } from "./table-names.ts";
import { strictPart, TABLES } from "./tables.ts";

/** What one family's table needs besides the elements of the addresses. */
interface Additions {
  readonly commands: readonly Command[];
  /** The chain apart, by the chain of the policy that has had to be made without its network. */
  readonly chainsApart: ReadonlyMap<string, string>;
}

/**
 * The plan, after one question for all chains. Undefined where the plan takes a closer look: something is there that is not as
 * it should be, or that others may have made meanwhile. The commands fail with EEXIST where what they make is there.
 */
export function planCheaply(nft: Nftables, request: ClaimRequest): ClaimPlan | undefined {
  const { attachment, addresses, isStrict } = request;
  const owned = addresses.map(({ cidr, policy }): OwnedAddress => ({ ...cidr, chain: policy.chain, isStrict }));
  const asked = byFamily(owned).map(([family, own]) => ({
    family,
    names: [POSTROUTING, ...new Set(own.map(({ chain }) => chain))],
  }));
  const questions = asked.flatMap(({ family, names }) => names.map((name) => questionOf(family, name)));
  const states = chainStates(nft.connection, questions);
  const commands: Command[] = [];
  const chainsApart = new Map<string, string>();
  for (const { family, names } of asked) {
    const additions = additionsFor(nft, family, request, names, states.splice(0, names.length));
    if (additions === undefined) return undefined;
    commands.push(...additions.commands);
    for (const [chain, other] of additions.chainsApart) chainsApart.set(chain, other);
  }
  const moved =
    chainsApart.size === 0 ? owned : owned.map((one) => ({ ...one, chain: chainsApart.get(one.chain) ?? one.chain }));
  return { commands: [...commands, ...addAll(attachment, moved)], owned: moved, displaced: [] };
}

/** The case of one family's table; `names` are the chain at the hook and those of the policies, `states` how they stand. */
function additionsFor(
  nft: Nftables,
  family: Family,
  request: ClaimRequest,
  names: readonly string[],
  states: readonly ChainState[],
): Additions | undefined {
  if (states.includes("other")) return undefined;
  const missing = names.filter((_, i) => states[i] === "missing");
  if (missing.length === 0) return NOTHING_MISSING;
  if (missing[0] !== POSTROUTING) return whenPoliciesAreMissing(nft, family, request, missing);
  return missing.length === names.length ? whenTableIsMissing(family, request, missing.slice(1)) : undefined;
}

const NOTHING_MISSING: Additions = { commands: [], chainsApart: new Map() };

function whenTableIsMissing(family: Family, request: ClaimRequest, chains: readonly string[]): Additions {
  const strict = request.isStrict ? createPart(strictPart(family)) : [];
  const policies = chains.flatMap((chain) => createPolicy(family, policyOf(request, chain)));
  return { commands: [...TABLES[family].create(), ...strict, ...policies], chainsApart: new Map() };
}

/**
 * In a table that is there sets of the policies may be there, too, and so may be what "dropInvalid" needs: a closer look tells.
 * What a policy contains is asked for only here, because lists may be long.
 */
function whenPoliciesAreMissing(
  nft: Nftables,
  family: Family,
  request: ClaimRequest,
  chains: readonly string[],
): Additions | undefined {
  const commands: Command[] = [];
  const chainsApart = new Map<string, string>();
  for (const chain of chains) {
    const policy = policyOf(request, chain);
    if (isMadeApart(nft, family, chain)) chainsApart.set(chain, apart(chain));
    else if (request.isStrict || policy.contents().sets.length > 0) return undefined;
    else commands.push(...createPolicy(family, policy));
  }
  return { commands, chainsApart };
}

/** Whether the policy has had to be made without its network, as another policy has that. */
function isMadeApart(nft: Nftables, family: Family, chain: string): boolean {
  return goesByNetwork(family, chain) && haveChains(nft.connection, [questionOf(family, apart(chain))]);
}

/** The policy of the request whose chain has this name. */
function policyOf({ addresses }: ClaimRequest, chain: string): Policy {
  const found = addresses.find(({ policy }) => policy.chain === chain);
  if (found === undefined) throw new RangeError(`no address asks for ${chain}`);
  return found.policy;
}
