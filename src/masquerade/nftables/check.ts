// CHECK: is everything that an attachment's masquerade takes still there, and as it was made?

import type { Attachment } from "../../cni/attachment.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { attachmentId } from "../../owned/id.ts";
import { partFaults } from "../../owned/table.ts";
import { sameBytes } from "../../wire/codec.ts";
import { type Cidr, type Family, familyOf, formatIp, type Ip } from "../../wire/ip.ts";
import { readInForce } from "../options/exclude-file.ts";
import type { MasqueradeOptions } from "../options/options.ts";
import { type Held, readHeld, verdictOf, wayTo } from "./elements.ts";
import { Networks } from "./networks.ts";
import { type Policy, policyFor } from "./policy.ts";
import { policyFaults } from "./policy-chains.ts";
import { baseOf } from "./policy-name.ts";
import { type ClaimedAddress, records } from "./records.ts";
import { EXCEPTIONS, MEMBERS, OWNERS, POLICIES, STRICT } from "./table-names.ts";
import { strictPart, TABLES } from "./tables.ts";

/** What is missing or altered, each as a phrase; empty when all is well. */
export function faultsOf(
  nft: Nftables,
  attachment: Attachment,
  addresses: readonly Cidr[],
  options: MasqueradeOptions,
): string[] {
  const prefixes = readInForce(options);
  const faults: string[] = [];
  for (const family of new Set(addresses.map(({ ip }) => familyOf(ip)))) {
    const own = addresses.filter(({ ip }) => familyOf(ip) === family);
    const skeleton = TABLES[family].faults(nft.connection);
    faults.push(...skeleton.map(({ text }) => text));
    if (skeleton.some(({ isWhole }) => isWhole)) continue;
    if (options.dropInvalid === true)
      faults.push(...partFaults(nft.connection, strictPart(family)).map(({ text }) => text));
    faults.push(...familyFaults(nft, family, attachment, own, options, prefixes));
  }
  return faults;
}

function familyFaults(
  nft: Nftables,
  family: Family,
  attachment: Attachment,
  addresses: readonly Cidr[],
  options: MasqueradeOptions,
  prefixes: readonly string[],
): string[] {
  const id = attachmentId(attachment);
  const policies = new Map<string, Policy>();
  const faults: string[] = [];
  for (const { ip, prefixLength } of addresses) {
    const policy = policyFor({ ip, prefixLength }, options, prefixes);
    const held = readHeld(nft, ip);
    // Either of the policy's two chains will do.
    const isItsOwn = held.chain !== undefined && baseOf(held.chain) === policy.chain;
    const chain = isItsOwn ? held.chain : (recordedChain(attachment, ip, policy) ?? policy.chain);
    policies.set(chain, { chain, contents: policy.contents });
    faults.push(...addressFaults(ip, held, { id, chain, isStrict: options.dropInvalid === true }));
  }
  const networks = Networks.read(nft, family);
  const ofPolicies = [...policies.values()].flatMap((policy) => policyFaults(nft, family, policy, networks));
  return [...new Set(ofPolicies.map(({ text }) => text)), ...faults];
}

/** That one of the policy's two chains that ADD has written down. */
function recordedChain(attachment: Attachment, ip: Ip, { chain }: Policy): string | undefined {
  const isIt = ({ cidr, policy }: ClaimedAddress): boolean =>
    cidr.startsWith(`${formatIp(ip)}/`) && baseOf(policy) === chain;
  return records.read(attachment)?.addresses.find(isIt)?.policy;
}

interface WantedElements {
  readonly id: Uint8Array;
  readonly chain: string;
  readonly isStrict: boolean;
}

function addressFaults(ip: Ip, held: Held, { id, chain, isStrict }: WantedElements): string[] {
  const address = formatIp(ip);
  const faults: string[] = [];
  const missing = (kind: "map" | "set", name: string): string => `the element ${address} of ${kind} ${name} is missing`;
  if (held.id === undefined) faults.push(missing("map", OWNERS));
  else if (!sameBytes(held.id, id)) faults.push(`${address} belongs to another attachment`);
  const verdict = verdictOf({ chain });
  if (held.verdict === undefined) faults.push(missing("map", POLICIES));
  else if (held.verdict !== verdict)
    faults.push(`the element ${address} of map ${POLICIES} says ${held.verdict}, not ${verdict}`);
  const way = wayTo(familyOf(ip), chain);
  if (way.isMember && !held.isMember) faults.push(missing("set", MEMBERS));
  if (way.exception !== undefined && held.exception === undefined) faults.push(missing("map", EXCEPTIONS));
  if (held.exception !== undefined && held.exception !== way.exception)
    faults.push(`the element ${address} of map ${EXCEPTIONS} says ${held.exception}`);
  if (isStrict && !held.isStrict) faults.push(missing("set", STRICT));
  return faults;
}
