// An address goes back to the owner from whom a later ADD took it. The newest owner has the address; when that owner departs,
// the latest displaced owner that is still there gets it again.

import { CniError } from "../../cni/error.ts";
import type { Command } from "../../nftables/message.ts";
import type { Nftables } from "../../nftables/nftables.ts";
import { attachmentId } from "../../owned/id.ts";
import { type Fault, partFaults } from "../../owned/table.ts";
import { logLine } from "../../sys/process.ts";
import { sameBytes } from "../../wire/codec.ts";
import { type Cidr, familyOf, formatIp, type Ip, parseCidr } from "../../wire/ip.ts";
import { readInForce } from "../options/exclude-file.ts";
import { readOptions } from "../options/options.ts";
import { addOwned, type OwnedAddress } from "./elements.ts";
import type { Networks } from "./networks.ts";
import { type PolicyContents, policyFor } from "./policy.ts";
import { policyFaults } from "./policy-chains.ts";
import { type DisplacedAddress, type MasqueradeRecord, records } from "./records.ts";
import { strictPart } from "./tables.ts";

/** An address, and the attachment (by id, as text) that gets it back. */
export interface Return {
  readonly owner: string;
  readonly address: OwnedAddress;
}

/** The latest displaced owner of the address that is still there and does not depart now, too. */
export function previousOwner(
  ip: Ip,
  displaced: readonly DisplacedAddress[],
  departing: ReadonlySet<string>,
): Return | undefined {
  for (const one of displaced) {
    const { owner, policy, isStrict = false } = one;
    const address = addressOf(one, ip);
    if (address === undefined || departing.has(owner) || !isAlive(owner)) continue;
    return { owner, address: { ...address, chain: policy, isStrict } };
  }
  return undefined;
}

/**
 * Whether the address has gone back to this displaced owner, who is not there any more: a DEL of that owner came in between, or
 * the process that gave the address back was killed before it looked.
 */
export function isWithDead(owner: string, ip: Ip, displaced: readonly DisplacedAddress[]): boolean {
  return displaced.some((one) => one.owner === owner && addressOf(one, ip) !== undefined) && !isAlive(owner);
}

/** The address as it was displaced, where it is this one. */
function addressOf({ cidr }: DisplacedAddress, ip: Ip): Cidr | undefined {
  const address = parseCidr(cidr);
  return address !== undefined && sameBytes(address.ip, ip) ? address : undefined;
}

/**
 * The commands that give the address back, and the faults to be put right before. Undefined, with a line on standard error,
 * where the options of the displaced owner can't be carried out: that is no reason to stop a departure. Throws NetlinkError.
 */
export function giveBack(
  nft: Nftables,
  { owner, address }: Return,
  networks: Networks,
): { readonly faults: readonly Fault[]; readonly commands: readonly Command[] } | undefined {
  const record = records.byId(owner);
  if (record === undefined) return { faults: [], commands: [] };
  const contents = contentsFor(record, address);
  if (contents === undefined) return undefined;
  const family = familyOf(address.ip);
  const policy = { chain: address.chain, contents: () => contents };
  const faults = policyFaults(nft, family, policy, networks);
  const strict = address.isStrict ? partFaults(nft.connection, strictPart(family)) : [];
  const commands = addOwned(family, record.attachment, attachmentId(record.attachment), [address]);
  return { faults: [...faults, ...strict], commands };
}

function contentsFor(
  { attachment, options: recorded }: MasqueradeRecord,
  address: OwnedAddress,
): PolicyContents | undefined {
  try {
    const options = readOptions(recorded ?? {});
    return policyFor(address, options, readInForce(options)).contents();
  } catch (error) {
    if (!(error instanceof CniError)) throw error;
    const { containerId, ifname, network } = attachment;
    const who = `${containerId} ${ifname} on ${network}`;
    logLine(`bauta: ${formatIp(address.ip)} does not go back to ${who}: ${error.message}`);
    return undefined;
  }
}

/** Whether the attachment has a record, which a DEL renames before it does anything else. */
export function isAlive(owner: string): boolean {
  return records.byId(owner) !== undefined;
}
