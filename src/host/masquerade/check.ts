// CHECK: is everything that an attachment's masquerade takes still there, and as it was made?

import type { Nftables } from "../../nftables/batch.ts";
import { sameBytes } from "../../wire/codec.ts";
import { type Cidr, familyOf, formatIp } from "../../wire/ip.ts";
import { type Attachment, attachmentId } from "../attachment.ts";
import { readHeld, verdictOf } from "./elements.ts";
import { readInForce } from "./exclude-file.ts";
import type { MasqueradeOptions } from "./options.ts";
import { type Policy, policyFor } from "./policy.ts";
import { OWNERS, POLICIES, STRICT } from "./table-names.ts";
import { policyFaults, skeletonFaults, strictFaults } from "./tables.ts";

/** What is missing or altered, each as a phrase; empty when all is well. */
export function faultsOf(
  nft: Nftables,
  attachment: Attachment,
  addresses: readonly Cidr[],
  options: MasqueradeOptions,
): string[] {
  const prefixes = readInForce(options);
  const policyOf = (cidr: Cidr): Policy => policyFor(cidr, options, prefixes);
  const faults: string[] = [];
  for (const family of new Set(addresses.map(({ ip }) => familyOf(ip)))) {
    const own = addresses.filter(({ ip }) => familyOf(ip) === family);
    const skeleton = skeletonFaults(nft, family);
    faults.push(...skeleton.map(({ text }) => text));
    if (skeleton.some(({ isWhole }) => isWhole)) continue;
    const policies = new Map(own.map((cidr) => [policyOf(cidr).chain, policyOf(cidr)]));
    if (options.dropInvalid === true) faults.push(...strictFaults(nft, family).map(({ text }) => text));
    for (const policy of policies.values()) faults.push(...policyFaults(nft, family, policy).map(({ text }) => text));
    for (const cidr of own)
      faults.push(...addressFaults(nft, attachment, cidr, policyOf(cidr).chain, options.dropInvalid === true));
  }
  return faults;
}

function addressFaults(nft: Nftables, attachment: Attachment, cidr: Cidr, chain: string, isStrict: boolean): string[] {
  const held = readHeld(nft, cidr.ip);
  const address = formatIp(cidr.ip);
  const faults: string[] = [];
  if (held.id === undefined) faults.push(`the element ${address} of map ${OWNERS} is missing`);
  else if (!sameBytes(held.id, attachmentId(attachment))) faults.push(`${address} belongs to another attachment`);
  const wanted = verdictOf({ chain });
  if (held.verdict === undefined) faults.push(`the element ${address} of map ${POLICIES} is missing`);
  else if (held.verdict !== wanted)
    faults.push(`the element ${address} of map ${POLICIES} says ${held.verdict}, not ${wanted}`);
  if (isStrict && !held.isStrict) faults.push(`the element ${address} of set ${STRICT} is missing`);
  return faults;
}
