// CHECK: is everything that an attachment's masquerade takes still there, and as it was made?

import type { Attachment } from "../../cni/attachment.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { attachmentId } from "../../owned/id.ts";
import { partFaults } from "../../owned/table.ts";
import { sameBytes } from "../../wire/codec.ts";
import { type Cidr, type Family, familyOf, formatIp, type Ip } from "../../wire/ip.ts";
import { readInForce } from "../options/exclude-file.ts";
import type { MasqueradeOptions } from "../options/options.ts";
import { type KernelState, readKernelState, routeInto, verdictOf } from "./elements.ts";
import { Networks } from "./networks.ts";
import { type Policy, policyFor } from "./policy.ts";
import { policyFaults } from "./policy-chains.ts";
import { baseOf } from "./policy-name.ts";
import { type RecordedAddress, records } from "./records.ts";
import { EXCEPTIONS, MEMBERS, OWNERS, POLICIES, STRICT } from "./table-names.ts";
import { strictPart, TABLES } from "./tables.ts";

/** The missing or altered parts, each as a phrase; empty where there are none. */
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
    const state = readKernelState(nft, ip);
    // Either of the policy's two chains will do.
    const isItsOwn = state.chain !== undefined && baseOf(state.chain) === policy.chain;
    const chain = isItsOwn ? state.chain : (recordedChain(attachment, ip, policy) ?? policy.chain);
    policies.set(chain, { chain, contents: policy.contents });
    faults.push(...addressFaults(ip, state, { id, chain, isStrict: options.dropInvalid === true }));
  }
  const networks = Networks.read(nft, family);
  const ofPolicies = [...policies.values()].flatMap((policy) => policyFaults(nft, family, policy, networks));
  return [...new Set(ofPolicies.map(({ text }) => text)), ...faults];
}

/** The one of the policy's two chains that the record names. */
function recordedChain(attachment: Attachment, ip: Ip, { chain }: Policy): string | undefined {
  const isIt = ({ cidr, policy }: RecordedAddress): boolean =>
    cidr.startsWith(`${formatIp(ip)}/`) && baseOf(policy) === chain;
  return records.read(attachment)?.addresses.find(isIt)?.policy;
}

interface WantedElements {
  readonly id: Uint8Array;
  readonly chain: string;
  readonly isStrict: boolean;
}

function addressFaults(ip: Ip, state: KernelState, { id, chain, isStrict }: WantedElements): string[] {
  const address = formatIp(ip);
  const faults: string[] = [];
  const missing = (kind: "map" | "set", name: string): string => `the element ${address} of ${kind} ${name} is missing`;
  if (state.id === undefined) faults.push(missing("map", OWNERS));
  else if (!sameBytes(state.id, id)) faults.push(`${address} belongs to another attachment`);
  const verdict = verdictOf({ chain });
  if (state.verdict === undefined) faults.push(missing("map", POLICIES));
  else if (state.verdict !== verdict)
    faults.push(`the element ${address} of map ${POLICIES} says ${state.verdict}, not ${verdict}`);
  const routeIn = routeInto(familyOf(ip), chain);
  if (routeIn.isMember && !state.isMember) faults.push(missing("set", MEMBERS));
  if (routeIn.exception !== undefined && state.exception === undefined) faults.push(missing("map", EXCEPTIONS));
  if (state.exception !== undefined && state.exception !== routeIn.exception)
    faults.push(`the element ${address} of map ${EXCEPTIONS} says ${state.exception}`);
  if (isStrict && !state.isStrict) faults.push(missing("set", STRICT));
  return faults;
}
