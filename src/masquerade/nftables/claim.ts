// ADD: addresses come under masquerade.

import type { Attachment } from "../../cni/attachment.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { cheapThenExact, tryCommit } from "../../owned/commit.ts";
import { type Cidr, FAMILIES, familyOf, formatCidr } from "../../wire/ip.ts";
import { type Excluded, readExcluded } from "../options/exclude-file.ts";
import type { MasqueradeOptions } from "../options/options.ts";
import { planCheaply } from "./cheap-claim.ts";
import type { ClaimPlan, ClaimRequest } from "./claim-plan.ts";
import type { OwnedAddress } from "./elements.ts";
import { planExactly } from "./exact-claim.ts";
import { DestinationSets, destinationSet, policyFor } from "./policy.ts";
import { refreshSet } from "./policy-chains.ts";
import { type MasqueradeRecord, records } from "./records.ts";

/** Makes the attachment the owner of the addresses: both families in one transaction, which takes away nothing else of others. */
export function claim(
  nft: Nftables,
  attachment: Attachment,
  addresses: readonly Cidr[],
  options: MasqueradeOptions,
  netns?: string,
): void {
  const excluded = readExcluded(options);
  const lists = new DestinationSets();
  const request: ClaimRequest = {
    attachment,
    addresses: addresses.map((cidr) => ({ cidr, policy: policyFor(cidr, options, excluded.prefixes, lists) })),
    isStrict: options.dropInvalid === true,
  };
  // The record comes before the elements: an ADD that is killed in between leaves a record, which DEL and `bauta gc` find.
  const record = (plan: ClaimPlan): void => records.write(recordOf(request, plan, options, netns));
  const isDoneCheaply = (): boolean => {
    // A transaction that fails waits for a grace period (16 ms), so the one question before it pays.
    const plan = excluded.isApplied ? planCheaply(nft, request) : undefined;
    if (plan === undefined) return false;
    record(plan);
    return tryCommit(nft, plan.commands);
  };
  cheapThenExact(nft, isDoneCheaply, (generation) => {
    const genid = generation();
    const plan = planExactly(nft, request);
    record(plan);
    nft.commit([...plan.commands, ...refreshOtherFamily(nft, options, excluded, plan.owned)], { genid });
    excluded.remember();
  });
}

function recordOf(
  { attachment, isStrict }: ClaimRequest,
  { owned, displaced }: ClaimPlan,
  { given }: MasqueradeOptions,
  netns: string | undefined,
): MasqueradeRecord {
  return {
    attachment,
    addresses: owned.map((address) => ({
      cidr: formatCidr(address),
      policy: address.chain,
      ...(isStrict ? { isStrict } : {}),
    })),
    ...(netns === undefined ? {} : { netns }),
    displaced,
    ...(given === undefined ? {} : { options: given }),
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
  const others = FAMILIES.filter((family) => owned.every(({ ip }) => familyOf(ip) !== family));
  return others.flatMap((family) => {
    const set = destinationSet(options, family, excluded.prefixes);
    return set === undefined ? [] : refreshSet(nft, family, set);
  });
}
