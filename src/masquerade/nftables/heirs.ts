// Whoever had an address before: the newest claim wins, and when it goes, the one it displaced gets the address back.

import { CniError } from "../../cni/error.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { attachmentId } from "../../owned/id.ts";
import { type Fault, partFaults } from "../../owned/table.ts";
import { logLine } from "../../sys/process.ts";
import { sameBytes } from "../../wire/codec.ts";
import { familyOf, formatIp, type Ip, parseCidr } from "../../wire/ip.ts";
import { readInForce } from "../options/exclude-file.ts";
import { readOptions } from "../options/options.ts";
import { addHoldings, type Holding } from "./elements.ts";
import type { Networks } from "./networks.ts";
import { type PolicyContents, policyFor } from "./policy.ts";
import { policyFaults } from "./policy-chains.ts";
import { type DisplacedClaim, type MasqueradeRecord, records } from "./records.ts";
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

/**
 * What gives the address back, once what is wrong has been put right. Undefined, with a line on standard error, where the
 * attachment's options can't be carried out: no reason to stop what is leaving. Throws NetlinkError.
 */
export function giveBack(
  nft: Nftables,
  { owner, holding }: Inheritance,
  networks: Networks,
): { readonly faults: readonly Fault[]; readonly commands: readonly Command[] } | undefined {
  const record = records.byId(owner);
  if (record === undefined) return { faults: [], commands: [] };
  const contents = contentsFor(record, holding);
  if (contents === undefined) return undefined;
  const family = familyOf(holding.ip);
  const policy = { chain: holding.chain, contents: () => contents };
  const faults = policyFaults(nft, family, policy, networks);
  const strict = holding.isStrict ? partFaults(nft.connection, strictPart(family)) : [];
  const commands = addHoldings(family, record.attachment, attachmentId(record.attachment), [holding]);
  return { faults: [...faults, ...strict], commands };
}

function contentsFor(
  { attachment, options: recorded }: MasqueradeRecord,
  holding: Holding,
): PolicyContents | undefined {
  try {
    const options = readOptions(recorded ?? {});
    return policyFor(holding, options, readInForce(options)).contents();
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    const { containerId, ifname, network } = attachment;
    const who = `${containerId} ${ifname} on ${network}`;
    logLine(`bauta: ${formatIp(holding.ip)} does not go back to ${who}: ${error.message}`);
    return undefined;
  }
}

/** Whether there is such an attachment. */
export function isAlive(owner: string): boolean {
  return records.byId(owner) !== undefined;
}
