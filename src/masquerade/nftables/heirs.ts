// Whoever had an address before: the newest claim wins, and when it goes, the one it displaced gets the address back.

import type { Nftables } from "../../nftables/batch.ts";
import type { Command } from "../../nftables/message.ts";
import { attachmentId } from "../../owned/id.ts";
import { type Fault, partFaults } from "../../owned/table.ts";
import { sameBytes } from "../../wire/codec.ts";
import { familyOf, type Ip, parseCidr } from "../../wire/ip.ts";
import { readInForce } from "../options/exclude-file.ts";
import { readOptions } from "../options/options.ts";
import { addHoldings, type Holding } from "./elements.ts";
import type { Networks } from "./networks.ts";
import { policyFor } from "./policy.ts";
import { policyFaults } from "./policy-chains.ts";
import { type DisplacedClaim, records } from "./records.ts";
import { strictPart } from "./tables.ts";

/** An address, and the attachment (by id, as text) that gets it back. */
export interface Inheritance {
  readonly owner: string;
  readonly holding: Holding;
}

/** The latest attachment that the address was taken from, if it is still there and not about to go. */
export function heirOf(
  ip: Ip,
  displaced: readonly DisplacedClaim[],
  leavingIds: ReadonlySet<string>,
): Inheritance | undefined {
  for (const { owner, cidr, policy, isStrict = false } of displaced) {
    const address = parseCidr(cidr);
    if (address === undefined || !sameBytes(address.ip, ip) || leavingIds.has(owner) || !isAlive(owner)) continue;
    return { owner, holding: { ...address, chain: policy, isStrict } };
  }
  return undefined;
}

/** What gives the address back, once what is wrong has been put right. Throws NetlinkError. */
export function giveBack(
  nft: Nftables,
  { owner, holding }: Inheritance,
  networks: Networks,
): { readonly faults: readonly Fault[]; readonly commands: readonly Command[] } {
  const record = records.byId(owner);
  if (record === undefined) return { faults: [], commands: [] };
  const family = familyOf(holding.ip);
  const options = readOptions(record.options ?? {});
  const { contents } = policyFor(holding, options, readInForce(options));
  const faults = policyFaults(nft, family, { chain: holding.chain, contents }, networks);
  const strict = holding.isStrict ? partFaults(nft.connection, strictPart(family)) : [];
  const commands = addHoldings(family, record.attachment, attachmentId(record.attachment), [holding]);
  return { faults: [...faults, ...strict], commands };
}

/** Whether there is such an attachment. */
export function isAlive(owner: string): boolean {
  return records.byId(owner) !== undefined;
}
