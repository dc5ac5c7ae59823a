// What an ADD asks for, and the plan of the transaction that does it; claim.ts tells which of the two plans is tried first.

import type { Attachment } from "../../cni/attachment.ts";
import type { AskedChain } from "../../nftables/chain.ts";
import type { Command } from "../../nftables/message.ts";
import { nfproto } from "../../nftables/uapi.ts";
import { attachmentId } from "../../owned/id.ts";
import { byFamily, type Cidr, type Family } from "../../wire/ip.ts";
import { addOwned, type OwnedAddress } from "./elements.ts";
import type { Policy } from "./policy.ts";
import type { DisplacedAddress } from "./records.ts";
import { POSTROUTING, POSTROUTING_USE, TABLE } from "./table-names.ts";

/** An address, and the policy that the address is to have. */
export interface AddressRequest {
  readonly cidr: Cidr;
  readonly policy: Policy;
}

/** What an ADD asks for. */
export interface ClaimRequest {
  readonly attachment: Attachment;
  readonly addresses: readonly AddressRequest[];
  /** Whether the invalid packets of the addresses are to be dropped. */
  readonly isStrict: boolean;
}

/** The transaction that makes the attachment the owner of its addresses, and what its record has to tell. */
export interface ClaimPlan {
  readonly commands: readonly Command[];
  readonly owned: readonly OwnedAddress[];
  readonly displaced: readonly DisplacedAddress[];
}

/** The question for a chain. The chain at the hook leads to all policies, so the answer must count its rules. */
export function questionOf(family: Family, name: string): AskedChain {
  const chain = { family: nfproto(family), table: TABLE, name };
  return name === POSTROUTING ? { ...chain, use: POSTROUTING_USE } : chain;
}

/** The elements of the addresses, of both families. */
export function addAll(attachment: Attachment, owned: readonly OwnedAddress[]): Command[] {
  const id = attachmentId(attachment);
  return byFamily(owned).flatMap(([family, own]) => addOwned(family, attachment, id, own));
}
