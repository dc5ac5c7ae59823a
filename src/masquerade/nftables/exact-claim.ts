// ADD by what is there: missing parts are made, altered ones mended, addresses taken over from their owners.

import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { attachmentId, idText } from "../../owned/id.ts";
import { createPart, partFaults, repairsOf } from "../../owned/table.ts";
import { sameBytes } from "../../wire/codec.ts";
import { FAMILIES, type Family, familyOf, formatCidr, formatIp } from "../../wire/ip.ts";
import { type AddressRequest, addAll, type ClaimPlan, type ClaimRequest } from "./claim-plan.ts";
import {
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
import type { Policy } from "./policy.ts";
import { createPolicies, policyFaults } from "./policy-chains.ts";
import { type DisplacedAddress, records } from "./records.ts";
import { OWNERS, POLICIES, STRICT } from "./table-names.ts";
import { strictPart, TABLES } from "./tables.ts";

/**
 * The changes that the tables need as they stand. The transaction fails where another program has made those parts or taken
 * those addresses since. Throws NetlinkError.
 */
export function planExactly(nft: Nftables, request: ClaimRequest): ClaimPlan {
  const plans = FAMILIES.flatMap((family): ClaimPlan[] => {
    const own = request.addresses.filter(({ cidr }) => familyOf(cidr.ip) === family);
    return own.length === 0 ? [] : [planForFamily(nft, family, { ...request, addresses: own })];
  });
  const owned = plans.flatMap((plan) => plan.owned);
  return {
    commands: [...plans.flatMap(({ commands }) => commands), ...addAll(request.attachment, owned)],
    owned,
    displaced: plans.flatMap(({ displaced }) => displaced),
  };
}

/** All but the additions of the addresses. */
function planForFamily(nft: Nftables, family: Family, request: ClaimRequest): ClaimPlan {
  const { addresses, isStrict } = request;
  const faults = TABLES[family].faults(nft.connection);
  const isMissing = faults.some(({ isWhole }) => isWhole);
  const networks = isMissing ? new Networks(family) : Networks.read(nft, family);
  const policies = new Map<string, Policy>();
  const owned = addresses.map(({ cidr, policy }: AddressRequest): OwnedAddress => {
    const chain = networks.chainFor(policy.chain);
    policies.set(chain, { chain, contents: policy.contents });
    return { ...cidr, chain, isStrict };
  });
  if (isMissing) {
    const strict = isStrict ? createPart(strictPart(family)) : [];
    const contents = [...createPolicies(family, [...policies.values()]), ...strict];
    return { commands: [...repairsOf(faults), ...contents], owned, displaced: [] };
  }
  for (const policy of policies.values()) faults.push(...policyFaults(nft, family, policy, networks));
  if (isStrict) faults.push(...partFaults(nft.connection, strictPart(family)));
  const id = attachmentId(request.attachment);
  const all = owned.map((address) => ({ address, state: readKernelState(nft, address.ip) }));
  return {
    commands: [...repairsOf(faults), ...all.flatMap(({ address, state }) => makeWay(address, state, id))],
    owned,
    displaced: all.flatMap(({ address, state }) => displacedBy(address, state, id)),
  };
}

/** Removes the elements that are in the way of the new ones. */
function makeWay(address: OwnedAddress, state: KernelState, id: Uint8Array): Command[] {
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

/** The attachment that owned the address, and those that owned the address before. */
function displacedBy(address: OwnedAddress, state: KernelState, id: Uint8Array): DisplacedAddress[] {
  if (state.id === undefined || sameBytes(state.id, id) || state.chain === undefined) return [];
  const owner = idText(state.id);
  const record = records.byId(owner);
  const isThis = ({ cidr }: { readonly cidr: string }): boolean => cidr.startsWith(`${formatIp(address.ip)}/`);
  const cidr = record?.addresses.find(isThis)?.cidr ?? formatCidr(address);
  const strict = state.isStrict ? { isStrict: true } : {};
  return [{ owner, cidr, policy: state.chain, ...strict }, ...(record?.displaced.filter(isThis) ?? [])];
}
